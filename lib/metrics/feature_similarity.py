"""FSIM and FSIMc: similarity of phase congruency and gradient, weighted where features are.

Source: L. Zhang, L. Zhang, X. Mou, D. Zhang, "FSIM: a feature similarity index for image quality
assessment", IEEE TIP 20(8), 2011, Eqs. 3-11; constants and border handling as in the authors'
FeatureSIM program, which these functions equal on the oracles of tests/data/oracles.

Deviation: without any feature in either image (two constant images) the original divides 0 by 0;
here every pixel then weighs the same.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lib.base.hardware import available_cores
from lib.base.images import to_grey, to_rgb
from lib.metrics.inputs import check_pair, check_stacks
from lib.metrics.phase_congruency import phase_congruency

T1, T2 = 0.85, 160.0  # constants of the phase congruency and gradient similarities
T3 = T4 = 200.0  # of the two chromatic similarities
CHROMA_EXPONENT = 0.03

# Rows Y, I, Q of the YIQ space with the program's three digits.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


@dataclass(frozen=True)
class FeatureMaps:
    """What FSIM needs of one image, so that a reference scored many times is analysed once.

    phase: phase congruency in [0, 1]; gradient: Scharr magnitude; chroma: I and Q, (2, H', W'), or
    None for the luminance-only score.  float32, after the down-sampling that FSIM prescribes.
    """

    phase: np.ndarray
    gradient: np.ndarray
    chroma: np.ndarray | None


def feature_maps(image: np.ndarray, chromatic: bool = False) -> FeatureMaps:
    """Analyse a uint8 image (H, W) or (H, W, 3).

    Luminance is MATLAB's rounded rgb2gray for FSIM (the field scores 8-bit grey images) and the
    unrounded Y of the original program for FSIMc.
    """
    chroma = None
    if chromatic:
        planes = _shrink(np.moveaxis(to_rgb(image) @ _YIQ.T, -1, 0))
        luminance, chroma = planes[0], planes[1:].astype(np.float32)
    else:
        luminance = _shrink(to_grey(image).astype(np.float64)[None])[0]
    return FeatureMaps(phase_congruency(luminance), _gradient(luminance.astype(np.float32)), chroma)


def _shrink(planes: np.ndarray) -> np.ndarray:
    """Average over F × F pixels and keep every F-th, F = max(1, round(shorter side / 256)) (their section IV-A)."""
    factor = max(1, int(np.floor(min(planes.shape[1:]) / 256 + 0.5)))
    if factor == 1:
        return planes
    # MATLAB's conv2(..., 'same') with an even kernel reaches one pixel further down and right.
    origin = -((factor + 1) % 2)
    averaged = [ndimage.uniform_filter(plane, factor, mode="constant", origin=origin) for plane in planes]
    return np.stack(averaged)[:, ::factor, ::factor]


def _gradient(luminance: np.ndarray) -> np.ndarray:
    """Scharr gradient magnitude, kernels (3, 10, 3) / 16, zero beyond the border."""
    padded = np.pad(luminance, 1)
    across = padded[:, 2:] - padded[:, :-2]
    down = padded[2:] - padded[:-2]
    horizontal = 3 * (across[:-2] + across[2:]) + 10 * across[1:-1]
    vertical = 3 * (down[:, :-2] + down[:, 2:]) + 10 * down[:, 1:-1]
    horizontal *= horizontal
    vertical *= vertical
    horizontal += vertical
    return np.sqrt(horizontal, out=horizontal) / 16


def compare(reference: FeatureMaps, image: FeatureMaps) -> float:
    """FSIM of two analysed images, or FSIMc if both carry chroma (Eqs. 4-6, 10 and 11)."""
    similarity = _ratio(reference.phase, image.phase, T1)
    similarity *= _ratio(reference.gradient, image.gradient, T2)
    if reference.chroma is not None and image.chroma is not None:
        chroma = _ratio(reference.chroma[0], image.chroma[0], T3) * _ratio(reference.chroma[1], image.chroma[1], T4)
        # The program takes the real part of the complex power where the product is negative.
        similarity *= np.abs(chroma) ** CHROMA_EXPONENT * np.where(chroma < 0, np.cos(CHROMA_EXPONENT * np.pi), 1)
    weight = np.maximum(reference.phase, image.phase)
    total = weight.sum(dtype=np.float64)
    if total == 0:
        return float(similarity.mean(dtype=np.float64))
    return float((similarity * weight).sum(dtype=np.float64) / total)


def _ratio(a: np.ndarray, b: np.ndarray, constant: float) -> np.ndarray:
    """(2ab + constant) / (a² + b² + constant)."""
    upper, lower = 2 * a, a * a
    upper *= b
    upper += np.float32(constant)
    lower += b * b
    lower += np.float32(constant)
    upper /= lower
    return upper


def fsim(reference: np.ndarray, image: np.ndarray, chromatic: bool = False) -> float:
    """FSIM, or FSIMc with ``chromatic``, of two uint8 images (H, W) or (H, W, 3) of one height and width.

    Returns a value in [0, 1]; 1 for equal images.  FSIM greys colour images; for two grey images
    FSIMc is FSIM.  Raises StudyError for another dtype, shape or unequal sizes.
    """
    check_pair(reference, image)
    return compare(feature_maps(reference, chromatic), feature_maps(image, chromatic))


def fsim_batch(references: np.ndarray | list[FeatureMaps], images: np.ndarray, chromatic: bool = False,
               workers: int | None = None) -> np.ndarray:
    """FSIM of image i against reference i, (n,) float64; each value equals that of ``fsim``.

    references: uint8 (n, H, W) or (n, H, W, 3), or what ``feature_maps`` made of them (with the same
    ``chromatic``), which halves the time when several systems face the same references.
    images: uint8 (n, H, W) or (n, H, W, 3).  workers: threads, by default one per core.
    """
    if not isinstance(references, list):
        check_stacks(references, images)

    def score(pair: tuple[np.ndarray | FeatureMaps, np.ndarray]) -> float:
        reference, image = pair
        known = reference if isinstance(reference, FeatureMaps) else feature_maps(reference, chromatic)
        return compare(known, feature_maps(image, chromatic))

    with ThreadPoolExecutor(workers or available_cores()) as pool:
        return np.array(list(pool.map(score, zip(references, images, strict=True))))
