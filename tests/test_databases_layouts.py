"""Copies of the databases in the layouts found in public: same pairs, same names, same splits."""

import csv
import hashlib

import numpy as np
import pytest
from made_up_databases import (
    cufs_by_sub_database,
    cuhk_as_distributed,
    cuhk_sketch_stem,
    field,
    names,
    number_of,
    write_photo,
    write_sketch,
)

from lib import databases
from lib.base.errors import StudyError
from lib.databases import catalogue, index, layouts, sheets

FEW = 4  # pairs of each split; what is tested is where they are found


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))


def cuhk(folder):
    cuhk_as_distributed(folder, FEW, FEW)


def flat(folder):
    for split in databases.SPLITS:
        for name in names("cuhk-student", split, FEW):
            write_photo(folder / f"{split}_photos" / f"{name}.png", name)
            write_sketch(folder / f"{split}_sketches" / f"{name}.png", name)


def flat_with_original_sketch_names(folder):
    for split in databases.SPLITS:
        for name in names("cuhk-student", split, FEW):
            write_photo(folder / f"{split}_photos" / f"{name}.jpg", name)
            write_sketch(folder / f"{split}_sketches" / f"{cuhk_sketch_stem(name, split)}.JPG", name)


def one_folder_per_domain(folder):
    for split in databases.SPLITS:
        for name in names("cuhk-student", split, FEW):
            write_photo(folder / "photos" / f"{name}.jpg", name)
            write_sketch(folder / "sketches" / f"{cuhk_sketch_stem(name, split)}.jpg", name)


def distributors_archives(folder):
    for split, word in (("train", "training"), ("test", "testing")):
        for name in names("cuhk-student", split, FEW):
            write_photo(folder / f"CUHK_{word}_cropped_photos" / "photos" / f"{name}.jpg", name)
            stem = cuhk_sketch_stem(name, split)
            write_sketch(folder / f"CUHK_{word}_cropped_sketches" / "sketches" / f"{stem}.jpg", name)
            # The uncropped scans of other faces and sizes must not be taken for pairs.
            write_sketch(folder / f"CUHK_{word}_original_sketch" / "sketch" / f"{stem}.jpg", "another")


def numbered_test_sketches(folder):
    """Photos named, sketches numbered from 1: the copy whose alphabetical order mis-pairs."""
    for split in databases.SPLITS:
        for name in names("cuhk-student", split, FEW):
            write_photo(folder / split / "photo" / f"{name}.jpg", name)
            write_sketch(folder / split / "sketch" / f"{number_of('cuhk-student', name)}.jpg", name)


def numbered_from_zero(folder):
    """Training 00, 01, …; testing 89, 90, … (SC-Lmser)."""
    for name in names("cuhk-student", "train", FEW):
        for write, domain in ((write_photo, "Photos"), (write_sketch, "Sketches")):
            write(folder / "CUHK" / f"Training {domain}" / f"{number_of('cuhk-student', name) - 1:02d}.png", name)
    for name in names("cuhk-student", "test", FEW):
        for write, domain in ((write_photo, "Photos"), (write_sketch, "Sketches")):
            write(folder / "CUHK" / f"Testing {domain}" / f"{number_of('cuhk-student', name)}.jpg", name)


@pytest.mark.parametrize("layout", [cuhk, flat, flat_with_original_sketch_names, one_folder_per_domain,
                                    distributors_archives, numbered_test_sketches, numbered_from_zero])
@pytest.mark.parametrize("root_is_parent", [True, False])
def test_cuhk_student_in_every_layout(tmp_path, layout, root_is_parent):
    layout(tmp_path / "CUHK-Student")
    root = tmp_path if root_is_parent else tmp_path / "CUHK-Student"
    for split in databases.SPLITS:
        faces = databases.load("cuhk-student", split, root)
        assert faces.names == tuple(names("cuhk-student", split, FEW))
        assert faces.groups == ("cuhk-student",) * FEW
        assert faces.photos.shape == (FEW, 250, 200, 3) and faces.photos.dtype == np.uint8
        assert faces.sketches.shape == (FEW, 250, 200) and faces.sketches.dtype == np.uint8
        for name, photo, sketch in zip(faces.names, faces.photos, faces.sketches):
            assert np.abs(photo[..., 0].astype(int) - field(name)).mean() < 12  # JPEG
            assert np.abs(sketch.astype(int) - (80 + field(name) // 2)).mean() < 5


def test_limit_takes_the_first_pairs(tmp_path):
    cuhk_as_distributed(tmp_path, 5, 1)
    whole = databases.load("cuhk-student", "train", tmp_path)
    few = databases.load("cuhk-student", "train", tmp_path, limit=3)
    assert few.names == whole.names[:3] and (few.photos == whole.photos[:3]).all()
    with pytest.raises(StudyError, match="limit"):
        databases.load("cuhk-student", "train", tmp_path, limit=0)


def cufs_numbered(folder):
    """``XM2VTS/Training Photos/2.jpg``, …: every sub-database numbered from 1 (SC-Lmser, ANS-GDA)."""
    for group, place in (("cuhk-student", "CUHK"), ("ar", "AR"), ("xm2vts", "XM2VTS")):
        for split, word in (("train", "Training"), ("test", "Testing")):
            for name in names(group, split, 4):
                number = number_of(group, name)
                write_photo(folder / place / f"{word} Photos" / f"{number}.jpg", group + name)
                write_sketch(folder / place / f"{word} Sketches" / f"{number}.jpg", group + name)


def cufs_in_one_folder(folder):
    """``photo/XM2VTS_0002.jpg``, …: the sub-database is in the file's name (OpenBR)."""
    for group, word in (("cuhk-student", "CUHK"), ("ar", "AR"), ("xm2vts", "XM2VTS")):
        for split in databases.SPLITS:
            for name in names(group, split, 4):
                stem = f"{word}_{number_of(group, name):04d}"
                write_photo(folder / "photo" / f"{stem}.jpg", group + name)
                write_sketch(folder / "sketch" / f"{stem}.jpg", group + name)


@pytest.mark.parametrize("layout", [cufs_by_sub_database, cufs_numbered, cufs_in_one_folder])
def test_cufs_in_every_layout(tmp_path, layout):
    layout(tmp_path / "cufs")
    for split in databases.SPLITS:
        faces = databases.load("cufs", split, tmp_path)
        expected = [(group, f"{catalogue.GROUPS[group].prefix}-{name}")
                    for group in catalogue.DATABASES["cufs"] for name in names(group, split, 4)]
        assert list(zip(faces.groups, faces.names)) == expected


def test_cufs_from_the_three_databases_side_by_side(tmp_path):
    """``<root>/cuhk-student``, ``<root>/ar``, ``<root>/xm2vts``, and a CUFSF that is none of its business."""
    cuhk_as_distributed(tmp_path / "cuhk-student", 4, 4)
    for group in ("ar", "xm2vts"):
        for split in databases.SPLITS:
            for name in names(group, split, 4):
                write_photo(tmp_path / group / "photos" / f"{name}.jpg", name)
                write_sketch(tmp_path / group / "sketches" / f"{name}.jpg", name)
    write_photo(tmp_path / "cufsf" / "photos" / "00001.jpg", "x")
    write_sketch(tmp_path / "cufsf" / "sketches" / "00001.jpg", "x")
    assert len(databases.load("cufs", "train", tmp_path)) == 12
    assert len(databases.load("cuhk-student", "train", tmp_path)) == 4


def test_files_of_no_known_sub_database_are_reported_by_folder(tmp_path):
    cufs_by_sub_database(tmp_path)
    write_photo(tmp_path / "more photos" / "17.jpg", "x")
    write_photo(tmp_path / "more photos" / "18.jpg", "x")
    with pytest.raises(StudyError, match="more photos: 2 images"):
        databases.load("cufs", "train", tmp_path)
    sheets.write_rows(tmp_path / "exclusions.csv", ("name", "reason"), [("more photos", "strangers")])
    assert len(databases.load("cufs", "train", tmp_path)) == 12


def test_cufsf_feret_photos_and_cropped_sketches(tmp_path):
    for split in databases.SPLITS:
        for name in names("cufsf", split, 5):
            write_sketch(tmp_path / "CUFSF" / "feret" / f"{name}fa010_930831.tif", name)  # FERET photos are grey
            write_sketch(tmp_path / "CUFSF" / "cropped_sketch" / f"{name}.jpg", name)
            write_sketch(tmp_path / "CUFSF" / "original_sketch" / f"{name}.jpg", "another")
    faces = databases.load("cufsf", "train", tmp_path)
    assert faces.names == tuple(names("cufsf", "train", 5))
    assert (faces.photos[..., 0] == faces.photos[..., 2]).all()
    assert databases.load("cufsf", "test", tmp_path).names == tuple(names("cufsf", "test", 5))


def test_frozen_lists_have_the_fields_counts():
    for group in catalogue.GROUPS.values():
        splits = list(catalogue.known_split(group.name).values())
        assert (splits.count("train"), splits.count("test")) == (group.train, group.test)
    assert sum(catalogue.GROUPS[g].train for g in catalogue.DATABASES["cufs"]) == 268
    assert sum(catalogue.GROUPS[g].test for g in catalogue.DATABASES["cufs"]) == 338


def test_unknown_names_are_divided_by_a_frozen_rule(tmp_path):
    for k in range(40):
        write_photo(tmp_path / "photos" / f"person{k}.jpg", str(k))
        write_sketch(tmp_path / "sketches" / f"person{k}.jpg", str(k))
    found = index.build("cufsf", tmp_path)
    train = [p.name for p in found.of_split("train")]
    assert found.by_rule and len(train) == round(40 * 250 / 1194)
    ordered = sorted((f"person{k}" for k in range(40)), key=lambda n: hashlib.sha256(f"cufsf/{n}".encode()).hexdigest())
    assert set(train) == set(ordered[:8])


def test_the_owners_split_counts(tmp_path):
    cuhk_as_distributed(tmp_path, 4, 4)
    all_names = names("cuhk-student", "train", 4) + names("cuhk-student", "test", 4)
    rows = [(name, "test" if i < 2 else "train") for i, name in enumerate(all_names)]
    sheets.write_rows(tmp_path / "split.csv", ("name", "split"), rows)
    assert databases.load("cuhk-student", "test", tmp_path).names == tuple(all_names[:2])
    sheets.write_rows(tmp_path / "split.csv", ("name", "split"), rows[:-2])
    with pytest.raises(StudyError) as error:
        databases.load("cuhk-student", "test", tmp_path)
    assert all(name in str(error.value) for name in all_names[-2:])


def test_the_owners_pairs_count(tmp_path):
    rows = []
    for k in range(6):
        write_photo(tmp_path / "faces" / f"{k}.jpg", str(k))
        write_sketch(tmp_path / "drawn" / f"by-{5 - k}.jpg", str(k))
        rows.append((f"faces/{k}.jpg", f"drawn/by-{5 - k}.jpg", "train" if k < 4 else "test"))
    with open(tmp_path / "pairs.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("photo", "sketch", "split"), *rows])
    faces = databases.load("cuhk-student", "train", tmp_path)
    assert faces.names == ("0", "1", "2", "3")
    assert np.abs(faces.sketches[1].astype(int) - (80 + field("1") // 2)).mean() < 5


def test_unknown_names_suggest_near_ones(tmp_path):
    with pytest.raises(StudyError, match="cuhk-student"):
        databases.load("cuhk-students", "train", tmp_path)
    with pytest.raises(StudyError, match="train"):
        databases.load("cuhk-student", "trian", tmp_path)
    with pytest.raises(StudyError, match="--data"):
        databases.load("cufs", "train", tmp_path / "nowhere")
    with pytest.raises(StudyError, match="train_photos"):
        databases.load("cufs", "train", tmp_path)


def test_files_of_another_database_are_reported(tmp_path):
    flat(tmp_path)
    write_photo(tmp_path / "train_photos" / "m-005-1.png", "of AR by its name")
    with pytest.raises(StudyError, match=r"train_photos \(ar\): 1 image .* another database \(m-005-1.png\)"):
        databases.load("cuhk-student", "train", tmp_path)


def test_images_of_kinds_that_are_not_read_are_reported(tmp_path):
    flat(tmp_path)
    for domain in ("photos", "sketches"):  # without them nothing would miss this pair
        (tmp_path / f"test_{domain}" / "f-040-01.webp").write_bytes(b"")
    with pytest.raises(StudyError) as error:
        databases.load("cuhk-student", "train", tmp_path)
    for domain in ("photos", "sketches"):
        assert f"test_{domain}/f-040-01.webp: .webp images are not read" in str(error.value)


def test_a_folder_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    flat(tmp_path)
    walk = layouts.os.walk

    def locked(top, onerror=None, **options):
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "test_photos")))
        return walk(top, onerror=onerror, **options)

    monkeypatch.setattr(layouts.os, "walk", locked)
    with pytest.raises(StudyError, match="test_photos: cannot be read .Permission denied"):
        index.build("cuhk-student", tmp_path)
