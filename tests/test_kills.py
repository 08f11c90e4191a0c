"""Commands killed at random moments, in the short form; ``python tests/kills.py`` kills more often, trainings too."""

from __future__ import annotations

import os

import kills
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")


def test_prepare_synthesise_and_score_survive_kills():
    kills.kill_all(6, seed=0, stages=("prepare", "synthesise", "score"), say=lambda text: None)


def test_what_a_kill_costs_is_noticed(tmp_path, monkeypatch):
    """A command that does not end what an earlier process began, or leaves half a file, is found out."""
    def careless(arguments):
        file = tmp_path / "killed" / "results" / "half.json"
        begun = file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{" if not begun else "{\"begun\": 2}", encoding="utf-8")
        import time
        time.sleep(30)
        return 0

    monkeypatch.setattr(kills.__main__, "main", careless)
    (tmp_path / "before").mkdir()
    with pytest.raises(kills.Lost, match="half.json"):
        kills.kill_stage("score", tmp_path / "before", {}, 2.0, 1, kills.np.random.default_rng(0))

    def forgetful(arguments):
        return 0

    monkeypatch.setattr(kills.__main__, "main", forgetful)
    with pytest.raises(kills.Lost, match="1 files differ.*scores.csv"):
        kills.kill_stage("score", tmp_path / "before", {"results/scores.csv": b""}, 0.001, 1,
                         kills.np.random.default_rng(0))


def test_measured_times_are_no_difference_and_weights_are(tmp_path):
    import torch
    for name, contents in {"a": {"seconds": 1.0, "w": torch.zeros(2)}, "b": {"seconds": 2.0, "w": torch.zeros(2)},
                           "c": {"seconds": 1.0, "w": torch.tensor([0.0, 1e-9])}}.items():
        torch.save(contents, tmp_path / f"{name}.pt")
    first, second, third = (kills.content(tmp_path / f"{name}.pt") for name in "abc")
    assert first == second and first != third
