"""Fine detail: what a blur takes away from grey images, in grey levels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

SIGMA = 2.0  # in pixels; what is finer than that counts


def residue(grey: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Image − Gaussian(image) of grey uint8 images (n, H, W): float64 of the same shape, in grey levels."""
    values = grey.astype(np.float64)
    return values - gaussian_filter(values, (0, sigma, sigma))


def fine_detail(grey: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    """Strength of strokes in grey uint8 images (n, H, W): root mean square of ``residue``, (n,), in grey levels."""
    return np.sqrt((residue(grey, sigma) ** 2).mean((1, 2)))
