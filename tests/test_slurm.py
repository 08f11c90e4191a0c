"""Grids on a real Slurm of one machine: preempted and killed runs go on, end in the same bits, and none is lost."""

from __future__ import annotations

import random
import subprocess
import time

import one_machine_slurm
import pandas as pd
import pytest
from cluster_checks import DATABASE, PROFILE, assert_same, make_undisturbed, small_runs, wait_for

from lib.base import paths
from lib.evaluation import grids, scoring
from lib.evaluation.cluster import standing, submission
from lib.evaluation.cluster.submission import Resources
from lib.training.make_run import Cell

# Not marked ``trains``: what is told about precisions here, tests/test_cluster_jobs.py tells without a Slurm.
pytestmark = pytest.mark.skipif(bool(one_machine_slurm.reason_not_to()), reason=str(one_machine_slurm.reason_not_to()))


@pytest.fixture(scope="module")
def slurm():
    with one_machine_slurm.running() as folder:
        yield folder


@pytest.fixture
def study(slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "cluster"))
    monkeypatch.setenv("MSGSARL_CHECKPOINT_SECONDS", "0.2")
    return tmp_path


def standings() -> dict[Cell, standing.Standing]:
    return {one.cell: one for one in standing.standing(PROFILE, DATABASE)}


def hand_over(runs: list[Cell]) -> list[str]:
    """As the command does: what is missing and no job is going to make."""
    scoring.gather(PROFILE, DATABASE)
    live = {cell for cell, one in standings().items() if one.is_live}
    waiting = [cell for cell in grids.missing(runs) if cell not in live]
    return submission.submit("slurm", waiting, Resources(hours=2)) if waiting else []


def have_ended() -> bool:
    return not any(one.is_live for one in standings().values())


def log_of(job: str) -> str:
    folder = submission.folder_of(PROFILE, DATABASE)
    return "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob(f"{job}_0_log.*")))


def slurm_says(*command: str) -> str:
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def test_a_preempted_run_is_queued_again_and_ends_in_the_same_bits(study, monkeypatch):
    runs = small_runs(("backbone", "backbone-msg"), seeds=1, epochs=24)
    jobs = hand_over(runs)
    assert jobs == [f"{jobs[0].partition('_')[0]}_{place}" for place in (0, 1)], "one array, a task per run"
    assert hand_over(runs) == [], "what is waiting is not handed over again"
    wait_for((runs[0].folder / "checkpoint.pt").exists, tell=lambda: standings())
    assert standings()[runs[0]].state == "running"
    slurm_says("scancel", "--signal=USR2", jobs[0])
    wait_for(lambda: "Requeued job" in log_of(jobs[0]), tell=lambda: log_of(jobs[0]))
    wait_for(have_ended, tell=lambda: standings())
    assert "Restarts=1" in slurm_says("scontrol", "show", "job", jobs[0])
    assert "Restarts=0" in slurm_says("scontrol", "show", "job", jobs[1])
    assert {one.state for one in standings().values()} == {"made"} and grids.missing(runs) == runs
    assert len(scoring.gather(PROFILE, DATABASE)) == 2 and scoring.gather(PROFILE, DATABASE) == ()
    assert {one.state for one in standings().values()} == {"complete"} and grids.missing(runs) == []
    make_undisturbed(runs, study / "undisturbed", monkeypatch)
    assert_same(runs, study / "undisturbed")


def test_sixteen_runs_under_random_kills_are_all_made_and_none_twice(study, monkeypatch):
    """Preempted, killed for good and handed over again, thrown back into the queue: whatever may happen to a job."""
    runs, chance = small_runs(("backbone", "backbone-msg"), seeds=8, epochs=3), random.Random(7)
    kinds = [("scancel", "--signal=USR2"), ("scancel", "--signal=KILL"), ("scontrol", "requeue"), ("scancel",)]
    to_come = chance.sample(2 * kinds, 8)
    began = time.monotonic()
    while hand_over(runs):
        while not have_ended():
            assert time.monotonic() - began < 1500, standings()
            if to_come and (running := slurm_says("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%i").split()):
                # Unchecked: the job may just have ended.
                subprocess.run([*to_come.pop(), chance.choice(running)], capture_output=True)
            time.sleep(chance.uniform(0.1, 0.6))  # a job imports torch before it trains: few end unseen
    assert {one.state for one in standings().values()} == {"complete"}
    assert len(to_come) < 2 * len(kinds), "no job was seen running"
    scores = pd.read_csv(paths.study_folder(PROFILE, DATABASE) / "scores.csv", encoding="utf-8")
    assert not scores.duplicated(["system", "seed", "direction", "image", "metric"]).any()
    assert len(scores.groupby(["system", "seed", "direction"])) == 32
    make_undisturbed(runs, study / "undisturbed", monkeypatch)
    assert_same(runs, study / "undisturbed")


def test_a_run_that_fails_is_listed_with_its_complaint_and_made_by_the_next_submission(study):
    [run] = small_runs(("backbone",), seeds=1, epochs=1)
    run.folder.mkdir(parents=True)
    (run.folder / "checkpoint.pt").write_bytes(b"not a checkpoint")
    [job] = hand_over([run])
    wait_for(have_ended, tell=lambda: standings())
    failed = standings()[run]
    assert failed.state == "failed" and failed.job == job
    assert "checkpoint.pt: cannot be read as a checkpoint" in failed.note
    (run.folder / "checkpoint.pt").unlink()
    [again] = hand_over([run])
    assert again != job
    assert standing.cancel(PROFILE, DATABASE) == [again]
    wait_for(have_ended, tell=lambda: standings())
    assert standings()[run].state == "failed" and "cancelled" in standings()[run].note
