"""Where generators look: maps land on the right pixels, and regions are weighed by their size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import PRECISION

from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import regions
from lib.evaluation.attention import looking
from lib.training import plans
from lib.training.tensors import translate_faces

PHOTO = np.random.default_rng(0).integers(0, 256, (250, 200, 3), np.uint8)


class Untrained:
    """A network with its first weights, to be used like a ``Translator``."""

    def __init__(self, system):
        self.settings = plans.plan("tiny", f"{system}+precision={PRECISION}").settings
        torch.manual_seed(0)
        self.trainable = plans.create(system, self.settings, torch.device("cpu"), training=False)

    def __call__(self, direction, faces, names=None):
        return translate_faces(self.trainable, self.settings, direction, faces, names)


def test_a_cell_of_the_grid_lands_on_its_pixels():
    """32 px squares, a grid of 8: a cell is 4 px of the square, 31.25 × 25 pixels of the face."""
    there = Untrained("u-gat-it")
    grid = torch.zeros(1, 1, 8, 8)
    grid[0, 0, 2, 5] = 3.0
    there.trainable.attention_map = lambda direction, image: grid
    found = looking.map_of(there, DIRECTIONS[0], PHOTO)
    rows, columns = np.nonzero(found)
    assert abs(rows.min() - 62.5) <= 1 and abs(rows.max() - 93.75) <= 1
    assert abs(columns.min() - 125) <= 1 and abs(columns.max() - 150) <= 1
    assert found.mean() == pytest.approx(1) and len(np.unique(found)) == 2


def test_a_region_counts_by_its_size():
    there = Untrained("u-gat-it")
    inside = regions.mask("face")
    share = inside.mean()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking, "map_of", lambda *given: np.where(inside, 1 / share, 0.0))
        found = looking.ratios(there, DIRECTIONS[0], np.stack([PHOTO, PHOTO]))
    assert found.face.tolist() == [pytest.approx(1 / share)] * 2 and not found.hair.any()


def test_attention_that_tells_no_position_apart_is_one_everywhere():
    """With query and key projections of zero every row of μ is uniform, and so is what a position receives."""
    there = Untrained("msg-sarl")
    with torch.no_grad():
        for sarb in there.trainable.generators[DIRECTIONS[0]].sarm:
            for layer in sarb.attention.position.modules():
                if isinstance(layer, torch.nn.Conv2d):
                    layer.weight.zero_()
                    if layer.bias is not None:
                        layer.bias.zero_()
    uniform = looking.map_of(there, DIRECTIONS[0], PHOTO)
    assert uniform == pytest.approx(np.ones((250, 200)), abs=1e-5)
    assert looking.map_of(Untrained("msg-sarl"), DIRECTIONS[0], PHOTO).std() > 1e-6


def test_systems_without_a_map_are_told_apart():
    assert looking.looks("u-gat-it", "tiny") and looking.looks("msg-sarl-no-cycle", "tiny")
    assert not looking.looks("cyclegan", "tiny") and not looking.looks("msg-sarl-no-attention", "tiny")
    with pytest.raises(StudyError, match="no self-attention"):
        looking.map_of(Untrained("msg-sarl-no-attention"), DIRECTIONS[0], PHOTO)

