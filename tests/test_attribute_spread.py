"""DRIT's random attributes: spreads in closed form on a network whose pictures are known."""

from __future__ import annotations

import types

import numpy as np
import pytest
import torch
from conftest import made_up_faces

from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import attribute_spread
from lib.rivals.deep.drit import Drit
from lib.rivals.deep.drit_settings import DritSettings
from lib.training.tensors import translate_faces

SETTINGS = DritSettings.at("tiny", precision="fp32")
FACES = made_up_faces(3)


def translator(trainable):
    return types.SimpleNamespace(trainable=trainable, settings=SETTINGS)


@pytest.fixture(scope="module")
def drit():
    torch.manual_seed(0)
    return Drit(SETTINGS, torch.device("cpu"), training=False)


def test_zero_is_what_the_tables_score_and_equal_attributes_make_equal_pictures(drit):
    attributes = torch.zeros(2, 8)
    for direction, sources in zip(DIRECTIONS, (FACES.photos, FACES.sketches)):
        made = attribute_spread.translate_with(translator(drit), direction, sources, attributes)
        plain = translate_faces(drit, SETTINGS, direction, sources)
        assert made.shape == (2, *plain.shape) and (made == plain).all()


def test_spreads_in_closed_form(drit, monkeypatch):
    """Scores are set: 0.5 for zero, then face i under code k scores (k + i) / 10."""
    scores = iter([{"ssim": np.full(3, 0.5), "fsim": np.full(3, 0.5)}] +
                  [{name: (k + np.arange(3)) / 10 for name in ("ssim", "fsim")} for k in (1, 2, 3, 4)])
    monkeypatch.setattr(attribute_spread, "score_images", lambda *given: next(scores))
    table = attribute_spread.of_network(translator(drit), DIRECTIONS[0], FACES.photos, FACES.sketches, codes=4)
    expected = 100 * np.std([0.1, 0.2, 0.3, 0.4], ddof=1)
    for row in table.itertuples():
        assert row.zero == 50 and row.mean == pytest.approx(35)
        assert row.sd_of_means == pytest.approx(expected) and row.sd_in_a_face == pytest.approx(expected)
        assert (row.codes, row.faces) == (4, 3)


def test_attributes_are_always_the_same_ones(drit):
    tables = [attribute_spread.of_network(translator(drit), DIRECTIONS[1], FACES.sketches, FACES.photos, codes=2)
              for _ in range(2)]
    assert tables[0].equals(tables[1]) and (tables[0].sd_in_a_face > 0).all()


def test_a_study_without_drit_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    with pytest.raises(StudyError, match="--system drit"):
        attribute_spread.write("tiny", "portraits")
    with pytest.raises(StudyError, match="at least 2"):
        attribute_spread.write("tiny", "portraits", codes=1)
