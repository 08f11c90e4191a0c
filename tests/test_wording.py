"""Messages count in good English: one image has, two images have."""

from __future__ import annotations

import pytest
from PIL import Image

from lib import __main__
from lib.base.errors import counted, some_of


@pytest.mark.parametrize("noun, several", [
    ("image", "images"), ("test face", "test faces"), ("pair", "pairs"), ("sketch", "sketches"), ("person", "people"),
    ("train pair", "train pairs"), ("box", "boxes"), ("class", "classes"),
    ("training identity", "training identities"), ("day", "days")])
def test_only_one_thing_is_singular(noun, several):
    assert counted(1, noun) == f"1 {noun}"
    for number in (0, 2, 11, 21, 101):
        assert counted(number, noun) == f"{number} {several}"


@pytest.mark.parametrize("count, whole, words", [
    (1, 3, "1 of 3 images has"), (2, 3, "2 of 3 images have"), (1, 1, "1 of 1 image has"), (0, 1, "0 of 1 image have")])
def test_the_noun_goes_with_the_whole_and_the_verb_with_the_part(count, whole, words):
    assert some_of(count, whole, "image", "has/have") == words
    assert some_of(count, whole, "image") == words.rpartition(" ")[0]
    assert counted(whole, "image", "is/are") == ("1 image is" if whole == 1 else f"{whole} images are")


@pytest.mark.parametrize("real, made, told", [
    (["1"], ["1", "2"], "1 of 3 images has no partner"), (["1"], ["2"], "2 of 2 images have no partner")])
def test_a_single_image_is_told_as_one(tmp_path, capsys, real, made, told):
    for folder, names in (("real", real), ("made", made)):
        (tmp_path / folder).mkdir()
        for name in names:
            Image.new("L", (40, 50), 100).save(tmp_path / folder / f"{name}.png")
    assert __main__.main(["score", str(tmp_path / "real"), str(tmp_path / "made"), "--metrics", "mae"]) == 2
    assert told in capsys.readouterr().err


def test_a_single_image_that_cannot_be_scored_is_told_as_one(tmp_path, capsys):
    for folder, size in (("real", (40, 50)), ("made", (41, 50))):
        (tmp_path / folder).mkdir()
        Image.new("L", size, 100).save(tmp_path / folder / "1.png")
    assert __main__.main(["score", str(tmp_path / "real"), str(tmp_path / "made"), "--metrics", "mae"]) == 2
    assert "error: 1 image cannot be scored" in capsys.readouterr().err
