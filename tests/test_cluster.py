"""Handing grids over: what Slurm is asked for and what it answers, its programs pretended.

``tests/test_cluster_jobs.py`` runs jobs on this machine, ``tests/test_slurm.py`` on a real Slurm.
"""

from __future__ import annotations

import errno
import os
import re

import pytest
from cluster_checks import DATABASE, PROFILE, small_runs

from lib import __main__
from lib.base import files, locks, paths
from lib.commands.train import GRIDS
from lib.evaluation import grids
from lib.evaluation.cluster import standing, submission
from lib.evaluation.cluster.submission import Resources

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Slurm is for POSIX systems")

PRETENDED = {"sbatch": 'cp "$1" "$STORE/script"; echo >> "$STORE/calls"\n'
                       'echo "Submitted batch job $((76 + $(wc -l < "$STORE/calls")))"', "srun": "exit 1",
             "squeue": 'cat "$STORE/queue"', "scancel": 'echo "$*" >> "$STORE/cancelled"',
             "sacct": 'cat "$STORE/accounts" 2>/dev/null'}


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
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
    assert said.count("no training of it on a graphics card is on record") == 24
    assert "one after the other: unknown" in said and " 0 s" not in said
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
    said = capsys.readouterr().err
    assert said.count("invalid partition specified: gpu") == 1 and "leave --launcher out" in said
    assert __main__.main(["jobs"]) == 0, "nothing was handed over"
    monkeypatch.setenv("PATH", str(slurm))
    assert __main__.main([*grid, "--launcher", "slurm"]) == 2
    assert "sbatch is not to be found" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--launcher", "slurm", "--dry-run"], ["--launcher", "slurm"], ["--dry-run"], []])
@pytest.mark.parametrize("copy, reason", [(None, "no such folder"), ("empty", "no folder of photo images")])
def test_without_its_faces_a_grid_is_refused_first(slurm, capsys, more, copy, reason):
    if copy:
        (slurm / copy).mkdir()
    folder = slurm / (copy or "absent")
    command = ["train", "--database", "cuhk-student", "--profile", "tiny", "--grid", "ablations", "--data", str(folder)]
    assert __main__.main([*command, *more]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"error: {folder}") and reason in said.err
    assert not (slurm / "script").exists() and not list((slurm / "results").rglob("*.json"))


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
