"""Recognisers that need no training people: a function from an image to a vector, and dlib's network as one of them.

Any function will do that takes a uint8 image (H, W) or (H, W, 3) RGB and returns a vector; two faces are as alike as
their vectors are near (Euclidean; a network that compares by cosine gives vectors of length one).
``named("package.module:function")`` finds somebody's own.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from lib.base import cache, images
from lib.base.errors import StudyError
from lib.databases.alignment import dlib_models

# Where dlib's detector sees the face in the field's geometry: its mean box on CUHK Student's 88 training photos.
_USUAL_BOX = (42, 95, 157, 209)


@dataclass(frozen=True)
class Recogniser:
    """embed: uint8 (H, W[, 3]) → (d,).  name: of tables and of the cache, another one where the vectors are others."""

    name: str
    embed: Callable[[np.ndarray], np.ndarray]
    kept: bool = False  # whether vectors are kept in the cache: only of code that does not change


def named(name: str) -> Recogniser:
    """``dlib``, or ``module:function`` of whatever Python finds; raises StudyError for anything else.

    Raises StudyError, too, where dlib or its model files cannot be had.
    """
    if name == "dlib":
        dlib_models.landmarks(), dlib_models.network()  # the sentence that they are missing comes before any work
        return Recogniser("dlib", embed_with_dlib, kept=True)
    module, colon, function = name.partition(":")
    if not colon:
        raise StudyError(f"Unknown recogniser '{name}'. Give dlib, or your own function from an image to a vector as "
                         "module:function.")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise StudyError(f"Recogniser {name}: {error}. Start from the folder that holds {module}.py.") from None
    return Recogniser(name, found)


def embed_with_dlib(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W[, 3]) → (128,) float64 by dlib's network, on the clearest face that its detector finds.

    In an image of the field's geometry without any, the face is looked for where it must be; raises StudyError for
    other images without a face.
    """
    picture = np.ascontiguousarray(images.to_rgb(image))
    boxes, scores, _ = dlib_models.detector().run(picture, 1, 0.0)
    if len(boxes):
        box = boxes[int(np.argmax(scores))]
    elif picture.shape[:2] == (images.HEIGHT, images.WIDTH):
        box = dlib_models.library().rectangle(*_USUAL_BOX)
    else:
        raise StudyError("no face found. Align the images first, with `python -m lib align`.")
    return np.array(dlib_models.network().compute_face_descriptor(picture, dlib_models.landmarks()(picture, box)))


def embed_all(recogniser: Recogniser, faces: Sequence[np.ndarray], names: Sequence[str], what: str = "") -> np.ndarray:
    """Vectors (n, d) of n images; equal images are embedded once, and those of ``kept`` recognisers once for ever.

    names: of the images, for messages.  what: what they are, for the progress bar.
    Raises StudyError naming the image that has no vector, or another length, or NaN in it.
    """
    vectors: dict[str, np.ndarray] = {}
    order = [_digest(face) for face in faces]
    bar = tqdm(zip(names, faces, order, strict=True), total=len(order), desc=what, leave=False, disable=None)
    for name, face, digest in bar:
        if digest not in vectors:
            vectors[digest] = _kept_or_new(recogniser, face, name, digest)
    if len({vector.shape for vector in vectors.values()}) > 1:
        raise StudyError(f"The recogniser {recogniser.name} gave vectors of several lengths; it must give the same for "
                         "every image.")
    return np.stack([vectors[digest] for digest in order])


def _kept_or_new(recogniser: Recogniser, face: np.ndarray, name: str, digest: str) -> np.ndarray:
    file = cache.file("embeddings", recogniser.name, f"{digest}.npy") if recogniser.kept else None
    if file and file.exists():
        return np.load(file)
    try:
        vector = np.asarray(recogniser.embed(face), dtype=float)
    except StudyError as error:
        raise StudyError(f"{name}: {error}") from None
    except Exception as error:  # a function from outside may fail in any way
        raise StudyError(f"{name}: the recogniser {recogniser.name} fails ({type(error).__name__}: {error}) on an "
                         f"image {face.shape}. Mend the function: it takes a uint8 image, (H, W) or (H, W, 3), and "
                         "gives a vector.") from error
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise StudyError(f"{name}: the recogniser {recogniser.name} gave an array {vector.shape}, or NaN in it; it "
                         "must give a vector of numbers.")
    if file:
        cache.keep_arrays(file, vector)
    return vector


def _digest(face: np.ndarray) -> str:
    return hashlib.sha256(repr(face.shape).encode() + np.ascontiguousarray(face).tobytes()).hexdigest()[:32]
