"""Fréchet distance between two sets of images, seen through any features.

Source: M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
equilibrium", NIPS 2017, Eq. 6: |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½).  With Inception features it
is called FID (``lib.metrics.inception``); with others it carries their name.

Deviation: tr (Σ₁Σ₂)^½ is the sum of the singular values of X₁ X₂ᵀ, X being centred rows over √(n - 1).
That is equal in exact arithmetic, needs no matrix square root, and stays real and stable when there
are fewer images than features, where the customary ``sqrtm`` of a singular product turns complex.
"""

from __future__ import annotations

import numpy as np

from lib.base.errors import StudyError


def frechet_distance(reference: np.ndarray, synthesised: np.ndarray) -> float:
    """Fréchet distance of Gaussians fitted to two feature sets, (n, d) and (m, d), n and m ≥ 2; ≥ 0, 0 for equal sets.

    Biased upwards when n is not much larger than d: compare only values of equal n, and print the
    distance of two halves of real images beside them.  Raises StudyError for unusable features.
    """
    reference, synthesised = checked_features(reference, synthesised)
    x, mean_x = _centred(reference)
    y, mean_y = _centred(synthesised)
    shared = np.linalg.svd(_short(x) @ _short(y).T, compute_uv=False).sum()
    distance = np.sum((mean_x - mean_y) ** 2) + np.sum(x * x) + np.sum(y * y) - 2 * shared
    return float(max(distance, 0.0))


def _centred(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return X with XᵀX = Σ (unbiased, as numpy.cov), and the mean."""
    mean = features.mean(axis=0)
    return (features - mean) / np.sqrt(len(features) - 1), mean


def _short(x: np.ndarray) -> np.ndarray:
    """Replace X (n, d) by its triangular factor (d, d) when n > d: XᵀX, all that counts, stays the same."""
    return np.linalg.qr(x, mode="r") if len(x) > x.shape[1] else x


def checked_features(reference: np.ndarray, synthesised: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both feature sets as float64; raises StudyError unless they are finite, (n ≥ 2, d) and (m ≥ 2, d)."""
    pair = [np.asarray(features, dtype=np.float64) for features in (reference, synthesised)]
    for name, features in zip(("reference", "synthesised"), pair, strict=True):
        if features.ndim != 2 or len(features) < 2:
            raise StudyError(f"The {name} features must be (n, d) with n ≥ 2, but are {features.shape}.")
        if not np.isfinite(features).all():
            raise StudyError(f"The {name} features hold NaN or infinity; look at the feature network's output.")
    if pair[0].shape[1] != pair[1].shape[1]:
        raise StudyError(f"Features of {pair[0].shape[1]} and {pair[1].shape[1]} dimensions cannot be compared.")
    return pair[0], pair[1]
