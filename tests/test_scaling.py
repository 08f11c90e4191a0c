"""What a step multiplies and moves, against closed forms and torch's own counter; how it is carried to other sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from lib import __main__
from lib.model.settings import MsgSarlSettings
from lib.training import scaling, speed
from lib.training.plans import plan

SMALL = plan("tiny", "msg-sarl+precision=fp32")


@pytest.fixture(scope="module")
def counts():
    return scaling.count(SMALL)


def test_operations_are_those_of_torch_s_counter(counts):
    assert counts.operations.sum() == pytest.approx(speed.operations(SMALL), rel=1e-12)
    assert list(counts.index) == list(scaling.KINDS)


def test_position_attention_has_its_closed_form(counts):
    """Logits and weighted sum, forward and twice that backward, in four blocks of four passes (two there, two back)."""
    positions, channels = (32 // 8) ** 2, 8 * 8
    assert counts.operations["position attention"] == 4 * 4 * 3 * 2 * positions ** 2 * (channels // 8 + channels)


def test_optimisers_read_and_write_four_numbers_a_weight(counts):
    """Weight, gradient and two moments; Adam's kernel gives all four back."""
    trainable = SMALL.create(SMALL.settings, torch.device("cpu"))
    weights = sum(p.numel() for networks in (trainable.generators, trainable.discriminators)
                  for p in networks.parameters())
    assert counts.bytes["optimisers"] == pytest.approx(2 * 4 * 4 * weights, rel=1e-3)
    assert counts.kernels["optimisers"] == 2


def test_without_attention_nothing_is_counted_for_it():
    found = scaling.count(plan("tiny", "backbone+precision=fp32"))
    assert found.loc["position attention"].sum() == 0 and found.bytes["normalisation"] > 0


def test_counts_are_carried_to_a_size_that_was_not_counted(monkeypatch):
    """Constant, border, map and attention parts, each made up."""
    parts = np.random.default_rng(0).uniform(1, 9, (4, len(scaling.KINDS), 3))

    def count(at):
        side = at.settings.size
        values = sum(part * float(side) ** power for part, power in zip(parts, (0, 1, 2, 4)))
        return pd.DataFrame(values, list(scaling.KINDS), ["kernels", "operations", "bytes"])

    monkeypatch.setattr(scaling, "count", count)
    paper = plan("paper", "msg-sarl")
    pd.testing.assert_frame_equal(scaling.at_size(paper, 256), count(paper), rtol=1e-9)


def test_a_size_changes_nothing_else():
    chosen = scaling.resized(plan("quick", "msg-sarl+size=128+fusion=shared"), 32)
    expected = MsgSarlSettings.at("quick", size=32, fusion="shared", msg=True, attention=True, cycle=True)
    assert chosen.settings == expected


def test_no_kind_takes_less_than_its_operations_or_its_bytes():
    table = pd.DataFrame({"operations": [8.0, 1.0], "bytes": [2.0, 6.0]})
    assert scaling.least_seconds(table, multiplied=4.0, moved=2.0).tolist() == [2.0, 3.0]


def test_the_command_measures_pixels_pairs_and_epochs(tmp_path, capsys, monkeypatch):
    from lib.commands import benchmark

    monkeypatch.setattr(scaling, "comparable_sizes", lambda _: (32, 64))
    monkeypatch.setattr(benchmark, "_LENGTHS", ((4, 1), (64, 1), (4, 16)))
    monkeypatch.setattr(scaling.loop, "train", lambda plan, faces, *_, **__: len(faces) * plan.settings.epochs)
    file = tmp_path / "scaling.csv"
    arguments = ["benchmark", "--scaling", "--profile", "tiny", "--system", "msg-sarl+width=4", "--csv", str(file)]
    assert __main__.main(arguments) == 0
    said = capsys.readouterr().out
    assert "position attention alone: 16 times the operations" in said
    assert all(what in said for what in ("4 times the pixels", "16 times the pairs", "16 times the epochs"))
    table = pd.read_csv(file, encoding="utf-8")
    grown = table.dropna(subset="size").set_index("size")
    assert 3 < grown.operations[64] / grown.operations[32] < 5
    assert table.pairs.max() == 64 and table.epochs.max() == 16
    assert __main__.main(["benchmark", "--scaling", "--roofline"]) == 2
