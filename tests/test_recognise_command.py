"""``python -m lib recognise`` between two folders: what it prints and writes, and errors a user can mend."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from lib.__main__ import main
from lib.base import images

NAMES = tuple(f"person-{i:02d}" for i in range(12))


def write_folder(folder, arrays, suffix=".png"):
    for name, array in arrays.items():
        images.write_png(folder / f"{name}{suffix}", array)
    return folder


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(2)
    real = {name: rng.integers(0, 255, (20, 16)).astype(np.uint8) for name in NAMES}
    synthesised = {name: np.repeat((face // 2)[..., None], 3, axis=2) for name, face in real.items()}
    return write_folder(tmp_path / "real", real), write_folder(tmp_path / "made", synthesised)


def test_command_prints_and_writes(folders, tmp_path, capsys):
    file = tmp_path / "curves.csv"
    arguments = ["recognise", *map(str, folders), "--train-identities", "5", "--repeats", "3", "--csv", str(file)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "12 people, 5 train, 7 recognised, 3 random splits" in printed and "100.00%" in printed
    table = pd.read_csv(file, encoding="utf-8")
    assert list(table.columns) == ["direction", "system", "seed", "split", "dimension", "accuracy"]
    assert len(table) == 3 * 4
    first = file.read_bytes()
    assert main([*arguments, "--direction", "sketch-to-photo", "--method", "eigenface"]) == 0
    assert len(pd.read_csv(file, encoding="utf-8")) == 3 * 9
    assert main(arguments) == 0 and file.read_bytes() == first
    assert main([*arguments, "--seed", "1"]) == 0


@pytest.mark.parametrize("options", [["--train-identities", "5", "--repeats", "2"],
                                     ["--recogniser", "test_recognise_command:corners"]])
def test_blank_images_and_images_beside_themselves_are_remarked(folders, capsys, options):
    real, made = folders
    assert main(["recognise", str(real), str(made), *options]) == 0
    assert "warning" not in capsys.readouterr().err
    for number in (3, 4):
        images.write_png(made / f"person-{number:02d}.png", np.full((20, 16), 40 * number, np.uint8))
    (made / "person-07.png").write_bytes((real / "person-07.png").read_bytes())
    assert main(["recognise", str(real), str(made), *options]) == 0
    told = capsys.readouterr().err
    assert f"{made}: 2 of 12 images are of one grey level and nobody's face, e.g. person-03.png" in told
    assert "1 of 12 pairs is equal pixel by pixel, e.g. person-07" in told


def corners(face):
    return face[:2, :2].ravel()[:4]


def failing(face):
    raise KeyError("weights")


def test_a_recogniser_that_fails_is_named_with_the_image(folders, capsys):
    arguments = ["recognise", *map(str, folders), "--recogniser", "test_recognise_command:failing"]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "person-00" in told and "KeyError: 'weights'" in told and "Mend the function" in told


def test_all_damaged_images_are_listed(folders, capsys):
    for folder, number in zip(folders, (2, 9)):
        (folder / f"person-{number:02d}.png").write_bytes(b"no image")
    assert main(["recognise", *map(str, folders), "--train-identities", "5"]) == 2
    told = capsys.readouterr().err
    assert "2 images cannot be used" in told and "person-02.png" in told and "person-09.png" in told


@pytest.mark.parametrize("break_it, words", [
    (lambda real, made: (made / "person-03.png").unlink(), ["person-03.png: no partner"]),
    (lambda real, made: (made / "person-03.png").rename(made / "person-3.png"),
     ["person-03.png: no partner", "person-3.png: no partner", "2 of 24"]),
    (lambda real, made: images.write_png(made / "person-03.png", np.zeros((16, 20), np.uint8)),
     ["person-03.png: 20×16", "16×20"]),
    (lambda real, made: (made / "person-03.png").write_bytes(b"no image"), ["person-03.png", "cannot be read"]),
    (lambda real, made: (real / "person-03.bmp").write_bytes((real / "person-03.png").read_bytes()),
     ["person-03.bmp and person-03.png"]),
    (lambda real, made: [file.unlink() for file in made.iterdir()], ["holds no images"]),
])
def test_command_names_what_is_wrong(folders, capsys, break_it, words):
    break_it(*folders)
    assert main(["recognise", *map(str, folders), "--train-identities", "5"]) == 2
    message = capsys.readouterr().err
    assert all(word in message for word in words) and "Traceback" not in message


@pytest.mark.parametrize("options, word", [
    (["--train-identities", "1"], "at least two"), (["--train-identities", "11"], "left to be recognised"),
    (["--train-identities", "5", "--repeats", "0"], "repeats"), (["--train-identities", "5", "--seed", "-1"], "--seed"),
])
def test_command_refuses_impossible_protocols(folders, capsys, options, word):
    assert main(["recognise", *map(str, folders), *options]) == 2
    assert word in capsys.readouterr().err


def test_the_printed_result_survives_a_table_that_cannot_be_written(folders, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    arguments = ["recognise", *map(str, folders), "--train-identities", "5", "--repeats", "3"]
    assert main([*arguments, "--csv", str(tmp_path / "file" / "curves.csv")]) == 2
    shown = capsys.readouterr()
    assert "mean of best" in shown.out and "cannot be written" in shown.err
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller")  # Latin-1
    os.rename(folders[1], odd)
    assert main([*arguments[:2], odd, *arguments[3:], "--csv", str(tmp_path / "curves.csv")]) == 0
    assert pd.read_csv(tmp_path / "curves.csv", encoding="utf-8").system[0].endswith("M\\udcfcller")


def test_command_takes_names_by_a_pattern(folders, capsys):
    arguments = ["recognise", *map(str, folders), "--train-identities", "5", "--repeats", "3"]
    assert main(arguments) == 0
    expected = capsys.readouterr().out
    for file in folders[1].iterdir():
        file.rename(file.with_name(f"{file.stem}_fake_B.png"))
    assert main(arguments) == 2 and "'(.+?)(?:_fake_B)?'" in capsys.readouterr().err
    assert main([*arguments, "--pattern", "(.+?)(?:_fake_B)?"]) == 0 and capsys.readouterr().out == expected
