"""Faces that come twice: no cache serves old ones, none trains and is tested, and repeats are counted."""

from __future__ import annotations

import os

import numpy as np
import pytest
from made_up_databases import names, write_photo, write_sketch
from PIL import Image

from lib import __main__, databases
from lib.base import images, likeness
from lib.base.errors import StudyError, say_once
from lib.databases import portraits

COUNT = 10


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    say_once.cache_clear()


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "cuhk-student"
    for split in databases.SPLITS:
        for name in names("cuhk-student", split, COUNT):
            write_photo(folder / f"{split}_photos" / f"{name}.bmp", name)
            write_sketch(folder / f"{split}_sketches" / f"{name}.bmp", name)
    for file in folder.rglob("*.bmp"):
        os.utime(file, ns=(10**18, 10**18))  # as zip and rsync leave them
    return folder


def prepare(folder, *flags):
    return __main__.main(["prepare", "--database", "cuhk-student", "--data", str(folder), *flags])


def swap(first, second):
    spare = first.with_name("spare")
    first.rename(spare)
    second.rename(first)
    spare.rename(second)


def test_renamed_files_of_one_size_and_time_are_read_anew(copy):
    before = databases.load("cuhk-student", "train", copy)
    study_knew = databases.contents("cuhk-student", copy)
    first, second = before.names[2:4]
    for folder in ("train_photos", "train_sketches"):  # both, so that the pairs are right and only their names change
        swap(copy / folder / f"{first}.bmp", copy / folder / f"{second}.bmp")
    after = databases.load("cuhk-student", "train", copy)
    assert (after.photos[[3, 2]] == before.photos[[2, 3]]).all() and (after.photos[2] != before.photos[2]).any()
    assert (after.sketches[[3, 2]] == before.sketches[[2, 3]]).all()
    assert databases.contents("cuhk-student", copy) != study_knew


def test_sketches_swapped_after_the_first_reading_meet_the_check_of_pairs(copy):
    before = databases.load("cuhk-student", "train", copy)
    swap(*(copy / "train_sketches" / f"{name}.bmp" for name in before.names[2:4]))
    with pytest.raises(StudyError, match="2 sketches fit another person's photo"):
        databases.load("cuhk-student", "train", copy)


def test_the_hash_of_contents_is_that_of_contents(copy, tmp_path):
    known = databases.contents("cuhk-student", copy)
    for file in copy.rglob("*.bmp"):
        os.utime(file, ns=(10**18 + 5, 10**18 + 5))
    copy.rename(tmp_path / "moved")
    assert databases.contents("cuhk-student", tmp_path / "moved") == known
    (tmp_path / "moved" / "split.csv").write_text(
        "name,split\n" + "".join(f"{name},test\n" for name in names("cuhk-student", "train", 3)), encoding="utf-8")
    assert databases.contents("cuhk-student", tmp_path / "moved") != known
    assert databases.contents("portraits") == ""


def as_it_is(image):
    return image


def recompressed(image):
    import io
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


def resized(image):
    return images.resize(images.resize(image, 100, 80), 250, 200)


@pytest.mark.parametrize("domain", ["photo", "sketch"])
@pytest.mark.parametrize("change", [as_it_is, recompressed, resized])
def test_a_face_that_trains_and_is_tested_is_an_error_in_both_splits(copy, capsys, domain, change):
    train, test = (names("cuhk-student", split, COUNT) for split in databases.SPLITS)
    folder = "photos" if domain == "photo" else "sketches"
    image = change(images.read_image(copy / f"train_{folder}" / f"{train[4]}.bmp"))
    Image.fromarray(image).save(copy / f"test_{folder}" / f"{test[7]}.bmp")
    for split in databases.SPLITS:
        with pytest.raises(StudyError) as caught:
            databases.load("cuhk-student", split, copy)
        text = str(caught.value)
        assert "1 fault " in text and f"{train[4]}: trains and is tested" in text and f"test pair {test[7]}" in text
    assert prepare(copy) == 2 and test[7] in capsys.readouterr().err
    assert prepare(copy, "--exclude-broken") == 0
    assert train[4] not in databases.load("cuhk-student", "train", copy).names
    assert len(databases.load("cuhk-student", "test", copy)) == COUNT


def test_a_test_face_added_to_a_read_copy_is_noticed(copy):
    for split in databases.SPLITS:
        databases.load("cuhk-student", split, copy)
    new = names("cuhk-student", "test", COUNT + 1)[-1]
    write_photo(copy / "test_photos" / f"{new}.bmp", names("cuhk-student", "train")[0])
    write_sketch(copy / "test_sketches" / f"{new}.bmp", "of somebody else")
    with pytest.raises(StudyError, match=f"test pair {new}"):
        databases.load("cuhk-student", "test", copy)


def test_all_ten_faces_in_both_splits_are_named(copy):
    train, test = (names("cuhk-student", split, COUNT) for split in databases.SPLITS)
    for one, other in zip(train, test):
        write_photo(copy / "test_photos" / f"{other}.bmp", one)
        write_sketch(copy / "test_sketches" / f"{other}.bmp", one)
    with pytest.raises(StudyError) as caught:
        databases.load("cuhk-student", "test", copy)
    assert "10 faults" in str(caught.value) and all(name in str(caught.value) for name in (*train, *test))


def test_repeats_within_a_split_are_counted_and_no_error(copy, capsys):
    train = names("cuhk-student", "train", COUNT)
    for one, other in ((0, 5), (1, 6)):
        write_photo(copy / "train_photos" / f"{train[other]}.bmp", train[one])
        write_sketch(copy / "train_sketches" / f"{train[other]}.bmp", train[one])
    assert len(databases.load("cuhk-student", "train", copy)) == COUNT
    told = capsys.readouterr().err
    assert "4 of 10 photos, train split, show what another" in told and "4 of 10 sketches, train" in told
    assert train[0] in told and train[5] in told and "test split" not in told


def test_embedded_portraits_and_blank_images_raise_no_alarm():
    faces = portraits.generate("portraits", "train", 24)
    for pictures in (faces.photos, faces.sketches):
        assert likeness.within(likeness.signatures(pictures)) == []
    blank = likeness.signatures([np.full((250, 200), 255, np.uint8)] * 2)
    assert likeness.within(blank) == [] and (blank == 0).all()


def test_copies_of_a_portrait_are_found_among_others():
    faces = portraits.generate("portraits", "train", 12)
    for pictures in (faces.photos, faces.sketches):
        signed = likeness.signatures(pictures)
        for change in (recompressed, resized, lambda image: image // 2 + 30, images.to_grey,
                       lambda image: images.resize(image, 256, 256)):
            copies = likeness.signatures([change(picture) for picture in pictures[:6]])
            assert likeness.across(copies, signed) == [(i, i) for i in range(6)]


def test_every_person_twice_is_remarked_by_recognise(tmp_path, capsys):
    for k in range(16):
        for folder in ("real", "made"):
            write_sketch(tmp_path / folder / f"{k:02d}.png", f"{folder if folder == 'made' else ''}{k // 2}")
    assert __main__.main(["recognise", str(tmp_path / "real"), str(tmp_path / "made"), "--train-identities", "8",
                          "--repeats", "2"]) == 0
    told = capsys.readouterr().err
    assert told.count("16 of 16 images") == 2 and "00.png and 01.png" in told
