"""RSLCR and Fast-RSLCR (Wang, Gao, Li, arXiv 1701.01911): random sampling, locality-constrained weights.

No search: each node keeps a fixed random sample of training patches x_k, drawn when fitting.  All of
them (RSLCR), or the nearest of them (Fast-RSLCR), reconstruct the patch t, near ones at a lower price:

    w = argmin ‖t - Σ w_k x_k‖² + λ ‖d ∘ w‖²,  Σ w_k = 1,  d_k = ‖t - x_k‖;   sketch patch = Σ w_k s_k.

The authors' program fixes the sizes (20×20 patches, overlap 14, window ±5, 800 samples, λ = 0.5,
PCA at 99 % energy and at most 300 dimensions, 200 nearest for the fast form).  That the penalty is
‖d ∘ w‖² is recalled, not read there.
"""

from __future__ import annotations

import torch

from lib.rivals.exemplar.candidates import SampledCandidates, Tile
from lib.rivals.exemplar.exemplar import LocalMethod
from lib.rivals.exemplar.weights import locality_weights


class RSLCR(LocalMethod):
    """``samples`` per node; ``locality`` is λ; ``neighbours`` nearest samples are used, all when None."""

    def __init__(self, *, samples: int = 800, locality: float = 0.5, neighbours: int | None = None, **options):
        super().__init__(**options)
        self.samples, self.locality, self.neighbours = samples, locality, neighbours
        self.uses_all = neighbours is None

    def choose_candidates(self, generator: torch.Generator) -> SampledCandidates:
        return SampledCandidates(self.sources, self.grid, self.basis, radius=self.radius, samples=self.samples,
                                 generator=generator)

    def weigh(self, tile: Tile, queries: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.neighbours is None:
            differences, positions = tile.features - queries[:, None], tile.positions
        else:
            differences, positions = tile.nearest(queries, self.neighbours)
        return locality_weights(differences, self.locality), positions
