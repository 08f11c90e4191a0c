"""What a node may choose from: training patches near its own place, and the search among them.

Two ways to choose: every training patch in a window around the node (K-NN methods), or a fixed random
sample of that window (RSLCR).  Patches are compared in a PCA basis of the training patches; distances
between patches are kept up to the energy left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lib.base.errors import StudyError
from lib.rivals.exemplar.patches import Patches, PatchGrid

TILE_BYTES = 8 << 20  # working set of one tile: fits the cache, and small blocks are reused by the allocator
PCA_SAMPLES = 20000  # patches from which the basis is learnt


class PatchBasis:
    """PCA basis of patches: at most ``dimensions`` of them, cut where ``energy`` of the variance is kept.

    Centring moves all patches alike and changes no distance; it keeps float32 distances accurate.
    """

    def __init__(self, patches: Patches, *, energy: float, dimensions: int, generator: torch.Generator):
        device = patches.at(torch.tensor([0])).device
        limits = (patches.count, patches.height - patches.size + 1, patches.width - patches.size + 1)
        drawn = [torch.randint(limit, (PCA_SAMPLES,), generator=generator).to(device) for limit in limits]
        sample = patches.at(patches.position(*drawn))
        self.mean = sample.mean(0)
        sample -= self.mean
        values, vectors = torch.linalg.eigh((sample.T @ sample).double() / len(sample))
        values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
        kept = int((values.cumsum(0) < energy * values.sum()).sum()) + 1
        self.vectors = vectors[:, :min(kept, dimensions, len(values))].float().contiguous()  # (P, D)

    @property
    def dimensions(self) -> int:
        return self.vectors.shape[1]

    def project(self, patches: torch.Tensor) -> torch.Tensor:
        """Features (…, D) of patches (…, P)."""
        return (patches - self.mean) @ self.vectors


@dataclass(frozen=True)
class Tile:
    """Some nodes of a grid and all they may choose from.

    nodes: (B,) indices into the grid.  features: (B, M, D).  squares: (B, M) their squared lengths.
    positions: (B, M) flat positions of the candidates in the training images.  images: the candidates
    are ordered place by place, one of each of this many images (0: in no order).
    """

    nodes: torch.Tensor
    features: torch.Tensor
    squares: torch.Tensor
    positions: torch.Tensor
    images: int = 0

    def only(self, node: int) -> Tile:
        """The part of this tile that concerns one of its nodes."""
        at = int((self.nodes == node).nonzero())
        return Tile(self.nodes[at:at + 1], self.features[at:at + 1], self.squares[at:at + 1],
                    self.positions[at:at + 1], self.images)

    def squared_distances(self, queries: torch.Tensor) -> torch.Tensor:
        """(B, M) squared distances of queries (B, D) to all candidates, by one matrix product."""
        products = torch.bmm(queries[:, None], self.features.transpose(1, 2))[:, 0]
        return (self.squares + queries.square().sum(-1, keepdim=True) - 2 * products).clamp(min=0)

    def nearest(self, queries: torch.Tensor, count: int, distinct: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """The ``count`` nearest candidates of queries (B, D), or all when there are fewer.

        distinct: at most one, the nearest, of each training image.  Returns the candidates' differences
        to the query (B, K, D), exact, and their positions (B, K).
        """
        distances = self.squared_distances(queries)
        if distinct:
            distances, place = distances.unflatten(1, (-1, self.images)).min(1)
        chosen = distances.topk(min(count, distances.shape[1]), largest=False).indices
        if distinct:
            chosen = place.gather(1, chosen) * self.images + chosen
        features = self.features.gather(1, chosen[..., None].expand(-1, -1, queries.shape[-1]))
        return features - queries[:, None], self.positions.gather(1, chosen)


def _offsets(radius: int, spacing: int) -> torch.Tensor:
    """Offsets -radius … radius in steps of ``spacing``; always holds 0, the node's own place."""
    reach = radius // spacing * spacing
    return torch.arange(-reach, reach + 1, spacing)


def _window_places(tops: torch.Tensor, last: int, offsets: torch.Tensor) -> torch.Tensor:
    """(nodes, offsets) rows (or columns) that a node's window visits, inside 0 … last.

    At the border the whole window moves inwards by multiples of its spacing: the number of candidates
    stays the same, none occurs twice, and the node's own place stays among them.
    """
    spacing = int(offsets[1] - offsets[0]) if len(offsets) > 1 else 1
    short, over = (-(tops + offsets[0])).clamp(min=0), (tops + offsets[-1] - last).clamp(min=0)
    shift = (short + spacing - 1) // spacing - (over + spacing - 1) // spacing  # rounded up
    places = tops[:, None] + shift[:, None] * spacing + offsets
    if places.min() < 0 or places.max() > last:
        raise StudyError(f"Search window ±{int(offsets[-1])}: wider than the places a patch can take in the image. "
                         "Choose a smaller radius or smaller patches.")
    return places


class WindowCandidates:
    """All training patches in the window of each node; features are computed once for every place visited."""

    def __init__(self, sources: Patches, grid: PatchGrid, basis: PatchBasis, *, radius: int, spacing: int):
        device = basis.mean.device
        self.sources, self.grid, self.basis = sources, grid, basis
        offsets = _offsets(radius, spacing)
        rows = _window_places(grid.rows, grid.height - grid.size, offsets)  # (down, offsets)
        columns = _window_places(grid.columns, grid.width - grid.size, offsets)
        visited_rows, row_index = rows.unique(return_inverse=True)
        visited_columns, column_index = columns.unique(return_inverse=True)

        def combined(row: torch.Tensor, column: torch.Tensor, width: int) -> torch.Tensor:
            # Flat places (N, offsets²) from those of rows (down, offsets) and columns (across, offsets).
            return (row[:, None, :, None] * width + column[None, :, None, :]).flatten(2).flatten(0, 1).to(device)

        self._places = combined(rows, columns, grid.width)  # in a training image
        self._index = combined(row_index, column_index, len(visited_columns))  # in the table of features
        self._images = torch.arange(sources.count, device=device) * grid.height * grid.width
        places = torch.cartesian_prod(visited_rows, visited_columns).to(device)
        self._table = torch.empty(len(places), sources.count * basis.dimensions, device=device)
        self._squares = torch.empty(len(places), sources.count, device=device)
        block = max(1, TILE_BYTES // (4 * sources.count * len(basis.mean)))
        for start in range(0, len(places), block):
            row, column = places[start:start + block].T
            position = self._images + (row * grid.width + column)[:, None]
            features = basis.project(sources.at(position))
            self._table[start:start + block] = features.flatten(1)
            self._squares[start:start + block] = features.square().sum(-1)

    @property
    def count(self) -> int:
        """M, candidates of each node."""
        return self._places.shape[1] * len(self._images)

    def tiles(self, values: int = 0) -> Iterator[Tile]:
        """All nodes, in order, as many at a time as fit with ``values`` further float32 per candidate."""
        per_node = 4 * self.count * (self.basis.dimensions + values)
        for nodes in torch.arange(len(self._places)).split(max(1, TILE_BYTES // per_node)):
            window = slice(int(nodes[0]), int(nodes[-1]) + 1)
            index, count = self._index[window], len(nodes)
            positions = self._places[window][..., None] + self._images  # (B, offsets², n)
            yield Tile(nodes, self._table[index].view(count, self.count, -1), self._squares[index].flatten(1),
                       positions.flatten(1), len(self._images))


class SampledCandidates:
    """A random sample of each node's window over all training images, drawn once when fitting."""

    def __init__(self, sources: Patches, grid: PatchGrid, basis: PatchBasis, *, radius: int, samples: int,
                 generator: torch.Generator):
        device = basis.mean.device
        offsets = _offsets(radius, 1)
        rows = _window_places(grid.rows, grid.height - grid.size, offsets)
        columns = _window_places(grid.columns, grid.width - grid.size, offsets)
        self.basis = basis
        total = sources.count * len(offsets) ** 2
        nodes = torch.cartesian_prod(torch.arange(len(rows)), torch.arange(len(columns)))
        # Allocated at once: kept pieces between large temporary ones would scatter over gigabytes of memory.
        self._positions = torch.empty(len(nodes), min(samples, total), dtype=torch.long, device=device)
        self._features = torch.empty(*self._positions.shape, basis.dimensions, device=device)
        for node, (row, column) in enumerate(nodes.tolist()):
            chosen = torch.randperm(total, generator=generator)[:samples]
            image, place = chosen // len(offsets) ** 2, chosen % len(offsets) ** 2
            position = sources.position(image, rows[row, place // len(offsets)], columns[column, place % len(offsets)])
            self._positions[node] = position.to(device)
            self._features[node] = basis.project(sources.at(self._positions[node]))
        self._squares = torch.stack([features.square().sum(-1) for features in self._features])

    @property
    def count(self) -> int:
        """M, candidates of each node."""
        return self._positions.shape[1]

    def tiles(self, values: int = 0) -> Iterator[Tile]:
        """All nodes, in order, as many at a time as fit with ``values`` further float32 per candidate."""
        per_node = 4 * self.count * (self.basis.dimensions + values)
        for nodes in torch.arange(len(self._positions)).split(max(1, TILE_BYTES // per_node)):
            window = slice(int(nodes[0]), int(nodes[-1]) + 1)
            yield Tile(nodes, self._features[window], self._squares[window], self._positions[window])
