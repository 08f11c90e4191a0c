"""Malformed databases, checkpoints and options of trainings: the second half of the table of cases."""

from __future__ import annotations

import dataclasses
import functools
import json
import os

import numpy as np
import torch
from made_up_databases import cuhk_as_distributed, names, write_photo, write_sketch
from malformed_folders import case, image

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
case("anno_train.json", "it is not UTF-8", "Restore", name="annotations in Latin-1")(
    prepare("fs2k")(text("anno_train.json", '["photo1/imagé"]'.encode("latin-1"))))
case("anno_test.json: no such file. Restore", name="annotations of one split alone")(
    prepare("fs2k")(text("anno_train.json", b"[]")))
case("photo1-image0001", "no such file", "--exclude-broken", name="annotations of absent images")(
    prepare("fs2k")(annotated([{"image_name": "photo1/image0001"}])))
case("pairs.csv: needs the columns", "lacks split", name="a list without splits")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch\na,b\n")))
case("pairs.csv: cannot be used", "no line below", "a line reads", name="an empty list")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,split\n")))
case("pairs.csv: cannot be used", "line 4", "'val'", "Mend", name="a third split")(
    prepare("sksf-a")(text("pairs.csv", b"photo;sketch;split\n;;\n\na.png;b.png;val\n")))
case("pairs.csv: 1 unknown group: feret", "Known: cuhk-student", name="an unknown group")(
    prepare("cuhk-student")(text("pairs.csv", b"photo,sketch,split,group\na.png,b.png,train,feret\n")))
case("pairs.csv: is not UTF-8", "line 3", "'m\xfcller.png,b,train'", "Save it as UTF-8", "iconv -f LATIN1",
     name="a list in Latin-1")(
    prepare("sksf-a")(text("pairs.csv", "photo,sketch,split\na,b,train\nmüller.png,b,train\n".encode("latin-1"))))
case("pairs.csv: is not UTF-8", "UTF-16", "Save it as UTF-8", name="a list in UTF-16")(
    prepare("sksf-a")(text("pairs.csv", "photo,sketch,split\na,b,train\n".encode("utf-16"))))
case("pairs.csv: needs the columns", "Its first line is Photo,Sketch,Split", "small letters",
     name="columns in capitals")(
    prepare("sksf-a")(text("pairs.csv", b"Photo,Sketch,Split\na,b,train\n")))
case("pairs.csv: has more than one column photo", "Keep one", name="a column that is there twice")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,photo,split\na,b,c,train\n")))
case("pairs.csv: lines of more cells", "line 3: a,b,train,young,blond", "double quotes", name="a comma without quotes")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,split,style\na,b,train,old\na,b,train,young,blond\n")))
case("pairs.csv: cannot be used", "line 2: the name '../../a' cannot be a file's", "Mend", name="a name with a path")(
    prepare("sksf-a")(text("pairs.csv", b"photo,sketch,split,name\na.png,b.png,train,../../a\n")))
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
case("exclusions.csv", "is not UTF-8", "Save it as UTF-8", name="exclusions that are no text")(
    cuhk(text("exclusions.csv", b"name,reason\n\xff\xfe\n")))
case("fit another person's photo", "Rename the files", "--accept-pairing", name="a copy sorted wrongly")(
    cuhk(mis_sorted))
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
case(PT, "cannot be read as a checkpoint", "trained again with --force", name="text for a checkpoint")(
    translate(lambda path: path.write_text("weights", encoding="utf-8")))
case(PT, "cannot be read as a checkpoint", "trained again with --force", name="half a checkpoint")(
    translate(lambda path: (saved()(path), path.write_bytes(path.read_bytes()[:5000]))))
case(PT, "refused", "multiarray.scalar", "float(", name="a NumPy scalar in a checkpoint")(
    translate(saved(loss=np.float64(0.5))))
case(PT, "refused", "mkdir", "nothing in it was executed", name="a forged checkpoint")(translate(saved(loss=Forged())))
case(PT, "it lacks format, system", "state_dict", "checkpoint.pt of a run folder",
     name="a checkpoint of another program")(
    translate(lambda path: torch.save({"state_dict": {}, "epoch": 3}, path)))
case(PT, "a bare Tensor", "checkpoint.pt of a run folder", name="a bare tensor")(
    translate(lambda path: torch.save(torch.zeros(3), path)))
case(PT, "format 9", "Train again", name="a checkpoint of a later format")(translate(saved(format=9)))
case(PT, "Unknown trained system 'stargan'", "Train again", name="a checkpoint of an unknown system")(
    translate(saved(system="stargan")))
case(PT, "another version of the study (settings: colour)", "Train again", name="a checkpoint of other settings")(
    translate(lambda path: torch.save({**sound(), "settings": {**sound()["settings"], "colour": 1}}, path)))
case(PT, "its settings is a list", "trained again with --force",
     name="settings of another kind")(translate(saved(settings=[1])))
case(PT, "not a table of tensors", "trained again with --force",
     name="weights of another kind")(translate(saved(method={"generators": 5})))
case(PT, "do not fit its own settings", "1 missing, first", "take a checkpoint", name="a missing weight")(
    translate(weights(lambda state: state.pop(list(state)[3]))))
case(PT, "1 unexpected, first head.bias", "take a checkpoint", name="an unexpected weight")(
    translate(weights(lambda state: state.update({"head.bias": torch.zeros(2)}))))
case(PT, "of another shape, first", "not (", "another width", name="a checkpoint of another width")(
    translate(lambda path: torch.save({**sound(), "settings": {**sound()["settings"], "width": 8}}, path)))
case(PT, "NaN or infinite", "Train again", name="weights that are no numbers")(
    translate(weights(lambda state: state.update({first(): torch.full_like(state[first()], torch.nan)}))))


@case("would lie among them", "another folder")
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
