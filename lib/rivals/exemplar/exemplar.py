"""What all exemplar methods share: a dictionary of aligned pairs, queries, and putting patches together.

An exemplar method learns nothing but where its candidates are.  For every overlapping patch of a test
image it finds training patches that look alike near the same place, and builds the output from their
partners in the other domain.  Methods differ in how they choose and weigh (``estimate``), and in whether
nodes decide alone (``LocalMethod``) or together (``lib.rivals.exemplar.fields``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch

from lib.base import images
from lib.rivals.exemplar.candidates import PatchBasis, SampledCandidates, Tile, WindowCandidates
from lib.rivals.exemplar.patches import Patches, PatchGrid, average_overlaps

CHUNK_BYTES = 64 << 20  # target patches of a chunk of test images held at once


class ExemplarMethod(ABC):
    """One dictionary of training pairs and a rule to synthesise from it.

    patch: side p of a patch and ``step`` between nodes, in pixels.  radius, spacing: candidates come from
    ±radius pixels around a node, every ``spacing`` pixels.  feature: "rgb" compares colour patches,
    "grey" their luminance (a grey source is compared in grey either way).  energy, dimensions: cut of the
    PCA basis in which patches are compared.
    """

    def __init__(self, *, patch: int, step: int, radius: int, spacing: int = 1, feature: str = "rgb",
                 energy: float = 0.99, dimensions: int = 300, seed: int = 0, device: str | None = None):
        self.patch, self.step, self.radius, self.spacing = patch, step, radius, spacing
        self.feature, self.energy, self.dimensions = feature, energy, dimensions
        self.seed = seed
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def _tensor(self, faces: np.ndarray) -> torch.Tensor:
        faces = np.ascontiguousarray(faces)
        return torch.from_numpy(faces if faces.ndim == 4 else faces[..., None]).to(self.device)

    def _sources(self, faces: np.ndarray) -> torch.Tensor:
        return self._tensor(images.to_grey(faces) if self.feature == "grey" and faces.ndim == 4 else faces)

    def fit(self, sources: np.ndarray, targets: np.ndarray) -> None:
        """Prepare the dictionary from aligned uint8 pairs (n, H, W[, 3])."""
        generator = torch.Generator().manual_seed(self.seed)
        height, width = sources.shape[1:3]
        self.grid = PatchGrid(height, width, self.patch, self.step)
        self.sources = Patches(self._sources(sources), self.patch)
        self.targets = Patches(self._tensor(targets), self.patch)
        self.basis = PatchBasis(self.sources, energy=self.energy, dimensions=self.dimensions, generator=generator)
        self.candidates = self.choose_candidates(generator)

    def choose_candidates(self, generator: torch.Generator) -> WindowCandidates | SampledCandidates:
        """Every patch of the window, unless a method samples."""
        return WindowCandidates(self.sources, self.grid, self.basis, radius=self.radius, spacing=self.spacing)

    def queries(self, faces: np.ndarray) -> torch.Tensor:
        """Features (T, N, D) of the patches of uint8 faces (T, H, W[, 3])."""
        patches = Patches(self._sources(faces), self.patch)
        nodes = self.grid.nodes.to(self.device)
        found = torch.empty(len(faces), len(nodes), self.basis.dimensions, device=self.device)
        for t in range(len(faces)):
            found[t] = self.basis.project(patches.at(patches.position(t, nodes[:, 0], nodes[:, 1])))
        return found

    def synthesise(self, faces: np.ndarray) -> np.ndarray:
        """Turn uint8 faces (T, H, W[, 3]) into uint8 targets (T, H, W[, 3])."""
        values = self.grid.size ** 2 * self.targets.channels
        chunk = max(1, CHUNK_BYTES // (4 * len(self.grid.nodes) * values))
        made = torch.empty(*faces.shape[:3], self.targets.channels, dtype=torch.uint8)
        for start in range(0, len(faces), chunk):
            blended = self.blend(self.estimate_patches(self.queries(faces[start:start + chunk])))
            made[start:start + chunk] = blended.round().clamp(0, 255).to(torch.uint8).cpu()
        return made.numpy()[..., 0] if self.targets.channels == 1 else made.numpy()

    @abstractmethod
    def estimate_patches(self, queries: torch.Tensor) -> torch.Tensor:
        """Target patches (T, N, P) in grey levels for queries (T, N, D)."""

    def blend(self, patches: torch.Tensor) -> torch.Tensor:
        """Images (T, H, W, C) from target patches (T, N, P): the mean, unless a method stitches."""
        return average_overlaps(patches, self.grid)


class LocalMethod(ExemplarMethod):
    """Nodes decide alone: target patch = Σ w_k s_k over some candidates.

    uses_all: whether ``weigh`` returns all of a tile's candidates, whose target patches are then read once
    for all test images.
    """

    uses_all = False

    @abstractmethod
    def weigh(self, tile: Tile, queries: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights (B, K) and positions (B, K) of the candidates used, for queries (B, D) of a tile's nodes."""

    def estimate_patches(self, queries: torch.Tensor) -> torch.Tensor:
        values = self.grid.size ** 2 * self.targets.channels
        made = queries.new_empty(*queries.shape[:2], values)
        for tile in self.candidates.tiles(values if self.uses_all else 0):
            patches = self.targets.at(tile.positions) if self.uses_all else None
            for t in range(len(queries)):  # one image at a time: a face never depends on its company
                weights, positions = self.weigh(tile, queries[t, tile.nodes])
                chosen = self.targets.at(positions) if patches is None else patches
                made[t, tile.nodes] = torch.bmm(weights[:, None], chosen)[:, 0]
        return made
