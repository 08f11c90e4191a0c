"""PSNR and MAE: how far two 8-bit images lie apart pixel by pixel, all channels alike.

They say little about faces (a blurred face has few large differences), but they are asked for.
"""

from __future__ import annotations

import numpy as np

from lib.base.images import to_rgb
from lib.metrics.inputs import check_pair


def psnr(reference: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, 10 log₁₀(255² / mean squared difference), of two uint8 images of one size.

    (H, W) or (H, W, 3); grey beside colour is replicated.  Infinite for equal images.  Raises StudyError for another
    dtype, shape or unequal sizes.
    """
    squared = float(np.mean(_difference(reference, image) ** 2))
    return 10 * float(np.log10(255**2 / squared)) if squared else float("inf")


def mae(reference: np.ndarray, image: np.ndarray) -> float:
    """Mean absolute difference in grey levels, in [0, 255], of two uint8 images as ``psnr`` takes them."""
    return float(np.mean(np.abs(_difference(reference, image))))


def _difference(reference: np.ndarray, image: np.ndarray) -> np.ndarray:
    check_pair(reference, image, smallest=1)
    if reference.ndim != image.ndim:
        reference, image = to_rgb(reference), to_rgb(image)
    return reference.astype(np.float64) - image
