"""LLE: locally linear embedding of patches (Liu, Tang, Jin, Lu, Ma, CVPR 2005).

For each patch t the K nearest training photo patches x_k reconstruct it, and their sketch patches s_k
take over the weights:

    w = argmin ‖t - Σ w_k x_k‖²,  Σ w_k = 1;   sketch patch = Σ w_k s_k;   overlaps are averaged.
"""

from __future__ import annotations

import torch

from lib.rivals.exemplar.candidates import Tile
from lib.rivals.exemplar.exemplar import LocalMethod
from lib.rivals.exemplar.weights import reconstruction_weights


class LLE(LocalMethod):
    """``regularisation`` is ε of (G + ε tr(G) I) w = 1; the other choices are in ``lib.rivals.exemplar.settings``."""

    def __init__(self, *, neighbours: int = 5, regularisation: float = 1e-3, **options):
        super().__init__(**options)
        self.neighbours, self.regularisation = neighbours, regularisation

    def weigh(self, tile: Tile, queries: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        differences, positions = tile.nearest(queries, self.neighbours)
        return reconstruction_weights(differences, self.regularisation), positions
