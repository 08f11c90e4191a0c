"""Patch grids, patches at any position, and how overlapping patches become one image again.

Letters: T images, N nodes of a grid, M candidates, K neighbours, C channels, p patch side,
P = p·p·C values of a patch, D features.  Images are (…, H, W, C) tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lib.base.errors import StudyError


@dataclass(frozen=True)
class PatchGrid:
    """Overlapping square patches that cover an image: one node every ``step`` pixels.

    The last row and column of nodes are moved inwards to end with the image, so every pixel is covered
    whatever the image's size.  Raises StudyError when a patch is larger than the image or the step
    leaves gaps.
    """

    height: int
    width: int
    size: int
    step: int

    def __post_init__(self):
        if not 1 <= self.step <= self.size:
            raise StudyError(f"Patch step {self.step}: must be between 1 and the patch size {self.size}, "
                             "otherwise pixels stay uncovered.")
        if self.size > min(self.height, self.width):
            raise StudyError(f"Patch size {self.size}: larger than the image ({self.height}×{self.width}). "
                             "Choose smaller patches.")

    @staticmethod
    def _tops(length: int, size: int, step: int) -> torch.Tensor:
        return torch.tensor(sorted({*range(0, length - size + 1, step), length - size}))

    @property
    def rows(self) -> torch.Tensor:
        """Top row of each row of nodes."""
        return self._tops(self.height, self.size, self.step)

    @property
    def columns(self) -> torch.Tensor:
        """Left column of each column of nodes."""
        return self._tops(self.width, self.size, self.step)

    @property
    def shape(self) -> tuple[int, int]:
        """Nodes down and across."""
        return len(self.rows), len(self.columns)

    @property
    def nodes(self) -> torch.Tensor:
        """(N, 2) top row and left column of every node, row by row."""
        return torch.cartesian_prod(self.rows, self.columns)


class Patches:
    """Every patch of a stack of uint8 images (n, H, W, C), addressed by one flat position.

    position = (image · H + row) · W + column of the patch's top left pixel.
    """

    def __init__(self, images: torch.Tensor, size: int):
        self.count, self.height, self.width, self.channels = images.shape
        self.size = size
        # Positions near the end would read past the last image; nobody asks for them, but the view needs the room.
        flat = torch.nn.functional.pad(images.reshape(-1), (0, size * self.width * self.channels))
        self._view = flat.as_strided(
            (self.count * self.height * self.width, size, size * self.channels),
            (self.channels, self.width * self.channels, 1))

    def position(self, image: torch.Tensor, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        """Flat position of the patch of ``image`` with this top left pixel."""
        return (image * self.height + row) * self.width + column

    def at(self, position: torch.Tensor) -> torch.Tensor:
        """Patches at flat positions (…), as float32 (…, P) in grey levels."""
        if position.device.type == "cpu":  # numpy copies whole rows of pixels here, several times as fast
            return torch.from_numpy(self._view.numpy()[position.numpy()]).flatten(-2).float()
        return self._view[position].flatten(-2).float()


def average_overlaps(patches: torch.Tensor, grid: PatchGrid) -> torch.Tensor:
    """Blend patches (T, N, P) into images (T, H, W, C): each pixel is the mean of all patches covering it."""
    size, (down, across) = grid.size, grid.shape
    rows, columns = grid.rows.to(patches.device)[:, None], grid.columns.to(patches.device)
    patches = patches.unflatten(-1, (size, size, -1)).unflatten(1, (down, across))  # (T, down, across, p, p, C)
    total = patches.new_zeros(len(patches), grid.height, grid.width, patches.shape[-1])
    count = patches.new_zeros(grid.height, grid.width, 1)
    for i in range(size):  # one addend per pixel and step: the sum's order, and so its rounding, is fixed
        for j in range(size):
            total[:, rows + i, columns + j] += patches[:, :, :, i, j]
            count[rows + i, columns + j] += 1
    return total / count


def minimum_error_cut(error: torch.Tensor) -> torch.Tensor:
    """Cheapest path through squared differences (…, L, V): for each of L steps one of V places, (…, L).

    Neighbouring steps differ by at most one place (Efros and Freeman, SIGGRAPH 2001); dynamic
    programming over L, all leading dimensions at once.
    """
    cost = error[..., 0, :]
    choices = []
    for step in range(1, error.shape[-2]):
        padded = torch.nn.functional.pad(cost, (1, 1), value=float("inf"))
        reachable = torch.stack([padded[..., 1:-1], padded[..., :-2], padded[..., 2:]])  # stay first: wins ties
        best, move = reachable.min(0)
        choices.append(move)
        cost = best + error[..., step, :]
    place = cost.argmin(-1, keepdim=True)
    path = [place]
    for move in reversed(choices):
        place = place + torch.tensor([0, -1, 1], device=error.device)[move.gather(-1, place)]
        path.append(place)
    return torch.cat(path[::-1], -1)


def _join(patches: torch.Tensor, tops: torch.Tensor, length: int) -> torch.Tensor:
    """Join patches along the last-but-one axis by minimum-error cuts.

    patches: (…, n, L, p, C), the n-th starting at ``tops[n]`` of the axis of p → (…, L, length, C).
    A cut lies between neighbours only; patches are painted in order, each right of its cut.
    """
    size = patches.shape[-2]
    joined = patches.new_zeros(*patches.shape[:-4], patches.shape[-3], length, patches.shape[-1])
    joined[..., :size, :] = patches[..., 0, :, :, :]
    for n in range(1, len(tops)):
        top, overlap = int(tops[n]), int(tops[n - 1]) + size - int(tops[n])
        place, patch = joined[..., top:top + size, :], patches[..., n, :, :, :]
        if overlap > 0:
            left = patches[..., n - 1, :, size - overlap:, :]
            cut = minimum_error_cut((left - patch[..., :overlap, :]).square().sum(-1))  # (…, L)
            mine = torch.arange(size, device=patches.device) >= cut[..., None]
            patch = torch.where(mine[..., None], patch, place)
        joined[..., top:top + size, :] = patch
    return joined


def join_by_boundary_cut(patches: torch.Tensor, grid: PatchGrid) -> torch.Tensor:
    """Stitch patches (T, N, P) into images (T, H, W, C) along minimum-error boundaries, without averaging.

    First the patches of each row of nodes become a strip, then the strips become the image.
    """
    down, across = grid.shape
    patches = patches.unflatten(-1, (grid.size, grid.size, -1)).unflatten(1, (down, across))
    strips = _join(patches, grid.columns, grid.width)  # (T, down, p, W, C)
    return _join(strips.transpose(2, 3), grid.rows, grid.height).transpose(1, 2)
