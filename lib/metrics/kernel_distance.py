"""KID: kernel distance between two sets of images, unbiased at any number of images.

Source: M. Binkowski, D. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", ICLR 2018: the
squared maximum mean discrepancy with the kernel (xᵀy / d + 1)³, in its unbiased estimate (Gretton et
al., JMLR 13, 2012, Eq. 3).  It may be slightly negative when the sets agree.

Deviation: the customary KID averages over random blocks of images; test sets here are small, so all
images form one block.
"""

from __future__ import annotations

import numpy as np

from lib.metrics.frechet_distance import checked_features


def kernel_distance(reference: np.ndarray, synthesised: np.ndarray) -> float:
    """Unbiased squared MMD of feature sets (n, d) and (m, d), n and m ≥ 2, under the cubic kernel."""
    x, y = checked_features(reference, synthesised)
    return _mean_off_diagonal(x) + _mean_off_diagonal(y) - 2 * float(_kernel(x, y).mean())


def _mean_off_diagonal(x: np.ndarray) -> float:
    kernel = _kernel(x, x)
    return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
