"""One's own photo through the network that comes along; exported networks; drawings told from photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import made_up_faces, plan_with
from safetensors.torch import load_file, save_file
from skimage import data

from lib import databases
from lib.__main__ import main
from lib.base import images, paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.commands import sketch
from lib.commands.arguments import Parser
from lib.training import checkpoints, loop, own_photo
from lib.training.translate import Translator

PUPILS = "203,101,247,104"  # of scikit-image's astronaut, by hand
ASTRONAUT = data.astronaut()


@pytest.fixture(scope="module")
def pretrained():
    return Translator(checkpoints.PRETRAINED)


def test_the_network_that_comes_along_is_small_and_goes_both_ways(pretrained):
    assert checkpoints.PRETRAINED.stat().st_size <= 12_000_000
    assert all(tensor.dtype == torch.float16 for tensor in load_file(checkpoints.PRETRAINED).values())
    assert set(pretrained.trainable.directions) == set(DIRECTIONS) and pretrained.finished
    card = (checkpoints.PRETRAINED.parent / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n") and "license:" in card.split("---")[1]
    named = {"CUHK Student", "88", "research", "neutral", "frontal", "SSIM"}
    assert all(word in card for word in named), named


def test_the_astronaut_becomes_a_sketch(pretrained):
    drawn = own_photo.draw(pretrained, ASTRONAUT, "astronaut", eyes=tuple(map(float, PUPILS.split(","))))
    sketch, face = drawn.picture, images.to_grey(drawn.aligned.face)
    assert sketch.shape == (250, 200) and sketch.dtype == np.uint8
    # What any pencil sketch of this photo has: paper where the wall is, graphite where the suit is, and the shapes of
    # the face where they were.
    wall, suit = np.s_[:40, :40], np.s_[235:, 80:120]
    assert sketch[wall].mean() > sketch[suit].mean() + 60
    inner = np.s_[90:200, 60:140]
    assert np.corrcoef(sketch[inner].ravel(), face[inner].ravel())[0, 1] > 0.5
    again = own_photo.draw(pretrained, ASTRONAUT, "astronaut", eyes=tuple(map(float, PUPILS.split(","))))
    np.testing.assert_array_equal(again.picture, sketch)


def test_the_way_back_gives_a_photo_in_colour(pretrained):
    drawn = databases.load("portraits", "test", limit=1).sketches[0]
    photo = own_photo.draw(pretrained, drawn, "drawing", DIRECTIONS[1], (75.0, 125.0, 125.0, 125.0)).picture
    assert photo.shape == (250, 200, 3) and np.ptp(photo.astype(int), axis=2).mean() > 5


def test_drawings_are_told_from_photos():
    faces = databases.load("portraits", "test", limit=8)
    for photo, sketch in zip(faces.photos, faces.sketches):
        assert own_photo.looks_drawn(images.to_rgb(sketch)) and not own_photo.looks_drawn(photo)
        assert not own_photo.looks_drawn(images.to_rgb(images.to_grey(photo) // 2 + 60))
    assert not own_photo.looks_drawn(images.to_rgb(np.full((250, 200), 120, np.uint8)))


def test_command_draws_photos_and_refuses_drawings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images.write_png(tmp_path / "me.png", ASTRONAUT)
    assert main(["sketch", "me.png", "--eyes", PUPILS]) == 0
    assert capsys.readouterr().out.strip() == "me-sketch.png"
    sketch = images.read_image(tmp_path / "me-sketch.png")
    assert sketch.shape == (250, 200)
    assert main(["sketch", "me.png", "--eyes", PUPILS]) == 2 and "there already" in capsys.readouterr().err
    images.write_png(tmp_path / "drawing.png", databases.load("portraits", "test", limit=1).sketches[0])
    eyes = ["--eyes", "75,125,125,125"]
    assert main(["sketch", "drawing.png", *eyes]) == 2
    message = capsys.readouterr().err
    assert "looks like a drawing" in message and "--direction sketch-to-photo" in message
    assert main(["sketch", "drawing.png", "strip.png", *eyes, "--strip"]) == 0  # by its look, as on the page
    assert images.read_image(tmp_path / "strip.png").shape == (250, 400, 3)
    assert main(["sketch", "drawing.png", "out.png", *eyes, "--direction", "photo-to-sketch"]) == 0
    assert main(["sketch", "drawing.png", *eyes, "--direction", "sketch-to-photo"]) == 0
    assert images.read_image(tmp_path / "drawing-photo.png").shape == (250, 200, 3)


@pytest.mark.parametrize("direction, widths", [(None, (400, 600)), (DIRECTIONS[0], (600, 600)),
                                               (DIRECTIONS[1], (400, 400))])
def test_a_strip_is_named_as_one_whatever_the_direction(direction, widths, tmp_path, monkeypatch, capsys):
    """Photo and sketch, and of a photo the way back: two or three pictures of 200 pixels."""
    monkeypatch.chdir(tmp_path)
    faces = databases.load("portraits", "test", limit=1)
    images.write_png(tmp_path / "drawing.png", faces.sketches[0])
    images.write_png(tmp_path / "me.png", faces.photos[0])
    more = ["--direction", direction] if direction else []
    for name, width in zip(("drawing", "me"), widths):
        assert main(["sketch", f"{name}.png", "--eyes", "75,125,125,125", "--strip", *more]) == 0
        assert capsys.readouterr().out.strip() == f"{name}-strip.png"
        assert images.size_of(tmp_path / f"{name}-strip.png") == (width, 250)


def test_a_folder_of_strips_is_named_as_one(tmp_path, monkeypatch):
    (tmp_path / "faces").mkdir()
    images.write_png(tmp_path / "faces" / "me.png", ASTRONAUT)
    monkeypatch.chdir(tmp_path)
    for line, folder in (("", "faces-sketches"), ("--strip", "faces-strips"), ("--direction sketch-to-photo",
                         "faces-photos"), ("--strip --direction sketch-to-photo", "faces-strips")):
        parser = Parser()
        sketch.add_arguments(parser)
        assert list(sketch._outputs(parser.parse_args(["faces", *line.split()])).values()) == [Path(folder, "me.png")]


def test_an_exported_network_translates_like_its_checkpoint(settings, tmp_path, capsys):
    faces = made_up_faces(2)
    loop.train(plan_with(settings), faces, tmp_path / "run", seed=0)
    checkpoint, small = tmp_path / "run" / "checkpoint.pt", tmp_path / "small.safetensors"
    assert main(["export", str(checkpoint), str(small)]) == 0 and "half precision" in capsys.readouterr().out
    first, second = Translator(checkpoint), Translator(small)
    assert second.settings == first.settings
    parameters = sum(p.numel() for p in second.trainable.generators.parameters())
    assert 2 * parameters < small.stat().st_size < 2 * parameters + 60_000
    for direction, sources in zip(DIRECTIONS, (faces.photos, faces.sketches)):
        difference = np.abs(first(direction, sources).astype(int) - second(direction, sources))
        assert difference.max() <= 2 and first(direction, sources).std() > 5
    images.write_png(tmp_path / "in" / "a.png", faces.photos[0])
    arguments = [str(small), str(tmp_path / "in"), str(tmp_path / "out"), "--direction", DIRECTIONS[0]]
    assert main(["translate", *arguments]) == 0
    expected = second(DIRECTIONS[0], faces.photos[:1])[0]
    np.testing.assert_array_equal(images.read_image(tmp_path / "out" / "a.png"), expected)
    contents = checkpoints.load(checkpoint)
    checkpoints.save(checkpoint, {**contents, "finished": False})
    with pytest.raises(StudyError, match="not finished"):
        checkpoints.export(checkpoint, small)
    name = next(iter(contents["method"]["generators"]))
    contents["method"]["generators"][name].fill_(1e6)
    checkpoints.save(checkpoint, contents)
    with pytest.raises(StudyError, match="too large for half precision"):
        checkpoints.export(checkpoint, small)


@pytest.mark.parametrize("break_it, words", [
    (lambda file: file.write_bytes(b"nothing of the kind"), "cannot be read as safetensors"),
    (lambda file: file.unlink(), "no such checkpoint"),
    (lambda file: save_file({"a": torch.zeros(2)}, file), "not a checkpoint of this study"),
])
def test_a_file_that_is_no_network_is_named(tmp_path, capsys, break_it, words):
    file = tmp_path / "small.safetensors"
    file.write_bytes(checkpoints.PRETRAINED.read_bytes())
    break_it(file)
    images.write_png(tmp_path / "me.png", ASTRONAUT)
    assert main(["sketch", str(tmp_path / "me.png"), str(tmp_path / "out.png"), "--checkpoint", str(file)]) == 2
    message = capsys.readouterr().err
    assert words in message and "small.safetensors" in message


def test_options_that_name_no_network_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    assert main(["sketch", "me.png", "--system", "msg-sarl"]) == 2
    assert "--system msg-sarl --profile cpu --seed 0 --force" in capsys.readouterr().err
    assert main(["sketch", "me.png", "--system", "msg-sarl", "--checkpoint", "x.pt"]) == 2
    assert "not both" in capsys.readouterr().err
    assert main(["export", "x.pt", "y.pt"]) == 2 and ".safetensors" in capsys.readouterr().err


def test_the_front_page_shows_what_the_network_draws(pretrained):
    """README's picture is what the command makes of the astronaut, whose eyes dlib finds here."""
    shown = images.read_image(paths.ROOT / "pretrained" / "astronaut.png").astype(int)
    _, made, _ = own_photo.there_and_back(pretrained, ASTRONAUT, "astronaut", eyes=(203.5, 102.0, 246.5, 104.5))
    strip = own_photo.side_by_side([picture for _, picture in made])
    assert shown.shape == strip.shape == (250, 600, 3) and np.abs(shown - strip).max() <= 2
    assert "pretrained/astronaut.png" in (paths.ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name, begins", [("a.jpg", b"\xff\xd8\xff"), ("a.JPEG", b"\xff\xd8\xff"), ("a.bmp", b"BM"),
                                          ("a.png", b"\x89PNG"), ("a.tiff", b"II*\0")])
def test_a_picture_has_the_format_of_its_ending(name, begins, tmp_path, monkeypatch, capsys):
    """The first bytes are those that the formats' own specifications fix."""
    monkeypatch.chdir(tmp_path)
    images.write_png(tmp_path / "me.png", ASTRONAUT)
    assert main(["sketch", "me.png", name, "--eyes", PUPILS]) == 0
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert main(["sketch", "me.png", "exact.png", "--eyes", PUPILS]) == 0
    pictures = [images.read_image(tmp_path / file).astype(int) for file in (name, "exact.png")]
    assert np.abs(pictures[0] - pictures[1]).mean() < 2


@pytest.mark.parametrize("name", ["a.webp", "a.pgm.gz", "a", "folder.d/a"])
def test_an_ending_that_is_not_written_is_refused_before_anything_is_made(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images.write_png(tmp_path / "me.png", ASTRONAUT)
    assert main(["sketch", "me.png", name, "--eyes", PUPILS]) == 2
    message = capsys.readouterr().err
    assert ".jpg" in message and "/ at its end" in message
    assert [file.name for file in tmp_path.iterdir()] == ["me.png"]


def test_an_output_with_a_slash_at_its_end_is_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images.write_png(tmp_path / "me.png", ASTRONAUT)
    for status, folder in ((0, "OUT/"), (2, "OUT")):  # not there yet; there, with the picture in it
        assert main(["sketch", "me.png", folder, "--eyes", PUPILS]) == status
    assert images.read_image(tmp_path / "OUT" / "me.png").shape == (250, 200)


@pytest.mark.parametrize("line", ["align me.png OUT", "align in OUT", "sketch in OUT",
                                  "translate x.pt in OUT --direction photo-to-sketch"])
@pytest.mark.parametrize("name", ["in", "new.png", "me.png", "note"])
def test_a_folder_for_images_is_no_file_and_not_that_of_the_inputs(line, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images.write_png(tmp_path / "me.png", ASTRONAUT)
    images.write_png(tmp_path / "in" / "a.png", ASTRONAUT)
    (tmp_path / "note").touch()
    if (line, name) == ("align me.png OUT", "in"):
        return  # a folder like any other
    assert main(line.replace("OUT", name).split()) == 2
    message = capsys.readouterr().err
    assert f"error: {name}: " in message and "folder" in message
    assert not (tmp_path / "new.png").exists()
