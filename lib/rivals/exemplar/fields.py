"""What MRF and MWF share: nodes that decide together, by how well neighbours' target patches agree.

Every node keeps its K nearest candidates.  Neighbours overlap; ``O`` are the parts of a node's K
candidate target patches inside the overlap with one neighbour.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch

from lib.rivals.exemplar.exemplar import ExemplarMethod
from lib.rivals.exemplar.patches import PatchGrid


@dataclass(frozen=True)
class Overlaps:
    """Facing parts of the candidates (K of each node) of neighbouring nodes.

    right, left: (down, across-1, K, V) parts of node (i, j) and (i, j+1) in their common pixels;
    lower, upper: (down-1, across, K, V) parts of (i, j) and (i+1, j).
    """

    right: torch.Tensor
    left: torch.Tensor
    lower: torch.Tensor
    upper: torch.Tensor


def _facing(patches: torch.Tensor, tops: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Common parts of neighbours along axis 1: patches (A, n, K, L, p, C) → two (A, n-1, K, V).

    Overlaps of unequal width (the last node is moved inwards) are padded with zeros on both sides alike,
    which adds nothing to any difference.
    """
    ends, starts = [], []
    widths = (size - tops.diff()).tolist()
    widest = max(widths, default=0)
    for n, width in enumerate(widths):
        pad = (0, 0, 0, widest - width)
        ends.append(torch.nn.functional.pad(patches[:, n, :, :, size - width:], pad))
        starts.append(torch.nn.functional.pad(patches[:, n + 1, :, :, :width], pad))
    if not widths:
        empty = patches.new_zeros(len(patches), 0, patches.shape[2], 1)
        return empty, empty
    return torch.stack(ends, 1).flatten(3), torch.stack(starts, 1).flatten(3)


def overlaps(patches: torch.Tensor, grid: PatchGrid) -> Overlaps:
    """Cut the overlaps out of candidate target patches (N, K, P)."""
    patches = patches.unflatten(-1, (grid.size, grid.size, -1)).unflatten(0, grid.shape)  # (down, across, K, p, p, C)
    right, left = _facing(patches, grid.columns, grid.size)
    turned = patches.permute(1, 0, 2, 4, 3, 5)  # rows and columns change places
    lower, upper = _facing(turned, grid.rows, grid.size)
    return Overlaps(right, left, lower.transpose(0, 1), upper.transpose(0, 1))


class FieldMethod(ExemplarMethod):
    """Nodes decide together over their K nearest candidates, or the K nearest of ``distinct`` training images."""

    def __init__(self, *, neighbours: int, distinct: bool = False, **options):
        super().__init__(**options)
        self.neighbours, self.distinct = neighbours, distinct

    @abstractmethod
    def choose(self, differences: torch.Tensor, parts: Overlaps) -> torch.Tensor:
        """Weights (N, K) of the candidates, from differences Z (N, K, D) and overlaps of one image."""

    def estimate_patches(self, queries: torch.Tensor) -> torch.Tensor:
        images, nodes, dimensions = queries.shape
        count = min(self.neighbours, self.sources.count if self.distinct else self.candidates.count)
        differences = queries.new_empty(images, nodes, count, dimensions)
        positions = torch.empty(images, nodes, count, dtype=torch.long, device=queries.device)
        for tile in self.candidates.tiles():
            for t in range(images):
                differences[t, tile.nodes], positions[t, tile.nodes] = tile.nearest(
                    queries[t, tile.nodes], self.neighbours, self.distinct)
        made = queries.new_empty(images, nodes, self.grid.size ** 2 * self.targets.channels)
        for t in range(images):
            patches = self.targets.at(positions[t])  # (N, K, P)
            weights = self.choose(differences[t], overlaps(patches, self.grid))
            made[t] = torch.bmm(weights[:, None], patches)[:, 0]
        return made
