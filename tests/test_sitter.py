"""The astronaut: what is kept of her is what networks make, and nothing that consists of the database's people."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import made_up_faces, serve
from skimage import data

from lib.__main__ import main
from lib.base.errors import StudyError
from lib.evaluation import sitter
from lib.figures import gallery as figures
from lib.training import make_run
from lib.training.translate import Translator

STUDY = "tiny", "cuhk-student"


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    serve(monkeypatch, {"train": made_up_faces(6, 0), "test": made_up_faces(3, 1)})
    for system in ("mean-face", "fcn", "backbone"):
        make_run.synthesise("cuhk-student", system, "tiny")
    return tmp_path / "tiny" / "cuhk-student"


def test_her_eyes_are_where_the_field_has_them():
    face = sitter.photo()
    assert face.shape == (250, 200, 3) and face.dtype == np.uint8
    # Dark pupils under light lids: within two pixels of (75, 125) and (125, 125) lies the darkest spot of each eye.
    grey = face.mean(axis=2)
    for x in (75, 125):
        patch = grey[115:136, x - 10:x + 11]
        row, column = np.unravel_index(patch.argmin(), patch.shape)
        assert abs(row - 10) <= 4 and abs(column - 10) <= 4
    assert np.array_equal(data.astronaut()[0, 0], [154, 147, 151])  # the picture that EYES were found in


def test_strips_hold_what_the_networks_make(study):
    written = sitter.keep(*STUDY)
    assert [file.name for file in written] == ["backbone_seed0.jpg", "fcn_seed0.jpg"]  # no control: mean-face
    later = written[1].with_name("fcn_seed11.jpg")
    later.write_bytes(written[0].read_bytes())  # the first training is shown, whatever comes later
    kept = sitter.kept(*STUDY)
    assert list(kept) == ["backbone", "fcn"]
    translator = Translator(study / "fcn" / "seed0" / "checkpoint.pt")
    sketch = translator("photo-to-sketch", sitter.photo()[None], ["astronaut"])
    back = translator("sketch-to-photo", sketch, ["astronaut"])
    for shown, made in zip(kept["fcn"], (sketch[0][..., None], back[0])):
        assert shown.shape == (250, 200, 3) and np.abs(shown.astype(int) - made).mean() < 3  # JPEG
    heads = [axis.get_title(loc="center") for axis in figures.sitter_by([STUDY], ["fcn", "drit", "backbone"]).axes]
    assert heads[:3] == ["photo", "FCN", "backbone"]


@pytest.mark.parametrize(("asked", "answer"), [("rslcr", "pieces of other people"), ("mean-face", "no network"),
                                               ("u-gatit", "Did you mean"), ("drit", "no network of drit")])
def test_what_is_no_network_here_is_refused(study, asked, answer):
    with pytest.raises(StudyError, match=answer):
        sitter.keep(*STUDY, [asked])
    assert not (study / "sitter").exists()


def test_the_command(study, capsys):
    gallery = ["gallery", "--profile", "tiny", "--database", "cuhk-student"]
    assert main([*gallery, "--astronaut", "--film"]) == 2 and "astronaut is none" in capsys.readouterr().err
    assert main([*gallery, "--astronaut", "--system", "fcn"]) == 0 and "1 strips" in capsys.readouterr().out
    assert main(gallery) == 2 and "real people" in capsys.readouterr().err
    with pytest.raises(StudyError, match="No pictures of drit"):
        figures.sitter_by([STUDY], ["drit"])
