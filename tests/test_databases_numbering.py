"""Copies whose files are numbered: from 0 or from 1, in each split anew or through both, with gaps."""

from __future__ import annotations

import pytest
from made_up_databases import names, write_photo, write_sketch

from lib import databases
from lib.base.errors import StudyError
from lib.databases import index


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))


def write_pair(folder, number, *domains, split=None, shift=0):
    """Photo and sketch of a made-up person under a three-digit number; ``shift`` is added to the sketch's."""
    for domain in domains or ("photos", "sketches"):
        write, own = (write_photo, number) if domain == "photos" else (write_sketch, number + shift)
        write(folder / (f"{split}_{domain}" if split else domain) / f"{own:03d}.png", str(number))


def test_numbering_that_restarts_in_each_split(tmp_path):
    for split in databases.SPLITS:
        for k in range(1, 5):
            write_photo(tmp_path / f"{split}_photos" / f"{k:03d}.png", f"{split}{k}")
            write_sketch(tmp_path / f"{split}_sketches" / f"{k:03d}.png", f"{split}{k}")
    faces = databases.load("cuhk-student", "test", tmp_path)
    assert faces.names == tuple(f"test-{k:03d}" for k in range(1, 5))


def test_a_person_in_both_splits_is_a_fault(tmp_path):
    """Numbers of the field's packaging do not restart; number 5 in both folders is one person twice."""
    for number, split in ((1, "train"), (5, "train"), (5, "test"), (95, "test")):
        write_photo(tmp_path / f"{split}_photos" / f"{number}.jpg", str(number))
        write_sketch(tmp_path / f"{split}_sketches" / f"{number}.jpg", str(number))
    with pytest.raises(StudyError, match="more than one file of this name") as error:
        databases.load("cuhk-student", "train", tmp_path)
    assert "test_photos/5.jpg" in str(error.value) and "train_photos/5.jpg" in str(error.value)


def test_numbers_from_zero_stay_paired_where_the_first_sketch_is_missing(tmp_path):
    for number in range(6):
        write_pair(tmp_path, number)
    (tmp_path / "sketches" / "000.png").unlink()
    found = index.build("cuhk-student", tmp_path)
    assert [p.photo.name for p in found.pairs] == [p.sketch.name for p in found.pairs] == [
        f"{k:03d}.png" for k in range(1, 6)]
    assert [p.reason for p in found.problems] == ["photos/000.png has no sketch"]
    assert found.pairs[0].name == names("cuhk-student", "train")[1]  # 001 is the second person


def test_numbers_from_zero_that_go_on_in_the_test_folder(tmp_path):
    """000 to 087 train and 088 to 187 test; the last training photo and the first test photo are two people."""
    for number in (*range(3), 87, 88, 89, 187):
        write_pair(tmp_path, number, split="train" if number < 88 else "test")
    (tmp_path / "test_sketches" / "088.png").unlink()  # the pairs do not hang on the first file
    found = index.build("cuhk-student", tmp_path)
    train, test = (names("cuhk-student", split) for split in databases.SPLITS)
    assert [p.name for p in found.of_split("train")] == [*train[:3], train[-1]]
    assert [p.name for p in found.of_split("test")] == [test[1], test[-1]]
    assert [(p.name, p.reason) for p in found.problems] == [(test[0], "test_photos/088.png has no sketch")]


def test_domains_numbered_from_zero_and_from_one(tmp_path):
    """Photos 000 to 187, sketches 001 to 188: there is no person 189, so the sketches count from 1."""
    for number in (0, 1, 2, 187):
        write_pair(tmp_path, number, shift=1)
    found = index.build("cuhk-student", tmp_path)
    assert not found.problems
    assert [(p.photo.stem, p.sketch.stem) for p in found.pairs] == [
        ("000", "001"), ("001", "002"), ("002", "003"), ("187", "188")]


def test_a_cufsf_numbered_from_zero_is_paired_by_its_numbers(tmp_path):
    for number in range(4):
        write_pair(tmp_path, number, split="train" if number < 2 else "test")
    assert sorted((p.photo.stem, p.sketch.stem) for p in index.build("cufsf", tmp_path).pairs) == [
        (f"{k:03d}", f"{k:03d}") for k in range(4)]


def test_a_cufsf_numbered_otherwise_is_not_split_by_feret_numbers(tmp_path):
    for k in range(224, 234):  # FERET has no subjects 225, 226 and 232 among CUFSF's
        write_photo(tmp_path / "photos" / f"{k}.jpg", str(k))
        write_sketch(tmp_path / "sketches" / f"{k}.jpg", str(k))
    assert index.build("cufsf", tmp_path).by_rule
