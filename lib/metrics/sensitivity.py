"""What the metrics see: known changes to real faces, scored like any synthesis.

A metric that is to judge faces should mind another person's face more than a change nobody sees.  The
changes are of the size that distinguishes published systems; each keeps 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from lib.metrics.feature_similarity import feature_maps, fsim_batch
from lib.metrics.sketch_texture import scoot
from lib.metrics.structural_similarity import ssim_batch


def distortions(faces: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Changed copies of grey uint8 faces (n, H, W), n ≥ 2, by what was done to them."""
    values = faces.astype(np.float64)
    mean = values.mean(axis=(1, 2), keepdims=True)
    noise = np.random.default_rng(seed).normal(0, 10, values.shape)
    return {
        "shifted by 1 pixel": np.concatenate([faces[:, :, :1], faces[:, :, :-1]], axis=2),
        "shifted by 2 pixels": np.concatenate([faces[:, :, :1], faces[:, :, :1], faces[:, :, :-2]], axis=2),
        "blurred, σ = 1 pixel": _to_uint8(gaussian_filter(values, (0, 1, 1))),
        "blurred, σ = 3 pixels": _to_uint8(gaussian_filter(values, (0, 3, 3))),
        "noise, σ = 10 grey levels": _to_uint8(values + noise),
        "contrast × 0.7": _to_uint8(mean + 0.7 * (values - mean)),
        "30 grey levels darker": _to_uint8(values - 30),
        "another person": np.roll(faces, 1, axis=0),
    }


def sensitivity(faces: np.ndarray) -> pd.DataFrame:
    """Score every distortion of grey faces (n, H, W): columns change, metric, image (0 … n-1), value in [0, 1]."""
    score = _scorer(faces)
    parts = [pd.DataFrame({"change": change, "metric": metric, "image": range(len(faces)), "value": values})
             for change, changed in distortions(faces).items() for metric, values in score(changed).items()]
    return pd.concat(parts, ignore_index=True)


def blur_response(references: np.ndarray, faces: np.ndarray, sigmas: Sequence[float]) -> pd.DataFrame:
    """Score grey faces (n, H, W), blurred more and more, against references: columns sigma, metric, value (mean).

    sigmas: standard deviations of the Gaussian in pixels; 0 leaves the faces as they are.
    """
    score = _scorer(references)
    rows = []
    for sigma in sigmas:
        blurred = _to_uint8(gaussian_filter(faces.astype(np.float64), (0, sigma, sigma)))
        rows += [(sigma, metric, values.mean()) for metric, values in score(blurred).items()]
    return pd.DataFrame(rows, columns=["sigma", "metric", "value"])


def _scorer(references: np.ndarray) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Return a function that scores faces against ``references``, which are analysed once."""
    maps = [feature_maps(reference) for reference in references]
    return lambda faces: {
        "ssim": ssim_batch(references, faces), "fsim": fsim_batch(maps, faces),
        "scoot": np.array([scoot(*pair) for pair in zip(references, faces, strict=True)])}


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
