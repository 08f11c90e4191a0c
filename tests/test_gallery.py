"""The gallery: what is kept is what was made, and no picture of a real person is."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import made_up_faces, serve

from lib.__main__ import main
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import gallery
from lib.training import make_run, run_folders


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    pairs = {"train": made_up_faces(6, 0), "test": made_up_faces(7, 1)}
    serve(monkeypatch, pairs)
    for system in ("mean-face", "fcn"):
        make_run.synthesise("portraits", system, "tiny")
    return pairs["test"]


def test_strips_hold_the_first_faces(study):
    written = gallery.keep("tiny", "portraits")
    assert [file.name for file in written] == [f"{direction}_fcn_seed0.jpg" for direction in DIRECTIONS]
    gallery.keep("tiny", "portraits", ["mean-face"])
    for direction in DIRECTIONS:
        kept = gallery.kept("tiny", "portraits", direction)
        assert list(kept) == ["fcn", "mean-face"]  # table order
        for system, faces in kept.items():
            folder = make_run.plan("tiny", system).folder("portraits", 0)
            made = run_folders.read_synthesised(folder, direction, study.names[:gallery.PEOPLE])
            assert faces.shape == made.shape and np.abs(faces.astype(int) - made).mean() < 3  # JPEG
    assert gallery.kept("tiny", "portraits", DIRECTIONS[0], seed=1) == {}


def test_real_people_and_what_is_not_there_are_refused(study, capsys):
    with pytest.raises(StudyError, match="shows real people"):
        gallery.keep("tiny", "cuhk-student")
    with pytest.raises(StudyError, match="no faces of u-gat-it"):
        gallery.keep("tiny", "portraits", ["u-gat-it"])
    with pytest.raises(StudyError, match="Did you mean"):
        gallery.keep("tiny", "portraits", ["u-gatit"])
    assert main(["gallery", "--database", "cuhk-student"]) == 2
    assert "real people" in capsys.readouterr().err


def test_a_film_is_kept_where_it_is_asked_for(study, tmp_path):
    gallery.keep("tiny", "portraits")
    assert not list((tmp_path / "tiny" / "portraits" / "gallery").glob("*epoch*"))
    gallery.keep("tiny", "portraits", film=True)
    run = tmp_path / "tiny" / "portraits" / "fcn" / "seed0"
    made = gallery.film("tiny", "portraits", "fcn", DIRECTIONS[0])
    assert list(made) == [1] and made[1].shape == (gallery.WATCHED, 250, 200)
    (run / "samples").rename(tmp_path / "elsewhere")
    kept = gallery.film("tiny", "portraits", "fcn", DIRECTIONS[0])
    assert np.abs(kept[1].astype(int) - made[1]).mean() < 3  # JPEG
    assert gallery.best_at_hand("tiny", "portraits", "fcn") == ("tiny", "portraits", "fcn")


def test_faces_come_from_the_run_and_else_from_the_pictures(study, tmp_path):
    own = gallery.faces_of("tiny", "portraits", "fcn", DIRECTIONS[0])
    assert len(own) == gallery.PEOPLE and gallery.faces_of("tiny", "portraits", "pix2pix", DIRECTIONS[0]) is None
    gallery.keep("tiny", "portraits")
    (tmp_path / "tiny" / "portraits" / "fcn" / "seed0" / DIRECTIONS[0]).rename(tmp_path / "elsewhere")
    assert np.abs(gallery.faces_of("tiny", "portraits", "fcn", DIRECTIONS[0]).astype(int) - own).mean() < 3
