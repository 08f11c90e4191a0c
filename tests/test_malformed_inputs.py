"""Malformed inputs, one table: each ends with status 2 and a message that names the file, the cause and the remedy."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from made_up_databases import cuhk_as_distributed, names, write_photo, write_sketch
from PIL import Image
from scipy import io as matlab

from lib import __main__

RNG = np.random.default_rng(0)


class Case(NamedTuple):
    """make: given a folder, lays out the input in it and returns the command line; told: what the message must hold."""

    make: object
    told: tuple[str, ...]


CASES: dict[str, Case] = {}


def case(*told, name=None):
    """Enter a function as a case; its name, with spaces, is the case's."""
    def enter(make):
        CASES[name or make.__name__.replace("_", " ")] = Case(make, told)
        return make
    return enter


def image(path, mode="L", size=(40, 50), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return path


def folders(place, real=("1.png", "2.png", "3.png"), made=("1.png", "2.png", "3.png")):
    for folder, files in (("real", real), ("made", made)):
        (place / folder).mkdir()
        for file in files:
            image(place / folder / file)
    return ["score", str(place / "real"), str(place / "made"), "--metrics", "mae"]


# Folders and names

@case("real: no such folder", "Check the path")
def a_folder_that_is_not_there(place):
    return ["score", str(place / "real"), str(place)]


@case("real: no such folder", "Check the path")
def a_file_for_a_folder(place):
    image(place / "real.png").rename(place / "real")
    return ["score", str(place / "real"), str(place)]


@case("made: holds no images", ".png, .jpg")
def an_empty_folder(place):
    return folders(place, made=())


@case("made: holds no images", "Its folders epoch1, epoch2 do: give one of them")
def a_folder_of_folders(place):
    arguments = folders(place, made=())
    image(place / "made" / "epoch1" / "1.png")
    image(place / "made" / "epoch2" / "1.png")
    return arguments


@case("made: holds no images", "results.zip: unpack it first")
def an_archive(place):
    arguments = folders(place, made=())
    (place / "made" / "results.zip").write_bytes(b"PK")
    return arguments


@case("made: holds no images", "results.mat with x (50×40×3 uint8, H×W×N", "Write each image to a file")
def arrays_of_matlab(place):
    arguments = folders(place, made=())
    matlab.savemat(place / "made" / "results.mat", {"x": np.zeros((50, 40, 3), np.uint8)})
    return arguments


@case("made: holds no images", "results.npy", "numpy.load(", "Write each image to a file")
def arrays_of_numpy(place):
    arguments = folders(place, made=())
    np.save(place / "made" / "results.npy", np.zeros((3, 50, 40), np.uint8))
    return arguments


@case("made: holds no images", "results.mat, which cannot be read")
def a_damaged_array(place):
    arguments = folders(place, made=())
    (place / "made" / "results.mat").write_bytes(b"\0" * 200)
    return arguments


@case("Ann.png: no partner", "letter case, 1 would find a partner", "Rename, add or remove")
def another_letter_case(place):
    return folders(place, ["Ann.png"], ["ann.png"])


@case("1.png: no partner", "zeros before numbers, 2", "--pattern")
def other_padding(place):
    return folders(place, ["1.png", "2.png"], ["001.png", "002.png"])


@case("no partner", "NFC and NFD", "Rename")
def another_form_of_unicode(place):
    return folders(place, [unicodedata.normalize("NFC", "Jürgen.png")], [unicodedata.normalize("NFD", "Jürgen.png")])


@case("1_fake_B.png: no partner", "endings, 1", "'(.+?)(?:_fake_B)?'")
def endings_of_programs(place):
    return folders(place, ["1.png"], ["1_fake_B.png"])


@case("001.jpg.png: no partner", "endings, 1")
def double_suffixes(place):
    return folders(place, ["001.jpg"], ["001.jpg.png"])


@case("no partner", "FERET's names, 1 would", "--pattern")
def feret_in_colour_and_grey(place):
    return folders(place, ["00001_930831_fa_a.ppm"], ["00001fb010_930831.png"])


@case("4 of 4 images have no partner", "Rename, add or remove")
def names_of_nothing_in_common(place):
    return folders(place, ["a.png", "b.png"], ["x.png", "y.png"])


@case("real: the same name with different suffixes", "1.jpg and 1.png", "Remove one of each")
def one_name_twice(place):
    return folders(place, ["1.png", "1.jpg"], ["1.png"])


@case("'(.+' is no regular expression")
def a_broken_pattern(place):
    return [*folders(place), "--pattern", "(.+"]


@case("has 0 groups", "Give it one")
def a_pattern_without_group(place):
    return [*folders(place), "--pattern", ".+"]


@case("does not fit 3 of 3 names", "Mend the pattern")
def a_pattern_that_fits_nothing(place):
    return [*folders(place), "--pattern", "(x.+)"]


# Images

def with_second(make):
    """The folders of ``score`` with the second synthesised image replaced by what ``make`` writes."""
    def arrange(place):
        arguments = folders(place, made=("1.png", "3.png"))
        make(place / "made")
        return arguments
    return arrange


def truncated(path):
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (50, 40, 3), dtype=np.uint8)).save(buffer, path.suffix[1:].replace("jpg", "jpeg"))
    path.write_bytes(buffer.getvalue()[:len(buffer.getvalue()) // 2])


def turned(path):
    exif = Image.Exif()
    exif[0x112] = 6
    image(path, "RGB", exif=exif)


IMAGES = {
    "an image of another size": (lambda at: image(at / "2.png", size=(41, 50)), "41×50", "Resize it first"),
    "sixteen bits": (lambda at: Image.fromarray(np.zeros((50, 40), np.uint16)).save(at / "2.png"), "16-bit", "Convert"),
    "a palette": (lambda at: image(at / "2.png", "P"), "palette", "Convert"),
    "transparency": (lambda at: image(at / "2.png", "RGBA"), "transparency", "Convert"),
    "grey with transparency": (lambda at: image(at / "2.png", "LA"), "transparency", "Convert"),
    "colours of print": (lambda at: image(at / "2.jpg", "CMYK"), "CMYK", "Convert"),
    "one bit": (lambda at: image(at / "2.png", "1"), "1-bit", "Convert"),
    "floating point": (lambda at: image(at / "2.tif", "F"), "floating-point", "Convert"),
    "half a JPEG": (lambda at: truncated(at / "2.jpg"), "cannot be read as an image", "Replace or remove"),
    "half a PNG": (lambda at: truncated(at / "2.png"), "cannot be read as an image", "Replace or remove"),
    "an empty file": (lambda at: (at / "2.png").write_bytes(b""), "cannot be read as an image", "Replace or remove"),
    "text called PNG": (lambda at: (at / "2.png").write_bytes(b"<html>404"), "cannot be read", "Replace or remove"),
    "several pages": (lambda at: image(at / "2.tif", save_all=True, append_images=[Image.new("L", (40, 50))]), "2 images",
                      "Write the one"),
    "pixels stored turned": (lambda at: turned(at / "2.jpg"), "stored turned", "-auto-orient"),
    "a kind that is not read": (lambda at: image(at / "2.webp"), "2.webp", "Convert them to PNG"),
}
for title, (make, *told) in IMAGES.items():
    case("2.", *told, name=title)(with_second(make))


@case("1.png", "5×5 pixels are too small", "leave the metric out", name="an image smaller than the window of SSIM")
def too_small(place):
    folders(place, (), ())
    for folder in ("real", "made"):
        image(place / folder / "1.png", size=(5, 5))
    return ["score", str(place / "real"), str(place / "made"), "--metrics", "ssim"]


# Options of score and recognise

def score(*options):
    return lambda place: [*folders(place), *options]


case("Unknown metric 'sim'", "Did you mean ssim", name="a misspelt metric")(score("--metrics", "sim"))
case("--csv holds scores of images", "add one of", name="a file of scores without scores")(
    score("--metrics", "fid", "--csv", "x.csv"))
case("--as NAME needs", "--database", name="a name without a study")(score("--as", "mine"))
case("is a system of this study", "another name", name="a name that is taken")(
    lambda place: [*folders(place)[:3], "--as", "msg-sarl", "--database", "cuhk-student"])
case("--sets-only looks at no names", "leave --csv", name="sets with a file of scores")(
    score("--sets-only", "--csv", "x.csv"))
case("made: holds 3 images", "need 4", "Add images", name="sets of three")(
    lambda place: [*folders(place, [f"{k}.png" for k in range(5)])[:3], "--sets-only"])
case("give --profile and --database", name="a profile without a database")(score("--profile", "tiny"))
case("Unknown profile 'tinny'", "Did you mean tiny", name="a misspelt profile")(
    lambda place: ["score", "--profile", "tinny", "--database", "portraits"])
case("--metrics takes all words that follow", "Give it last", name="folders after the metrics")(
    lambda place: ["score", "--metrics", "mae", *folders(place)[1:3]])
case("Give REFERENCE_DIR and SYNTHESISED_DIR", name="one folder")(lambda place: ["score", str(place)])


@case("cannot be written", "choose another place")
def a_table_where_none_can_be_written(place):
    (place / "file").write_text("", encoding="utf-8")
    return [*folders(place), "--csv", str(place / "file" / "scores.csv")]


def recognise(*options, count=6):
    def arrange(place):
        called = [f"{k}.png" for k in range(count)]
        return ["recognise", *folders(place, called, called)[1:3], *options]
    return arrange


case("6 training identities of 6", "Train with fewer", name="nobody left to recognise")(recognise("--train-identities", "6"))
case("1 training identities", "at least two", name="one person to train")(recognise("--train-identities", "1"))
case("0 repeats", "at least one", name="no repeats")(recognise("--train-identities", "3", "--repeats", "0"))
case("--seed -1", "from 0 on", name="a negative seed")(recognise("--train-identities", "3", "--seed", "-1"))


@case("All images must have the size of", "0.png: 41×50", "Align and resize")
def faces_of_several_sizes(place):
    arguments = recognise("--train-identities", "3")(place)
    image(place / "made" / "0.png", size=(41, 50))
    return arguments


# Databases

def prepare(database, *options):
    def run(make):
        def arrange(place):
            make(place / "data")
            return ["prepare", "--database", database, "--data", str(place / "data"), *options]
        return arrange
    return run


def cuhk(change):
    """A small copy of CUHK Student after a change."""
    def make(folder):
        cuhk_as_distributed(folder, 8, 8)
        change(folder)
    return prepare("cuhk-student")(make)


TRAIN, TEST = names("cuhk-student", "train"), names("cuhk-student", "test")


def text(name, content):
    def write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return write


def mis_sorted(folder):
    files = sorted((folder / "Testing sketch").iterdir())
    contents = [file.read_bytes() for file in files]
    for file, content in zip(files, contents[1:] + contents[:1]):
        file.write_bytes(content)


def in_both_splits(folder):
    write_photo(folder / "Testing photo" / f"{TEST[0]}.jpg", TRAIN[0])
    write_sketch(folder / "Testing sketch" / f"{TEST[0]}-sz1.jpg", TRAIN[0])


def annotated(content):
    def make(folder):
        text("anno_train.json", b"[]")(folder)
        text("anno_test.json", json.dumps(content).encode())(folder)
    return make


PHOTO = f"Training photo/{TRAIN[0]}.jpg"
case("Unknown database 'cuhk'", "Did you mean", name="a misspelt database")(prepare("cuhk")(lambda folder: None))
case("data: no such folder", "--data DIR", name="no data")(prepare("cufs")(lambda folder: None))
case("data: no folder of photo images", "pairs.csv", name="no photos")(prepare("cufsf")(lambda folder: folder.mkdir()))
case("data: no pairs.csv", "columns photo,sketch,split", name="no list of pairs")(
    prepare("wildsketch")(lambda folder: folder.mkdir()))
case("data: no pairs.csv and no anno_train.json", "--data DIR", name="no annotations")(
    prepare("fs2k")(lambda folder: folder.mkdir()))
case("anno_test.json", "a list of records", "Restore", name="annotations of another form")(
    prepare("fs2k")(annotated({"a": 1})))
case("anno_test.json", "image_name is 'image0001'", "Restore", name="annotations without folders")(
    prepare("fs2k")(annotated([{"image_name": "image0001"}])))
case("anno_test.json", "gender is 2", "Restore", name="an unknown code")(
    prepare("fs2k")(annotated([{"image_name": "photo1/image0001", "gender": 2}])))
case("photo1-image0001", "no such file", "--exclude-broken", name="annotations of absent images")(
    prepare("fs2k")(annotated([{"image_name": "photo1/image0001"}])))
case("pairs.csv: needs the columns", "lacks split", name="a list without splits")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch\na,b\n")))
case("pairs.csv: cannot be used", "no line below", "a line reads", name="an empty list")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,split\n")))
case("pairs.csv: cannot be used", "line 2", "'val'", "Mend", name="a third split")(
    prepare("sksf-a")(text("pairs.csv", b"photo;sketch;split\na.png;b.png;val\n")))
case("pairs.csv: unknown group feret", "Known: cuhk-student", name="an unknown group")(
    prepare("cuhk-student")(text("pairs.csv", b"photo,sketch,split,group\na.png,b.png,train,feret\n")))
case("pairs.csv: cannot be read as CSV", "Mend or remove", name="a list that is no text")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,split\n\xff\xfe,b,train\n")))
case("no such file", "photos/1.png", "--exclude-broken", name="a list of absent files")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,split\nphotos\\1.png,s\\1.png,train\n")))
case(f"{TRAIN[0]}:", "has no photo", "--exclude-broken", name="a sketch without photo")(
    cuhk(lambda folder: (folder / PHOTO).unlink()))
case(PHOTO, "256×256 pixels instead of 200×250", "Use the cropped version", name="faces of another size")(
    cuhk(lambda folder: image(folder / PHOTO, "RGB", (256, 256))))
case(PHOTO, "cannot be read as an image", "Mend the files", name="a damaged face")(
    cuhk(lambda folder: (folder / PHOTO).write_bytes(b"\xff\xd8\xff")))
case("split.csv", "must be train or test", name="a split of another word")(
    cuhk(text("split.csv", f"name,split\n{TRAIN[0]},valid\n".encode())))
case("exclusions.csv", "cannot be read as CSV", "Mend or remove", name="exclusions that are no text")(
    cuhk(text("exclusions.csv", b"name,reason\n\xff\xfe\n")))
case("fit another person's photo", "Rename the files", "--accept-pairing", name="a copy sorted wrongly")(cuhk(mis_sorted))
case(f"{TRAIN[0]}: trains and is tested", "keep it in one split", name="a face in both splits")(cuhk(in_both_splits))
case("another database", "rename them, or move", name="files of another database")(
    cuhk(lambda folder: write_photo(folder / "Training photo" / "XM2VTS_0007.jpg", "x")))
case(".webp images are not read", "convert it to PNG", name="a face of a kind that is not read")(
    cuhk(lambda folder: image(folder / "Training photo" / "new.webp")))


# Checkpoints

@functools.cache
def sound():
    """The entries of a checkpoint of the smallest network, untrained."""
    from lib.training import plans

    settings = dataclasses.replace(plans.plan("tiny", "msg-sarl").settings, size=32, width=4, precision="fp32")
    weights = plans.create("msg-sarl", settings, torch.device("cpu"), training=False).generators.state_dict()
    return {"format": 1, "system": "msg-sarl", "settings": dataclasses.asdict(settings), "finished": True,
            "method": {"generators": weights}}


def translate(change):
    def arrange(place):
        image(place / "photos" / "1.png", "RGB")
        change(place / "checkpoint.pt")
        return ["translate", str(place / "checkpoint.pt"), str(place / "photos"), str(place / "out"), "--direction",
                "photo-to-sketch"]
    return arrange


def saved(**changes):
    return lambda path: torch.save({**sound(), **changes}, path)


def weights(change):
    def write(path):
        state = dict(sound()["method"]["generators"])
        change(state)
        torch.save({**sound(), "method": {"generators": state}}, path)
    return write


class Forged:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def first():
    return next(iter(sound()["method"]["generators"]))


PT = "checkpoint.pt"
case(PT, "no such checkpoint", "Train it", name="no checkpoint")(translate(lambda path: None))
case(PT, "cannot be read as a checkpoint", "Delete it", name="text for a checkpoint")(
    translate(lambda path: path.write_text("weights", encoding="utf-8")))
case(PT, "cannot be read as a checkpoint", "Delete it", name="half a checkpoint")(
    translate(lambda path: (saved()(path), path.write_bytes(path.read_bytes()[:5000]))))
case(PT, "refused", "multiarray.scalar", "float(", name="a NumPy scalar in a checkpoint")(
    translate(saved(loss=np.float64(0.5))))
case(PT, "refused", "mkdir", "nothing in it was executed", name="a forged checkpoint")(translate(saved(loss=Forged())))
case(PT, "it lacks format, system", "state_dict", "checkpoint.pt of a run folder", name="a checkpoint of another program")(
    translate(lambda path: torch.save({"state_dict": {}, "epoch": 3}, path)))
case(PT, "a bare Tensor", "checkpoint.pt of a run folder", name="a bare tensor")(
    translate(lambda path: torch.save(torch.zeros(3), path)))
case(PT, "format 9", "Train again", name="a checkpoint of a later format")(translate(saved(format=9)))
case(PT, "Unknown trained system 'stargan'", "Train again", name="a checkpoint of an unknown system")(
    translate(saved(system="stargan")))
case(PT, "another version of the study (settings: colour)", "Train again", name="a checkpoint of other settings")(
    translate(lambda path: torch.save({**sound(), "settings": {**sound()["settings"], "colour": 1}}, path)))
case(PT, "its settings is a list", "Delete it", name="settings of another kind")(translate(saved(settings=[1])))
case(PT, "no table of tensors", "Delete it", name="weights of another kind")(translate(saved(method={"generators": 5})))
case(PT, "do not fit its own settings", "1 missing, first", "take a checkpoint", name="a missing weight")(
    translate(weights(lambda state: state.pop(list(state)[3]))))
case(PT, "1 unexpected, first head.bias", "take a checkpoint", name="an unexpected weight")(
    translate(weights(lambda state: state.update({"head.bias": torch.zeros(2)}))))
case(PT, "of another shape, first", "not (", "another width", name="a checkpoint of another width")(
    translate(lambda path: torch.save({**sound(), "settings": {**sound()["settings"], "width": 8}}, path)))
case(PT, "NaN or infinite", "Train again", name="weights that are no numbers")(
    translate(weights(lambda state: state.update({first(): torch.full_like(state[first()], torch.nan)}))))


@case("these inputs would be overwritten", "another output folder")
def outputs_over_inputs(place):
    arguments = translate(saved())(place)
    return [*arguments[:3], str(place / "photos"), *arguments[4:]]


@case("are there already", "Remove them")
def outputs_that_are_there(place):
    image(place / "out" / "1.png")
    return translate(saved())(place)


@case("photos/2.png", "cannot be read as an image", "Replace or remove")
def a_damaged_image_to_translate(place):
    arguments = translate(saved())(place)
    (place / "photos" / "2.png").write_bytes(b"x")
    return arguments


# Trainings and user studies

def train(*options):
    return lambda place: ["train", *options]


case("Unknown system 'msg-sarla'", "Did you mean msg-sarl", name="a misspelt system")(
    train("--database", "portraits", "--system", "msg-sarla", "--profile", "tiny"))
case("norms", name="a misspelt setting")(
    train("--database", "portraits", "--system", "msg-sarl+norms=1", "--profile", "tiny"))
case("not of the form name=value", name="a setting without value")(
    train("--database", "portraits", "--system", "msg-sarl+double", "--profile", "tiny"))
case("Give --system", "or --grid", name="nothing to train")(train("--database", "portraits"))
case("no-study", name="answers to no study")(
    lambda place: ["study", "analyse", str(place), "--study", str(place / "no-study")])


def run(arguments, capsys):
    try:
        status = __main__.main(arguments)
    except SystemExit as exit_:  # argparse
        status = exit_.code
    return status, capsys.readouterr().err


def test_the_table_has_at_least_sixty_cases():
    assert len(CASES) >= 60


@pytest.mark.parametrize("title", CASES)
def test_malformed_input_ends_with_its_file_its_cause_and_its_remedy(tmp_path, monkeypatch, capsys, title):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    status, message = run(CASES[title].make(tmp_path), capsys)
    assert status == 2, message
    assert message.startswith("error: ") and "Traceback" not in message and "\x1b" not in message
    assert all(words in message for words in CASES[title].told), message
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("title", ["a folder that is not there", "half a JPEG", "no list of pairs", "a misspelt metric",
                                   "a forged checkpoint"])
def test_the_shell_sees_the_same(tmp_path, title):
    done = subprocess.run([sys.executable, "-m", "lib", *CASES[title].make(tmp_path)], cwd=tmp_path, capture_output=True,
                          encoding="utf-8", env={**os.environ, "MSGSARL_CACHE": str(tmp_path / "cache"),
                                                 "PYTHONUTF8": "1"})
    assert done.returncode == 2 and "Traceback" not in done.stderr and not done.stdout.startswith("error")
    assert all(words in done.stderr for words in CASES[title].told), done.stderr
    assert not (tmp_path / "executed").exists()


def test_a_sound_checkpoint_passes_with_and_without_the_prefix_of_data_parallel_training(tmp_path, capsys):
    """Otherwise every case of a checkpoint above could be refused for one and the same other reason."""
    for folder, rename in (("plain", lambda name: name), ("parallel", lambda name: f"module.{name}")):
        state = {rename(name): value for name, value in sound()["method"]["generators"].items()}
        arguments = translate(saved(method={"generators": state}))(tmp_path / folder)
        Image.new("RGB", (40, 50), (200, 90, 10)).save(tmp_path / folder / "photos" / "1.png")
        status, message = run(arguments, capsys)
        assert status == 0, message
    first_, second = (Path(tmp_path / folder / "out" / "1.png").read_bytes() for folder in ("plain", "parallel"))
    assert first_ == second
