"""Copies that their owners put together: what is absent, swapped, turned or named nowhere is told."""

from __future__ import annotations

import pytest
from made_up_databases import cufs_by_sub_database, names

from lib import __main__, databases
from lib.base.errors import StudyError
from lib.databases import catalogue, sheets


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))


def no_images(folder):
    for file in (folder / "AR").rglob("*.jpg"):
        file.unlink()


def no_sketches(folder):
    for file in (folder / "AR" / "sketches").iterdir():
        file.unlink()


def empty_images(folder):
    for file in (folder / "AR").rglob("*.jpg"):
        file.write_bytes(b"")


def no_lines(folder):
    (folder / "pairs.csv").write_text("photo,sketch,split,group\n" + "".join(
        f"{place}/photos/{name}.jpg,{place}/sketches/{name}_sz1.jpg,{split},xm2vts\n"
        for place in ("XM2VTS",) for split in databases.SPLITS for name in names("xm2vts", split, 4)), encoding="utf-8")


@pytest.mark.parametrize("remove, told", [
    (no_images, ["no sound pair of ar:", "ar (123 pairs): expected in {0}/ar/photos/ and {0}/ar/sketches/"]),
    (no_sketches, ["no sound pair of ar:", "ar-m-002-1: AR/photos/m-002-1.jpg has no sketch"]),
    (empty_images, ["no sound pair of ar:", "ar-m-002-1: AR/photos/m-002-1.jpg: cannot be read"]),
    (no_lines, ["no sound pair of cuhk-student or ar:", "{0}/pairs.csv, with ar in the column group"]),
])
def test_a_missing_part_of_cufs_is_named_and_nothing_excuses_it(tmp_path, capsys, remove, told):
    cufs_by_sub_database(tmp_path)
    remove(tmp_path)
    command = ["prepare", "--database", "cufs", "--data", str(tmp_path), "--exclude-broken"]
    assert __main__.main(command) == 2
    message = capsys.readouterr().err
    assert all(words.format(tmp_path) in message for words in told), message
    assert ("--database cuhk-student" in message) == (remove is not no_lines)
    assert not (tmp_path / "exclusions.csv").exists()
    # Nor does what an owner wrote by hand.
    sheets.write_rows(tmp_path / "exclusions.csv", ("name", "reason"), [("ar", "not at hand")] + [
        (f"ar-{name}", "not at hand") for name in catalogue.known_split("ar")])
    with pytest.raises(StudyError, match=r"(?s)no sound pair of .*ar.*ar: left out by exclusions.csv \(not at hand\)"):
        databases.load("cufs", "train", tmp_path)
