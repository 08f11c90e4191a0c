"""The image metrics by name, each once: what it sees, what values it can take, how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lib.base.errors import StudyError, unknown_name
from lib.base.hardware import available_cores
from lib.metrics import mae, psnr, scoot, ssim
from lib.metrics.feature_similarity import compare, feature_maps
from lib.metrics.inputs import check_pair, check_stacks

_KEPT_FACES = 400  # references whose feature maps are kept: 0.4 MB each at 200×250, 0.8 MB with chroma


def _as_it_is(image: np.ndarray) -> np.ndarray:
    return image


class ImageMetric(NamedTuple):
    """One score of a uint8 image (H, W[, 3]) against its reference.

    channel: ``grey`` (colour is greyed as MATLAB's rgb2gray does) or ``colour`` (grey is replicated).  limits: the
    least and the largest value.  analyse: what is computed of one image alone.  load: returns the function of two
    analysed images; raises StudyError where a network's weights cannot be had.
    """

    channel: str
    limits: tuple[float, float]
    load: Callable[[], Callable[[Any, Any], float]]
    analyse: Callable[[np.ndarray], Any] = _as_it_is


def _perceptual(name: str) -> Callable[[np.ndarray, np.ndarray], float]:
    from lib.metrics import perceptual_distance  # torch is needed from here on only
    from lib.training.devices import default_device

    return perceptual_distance.load(name, default_device())


IMAGE_METRICS = {
    "ssim": ImageMetric("grey", (-1, 1), lambda: ssim),
    "fsim": ImageMetric("grey", (0, 1), lambda: compare, feature_maps),
    "fsimc": ImageMetric("colour", (0, 1), lambda: compare, partial(feature_maps, chromatic=True)),
    "scoot": ImageMetric("grey", (0, 1), lambda: scoot),
    "psnr": ImageMetric("colour", (0, np.inf), lambda: psnr),
    "mae": ImageMetric("colour", (0, 255), lambda: mae),
    "lpips": ImageMetric("colour", (0, np.inf), partial(_perceptual, "lpips")),
    "dists": ImageMetric("colour", (0, 1), partial(_perceptual, "dists")),
}


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
        self._analysed: dict[tuple[str, int], Any] = {}

    def analysed(self, name: str, row: int) -> Any:
        """What metric ``name`` makes of a reference; kept unless all of them would fill the memory."""
        if len(self.faces) > _KEPT_FACES:
            return IMAGE_METRICS[name].analyse(self.faces[row])
        if (name, row) not in self._analysed:
            self._analysed[name, row] = IMAGE_METRICS[name].analyse(self.faces[row])
        return self._analysed[name, row]


def score_images(references: References | np.ndarray, images: np.ndarray,
                 metrics: Iterable[str]) -> dict[str, np.ndarray]:
    """Score image i against reference i on all cores: metric → (n,) float64.

    references, images: uint8 (n, H, W) or (n, H, W, 3), of one size.  Raises StudyError for unequal stacks and for
    metrics whose weights cannot be had.
    """
    if not isinstance(references, References):
        references = References(references)
    check_stacks(references.faces, images)
    scores = {}
    with ThreadPoolExecutor(available_cores()) as pool:
        for name in check_metrics(metrics):
            analyse, score = IMAGE_METRICS[name].analyse, IMAGE_METRICS[name].load()
            scores[name] = np.array(list(pool.map(
                lambda row: score(references.analysed(name, row), analyse(images[row])), range(len(images)))))
    return scores


def score_pair(reference: np.ndarray, image: np.ndarray,
               scores: dict[str, Callable[[Any, Any], float]]) -> dict[str, float]:
    """Score one uint8 image (H, W[, 3]) against its reference with loaded metrics: metric → value.

    Raises StudyError naming the metric that these images do not allow.
    """
    check_pair(reference, image)
    values = {}
    for name, score in scores.items():
        try:
            analyse = IMAGE_METRICS[name].analyse
            values[name] = score(analyse(reference), analyse(image))
        except StudyError as error:
            raise StudyError(f"no {name}: {error}") from None
        if np.isnan(values[name]):
            raise StudyError(f"{name} is not defined for this image. Leave the image or the metric out.")
    return values
