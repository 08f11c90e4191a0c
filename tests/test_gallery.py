"""The gallery: what is kept is what was made, and no picture of a real person is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import made_up_faces

from lib import databases
from lib.__main__ import main
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import gallery
from lib.training import make_run, run_folders


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    pairs = {"train": made_up_faces(6, 0), "test": made_up_faces(7, 1)}

    def load(name, split, root=None, limit=None):
        faces = pairs[split]
        return dataclasses.replace(faces, photos=faces.photos[:limit], sketches=faces.sketches[:limit],
                                   names=faces.names[:limit], groups=faces.groups[:limit])

    monkeypatch.setattr(databases, "load", load)
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
