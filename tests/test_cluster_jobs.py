"""Jobs that make runs, on this machine: interrupted, killed, gathered; they end in the bits of undisturbed runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import pytest
from cluster_checks import DATABASE, PROFILE, assert_same, make_undisturbed, small_runs, wait_for

from lib.base import paths
from lib.base.errors import StudyError
from lib.evaluation import grids, scoring
from lib.evaluation.cluster import standing, submission
from lib.evaluation.cluster.submission import Job, Resources
from lib.training.make_run import Cell

pytestmark = [pytest.mark.trains, pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX systems")]


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MSGSARL_CHECKPOINT_SECONDS", "0.2")
    return tmp_path


def states() -> dict[Cell, str]:
    return {one.cell: one.state for one in standing.standing(PROFILE, DATABASE)}


def test_a_local_job_interrupted_and_killed_goes_on_and_ends_in_the_same_bits(study, monkeypatch):
    runs = small_runs(("backbone",), seeds=1, epochs=24)
    [job] = submission.submit("local", runs, Resources(), jobs=1)
    checkpoint = runs[0].folder / "checkpoint.pt"
    wait_for(checkpoint.exists, tell=lambda: standing.standing(PROFILE, DATABASE))
    assert states() == {runs[0]: "running"}
    worker = children_of(int(job))[0]
    os.kill(worker, signal.SIGUSR2)  # preempted: the job starts again by itself
    wait_for(lambda: children_of(int(job)) not in ([], [worker]))
    before = checkpoint.stat().st_mtime_ns
    wait_for(lambda: checkpoint.stat().st_mtime_ns > before)
    assert states() == {runs[0]: "running"}
    os.kill(children_of(int(job))[0], signal.SIGKILL)
    wait_for(lambda: states() == {runs[0]: "failed"})
    assert not (runs[0].folder / "run.json").exists()
    submission.submit("local", runs, Resources(), jobs=1)
    wait_for(lambda: states() != {runs[0]: "running"} and states() != {runs[0]: "waiting"})
    assert states() == {runs[0]: "made"}, standing.standing(PROFILE, DATABASE)
    scoring.gather(PROFILE, DATABASE)
    make_undisturbed(runs, study / "undisturbed", monkeypatch)
    assert_same(runs, study / "undisturbed")


def children_of(process: int) -> list[int]:
    found = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,stat="], capture_output=True, encoding="utf-8").stdout
    rows = [line.split() for line in found.splitlines()]
    return [int(pid) for pid, parent, state in rows if int(parent) == process and not state.startswith("Z")]


def test_scores_are_gathered_once_and_only_those_of_the_faces_that_are_there(study, monkeypatch):
    shared = small_runs(("backbone",), seeds=2, epochs=1)
    runs = shared + grids.cells([f"{shared[0].system}+output_resampling=area"], DATABASE, PROFILE, [0])
    Job(tuple(runs), 1)()
    table = paths.study_folder(PROFILE, DATABASE) / "scores.csv"
    assert not table.exists(), "a job writes into its runs' folders alone"
    assert len(scoring.gather(PROFILE, DATABASE)) == 3
    gathered = table.read_bytes()
    assert grids.missing(runs) == [] and scoring.gather(PROFILE, DATABASE) == ()
    assert scoring.score_study(PROFILE, DATABASE).scored == () and table.read_bytes() == gathered
    make_undisturbed(runs, study / "undisturbed", monkeypatch)
    assert_same(shared, study / "undisturbed")

    rows = gathered.decode().splitlines(keepends=True)
    table.write_text("".join(row for row in rows if "area" not in row), encoding="utf-8")  # lost to another writer
    assert scoring.gather(PROFILE, DATABASE) == (str(runs[2]),) and table.read_bytes() == gathered
    face = next(shared[1].folder.glob("photo-to-sketch/*.png"))
    shutil.copy(next(shared[0].folder.glob("photo-to-sketch/*.png")), face)  # made again, by whomever
    table.unlink()
    scoring.gather(PROFILE, DATABASE)
    kept = table.read_text(encoding="utf-8").splitlines()
    stale = [row for row in gathered.decode().splitlines() if f"photo-to-sketch,{shared[1].system},1," in row]
    assert stale and set(gathered.decode().splitlines()) - set(kept) == set(stale)


def test_a_job_makes_all_that_it_can_and_says_what_failed(study):
    broken, fine = small_runs(("backbone", "backbone-msg"), seeds=1, epochs=1)
    broken.folder.mkdir(parents=True)
    (broken.folder / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(StudyError, match="checkpoint.pt: cannot be read as a checkpoint"):
        Job((broken, fine), 1)()
    assert scoring.stamps_of(fine.folder) and not scoring.stamps_of(broken.folder)
