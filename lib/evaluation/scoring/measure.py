"""One score per pair of images, for any of the image metrics, with the references analysed once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from lib.base.errors import StudyError, unknown_name
from lib.base.hardware import available_cores
from lib.metrics import fsim, fsim_batch, scoot, ssim, ssim_batch
from lib.metrics.feature_similarity import FeatureMaps, feature_maps

IMAGE_METRICS = ("ssim", "fsim", "fsimc", "scoot")
_KEPT_FACES = 400  # references whose feature maps are kept: 0.4 MB each at 200×250, 0.8 MB with chroma


def workers() -> int:
    """Threads for scoring: the processors this process may use, at most 4 (memory bandwidth bounds the rest)."""
    return min(4, available_cores())


def check_metrics(metrics: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics without repeats; raises StudyError for an unknown name or none at all."""
    metrics = tuple(dict.fromkeys(metrics))
    if not metrics:
        raise StudyError(f"No metric asked for. Known: {', '.join(IMAGE_METRICS)}.")
    for name in metrics:
        if name not in IMAGE_METRICS:
            raise unknown_name("metric", name, IMAGE_METRICS)
    return metrics


class References:
    """Real targets (n, H, W) or (n, H, W, 3) uint8 that several systems are scored against.

    FSIM spends half its time on the reference; here it is analysed at its first use and kept.
    """

    def __init__(self, faces: np.ndarray):
        self.faces = faces
        self._maps: dict[bool, list[FeatureMaps]] = {}

    def for_fsim(self, chromatic: bool) -> np.ndarray | list[FeatureMaps]:
        """The references as ``fsim_batch`` takes them: analysed, or as they are where that would fill the memory."""
        if len(self.faces) > _KEPT_FACES:
            return self.faces
        if chromatic not in self._maps:
            self._maps[chromatic] = [feature_maps(face, chromatic) for face in self.faces]
        return self._maps[chromatic]


def score_images(references: References | np.ndarray, images: np.ndarray,
                 metrics: Iterable[str]) -> dict[str, np.ndarray]:
    """Score image i against reference i: metric → (n,) float64.

    references, images: uint8 (n, H, W) or (n, H, W, 3), of one size.  ``ssim``, ``fsim`` and ``scoot`` grey
    colour images as MATLAB's rgb2gray; ``fsimc`` replicates grey ones.  Raises StudyError for unequal stacks.
    """
    if not isinstance(references, References):
        references = References(references)
    threads = workers()
    ways = {
        "ssim": lambda: ssim_batch(references.faces, images, workers=threads),
        "fsim": lambda: fsim_batch(references.for_fsim(False), images, workers=threads),
        "fsimc": lambda: fsim_batch(references.for_fsim(True), images, chromatic=True, workers=threads),
        "scoot": lambda: np.array([scoot(*pair) for pair in zip(references.faces, images, strict=True)]),
    }
    return {name: ways[name]() for name in check_metrics(metrics)}


def score_pair(reference: np.ndarray, image: np.ndarray, metrics: Iterable[str]) -> dict[str, float]:
    """Score one uint8 image (H, W[, 3]) against its reference: metric → value, as ``score_images`` does."""
    ways = {"ssim": ssim, "fsim": fsim, "fsimc": partial(fsim, chromatic=True), "scoot": scoot}
    return {name: ways[name](reference, image) for name in check_metrics(metrics)}
