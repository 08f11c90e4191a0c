"""Faulty copies: every offender in one message, explicit exclusions, and a cache that notices changes."""

import errno
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from made_up_databases import cuhk_as_distributed, field, names, write_photo, write_sketch
from PIL import Image

from lib import __main__, databases
from lib.base.errors import StudyError
from lib.databases import sheets


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def copy(tmp_path):
    return cuhk_as_distributed(tmp_path / "cuhk-student", 12, 10)


def prepare(folder, *flags):
    return __main__.main(["prepare", "--database", "cuhk-student", "--data", str(folder), *flags])


def break_everything(folder):
    """One fault of every kind, in different pairs; returns name → a word its report must hold."""
    train = names("cuhk-student", "train")
    photo = folder / "Training photo"
    sketch = {name: folder / "Training sketch" / f"F2{name[1:]}-sz1.jpg" for name in train}
    (photo / f"{train[0]}.jpg").unlink()
    sketch[train[1]].unlink()
    whole = (photo / f"{train[2]}.jpg").read_bytes()
    (photo / f"{train[2]}.jpg").write_bytes(whole[: len(whole) // 2])
    (photo / f"{train[3]}.jpg").write_bytes(b"")
    Image.fromarray(field("x")).convert("CMYK").save(photo / f"{train[4]}.jpg")
    Image.new("RGB", (256, 256)).save(sketch[train[5]])
    write_photo(photo / f"{train[6]}.png", "x")  # beside its .jpg
    for name, mode in zip(train[7:], ("P", "RGBA", "I;16")):
        (photo / f"{name}.jpg").unlink()
        image = Image.fromarray(np.zeros((250, 200), np.uint16)) if mode == "I;16" else Image.new(mode, (200, 250))
        image.save(photo / f"{name}.png")
    return dict(zip(train, ("no photo", "no sketch", "truncated", "cannot be read", "CMYK", "256×256", "more than one",
                            "palette", "transparency", "16-bit")))


def test_all_faults_are_listed_at_once(copy):
    faults = break_everything(copy)
    with pytest.raises(StudyError) as error:
        databases.load("cuhk-student", "train", copy)
    lines = str(error.value).splitlines()
    for name, word in faults.items():
        assert any(name in line and word in line for line in lines), (name, word)
    assert str(error.value).startswith(f"{copy}: {len(faults)} faults")
    assert "--exclude-broken" in lines[-1]


def test_the_command_reports_faults_without_a_traceback(copy, capsys):
    faults = break_everything(copy)
    assert prepare(copy) == 2
    shown = capsys.readouterr().err
    assert all(name in shown for name in faults) and "Traceback" not in shown
    assert not (copy / "exclusions.csv").exists()


def test_exclude_broken_records_each_with_its_reason(copy, capsys):
    faults = break_everything(copy)
    assert prepare(copy, "--exclude-broken") == 0
    rows = sheets.read_rows(copy / "exclusions.csv", ("name", "reason"))
    assert {row["name"] for row in rows} == set(faults)
    assert all(faults[row["name"]] in row["reason"] for row in rows)
    # Reasons stay true when the copy moves.
    assert str(copy) not in (copy / "exclusions.csv").read_text(encoding="utf-8")
    train = databases.load("cuhk-student", "train", copy)
    assert train.names == tuple(names("cuhk-student", "train", 12)[10:])
    assert len(databases.load("cuhk-student", "test", copy)) == 10
    capsys.readouterr()
    assert prepare(copy) == 0
    assert capsys.readouterr().out.count("left out:") == len(faults)


def test_excluding_never_empties_a_split(copy, capsys):
    for file in (copy / "Testing sketch").iterdir():
        file.write_bytes(b"no image")
    assert prepare(copy, "--exclude-broken") == 2
    assert "nothing would be left of the test split" in capsys.readouterr().err
    assert not (copy / "exclusions.csv").exists()


def test_a_sound_copy_is_reported_with_what_is_missing(copy, capsys):
    assert prepare(copy.parent) == 0
    shown = capsys.readouterr().out
    assert "88/100" in shown and "166 of 188 pairs are not in this copy" in shown
    assert sorted(p.name for p in copy.iterdir()) == ["Testing photo", "Testing sketch", "Training photo",
                                                      "Training sketch"]


def test_a_split_made_by_rule_is_frozen(tmp_path, capsys):
    for k in range(20):
        write_photo(tmp_path / "photos" / f"someone{k}.jpg", str(k))
        write_sketch(tmp_path / "sketches" / f"someone{k}.jpg", str(k))
    before = databases.load("cuhk-student", "train", tmp_path).names
    assert prepare(tmp_path) == 0
    for k in range(20, 40):
        write_photo(tmp_path / "photos" / f"someone{k}.jpg", str(k))
        write_sketch(tmp_path / "sketches" / f"someone{k}.jpg", str(k))
    with pytest.raises(StudyError, match="someone39: in neither split"):
        databases.load("cuhk-student", "train", tmp_path)
    with open(tmp_path / "split.csv", "a", encoding="utf-8") as file:
        file.writelines(f"someone{k},test\n" for k in range(20, 40))
    assert databases.load("cuhk-student", "train", tmp_path).names == before


def test_empty_folder_and_empty_split(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "sketches").mkdir()
    with pytest.raises(StudyError, match="no folder of photo images"):
        databases.load("cuhk-student", "train", tmp_path)
    cuhk_as_distributed(tmp_path / "copy", 0, 3)
    with pytest.raises(StudyError, match="no train pairs"):
        databases.load("cuhk-student", "train", tmp_path / "copy")


def test_csv_beside_the_data_that_cannot_be_used(copy):
    (copy / "exclusions.csv").write_text("face,why\nf-005-01,blurred\n", encoding="utf-8")
    with pytest.raises(StudyError, match="lacks name,reason"):
        databases.load("cuhk-student", "train", copy)
    (copy / "exclusions.csv").unlink()
    (copy / "split.csv").write_bytes(b"name,split\n\xff\xfe\n")
    with pytest.raises(StudyError, match="is not UTF-8"):
        databases.load("cuhk-student", "train", copy)


def test_the_cache_is_used_and_notices_changes(copy, monkeypatch):
    first = databases.load("cuhk-student", "train", copy)
    reads = []
    from lib.base import images
    read_image = images.read_image
    monkeypatch.setattr(images, "read_image", lambda path: reads.append(path) or read_image(path))
    again = databases.load("cuhk-student", "train", copy)
    assert not reads and databases.data_hash(again) == databases.data_hash(first)

    changed = copy / "Training photo" / f"{first.names[3]}.jpg"
    write_photo(changed, "somebody else")
    write_sketch(copy / "Training sketch" / f"F2{first.names[3][1:]}-sz1.jpg", "somebody else")
    os.utime(changed, ns=(time.time_ns(), time.time_ns() + 1))
    other = databases.load("cuhk-student", "train", copy)
    assert len(set(reads)) == 2 * 12 + 2 * 10 and databases.data_hash(other) != databases.data_hash(first)
    assert (other.photos[3] != first.photos[3]).any() and (other.photos[:3] == first.photos[:3]).all()

    (copy / "Training photo" / f"{first.names[0]}.jpg").unlink()
    with pytest.raises(StudyError, match=first.names[0]):
        databases.load("cuhk-student", "train", copy)


def test_a_damaged_or_impossible_cache_costs_only_time(copy, tmp_path, monkeypatch):
    first = databases.load("cuhk-student", "train", copy)
    for file in (tmp_path / "cache").rglob("*.npy"):
        file.write_bytes(file.read_bytes()[:1000])
    assert databases.data_hash(databases.load("cuhk-student", "train", copy)) == databases.data_hash(first)
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "file"))
    assert databases.data_hash(databases.load("cuhk-student", "train", copy)) == databases.data_hash(first)


def test_data_hash_depends_on_content_only(copy, tmp_path):
    """PNG copies of the decoded JPEGs in another layout are the same data; a swapped pair is not."""
    faces = databases.load("cuhk-student", "train", copy)
    for name, photo, sketch in zip(faces.names, faces.photos, faces.sketches):
        for domain, image in (("photos", photo), ("sketches", sketch)):
            path = tmp_path / "flat" / f"train_{domain}" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    same = databases.load("cuhk-student", "train", tmp_path / "flat")
    assert databases.data_hash(same) == databases.data_hash(faces)
    order = [1, 0, *range(2, len(faces))]
    swapped = databases.PairedFaces(faces.database, faces.split, faces.photos, faces.sketches[order], faces.names,
                                    faces.groups)
    assert databases.data_hash(swapped) != databases.data_hash(faces)


def test_a_split_by_rule_that_cannot_be_frozen_is_used_all_the_same(tmp_path, capsys, monkeypatch):
    """A copy on a read-only disk, which is pretended: where root runs the tests, permissions bar nobody."""
    for k in range(12):
        write_pair(tmp_path / "cufsf", f"somebody{k}")
    make = tempfile.mkstemp

    def on_a_disk(*, dir, **rest):
        if Path(dir) == tmp_path / "cufsf":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))
        return make(dir=dir, **rest)

    monkeypatch.setattr(tempfile, "mkstemp", on_a_disk)
    assert __main__.main(["prepare", "--database", "cufsf", "--data", str(tmp_path)]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "not frozen" in said and f"{tmp_path / 'cufsf' / 'split.csv'}: cannot be written" in said
    assert "train: " in said and not (tmp_path / "cufsf" / "split.csv").exists()


def test_an_excluded_pair_of_unknown_name_does_not_spoil_the_frozen_split(tmp_path, capsys):
    """AR's names are in no list and divided by the rule; the excluded stranger of CUHK has no split at all."""
    for group in ("cuhk-student", "xm2vts"):
        for split in databases.SPLITS:
            for name in names(group, split, 3):
                write_pair(tmp_path / group.split("-")[0], name)
    for k in range(6):
        write_pair(tmp_path / "ar", f"somebody{k}")
    write_pair(tmp_path / "cuhk", "stranger")
    (tmp_path / "exclusions.csv").write_text("name,reason\ncuhk-stranger,not of this database\n", encoding="utf-8")
    command = ["prepare", "--database", "cufs", "--data", str(tmp_path)]
    assert __main__.main(command) == 0
    rows = sheets.read_rows(tmp_path / "split.csv", ("name", "split"))
    assert len(rows) == 18 and {row["split"] for row in rows} == set(databases.SPLITS)
    assert __main__.main(command) == 0, capsys.readouterr().err


def write_pair(folder, name):
    write_photo(folder / "photos" / f"{name}.png", name)
    write_sketch(folder / "sketches" / f"{name}.png", name)
