"""From database to faces: nothing is made twice, nothing stale is kept, held-out pairs stay out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import made_up_faces, serve

from lib.base import files, tables_on_disk
from lib.base.errors import StudyError
from lib.model.settings import MsgSarlSettings
from lib.rivals.exemplar import rival
from lib.training import make_run, run_folders

pytestmark = pytest.mark.trains


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))
    pairs = {"train": made_up_faces(6, 0), "test": made_up_faces(3, 1)}
    serve(monkeypatch, pairs)
    return pairs


def test_control_is_made_once_and_again_when_the_data_change(study):
    folder = make_run.synthesise("portraits", "mean-face", "tiny")
    made = run_folders.read_synthesised(folder, "photo-to-sketch", study["test"].names)
    assert made.shape == (3, 250, 200)
    np.testing.assert_allclose(made[0], study["train"].sketches.mean(axis=0), atol=0.51)
    file = folder / "photo-to-sketch" / "face-00.png"
    stamp = file.stat().st_mtime_ns
    make_run.synthesise("portraits", "mean-face", "tiny")
    assert file.stat().st_mtime_ns == stamp
    study["train"] = made_up_faces(6, 5)
    make_run.synthesise("portraits", "mean-face", "tiny")
    assert file.stat().st_mtime_ns > stamp


@pytest.mark.parametrize("profile, told", [("tiny", "none among the 8 that profile tiny takes of"),
                                           ("quick", "none of")])
def test_a_group_without_training_pairs_is_told_before_an_exemplar_method_is_fitted(study, monkeypatch, profile, told):
    """Faces of a group are made of its own training pairs: one without any has no dictionary."""
    study["train"] = made_up_faces(9, 0)
    study["test"] = dataclasses.replace(study["test"], groups=("made-up", "brought", "made-up"))
    fitted = []
    monkeypatch.setattr(rival.Rival, "fit", lambda *arguments, **named: fitted.append(named))
    with pytest.raises(StudyError, match=f"(?s)lle makes.*{told}.*- brought.*training part"):
        make_run.synthesise("portraits", "lle", profile)
    assert not fitted
    make_run.synthesise("portraits", "mean-face", profile)  # a control has one face for all groups


def test_deleted_face_is_made_again_from_the_checkpoint_without_training(study):
    folder = make_run.synthesise("portraits", "msg-sarl+width=4", "tiny")
    file, checkpoint = folder / "sketch-to-photo" / "face-01.png", folder / "checkpoint.pt"
    before, stamp = file.read_bytes(), checkpoint.stat().st_mtime_ns
    file.unlink()
    with pytest.raises(StudyError, match="--system msg-sarl"):
        run_folders.read_synthesised(folder, "sketch-to-photo", study["test"].names)
    make_run.synthesise("portraits", "msg-sarl+width=4", "tiny")
    assert file.read_bytes() == before and checkpoint.stat().st_mtime_ns == stamp


def test_holdout_splits_the_training_pairs_and_never_touches_the_test_split(study):
    settings = dataclasses.replace(MsgSarlSettings.at("tiny"), holdout=2, train_pairs=None, test_pairs=None)
    study["test"] = None
    train, test = (make_run.load_faces("portraits", settings, split) for split in ("train", "test"))
    assert train.names == study["train"].names[:4] and test.names == study["train"].names[4:]
    assert np.array_equal(test.photos, study["train"].photos[4:])


def test_held_out_pairs_are_scored_while_it_trains(study):
    folder = make_run.synthesise("portraits", "fcn+holdout=2", "tiny")
    assert set(tables_on_disk.read_csv(folder / "curve.csv").image) == set(study["train"].names[4:])
    assert not (make_run.synthesise("portraits", "fcn", "tiny") / "curve.csv").exists()


@pytest.mark.parametrize("holdout", [6, 150])
def test_a_holdout_that_leaves_nothing_to_train_on_is_refused(study, holdout):
    with pytest.raises(StudyError, match=f"holdout={holdout}: portraits has 6 training pairs"):
        make_run.synthesise("portraits", f"msg-sarl+holdout={holdout}", "tiny")


def test_a_run_begun_anew_loses_the_record_of_the_old_one(study, monkeypatch):
    folder = make_run.synthesise("portraits", "backbone+width=4", "tiny")
    (folder / "checkpoint.pt").unlink()  # as in a clone, which holds records and scores only
    monkeypatch.setattr("lib.training.loop.Stepper.__call__", lambda *_: 1 / 0)  # killed in the first step
    with pytest.raises(ZeroDivisionError):
        make_run.synthesise("portraits", "backbone+width=4", "tiny")
    assert not (folder / "run.json").exists()


def test_a_choice_of_interpolation_shares_the_network_and_changes_the_faces(study):
    folder = make_run.synthesise("portraits", "msg-sarl+width=4", "tiny")
    checkpoint = folder / "checkpoint.pt"
    stamp, names = checkpoint.stat().st_mtime_ns, study["test"].names
    other = make_run.synthesise("portraits", "msg-sarl+width=4+output_resampling=area", "tiny")
    assert checkpoint.stat().st_mtime_ns == stamp and not (other / "checkpoint.pt").exists()
    record = files.read_json(other / "run.json")
    assert record["network"] == "msg-sarl+width=4" and record["settings"]["output_resampling"] == "area"
    bicubic, area = (run_folders.read_synthesised(where, "photo-to-sketch", names).astype(int)
                     for where in (folder, other))
    # From 32 to 200 columns an area filter repeats pixels: 31 of the 199 steps to the right can change a value.
    repeated, interpolated = ((np.diff(faces, axis=2) == 0).mean() for faces in (area, bicubic))
    assert repeated >= 168 / 199 > interpolated


def test_networks_that_a_variant_shares_are_trained_if_need_be(study):
    folder = make_run.synthesise("portraits", "backbone+width=4+output_resampling=area", "tiny")
    assert (folder.parents[1] / "backbone+width=4" / "seed0" / "checkpoint.pt").exists()
