"""Patch grids, blending and stitching of the exemplar rivals."""

import itertools

import pytest
import torch

from lib.base.errors import StudyError
from lib.rivals.exemplar.patches import Patches, PatchGrid, average_overlaps, join_by_boundary_cut, minimum_error_cut

GRIDS = [(20, 16, 6, 3), (23, 17, 6, 4), (12, 12, 12, 5), (25, 20, 10, 10), (19, 21, 5, 1)]


def own_patches(images: torch.Tensor, grid: PatchGrid) -> torch.Tensor:
    patches, nodes = Patches(images, grid.size), grid.nodes
    return torch.stack([patches.at(patches.position(t, nodes[:, 0], nodes[:, 1])) for t in range(len(images))])


@pytest.mark.parametrize("height, width, size, step", GRIDS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("blend", [average_overlaps, join_by_boundary_cut])
def test_own_patches_become_the_image_again(height, width, size, step, channels, blend):
    grid = PatchGrid(height, width, size, step)
    draw = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (2, height, width, channels), dtype=torch.uint8, generator=draw)
    assert torch.equal(blend(own_patches(images, grid), grid).round(), images.float())


@pytest.mark.parametrize("height, width, size, step", GRIDS)
def test_nodes_cover_every_pixel_and_stay_inside(height, width, size, step):
    grid = PatchGrid(height, width, size, step)
    covered = torch.zeros(height, width)
    for row, column in grid.nodes.tolist():
        assert 0 <= row <= height - size and 0 <= column <= width - size
        covered[row:row + size, column:column + size] += 1
    assert covered.min() >= 1
    assert grid.shape == (len(grid.rows), len(grid.columns)) and len(grid.nodes) == grid.shape[0] * grid.shape[1]


def test_average_is_the_mean_of_what_covers_a_pixel():
    grid = PatchGrid(5, 7, 3, 2)
    patches = torch.rand(1, len(grid.nodes), 9, generator=torch.Generator().manual_seed(2))
    values = {}
    for n, (row, column) in enumerate(grid.nodes.tolist()):
        for i, j in itertools.product(range(3), range(3)):
            values.setdefault((row + i, column + j), []).append(patches[0, n, 3 * i + j].item())
    blended = average_overlaps(patches, grid)[0, :, :, 0]
    for (row, column), covering in values.items():
        assert blended[row, column].item() == pytest.approx(sum(covering) / len(covering), abs=1e-6)


def test_cut_is_the_cheapest_path():
    error = torch.rand(3, 5, 4, generator=torch.Generator().manual_seed(3))
    paths = [p for p in itertools.product(range(4), repeat=5) if all(abs(a - b) <= 1 for a, b in zip(p, p[1:]))]
    for table, cut in zip(error, minimum_error_cut(error)):
        costs = {p: sum(table[i, v].item() for i, v in enumerate(p)) for p in paths}
        assert tuple(cut.tolist()) == min(costs, key=costs.get)


def test_stitching_takes_whole_pixels_from_either_patch():
    grid = PatchGrid(8, 8, 5, 3)
    patches = torch.arange(4.0)[None, :, None].expand(1, 4, 25).contiguous()
    assert set(join_by_boundary_cut(patches, grid).unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}


@pytest.mark.parametrize("arguments", [(10, 10, 11, 5), (10, 10, 5, 6), (10, 10, 5, 0)])
def test_impossible_grids_are_refused(arguments):
    with pytest.raises(StudyError):
        PatchGrid(*arguments)
