"""Contrasts of a whole design from all its trainings: seeds as blocks, and the device where it is asked for.

The mean score of a training r of cell c over faces is modelled as

    y_r = μ_c + b_seed(r) [+ d_device(r)] + e_r,

b because trainings of equal seed see the faces in the same order, whatever the cell; e_r spreads by as much as its
cell's trainings do.  Least squares give a contrast Σ w_c μ_c as a weighted sum Σ a_r y_r of all trainings; in a design
with equal seeds in all cells it is the plain one, and only its uncertainty is another.  With residuals ê and leverages
h,

    V_runs = Σ_c (Σ_{r in c} a_r²) v_c,   v_c = Σ_{r in c} ê_r² / f_c,   f_c = Σ_{r in c} (1 − h_r),

which for equal seeds and equal weights is unbiased however differently the cells spread, on Welch's degrees of freedom
with f_c in place of S_c − 1.  A cell of fewer than ``OWN_FREEDOM`` degrees borrows the v pooled over all.  To it comes
V_images, the variance of Σ a_r y_ri over faces i, as everywhere (``lib.findings.contrasts``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.base.errors import StudyError
from lib.base.statistics import limits_and_p
from lib.findings.contrasts import FACES, FACES_AND_TRAININGS, Effect

OWN_FREEDOM = 0.8  # two seeds in each of eight cells leave 0.875 degrees of freedom to a cell, a single one in it less
_NONE = 1e-9


class RunModel:
    """Least squares over the trainings of one direction and metric.

    cells: scores (images, seeds) in per cent, the same images in all.  devices: (system, seed) → device, where it is to
    be a factor.  Raises StudyError for cells on different images, and for a training without a device.
    """

    def __init__(self, cells: Mapping[str, pd.DataFrame], devices: Mapping[tuple[str, int], str] | None = None):
        images = next(iter(cells.values())).index
        if any(set(cell.index) != set(images) for cell in cells.values()):
            raise StudyError("The cells of a design must be scored on the same images.")
        runs = [(system, seed) for system, cell in cells.items() for seed in cell]
        if devices is not None and (unknown := [run for run in runs if run not in devices]):
            raise StudyError(f"No record of the device of {unknown[0][0]}, seed {unknown[0][1]}.")
        self.scores = np.column_stack([cell.loc[images].to_numpy(dtype=float) for cell in cells.values()])
        self.systems, self.counts = list(cells), [cell.shape[1] for cell in cells.values()]
        self.cell = np.repeat(np.arange(len(cells)), self.counts)
        factors = [[seed for _, seed in runs]] + ([[devices[run] for run in runs]] if devices else [])
        dummies = [np.eye(len(cells))[self.cell]]
        dummies += [pd.get_dummies(pd.Series(labels), drop_first=True).to_numpy(float) for labels in factors]
        self.design = np.hstack(dummies)
        self._inverse = np.linalg.pinv(self.design.T @ self.design)
        means = self.scores.mean(axis=0)
        hat = self.design @ self._inverse @ self.design.T
        residual = means - hat @ means
        self.freedom = np.bincount(self.cell, 1 - np.diag(hat))  # f_c
        self._squares = np.bincount(self.cell, residual**2)

    @property
    def pooled(self) -> tuple[float, float]:
        """Standard deviation of trainings within cells, seeds (and devices) apart, and its degrees of freedom."""
        freedom = self.freedom.sum()
        return (float(np.sqrt(self._squares.sum() / freedom)), float(freedom)) if freedom > _NONE else (np.nan, 0.0)

    def contrast(self, weights: pd.Series) -> Effect:
        """Σ w_c μ_c with limits and p-value; weights: by system.

        NaN where the factors cannot be told apart, as when a cell ran on one device alone and none links it to others.
        """
        target = np.zeros(self.design.shape[1])
        target[:len(self.systems)] = weights[self.systems]
        shares = self.design @ self._inverse @ target  # a_r
        seeds = min(count for count, weight in zip(self.counts, target) if weight)
        if not np.allclose(self.design.T @ shares, target, atol=1e-6):
            return Effect(np.nan, np.nan, np.nan, np.nan, len(self.scores), seeds)
        per_image = self.scores @ shares
        parts = [(per_image.var(ddof=1) / len(per_image), len(per_image) - 1), *self._run_part(shares)]
        limits = FACES_AND_TRAININGS if len(parts) > 1 else FACES
        return Effect(float(per_image.mean()), *limits_and_p(per_image.mean(), parts), len(per_image),
                      seeds, limits)

    def difference(self, first: str, second: str) -> Effect:
        """One cell minus another, with the seeds' and the other cells' help."""
        return self.contrast(pd.Series({first: 1.0, second: -1.0}).reindex(self.systems, fill_value=0.0))

    def _run_part(self, shares: np.ndarray) -> list[tuple[float, float]]:
        """V_runs and its degrees of freedom; nothing where no two trainings tell how far trainings spread."""
        sd, total = self.pooled
        if not total:
            return []
        weight = np.bincount(self.cell, shares**2)
        own = self.freedom >= OWN_FREEDOM
        sources = [(weight[c] * self._squares[c] / self.freedom[c], self.freedom[c]) for c in np.flatnonzero(own)]
        if (~own).any():
            sources.append((weight[~own].sum() * sd**2, total))
        variance = sum(part for part, _ in sources)
        return [(variance, variance**2 / sum(part**2 / freedom for part, freedom in sources))] if variance else []
