"""Malformed folders, images and options of ``score`` and ``recognise``: the first half of a table of cases.

``tests/malformed_data.py`` has the other half, ``tests/test_malformed_inputs.py`` runs them all.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import io as matlab

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


@case("real: a file", "give the folder")
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


@case("made: holds no images", "It holds notes.txt: convert")
def a_folder_of_other_files(place):
    arguments = folders(place, made=())
    (place / "made" / "notes.txt").write_text("none", encoding="utf-8")
    return arguments


@case(r"a\u200f1.png: no partner", "spaces and characters that cannot be seen, 2 would find", "Rename, add or remove")
def marks_that_cannot_be_seen(place):
    return folders(place, ["a\u200f1.png", "b  2 .png"], ["a1.png", "b 2.png"])


@case(r"\x1b[31m1.png: no partner", "Rename, add or remove")
def escape_codes_in_names(place):
    return folders(place, ["\x1b[31m1.png"], ["1.png"])


@case("1.png: cannot be read as an image", "the file is empty", "Replace or remove")
def an_empty_file(place):
    arguments = folders(place)
    (place / "made" / "1.png").write_bytes(b"")
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
    content = image(path, "RGB").read_bytes()
    path.write_bytes(content[:len(content) // 2])


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
    "several pages": (lambda at: image(at / "2.tif", save_all=True, append_images=[Image.new("L", (40, 50))]),
                      "2 images", "Write the one"),
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


@case("file is not a folder", "choose another place")
def a_table_where_none_can_be_written(place):
    (place / "file").write_text("", encoding="utf-8")
    return [*folders(place), "--csv", str(place / "file" / "scores.csv")]


def recognise(*options, count=6):
    def arrange(place):
        called = [f"{k}.png" for k in range(count)]
        return ["recognise", *folders(place, called, called)[1:3], *options]
    return arrange


case("6 training identities of 6", "Train with fewer", name="nobody left to recognise")(
    recognise("--train-identities", "6"))
case("1 training identity", "at least two", name="one person to train")(recognise("--train-identities", "1"))
case("0 repeats", "at least one", name="no repeats")(recognise("--train-identities", "3", "--repeats", "0"))
case("--seed -1", "from 0 on", name="a negative seed")(recognise("--train-identities", "3", "--seed", "-1"))


@case("All images must have the size of", "0.png: 41×50", "Align and resize")
def faces_of_several_sizes(place):
    arguments = recognise("--train-identities", "3")(place)
    image(place / "made" / "0.png", size=(41, 50))
    return arguments
