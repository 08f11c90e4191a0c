"""Handing grids over: what Slurm is asked for and answers (its programs pretended), and jobs of this machine for real.

``tests/test_slurm.py`` does it with a real Slurm.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess

import pytest
from cluster_checks import DATABASE, PROFILE, assert_same, make_undisturbed, small_runs, wait_for

from lib import __main__
from lib.base import files, locks, paths
from lib.base.errors import StudyError
from lib.commands.train import GRIDS
from lib.evaluation import grids, scoring
from lib.evaluation.cluster import standing, submission
from lib.evaluation.cluster.submission import Job, Resources
from lib.training.make_run import Cell

pytestmark = [pytest.mark.trains, pytest.mark.skipif(os.name != "posix", reason="Slurm is for POSIX systems")]

PRETENDED = {"sbatch": 'cp "$1" "$STORE/script"; echo >> "$STORE/calls"\n'
                       'echo "Submitted batch job $((76 + $(wc -l < "$STORE/calls")))"', "srun": "exit 1",
             "squeue": 'cat "$STORE/queue"', "scancel": 'echo "$*" >> "$STORE/cancelled"',
             "sacct": 'cat "$STORE/accounts" 2>/dev/null'}


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MSGSARL_CHECKPOINT_SECONDS", "0.2")
    return tmp_path


@pytest.fixture
def slurm(study, monkeypatch):
    """A folder where the pretended programs keep what they are given, and find what they are to say."""
    for name, text in PRETENDED.items():
        program = files.make_folder(study / "bin") / name
        program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{study / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STORE", str(study))
    (study / "queue").touch()
    return study


def states() -> dict[Cell, str]:
    return {one.cell: one.state for one in standing.standing(PROFILE, DATABASE)}


def test_runs_that_share_networks_stay_together_and_none_is_lost():
    runs = grids.cells(["msg-sarl", "backbone", "msg-sarl+output_resampling=area", "backbone-msg",
                        "backbone+output_resampling=area"], "portraits", "quick", [0, 1])
    for per_job in (1, 2, 3, 10):
        jobs = submission.jobs_of(runs, per_job)
        assert sorted(map(str, runs)) == sorted(str(run) for job in jobs for run in job)
        networks = [{run.network for run in job} for job in jobs]
        assert all(len(some) <= per_job for some in networks) and len(set.union(*networks)) == sum(map(len, networks))
        assert len(jobs) == -(-6 // per_job)


def test_slurm_is_asked_for_what_the_options_say(slurm, capsys):
    command = ["train", "--database", "portraits", "--profile", "tiny", "--grid", "ablations", "--launcher", "slurm",
               "--gpus", "1", "--cpus", "6", "--memory", "24", "--hours", "1.5", "--per-job", "3", "--at-most", "2",
               "--partition", "gpu long", "--account", "face", "--sbatch", "qos=low", "--sbatch", "exclusive"]
    assert __main__.main([*command, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "24 runs, 0 of them complete" in said and "8 jobs of slurm, each: 1 GPU, 6 cores, 24 GB" in said
    assert said.count("no training of it on a graphics card is on record") == 24 and "24 runs not counted" in said
    assert not (slurm / "script").exists() and not (slurm / "results").exists(), "a dry run leaves nothing"
    assert __main__.main(command) == 0
    script = (slurm / "script").read_text(encoding="utf-8")
    asked = dict(line[len("#SBATCH --"):].partition("=")[::2] for line in script.splitlines() if "#SBATCH" in line)
    expected = {"gpus-per-node": "1", "cpus-per-task": "6", "mem": "24GB", "time": "90", "partition": "'gpu long'",
                "account": "face", "array": "0-7%2", "qos": "low", "exclusive": "", "requeue": ""}
    assert expected.items() <= asked.items()
    assert asked["signal"].startswith("USR2@")
    assert re.search("^srun .*--cpus-per-task=6 .*submitit", script, re.MULTILINE)
    for variable, value in (("MSGSARL_RESULTS", slurm / "results"), ("MSGSARL_CACHE", paths.cache_root()),
                            ("MSGSARL_DATA", paths.data_root())):
        assert re.search(rf"^export {variable}='?{re.escape(str(value))}'?$", script, re.MULTILINE)


def test_time_on_a_card_is_that_of_trainings_on_record(study):
    """The median of three, a pair; another processor's and another system's do not count."""
    for seed, (seconds, device) in enumerate(((100, "H100"), (120, "H100"), (300, "H200"), (9000, "cpu"))):
        files.write_json(paths.run_folder(PROFILE, "cufs", "msg-sarl", seed) / "run.json", {
            "pairs": 50, "seconds": seconds, "device": device, "revision": "r", "versions": {"torch": "2"}})
    runs = grids.cells(["msg-sarl", "msg-sarl+output_resampling=area", "fcn"], DATABASE, PROFILE, [0])
    *known, unknown = submission.expected_seconds(runs, card=True)
    assert known == [(pytest.approx(120 / 50 * 8), "as 3 trainings on H100, H200")] * 2 and unknown[0] is None


def test_a_run_is_handed_over_once_and_stands_where_slurm_says(slurm, capsys):
    runs = small_runs(("backbone", "backbone-msg"), seeds=2, epochs=1)
    assert submission.submit("slurm", runs, Resources()) == ["77_0", "77_1", "77_2", "77_3"]
    (slurm / "queue").write_text("77_0|RUNNING (None)\n77_1|PENDING (Resources)\n77_2|TIMEOUT (TimeLimit)\n"
                                 "5|RUNNING (None)\n", encoding="utf-8")
    (slurm / "accounts").write_text("77_3|OUT_OF_MEMORY\n", encoding="utf-8")
    progress = {"done": 3, "steps": 12}
    files.write_json(runs[0].folder / "private" / "progress.json", progress)
    found = {one.cell: (one.state, one.note) for one in standing.standing(PROFILE, DATABASE)}
    assert found[runs[0]] == ("running", "step 3 of 12, 25%") and found[runs[1]] == ("waiting", "pending (resources)")
    assert found[runs[2]][0] == found[runs[3]][0] == "failed"
    assert "timeout" in found[runs[2]][1] and "out_of_memory" in found[runs[3]][1]
    assert __main__.main(["jobs"]) == 1
    said = capsys.readouterr().out
    assert "4 runs: 1 running, 1 waiting, 2 failed" in said and "pending (resources)" in said
    assert __main__.main(["jobs", "--cancel"]) == 1
    assert (slurm / "cancelled").read_text(encoding="utf-8") == "77_0 77_1\n"
    assert __main__.main(["jobs", "--profile", "quick"]) == 0


def test_a_grid_leaves_out_what_waits_and_says_so(slurm, capsys):
    command = ["train", "--database", "portraits", "--profile", "tiny", "--grid", "ablations", "--seed", "0",
               "--launcher", "slurm"]
    assert __main__.main(command) == 0
    (slurm / "queue").write_text("".join(f"77_{place}|PENDING (Priority)\n" for place in range(6)), encoding="utf-8")
    (slurm / "script").unlink()
    assert __main__.main(command) == 0
    assert "6 waiting or running in jobs" in capsys.readouterr().out
    assert "--array=0-1%" in (slurm / "script").read_text(encoding="utf-8"), "the two that Slurm has forgotten"
    with open(slurm / "queue", "a", encoding="utf-8") as queue:
        queue.write("78_0|RUNNING (None)\n78_1|COMPLETING (None)\n")
    (slurm / "script").unlink()
    assert __main__.main(command) == 0 and not (slurm / "script").exists()

    capsys.readouterr()
    assert __main__.main([*command[:5], "--grid", "ledger", *command[7:]]) == 0
    sharing = [system for system in GRIDS["ledger"]("tiny") if "output_resampling" in system]
    assert sharing and f"{len(sharing)} use networks that a job is to train" in capsys.readouterr().out
    handed = {one.cell.system for one in standing.standing(PROFILE, DATABASE)}
    assert not handed & set(sharing) and handed >= set(GRIDS["ledger"]("tiny")) - set(sharing)


def test_what_cannot_be_handed_over_is_said(slurm, monkeypatch, capsys):
    grid = ["train", "--database", "portraits", "--profile", "tiny", "--grid", "ablations"]
    one = ["train", "--database", "portraits", "--profile", "tiny", "--system", "lle"]
    for arguments, reason in (([*grid, "--gpus", "1"], "--gpus: for a grid that is handed over"),
                              ([*one, "--launcher", "slurm"], "--launcher: for a grid"),
                              ([*one, "--dry-run"], "give --grid too"),
                              ([*grid, "--launcher", "slurm", "--force"], "begins anew whenever")):
        assert __main__.main(arguments) == 2
        assert reason in capsys.readouterr().err
    program = slurm / "bin" / "sbatch"
    program.write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: gpu' >&2\nexit 1\n",
                       encoding="utf-8")
    assert __main__.main([*grid, "--launcher", "slurm"]) == 2
    assert "invalid partition specified: gpu" in capsys.readouterr().err
    assert __main__.main(["jobs"]) == 0, "nothing was handed over"
    monkeypatch.setenv("PATH", str(slurm))
    assert __main__.main([*grid, "--launcher", "slurm"]) == 2
    assert "sbatch is not to be found" in capsys.readouterr().err


def test_a_local_job_interrupted_and_killed_goes_on_and_ends_in_the_same_bits(study, monkeypatch):
    runs = small_runs(("backbone",), seeds=1, epochs=12)
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
    with pytest.raises(StudyError, match="checkpoint.pt: refused"):
        Job((broken, fine), 1)()
    assert scoring.stamps_of(fine.folder) and not scoring.stamps_of(broken.folder)


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_stops_nobody(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    for _ in range(2):  # a killed holder would leave the first one's traces
        with locks.held(tmp_path / "new" / "claimed", wait=False), locks.held(tmp_path / "new" / "claimed", wait=False):
            pass


def test_a_lock_is_held_by_one_and_other_errors_are_told(tmp_path, monkeypatch):
    with locks.held(tmp_path / "claimed"), pytest.raises(locks.HeldElsewhere):
        with locks.held(tmp_path / "claimed", wait=False):
            pass
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "broken disk")))
    with pytest.raises(OSError, match="broken disk"), locks.held(tmp_path / "claimed", wait=False):
        pass
