"""FS2K, WildSketch, SKSF-A and pairs.csv: names keep their folders, sizes differ, codes have words, faults are told."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_up_databases import field, names, write_photo, write_sketch
from PIL import Image

from lib import __main__, databases
from lib.base.errors import StudyError
from lib.databases import catalogue, index, sheets


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))


def write(path, person, size, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(field(person)).resize(size)
    (image.convert("RGB") if colour else image).save(path)


def entry(place, number, style, **codes):
    return {"image_name": f"photo{place}/image{number:04d}", "skin_patch": [1, 2], "lip_color": [1.5, 2.5, 3.5],
            "eye_color": [1, 2, 3], "hair": 0, "hair_color": 2, "gender": 1, "earring": 1, "smile": 0,
            "frontal_face": 1, "style": style, **codes}


@pytest.fixture
def fs2k(tmp_path):
    """Twelve pairs, two of each folder and split; numbers repeat in all folders, suffixes and sizes differ."""
    folder = tmp_path / "FS2K"
    entries = {"train": [], "test": []}
    for place in (1, 2, 3):
        for number in (1, 2, 3, 4):
            person = f"{place}/{number}"
            write(folder / f"photo/photo{place}/image{number:04d}.{'jpg' if number % 2 else 'png'}", person, (250, 250),
                  True)
            write(folder / f"sketch/sketch{place}/sketch{number:04d}.{'png' if place == 3 else 'JPG'}", person,
                  (320, 400 + place), place == 2)
            entries["train" if number < 3 else "test"].append(entry(place, number, place - 1))
    for split, records in entries.items():
        (folder / f"anno_{split}.json").write_text(json.dumps(records), encoding="utf-8")
    return folder


def test_a_limit_takes_the_groups_in_turn_so_that_each_has_pairs_in_both_parts(fs2k):
    whole = databases.load("fs2k", "train", fs2k)
    few = databases.load("fs2k", "train", fs2k, limit=4)
    assert few.names == ("photo1-image0001", "photo1-image0002", "photo2-image0001", "photo3-image0001")
    rows = [whole.names.index(name) for name in few.names]
    assert (few.photos == whole.photos[rows]).all() and (few.sketches == whole.sketches[rows]).all()
    assert few.groups == tuple(whole.groups[row] for row in rows)
    assert few.attributes == tuple(whole.attributes[row] for row in rows)
    assert databases.load("fs2k", "train", fs2k, limit=99).names == whole.names


def test_fs2k_keeps_folders_in_names_and_its_official_split(fs2k):
    test = databases.load("fs2k", "test", fs2k.parent)
    assert test.names == tuple(f"photo{place}-image{number:04d}" for place in (1, 2, 3) for number in (3, 4))
    assert test.groups == tuple(f"style {place}" for place in (1, 2, 3) for _ in (3, 4))
    assert test.photos.shape == (6, 250, 200, 3) and test.sketches.shape == (6, 250, 200)
    train = databases.load("fs2k", "train", fs2k)
    assert not set(train.names) & set(test.names) and len(train) == 6
    # The pictures are the right ones: each is most like the field that it was drawn from.
    for faces, numbers in ((train, (1, 2)), (test, (3, 4))):
        people = [f"{place}/{number}" for place in (1, 2, 3) for number in numbers]
        for row, person in enumerate(people):
            for face in (faces.photos[row, ..., 0], faces.sketches[row]):
                errors = [np.abs(face - field(other).astype(float)).mean() for other in people]
                assert np.argmin(errors) == row and errors[row] < 6


def test_fs2k_attributes_are_the_words_of_its_codes(fs2k):
    records = json.loads((fs2k / "anno_test.json").read_text(encoding="utf-8"))
    for hair_color, record in enumerate(records[:5]):
        record |= {"hair_color": hair_color, "hair": 1, "gender": 0, "frontal_face": 0}
    (fs2k / "anno_test.json").write_text(json.dumps(records), encoding="utf-8")
    noted = databases.load("fs2k", "test", fs2k).attributes
    assert [row["hair_color"] for row in noted[:5]] == ["brown", "black", "red", "none", "golden"]
    assert noted[0] == {"hair": "without", "hair_color": "brown", "gender": "male", "earring": "without",
                        "smile": "with", "frontal_face": "within 30 degrees", "style": "style 1"}
    assert noted[5]["gender"] == "female" and noted[5]["hair"] == "with" and noted[5]["style"] == "style 3"


def test_fs2k_prepares_and_tells_the_published_counts(fs2k, capsys):
    assert __main__.main(["prepare", "--database", "fs2k", "--data", str(fs2k.parent)]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "1058/1046" in told and "style 2" in told and "resized" in told and "test: 6 pairs ready" in told


@pytest.mark.parametrize("change, told", [
    (lambda folder: (folder / "photo/photo2/image0001.jpg").unlink(), "photo2-image0001: photo/photo2/image0001.jpg"),
    (lambda folder: (folder / "sketch/sketch1/sketch0004.JPG").unlink(), "sketch0004.jpg: no such file"),
    (lambda folder: (folder / "anno_test.json").write_text("{}", encoding="utf-8"), "a list of records"),
    (lambda folder: (folder / "anno_test.json").write_text("[{}]", encoding="utf-8"), "entry 1: image_name is None"),
    (lambda folder: (folder / "anno_test.json").write_text("[", encoding="utf-8"), "cannot be read as JSON"),
    (lambda folder: (folder / "anno_test.json").unlink(), "anno_test.json: no such file"),
    (lambda folder: (folder / "anno_test.json").write_text(json.dumps([entry(1, 3, 7)]), encoding="utf-8"),
     "style is 7, not one of 0 to 2"),
])
def test_faulty_copies_of_fs2k_are_told(fs2k, change, told):
    change(fs2k)
    with pytest.raises(StudyError) as caught:
        databases.load("fs2k", "test", fs2k)
    assert told in str(caught.value)


@pytest.mark.parametrize("change, told", [
    (lambda train, test: train.append(train[0]), "keep one entry of it in anno_train.json"),
    (lambda train, test: test.append(train[0]), "keep one entry of it in anno_train.json and anno_test.json")])
def test_an_entry_that_is_there_twice_is_told_with_the_files_that_list_it(fs2k, change, told):
    places = [fs2k / f"anno_{split}.json" for split in ("train", "test")]
    entries = [json.loads(place.read_text(encoding="utf-8")) for place in places]
    change(*entries)
    for place, records in zip(places, entries):
        place.write_text(json.dumps(records), encoding="utf-8")
    found = index.build("fs2k", fs2k).problems
    assert [(problem.name, problem.reason) for problem in found] == [
        ("photo1-image0001", f"2 pairs have this name (photo/photo1/image0001.jpg); {told}")]


def listed(folder, text, people=range(8), styles=("a", "b")):
    for person in people:
        write(folder / f"photos/{person}.png", str(person), (300, 300), True)
        for style in styles:
            write(folder / f"sketches/{style}/{person}.png", f"{person}{style}", (200, 250), False)
    (folder / "pairs.csv").write_text(text, encoding="utf-8")
    return folder


def lines(separator=",", slash="/", columns="", values=lambda person: ""):
    """Every photo beside two sketches of different styles, as SKSF-A has seven of."""
    rows = [f"photo,sketch,split,style{columns}".replace(",", separator)]
    rows += [f"photos{slash}{person}.png,sketches{slash}{style}{slash}{person}.png,{'train' if person < 4 else 'test'},"
             f"{style}{values(person)}".replace(",", separator) for person in range(8) for style in "ab"]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("separator, slash", [(",", "/"), (";", "/"), (",", "\\"), (";", "\\"), ("\t", "/")])
@pytest.mark.parametrize("database", ["wildsketch", "sksf-a"])
def test_pairs_csv_in_the_forms_that_people_write(tmp_path, capsys, database, separator, slash):
    folder = listed(tmp_path / database, lines(separator, slash, ",gender", lambda person: f",{'mf'[person % 2]}"))
    faces = databases.load(database, "test", folder)
    assert faces.names == tuple(f"photos-{person}-{style}" for style in "ab" for person in range(4, 8))
    assert faces.groups == ("a",) * 4 + ("b",) * 4
    assert faces.attributes[1] == {"style": "a", "gender": "f"}
    assert np.abs(faces.sketches[5] - field("5b").astype(float)).mean() < 3
    assert "show what another" not in capsys.readouterr().err  # one photo file of two styles is no repeat


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_a_line_that_tells_excel_the_separator_is_no_header(tmp_path, first):
    """By it the file is parted, even where the header's names hold more commas; lines are counted as editors do."""
    text = lines(";", values=lambda person: ";x").replace("style\n", "style;gender, age, beard, glasses, hat, hair\n")
    folder = listed(tmp_path / "wildsketch", first + text)
    assert len(databases.load("wildsketch", "test", folder)) == 8
    file = folder / "pairs.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("1.png;train", "1.png;val"), encoding="utf-8")
    with pytest.raises(StudyError, match="line 5:"):
        databases.load("wildsketch", "test", folder)


def test_a_photo_whose_styles_lie_in_both_splits_leaks(tmp_path):
    text = lines().replace("sketches/b/5.png,test", "sketches/b/5.png,train")
    with pytest.raises(StudyError, match="photos-5-b: trains and is tested.*photos-5-a"):
        databases.load("sksf-a", "train", listed(tmp_path / "sksf-a", text))


def test_general_databases_without_pairs_say_what_to_write(tmp_path):
    for name in catalogue.GENERAL:
        with pytest.raises(StudyError, match="(?s)pairs.csv.*photo,sketch,split"):
            databases.load(name, "train", tmp_path)


@pytest.mark.parametrize("text, told", [
    ("photo,sketch\na,b\n", "lacks split"),
    ("photo,sketch,split\n", "no line below the header"),
    ("photo,sketch,split\nphotos/1.png,,train\n", "line 2: names no sketch"),
    ("photo,sketch,split\nphotos/1.png,sketches/a/1.png,valid\n", "must be train or test, not 'valid'"),
    ("photo,sketch,split\nphotos/01.jpg,sketches/a/1.png,train\n",
     "photos/01.jpg: no such file; 1.png is there, which differs in zeros before numbers and suffix"),
    ("photo,sketch,split\nfotos/1.png,sketches/a/1.png,train\n", "no such file, nor its folder"),
    ("photo,sketch,split\nphotos/1.png,sketches/a/1.png,train\nphotos/1.png,sketches/b/1.png,train\n",
     "photos-1: 2 pairs have this name (photos/1.png); keep one, or give each its own in a column called name"),
])
def test_faulty_lists_are_told(tmp_path, text, told):
    with pytest.raises(StudyError) as caught:
        databases.load("wildsketch", "train", listed(tmp_path, text, range(2)))
    assert told in str(caught.value)


def test_names_of_listed_pairs_keep_their_folder_where_they_must(tmp_path):
    """cuhk-student numbered from 1 in each split: two persons have one number."""
    rows = ["photo;sketch;split"]
    for split in ("train", "test"):
        for number in (1, 2):
            write_photo(tmp_path / f"{split}p" / f"{number}.png", f"{split}{number}")
            write_sketch(tmp_path / "s" / f"{split}{number}.png", f"{split}{number}")
            rows.append(f"{split}p\\{number}.png;s\\{split}{number}.png;{split}")
    (tmp_path / "pairs.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    assert databases.load("cuhk-student", "test", tmp_path).names == ("testp-1", "testp-2")


@pytest.mark.parametrize("database", ["wildsketch", "cuhk-student"])
@pytest.mark.parametrize("first, second", [("Anna", "anna"), ("JÜrgen", "Jürgen")])
def test_names_that_would_be_one_file_on_other_systems_are_told(tmp_path, database, first, second):
    rows = [f"photos/{number}.png,sketches/a/{number}.png,{split},{name}" for number, (split, name) in enumerate(
        [("train", "one"), ("train", first), ("test", first.upper()), ("test", "two"), ("train", second)])]
    folder = listed(tmp_path, "\n".join(["photo,sketch,split,name", *rows]), range(5), "a")
    (problem,) = index.build(database, folder).problems  # the same name in another split meets neither
    assert problem.name == second and problem.reason.startswith(
        f"{first} (photos/1.png with sketches/a/1.png) and {second} (photos/4.png with sketches/a/4.png) would be one")
    for split in ("train", "test"):
        with pytest.raises(StudyError, match=r"(?s)macOS and Windows.*column called name of pairs\.csv"):
            databases.load(database, split, folder)
    for name in (first, second):  # with either of them left out the other has its file for itself
        sheets.write_rows(folder / "exclusions.csv", ("name", "reason"), [(name, "another's name")])
        assert not index.build(database, folder).problems


def feret(folder, photos, sketch):
    for name in names("cufsf", "train", 3):
        for photo in photos:
            write_photo(folder / "photos" / photo.format(name), f"{name}{photo}" if "fa" in photo else name)
        write_sketch(folder / "sketches" / sketch.format(name), name)
    return index.build("cufsf", folder)


def test_colour_feret_photos_meet_grey_feret_sketches(tmp_path):
    found = feret(tmp_path, ["{}_930831_fb_a.ppm"], "{}fb010_930831.jpg")
    assert [pair.name for pair in found.pairs] == names("cufsf", "train", 3) and not found.problems


def test_of_several_photos_of_a_person_the_drawn_one_is_taken(tmp_path):
    for form, photos in {"colour": ["{}_930831_fa_a.ppm", "{}_930831_fb_a.ppm"],
                         "grey": ["{}fa010_930831.tif", "{}fb010_930831.tif"]}.items():
        found = feret(tmp_path / form, photos, "{}fb010_930831.jpg")
        assert not found.problems and all("fb" in pair.photo.name for pair in found.pairs)
        untold = feret(tmp_path / f"{form} untold", photos, "{}.jpg")
        assert not untold.pairs and len(untold.problems) == 3
        assert "keep the one that was drawn" in untold.problems[0].reason
