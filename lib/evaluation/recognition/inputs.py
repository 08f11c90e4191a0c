"""Checks of what recognition is given: arrays of faces, and folders of images from any program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lib.base import images, likeness
from lib.base.errors import StudyError, counted, listed, say_once, some_of
from lib.base.pairing import Partners, pair_by_name


def checked_faces(faces: np.ndarray, name: str) -> np.ndarray:
    """Return faces as vectors (n, p): uint8 as they are, everything else as float64.

    faces: (n, p) or (n, H, W).  Raises StudyError for other shapes, no face, no pixel, NaN or infinity.
    """
    faces = np.asarray(faces)
    if faces.ndim not in (2, 3) or 0 in faces.shape:
        raise StudyError(f"{name}: expected an array (identities, pixels) or (identities, height, width), "
                         f"got shape {faces.shape}. Colour images: convert with lib.base.images.to_grey first.")
    faces = faces.reshape(len(faces), -1)
    if faces.dtype == np.uint8:
        return faces
    if faces.dtype.kind not in "fiub":
        raise StudyError(f"{name}: pixels of type {faces.dtype} are not numbers.")
    faces = faces.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(faces).all(axis=1))
    if len(bad):
        raise StudyError(f"{name}: NaN or infinite pixels in {some_of(len(bad), len(faces), 'image')} (first: row "
                         f"{bad[0]}). "
                         "Find the program that wrote them and make them again.")
    return faces


def read_coloured_pairs(real: Path, synthesised: Path, pattern: str | None = None
                        ) -> tuple[tuple[str, ...], list[np.ndarray], list[np.ndarray]]:
    """Read two folders whose images go by the same names, as they are: grey or RGB, of any size.

    Returns names, real and synthesised images.  Raises StudyError as ``read_pairs`` does for names.
    """
    pairs = pair_by_name([real, synthesised], pattern=pattern)
    faces = _read_all([pair.files[side] for side in (0, 1) for pair in pairs])
    first, second = faces[:len(pairs)], faces[len(pairs):]
    _warn_of_single_images(real, synthesised, pairs, first, second)
    return tuple(pair.name for pair in pairs), first, second


def read_pairs(real: Path, synthesised: Path,
               pattern: str | None = None) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Read two folders whose images go by the same names, whatever their suffixes.

    pattern: picks the name out of a file's (``lib.base.pairing``).  Returns names, real and synthesised faces, both
    (n, H, W) uint8 grey (as MATLAB's ``rgb2gray``).  Raises StudyError listing every name without partner or met
    twice, and every image of another size.
    """
    pairs = pair_by_name([real, synthesised], pattern=pattern)
    names = tuple(pair.name for pair in pairs)
    files = [pair.files[side] for side in (0, 1) for pair in pairs]
    faces = _read_all(files, images.to_grey)
    height, width = faces[0].shape
    odd = [f"{file}: {face.shape[1]}×{face.shape[0]}" for file, face in zip(files, faces)
           if face.shape != (height, width)]
    if odd:
        raise StudyError(f"All images must have the size of {files[0]}, {width}×{height} (width×height); "
                         f"{counted(len(odd), 'image', 'differs/differ')}:\n{listed(odd)}\n"
                         "Align and resize them first.")
    remarks = [likeness.remark(f"images of {folder}", [pair.files[side].name for pair in pairs],
                               likeness.within(likeness.signatures(faces[side * len(names):(side + 1) * len(names)])))
               for side, folder in enumerate((real, synthesised))]
    for text in filter(None, remarks):
        say_once(f"warning: {text}. A person under several names trains and is tested at once, and is taken for an "
                 "error when recognised under another one.")
    _warn_of_single_images(real, synthesised, pairs, faces[:len(names)], faces[len(names):])
    return names, np.stack(faces[:len(names)]), np.stack(faces[len(names):])


def _read_all(files: Sequence[Path], convert: Callable[[np.ndarray], np.ndarray] = np.asarray) -> list[np.ndarray]:
    """Every file, grey or RGB, as it is or converted at once; raises StudyError listing all that cannot be read."""
    faces, problems = [], []
    for file in files:
        try:
            faces.append(convert(images.read_image(file)))
        except StudyError as error:
            problems.append(str(error))
    if problems:
        raise StudyError(f"{counted(len(problems), 'image')} cannot be used:\n{listed(problems)}")
    return faces


def _warn_of_single_images(real: Path, synthesised: Path, pairs: Sequence[Partners], first: Sequence[np.ndarray],
                           second: Sequence[np.ndarray]) -> None:
    """Say which folders hold images that are blank, and how many pairs are one picture twice."""
    for side, (folder, faces) in enumerate(((real, first), (synthesised, second))):
        blank = [pair.files[side].name for pair, face in zip(pairs, faces, strict=True) if face.min() == face.max()]
        if blank:
            say_once(f"warning: {folder}: {some_of(len(blank), len(faces), 'image', 'is/are')} of one grey level and "
                     f"nobody's face, e.g. {blank[0]}.")
    same = [pair.name for pair, one, other in zip(pairs, first, second, strict=True) if np.array_equal(one, other)]
    if same:
        say_once(f"warning: {real} and {synthesised}: {some_of(len(same), len(pairs), 'pair', 'is/are')} equal pixel "
                 f"by pixel, e.g. {same[0]}: recognition of an image by itself says nothing.")
