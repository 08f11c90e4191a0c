"""SSIM: structural similarity of two 8-bit grey images.

Source: Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image quality assessment: from error visibility
to structural similarity", IEEE TIP 13(4), 2004, Eq. 13; equal to the authors' ssim_index program:
11 × 11 Gaussian window of standard deviation 1.5, K = (0.01, 0.03), L = 255, mean over the valid
region, no down-sampling.  scikit-image's default differs; its Gaussian mode agrees.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import ndimage

from lib.base.hardware import available_cores
from lib.base.images import to_grey
from lib.metrics.inputs import check_pair, check_stacks
from lib.metrics.workspace import Workspaces

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
RADIUS = 5
_OFFSETS = np.arange(-RADIUS, RADIUS + 1)
_WINDOW = np.exp(-_OFFSETS**2 / (2 * 1.5**2))
_WINDOW /= _WINDOW.sum()


def ssim(reference: np.ndarray, image: np.ndarray) -> float:
    """SSIM of two uint8 images (H, W) or (H, W, 3) of one height and width, sides ≥ 11; colour is greyed.

    Returns a value ≤ 1; 1 for equal images, and slightly negative ones occur for unrelated textures.
    Raises StudyError for another dtype, shape or unequal sizes.
    """
    return float(ssim_map(reference, image).mean())


def ssim_map(reference: np.ndarray, image: np.ndarray) -> np.ndarray:
    """SSIM of every window of two images as ``ssim`` takes them: (H - 10, W - 10) float64, each at its window's centre.

    Pixel (r, c) of the map stands for pixel (r + 5, c + 5) of the images.  Raises StudyError as ``ssim`` does.
    """
    check_pair(reference, image, smallest=2 * RADIUS + 1)
    x, y = to_grey(reference), to_grey(image)
    planes, smooth = _workspace(x.shape)
    planes[0], planes[1] = x, y
    np.multiply(planes[0], planes[1], out=planes[2])
    np.multiply(planes[0], planes[0], out=planes[3])
    planes[3] += np.multiply(planes[1], planes[1], out=smooth[0])
    # The Gaussian window, valid region only.
    valid = np.s_[:, RADIUS:-RADIUS]
    ndimage.correlate1d(planes, _WINDOW, axis=1, output=smooth)
    ndimage.correlate1d(smooth[valid], _WINDOW, axis=2, output=planes[valid])
    mean_x, mean_y, covariance, variances = planes[valid][..., RADIUS:-RADIUS]
    product = mean_x * mean_y
    squares = np.multiply(mean_x, mean_x, out=mean_x)
    squares += np.multiply(mean_y, mean_y, out=mean_y)
    covariance -= product
    variances -= squares  # of x plus of y
    return (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2))


# Two stacks of the planes x, y, xy and x² + y², (4, H, W) each: the second receives what is made of the first.
_workspace = Workspaces(lambda shape: np.empty((2, 4, *shape)))


def ssim_batch(references: np.ndarray, images: np.ndarray, workers: int | None = None) -> np.ndarray:
    """SSIM of image i against reference i, (n,) float64; each value equals that of ``ssim``.

    references, images: uint8 (n, H, W) or (n, H, W, 3).  workers: threads, by default one per core.
    """
    check_stacks(references, images, smallest=2 * RADIUS + 1)
    with ThreadPoolExecutor(workers or available_cores()) as pool:
        return np.array(list(pool.map(ssim, references, images)))
