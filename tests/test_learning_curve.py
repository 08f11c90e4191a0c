"""Learning curves: scores of the held-out pairs while a run trains, which changes nothing about the run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import made_up_faces, plan_with
from skimage.metrics import structural_similarity

from lib.base import images, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.training import checkpoints, learning_curve, loop
from lib.training.translate import Translator

pytestmark = pytest.mark.trains


@pytest.mark.parametrize("epochs", [1, 3, 24, 25, 100, 400])
def test_points_are_few_evenly_spread_and_end_with_the_run(epochs):
    points = [epoch for epoch in range(1, epochs + 1) if learning_curve.is_point(epoch, epochs)]
    assert len(points) == min(epochs, 24) and points[-1] == epochs
    gaps = np.diff([0, *points])
    assert gaps.max() - gaps.min() <= 1


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run without and with watched pairs; (folder without, folder with, plan, watched)."""
    from lib.model.settings import MsgSarlSettings

    settings = dataclasses.replace(MsgSarlSettings.at("tiny"), size=32, width=8, epochs=2, precision="fp32")
    root, plan, watched = tmp_path_factory.mktemp("curve"), plan_with(settings), made_up_faces(3, 9)
    for name, seen in (("without", None), ("with", watched)):
        loop.train(plan, made_up_faces(4), root / name, 0, watched=seen)
    return root / "without", root / "with", plan, watched


def test_watching_changes_no_bit_of_the_run(runs):
    without, watched = (checkpoints.load(folder / "checkpoint.pt")["method"]["generators"] for folder in runs[:2])
    assert all(torch.equal(without[name], watched[name]) for name in without)
    assert not (runs[0] / "curve.csv").exists()


def test_the_last_point_scores_what_the_finished_network_makes(runs):
    _, folder, plan, watched = runs
    curve = tables_on_disk.read_csv(folder / "curve.csv")
    assert list(curve.columns) == list(learning_curve.COLUMNS) and len(curve) == 2 * 2 * len(watched)
    translator = Translator(folder / "checkpoint.pt", plan.settings)
    for direction in DIRECTIONS:
        photos, sketches = watched.photos, watched.sketches
        sources, targets = (photos, sketches) if direction == DIRECTIONS[0] else (sketches, photos)
        made = translator(direction, sources, watched.names)
        for name, face, target in zip(watched.names, made, targets):
            a, b = (image if image.ndim == 2 else images.to_grey(image) for image in (face, target))
            plain = structural_similarity(b, a, data_range=255, gaussian_weights=True, sigma=1.5,
                                          use_sample_covariance=False)
            row = curve[(curve.epoch == 2) & (curve.direction == direction) & (curve.image == name)]
            assert row.ssim.item() == pytest.approx(plain, abs=2e-3)  # skimage pads the borders before it crops them
    assert not np.allclose(curve[curve.epoch == 1].ssim, curve[curve.epoch == 2].ssim)


def test_points_of_an_interrupted_run_are_taken_once(runs, tmp_path):
    """Killed after the second point but before a checkpoint: epoch 2 is trained and scored again."""
    _, folder, plan, watched = runs
    before = pd.read_csv(folder / "curve.csv", encoding="utf-8")
    (tmp_path / "curve.csv").write_bytes((folder / "curve.csv").read_bytes())
    trainable = plan.create(plan.settings, torch.device("cpu"))
    trainable.load_state(checkpoints.load(folder / "checkpoint.pt")["method"])
    learning_curve.add_point(trainable, plan.settings, watched, tmp_path, 2)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "curve.csv", encoding="utf-8"), before)
    learning_curve.add_point(trainable, plan.settings, watched, tmp_path, 1)  # begun anew
    assert set(pd.read_csv(tmp_path / "curve.csv", encoding="utf-8").epoch) == {1}
