"""What tests of local and Slurm jobs share: very small runs, and whether two results folders hold the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from lib.base import paths
from lib.base.directions import DIRECTIONS
from lib.evaluation import scoring
from lib.evaluation.grids import cells
from lib.training import checkpoints, make_run
from lib.training.make_run import Cell

DATABASE, PROFILE = "portraits", "tiny"


def small_runs(systems: tuple[str, ...], seeds: int, epochs: int) -> list[Cell]:
    """Runs of four steps an epoch, a fraction of a second each."""
    changes = f"+epochs={epochs}+train_pairs=4+test_pairs=2+width=4"
    return cells([system + changes for system in systems], DATABASE, PROFILE, range(seeds))


def make_undisturbed(runs: list[Cell], folder: Path, monkeypatch) -> None:
    """Make and score the runs in this process, into another results folder."""
    with monkeypatch.context() as patch:
        patch.setenv("MSGSARL_RESULTS", str(folder))
        for run in runs:
            make_run.make(run.plan, run.database, run.seed)
        scoring.score_study(PROFILE, DATABASE)


def assert_same(runs: list[Cell], folder: Path) -> None:
    """The study's scores, weights and faces have the bits of those in ``folder``."""
    here, there = paths.study_folder(PROFILE, DATABASE), folder / PROFILE / DATABASE
    assert (here / "scores.csv").read_bytes() == (there / "scores.csv").read_bytes()
    for run in runs:
        other = there / run.folder.relative_to(here)
        ours, theirs = (checkpoints.load(where / "checkpoint.pt") for where in (run.folder, other))
        assert ours["finished"] and theirs["finished"]
        _assert_equal(ours["method"], theirs["method"])
        faces = sorted(other.glob("*-to-*/*.png"))
        assert len(faces) == 2 * len(DIRECTIONS)
        assert all((run.folder / face.relative_to(other)).read_bytes() == face.read_bytes() for face in faces)


def _assert_equal(ours: object, theirs: object) -> None:
    assert type(ours) is type(theirs)
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs)
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            _assert_equal(ours[key], theirs[key])
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            _assert_equal(one, other)
    else:
        assert ours == theirs


def wait_for(what: Callable[[], bool], seconds: float = 300, tell: Callable[[], object] = str) -> None:
    """Until ``what`` is true; tell: what is said where it takes longer than ``seconds``."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, tell()
        time.sleep(0.2)
