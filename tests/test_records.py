"""Committed run records: all of them count today, and are brought to today's form without loss."""

from __future__ import annotations

import dataclasses
import json
import subprocess

import pytest

from lib import __main__
from lib.base import files, paths
from lib.base.errors import StudyError
from lib.training import records, run_folders
from lib.training.plans import plan


def test_every_committed_record_counts_as_a_run_of_its_name():
    assert records.foreign() == []
    table = run_folders.records()
    assert len(table) >= 126 and not table.duplicated(["profile", "database", "system", "seed"]).any()


def test_every_committed_record_is_of_todays_form():
    committed = list(paths.results_root().glob("*/*/*/seed*/run.json"))
    assert committed
    for record in committed:
        contents = json.loads(record.read_text(encoding="utf-8"))
        profile, database, folder, seed = record.parent.parts[-4:]
        today = plan(profile, contents["system"])
        assert today.name == contents["system"] and today.folder(database, int(seed[4:])) == record.parent
        if "settings" in contents:
            assert contents["settings"].keys() == {field.name for field in dataclasses.fields(today.settings)}
            assert contents["settings"]["precision"] in ("bf16", "fp32")


@pytest.fixture
def old_study(tmp_path, monkeypatch):
    """Two runs of an earlier version: without newer settings, one under a long name in another order."""
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    names = {"msg-sarl": "msg-sarl", "msg-sarl+fusion=shared+norm_after_5x5=false+epochs=1+tap=before-skip": ""}
    for name in names:
        settings = dataclasses.asdict(dataclasses.replace(plan("quick", name).settings, precision="bf16"))
        settings = {key: value for key, value in settings.items() if key not in ("augmentation", "pairing")}
        folder = tmp_path / "quick" / "portraits" / name / "seed0"
        files.write_json(folder / "run.json", {"system": name, "seed": 0, "seconds": 1.5, "settings": settings})
        (folder / "log.csv").write_text("epoch\n1\n", encoding="utf-8")
    return tmp_path


def test_migration_keeps_values_and_moves_long_names(old_study):
    assert records.foreign() == []
    assert len(records.migrate()) == 2 and records.migrate() == []
    long = plan("quick", "msg-sarl+epochs=1+norm_after_5x5=false+tap=before-skip+fusion=shared")
    folder = long.folder("portraits", 0)
    record = files.read_json(folder / "run.json")
    assert record["system"] == long.name and record["seconds"] == 1.5 and (folder / "log.csv").exists()
    assert record["settings"]["fusion"] == "shared" and record["settings"]["pairing"] == "paired"
    assert [run.system for run in run_folders.list_runs(old_study / "quick" / "portraits")] == ["msg-sarl", long.name]
    assert len(list((old_study / "quick" / "portraits").iterdir())) == 2, "the old folder is gone"


def test_two_runs_are_never_put_into_one_folder(old_study):
    taken = plan("quick", "msg-sarl+epochs=1+norm_after_5x5=false+tap=before-skip+fusion=shared")
    target = taken.folder("portraits", 0)
    files.write_json(target / "run.json", {"system": "msg-sarl", "seed": 0})
    before = sorted(file.read_bytes() for file in old_study.rglob("run.json"))
    with pytest.raises(StudyError, match="Two runs in one folder"):
        records.migrate()
    assert sorted(file.read_bytes() for file in old_study.rglob("run.json")) == before


def test_a_revision_is_dirty_by_its_code_and_not_by_its_results(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments],
                       check=True,
                       capture_output=True)

    monkeypatch.setattr(paths, "ROOT", tmp_path)
    files.write_text(tmp_path / "lib" / "code.py", "1")
    files.write_text(tmp_path / "results" / "scores.csv", "1")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    files.write_text(tmp_path / "results" / "scores.csv", "2")
    assert len(run_folders.provenance()["revision"]) == 7
    files.write_text(tmp_path / "lib" / "code.py", "2")
    assert run_folders.provenance()["revision"].endswith("-dirty")


def test_the_command_says_which_numbers_rest_on_which_machine(capsys, tmp_path):
    assert __main__.main(["records", "--profile", "cpu", "--csv", str(tmp_path / "runs.csv")]) == 0
    printed = capsys.readouterr().out
    assert "H100" in printed and "not taken for runs" not in printed
    assert len((tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()) >= 36
    assert __main__.main(["records", "--database", "nowhere"]) == 2
