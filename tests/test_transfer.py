"""A network trained on one database and scored on another: rows, their place, and what is said of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import made_up_faces
from made_up_scores import COLUMNS

from lib.base import files, paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import transfer as moving
from lib.findings import transfer
from lib.metrics import ssim
from lib.training import make_run

P2S, S2P = DIRECTIONS


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))


class _Inverted:
    """A translator that returns the negative of its input, as photo or sketch."""

    def __init__(self, checkpoint, settings):
        assert checkpoint.parts[-4:] == ("portraits", "msg-sarl", "seed1", "checkpoint.pt")

    def __call__(self, direction, faces, names):
        negative = 255 - faces
        return negative[..., 0] if direction == P2S else np.repeat(negative[..., None], 3, axis=-1)


def test_scores_are_those_of_the_other_databases_faces(monkeypatch):
    faces = made_up_faces(3)
    monkeypatch.setattr("lib.training.translate.Translator", _Inverted)
    monkeypatch.setattr(make_run, "load_faces", lambda database, settings, split: faces)
    monkeypatch.setattr(make_run, "make", lambda plan, database, seed: plan.folder(database, seed))
    found = moving.transfer("portraits", "cuhk-student", "msg-sarl", "tiny", 1)
    assert list(found.columns) == moving.COLUMNS and len(found) == 2 * 3 * 3
    assert set(found.trained_on) == {"portraits"} and set(found.database) == {"cuhk-student"} and set(found.seed) == {1}
    rows = found[(found.direction == P2S) & (found.metric == "ssim")].set_index("image").value
    for name, photo, sketch in zip(faces.names, faces.photos, faces.sketches):
        assert rows[name] == pytest.approx(ssim(sketch, 255 - photo[..., 0]))
    moving.transfer("portraits", "cuhk-student", "msg-sarl", "tiny", 1)
    assert len(pd.read_csv(moving.file("tiny"), encoding="utf-8")) == len(found), "the same run takes its own place"


@pytest.mark.parametrize("arguments, cause", [
    (("portraits", "portraits", "msg-sarl"), "choose another"), (("portraits", "cufs", "lle"), "only what trains")])
def test_what_cannot_be_moved_is_refused(arguments, cause):
    with pytest.raises(StudyError, match=cause):
        moving.transfer(*arguments, "tiny")


def test_losses_are_paired_by_face_with_the_system_trained_there():
    assert transfer.account("cpu", "cuhk-student")[0] == "not examined here"
    faces = np.random.default_rng(0).normal(0.6, 0.05, 20)
    home = [("cuhk-student", P2S, "msg-sarl", seed, f"f{i}", "ssim", value + 0.001 * seed)
            for seed in range(3) for i, value in enumerate(faces)]
    away = [("cufs", "cuhk-student", P2S, "msg-sarl", seed, f"f{i}", "ssim", value - 0.03 + 0.001 * seed)
            for seed in range(3) for i, value in enumerate(faces)]
    files.write_csv(paths.study_folder("cpu", "cuhk-student") / "scores.csv", pd.DataFrame(home, columns=COLUMNS))
    files.write_csv(moving.file("cpu"), pd.DataFrame(away, columns=moving.COLUMNS))
    row = transfer.losses("cpu", "cuhk-student").iloc[0]
    assert (row.trained_on, row.estimate, row.seeds) == ("cufs", pytest.approx(-3.0), 3)
    verdict, text, _ = transfer.account("cpu", "cuhk-student")
    assert verdict == "undecided" and "trained on cufs" in text and "No rival was transferred" in text
