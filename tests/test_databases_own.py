"""Copies that their owners put together: what is absent, swapped, turned or named nowhere is told."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_databases import cufs_by_sub_database, cuhk_as_distributed, field, names, write_photo, write_sketch
from PIL import Image

from lib import __main__, databases
from lib.base.errors import StudyError
from lib.databases import catalogue, exchange, reading, sheets


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


def prepare(capsys, database, folder, *flags):
    status = __main__.main(["prepare", "--database", database, "--data", str(folder), *flags])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_group_that_is_only_tested_is_noted(tmp_path, capsys):
    file = listed(tmp_path / "wildsketch") / "pairs.csv"
    head, *lines = file.read_text(encoding="utf-8").split("\n")
    for last, noted in (("brought", True), ("own", False)):
        groups = ["own"] * (len(lines) - 1) + [last]
        file.write_text("\n".join([f"{head},group"] + [f"{line},{group}" for line, group in zip(lines, groups)]),
                        encoding="utf-8")
        status, said, _ = prepare(capsys, "wildsketch", tmp_path)
        assert status == 0 and ("note: no training pair of brought" in said) == noted
        assert ("note: no training pair" in said) == noted


# Exchanged photos and sketches

def listed(folder, photo=write_photo, sketch=write_sketch, people=range(8), header="photo,sketch,split"):
    """A database given by ``pairs.csv``; half of its people train."""
    lines = [header]
    for person in people:
        photo(folder / f"photos/{person}.png", str(person))
        sketch(folder / f"sketches/{person}.png", str(person))
        lines.append(f"photos/{person}.png,sketches/{person}.png,{'train' if person < 4 else 'test'}")
    (folder / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def write_grey(path, person):
    """Three channels and no colour, and not the picture that ``write_sketch`` draws."""
    save(path, np.stack([field(person)] * 3, axis=-1))


def write_coloured(path, person):
    save(path, np.stack([255 - field(person), field(person), field(person) // 2], axis=-1))


def write_yellowed(path, person):
    """A drawing on yellowed paper, scanned in colour."""
    grey = 0.3 * field(person) + 170
    save(path, np.stack([grey, 0.96 * grey, 0.85 * grey], axis=-1).astype(np.uint8))


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.mark.parametrize("database", ["sksf-a", "cuhk-student"])
def test_exchanged_columns_are_an_error_that_can_be_overruled(tmp_path, capsys, database):
    folder = listed(tmp_path / database, header="sketch,photo,split")
    with pytest.raises(StudyError) as caught:
        databases.load(database, "test", folder)
    message = str(caught.value)
    assert "seem to be exchanged in the test split: of 4 of 4 pairs the photo has no colour" in message
    assert "photo sketches/5.png, sketch photos/5.png" in message and str(folder / "pairs.csv") in message
    status, _, told = prepare(capsys, database, folder)
    assert status == 2 and "exchanged in the train split" in told
    assert prepare(capsys, database, folder, "--accept-pairing")[0] == 0
    assert len(databases.load(database, "test", folder)) == 4


def test_exchanged_folders_are_told_too(tmp_path, capsys):
    folder = cuhk_as_distributed(tmp_path / "cuhk-student", 8, 8)
    for word in ("Training", "Testing"):
        (folder / f"{word} photo").rename(folder / "kept")
        (folder / f"{word} sketch").rename(folder / f"{word} photo")
        (folder / "kept").rename(folder / f"{word} sketch")
    status, _, told = prepare(capsys, "cuhk-student", folder)
    assert status == 2 and "of 8 of 8 pairs the photo has no colour and the sketch has" in told and "folders" in told


@pytest.mark.parametrize("photo, sketch", [
    (write_photo, write_sketch), (write_photo, write_grey), (write_photo, write_coloured), (write_grey, write_sketch),
    (write_grey, write_yellowed), (write_photo, write_yellowed)])
def test_nothing_is_said_of_two_grey_or_two_coloured_images(tmp_path, capsys, photo, sketch):
    status, said, told = prepare(capsys, "sksf-a", listed(tmp_path / "sksf-a", photo, sketch))
    assert status == 0 and "test: 4 pairs ready" in said and "exchanged" not in told, told


@pytest.mark.parametrize("exchanged, status", [([4], 0), ([4, 5], 0), ([4, 5, 6], 2)])
def test_single_exchanged_lines_are_named_and_most_are_an_error(tmp_path, capsys, exchanged, status):
    folder = listed(tmp_path / "sksf-a")
    text = (folder / "pairs.csv").read_text(encoding="utf-8")
    for person in exchanged:
        text = text.replace(f"photos/{person}.png,sketches/{person}.png", f"sketches/{person}.png,photos/{person}.png")
    (folder / "pairs.csv").write_text(text, encoding="utf-8")
    found, _, told = prepare(capsys, "sksf-a", folder)
    assert found == status and f"of {len(exchanged)} of 4 pairs" in told and "exchanged" in told, told
    assert all((f"photo sketches/{person}.png" in told) == (person in exchanged) for person in range(8))


def test_colour_is_what_varies_between_channels():
    """Against closed forms: grey and evenly toned images have none, half red and half grey has half its difference."""
    flat = np.full((10, 10, 3), (200, 180, 120), np.uint8)
    assert exchange.colour(flat) == exchange.colour(flat[..., 0]) == 0
    half = np.full((10, 10, 3), 100, np.uint8)
    half[:5, :, 0] = 220
    assert exchange.colour(half) == pytest.approx(60) and exchange.colour(half[..., ::-1]) == pytest.approx(60)


# Images that lie on their side

def resize(file, size, turn=False):
    with Image.open(file) as image:
        (image.rotate(90, expand=True) if turn else image).resize(size).save(file)


def test_turned_and_very_wide_images_are_named(tmp_path, capsys):
    folder = listed(tmp_path / "sksf-a")
    for person, size, turn in ((1, (250, 200), True), (5, (4000, 250), False), (6, (210, 250), False)):
        resize(folder / f"photos/{person}.png", size, turn)
    resize(folder / "sketches/2.png", (500, 400), True)
    status, _, told = prepare(capsys, "sksf-a", folder)
    assert status == 0 and "2 of 8 photos have other proportions than the rest, whose width is 0.80 of" in told
    assert "photos/1.png: 250×200" in told and "photos/5.png: 4000×250" in told and "sketches/2.png: 500×400" in told
    assert "photos/6" not in told and told.count("other proportions") == 2


def test_proportions_are_compared_within_a_domain(tmp_path, capsys):
    """Wide photos beside upright sketches are a habit, not a fault; and other sizes are no other proportions."""
    folder = listed(tmp_path / "sksf-a")
    for person in range(8):
        resize(folder / f"photos/{person}.png", (300 + 30 * person, 200 + 20 * person))
    status, _, told = prepare(capsys, "sksf-a", folder)
    assert status == 0 and "proportions" not in told


def test_an_image_of_a_few_pixels_is_no_face(tmp_path, capsys):
    folder = listed(tmp_path / "sksf-a")
    resize(folder / "sketches/3.png", (1, 1))
    status, _, told = prepare(capsys, "sksf-a", folder)
    assert status == 2 and "sketches/3.png: 1×1 pixels show no face" in told and "--exclude-broken" in told


# split.csv

def divided(folder, rows):
    (folder / "split.csv").write_text("name,split\n" + "".join(f"{name},{split}\n" for name, split in rows),
                                      encoding="utf-8")
    return folder


@pytest.mark.parametrize("database", ["sksf-a", "cuhk-student"])
def test_rows_of_the_split_that_name_no_pair_are_named(tmp_path, capsys, database):
    folder = listed(tmp_path / database)
    name = "photos-{}" if database == "sksf-a" else "{}"
    rows = [(name.format(person), "train" if person < 5 else "test") for person in range(8)]
    status, said, _ = prepare(capsys, database, divided(folder, rows))
    assert status == 0 and "train: 5 pairs ready" in said and "split.csv" not in said
    strangers = [(name.format(person), "test") for person in range(91, 98)]
    status, said, _ = prepare(capsys, database, divided(folder, rows + strangers))
    named = ", ".join(name.format(person) for person in range(91, 96))
    assert status == 0 and f"note: split.csv: 7 of 15 rows name no pair of this copy: {named}, …" in said
    # A row that is nearly a pair's name is shown beside the pair that lacks one.
    rows[3] = (name.format("003.jpg"), "test")
    status, _, told = prepare(capsys, database, divided(folder, rows))
    assert status == 2 and f"note: split.csv: 1 of 8 rows names no pair of this copy: {name.format('003.jpg')}" in told
    assert f"{name.format(3)}: in neither split" in told and f"its row {name.format('003.jpg')} differs in" in told


def test_pairs_that_were_left_out_keep_their_rows_without_remark(tmp_path, capsys):
    folder = cuhk_as_distributed(tmp_path / "cuhk-student", 8, 8)
    people = [(name, split) for split in databases.SPLITS for name in names("cuhk-student", split, 8)]
    (folder / "Training photo" / f"{people[2][0]}.jpg").unlink()
    status, said, _ = prepare(capsys, "cuhk-student", divided(folder, people), "--exclude-broken")
    assert status == 0 and "train: 7 pairs ready" in said and "name no pair" not in said


def test_a_name_in_both_splits_of_the_list_is_refused(tmp_path):
    folder = divided(cuhk_as_distributed(tmp_path, 8, 8), [("f-005-01", "Train"), ("f-006-01", "valid"),
                                                           ("f-005-01", "test")])
    with pytest.raises(StudyError, match=r"(?s)line 3: .*'valid'.*line 4: f-005-01 is to test, and by an earlier line"):
        databases.load("cuhk-student", "test", folder)


# What else people's folders hold

def rewritten(folder, change):
    file = folder / "pairs.csv"
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def test_one_picture_as_photo_and_sketch_is_a_fault(tmp_path, capsys):
    """By one path, and by copies in two formats."""
    folder = rewritten(listed(tmp_path / "sksf-a"), lambda text: text.replace("photos/5.png", "sketches/5.png"))
    for domain, suffix in (("photos", "png"), ("sketches", "bmp")):
        write_sketch(folder / domain / f"2.{suffix}", "2", rgb=suffix == "bmp")
    rewritten(folder, lambda text: text.replace("sketches/2.png", "sketches/2.bmp"))
    status, _, told = prepare(capsys, "sksf-a", folder)
    assert status == 2 and "2 faults" in told
    assert "photo photos/2.png and sketch sketches/2.bmp are one picture" in told
    assert "photo sketches/5.png and sketch sketches/5.png are one picture" in told


def test_an_image_of_one_colour_is_a_fault(tmp_path, capsys):
    folder = listed(tmp_path / "sksf-a")
    Image.new("RGB", (200, 250), (250, 240, 230)).save(folder / "photos" / "3.png")
    status, _, told = prepare(capsys, "sksf-a", folder)
    assert status == 2 and "1 fault in" in told and "photos/3.png: has one colour throughout" in told


def test_an_absent_file_is_one_fault(tmp_path, capsys):
    folder = listed(tmp_path / "sksf-a")
    (folder / "photos" / "3.png").unlink()
    status, _, told = prepare(capsys, "sksf-a", folder)
    assert status == 2 and "1 fault in" in told and told.count("no such file") == 1


def test_a_copy_without_faults_is_looked_through_for_twins_once_before_it_is_loaded(tmp_path, capsys, monkeypatch):
    looked_through, signed = [], reading.signed
    monkeypatch.setattr(reading, "signed", lambda index: looked_through.append(index) or signed(index))
    assert prepare(capsys, "sksf-a", listed(tmp_path / "sksf-a"))[0] == 0
    assert len(looked_through) == 1 + len(databases.SPLITS)  # and once for each split that is loaded


def test_links_that_lead_in_circles_are_not_followed(tmp_path):
    folder = cuhk_as_distributed(tmp_path / "cuhk-student", 3, 3)
    (folder / "Training photo" / "again").symlink_to(folder)
    (folder / "photo copy").symlink_to(folder)
    (folder / "Testing sketch").rename(tmp_path / "elsewhere")
    (folder / "Testing sketch").symlink_to(tmp_path / "elsewhere")  # a link to another place is
    assert databases.load("cuhk-student", "test", folder).names == tuple(names("cuhk-student", "test", 3))


@pytest.mark.parametrize("missing", databases.SPLITS)
def test_a_split_without_pairs_is_told_with_what_to_do(tmp_path, missing):
    folder = cuhk_as_distributed(tmp_path, 3 * (missing != "train"), 3 * (missing != "test"))
    with pytest.raises(StudyError, match=rf"no {missing} pairs of cuhk-student in this copy. Add them, .*split.csv"):
        databases.load("cuhk-student", missing, folder)
