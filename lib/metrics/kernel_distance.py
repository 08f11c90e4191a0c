"""KID: kernel distance between two sets of images, unbiased at any number of images if the sets are independent.

Source: M. Binkowski, D. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", ICLR 2018: the
squared maximum mean discrepancy with the kernel (xᵀy / d + 1)³, in its unbiased estimate (Gretton et
al., JMLR 13, 2012, Eq. 3).  It may be slightly negative when the sets agree.

The sets of this study are not independent: each synthesised face has its real counterpart in the other set.
Such own pairs are more alike than two faces drawn apart, and the cross term counts them as n of its n² pairs, so
the value is too small, by an amount that falls as 1/n.  This is how the field computes it, and it is kept.
Measured on CUHK Student (100 test faces, stand-in network) for MSG-SARL: sketches 0.00284 against 0.00292
without own pairs, photos 0.00184 against 0.00209.  Compare only values of equal n.

Deviation: the customary KID averages over random blocks of images; test sets here are small, so all
images form one block.
"""

from __future__ import annotations

import numpy as np

from lib.metrics.frechet_distance import checked_features


def kernel_distance(reference: np.ndarray, synthesised: np.ndarray) -> float:
    """Squared MMD of feature sets (n, d) and (m, d), n and m ≥ 2, under the cubic kernel.

    Unbiased for independent sets; too small where row i of both is the same face (see the module).
    Raises StudyError for unusable features.
    """
    x, y = checked_features(reference, synthesised)
    return _mean_off_diagonal(x) + _mean_off_diagonal(y) - 2 * float(_kernel(x, y).mean())


def _mean_off_diagonal(x: np.ndarray) -> float:
    kernel = _kernel(x, x)
    return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
