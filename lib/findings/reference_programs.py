"""Ours against the field's own programs, whose values are stored beside the tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib import metrics
from lib.base import images, paths
from lib.evaluation.recognition import nlda_curve

_DATA = paths.ROOT / "tests" / "data"
TOLERANCE = 1e-5


def differences() -> str:
    """SSIM and FSIM of distorted pictures against the authors' MATLAB programs: whether all agree to ``TOLERANCE``."""
    oracles = _DATA / "oracles"
    expected = pd.read_csv(oracles / "matlab_reference.csv", encoding="utf-8")
    pairs = [(images.read_image(oracles / row.ref), images.read_image(oracles / row.dis))
             for row in expected.itertuples()]
    return "\n".join(
        f"{name.upper()}: {len(pairs)} pictures, all within {TOLERANCE:.0e}: "
        f"{bool(np.max(np.abs([getattr(metrics, name)(*pair) for pair in pairs] - expected[name])) < TOLERANCE)}"
        for name in ("ssim", "fsim"))


def nlda_difference() -> tuple[int, float]:
    """Dimensions of a stored recognition problem, and the largest difference of our accuracy from the field's program.

    60 identities of 400 pixels, half of them for training.
    """
    stored = np.load(_DATA / "nlda_problem.npz")
    original = np.loadtxt(_DATA / "nlda_problem.csv", delimiter=",", skiprows=1, encoding="utf-8")[:, 1]
    n = int(stored["n_train"])
    real, synthesised = stored["real"], stored["synthesised"]
    ours = nlda_curve(real[:n], synthesised[:n], real[n:], synthesised[n:])
    return len(ours), float(np.abs(ours - original).max())
