"""Convergence: what still rises is told from what is flat and from what only jumps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lib.base import files
from lib.base.directions import DIRECTIONS
from lib.findings import learning_curves
from lib.training import learning_curve
from lib.training.plans import plan


@pytest.fixture
def add_run(tmp_path, monkeypatch):
    """Write a finished run with a curve: SSIM and FSIM as functions of the share done, plus noise of faces."""
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))

    def add(system, ssim, fsim=lambda share: 0.7, epochs=24, points=24, jump=0.0):
        rng, folder = np.random.default_rng(0), plan("quick", system).folder("portraits", 0)
        faces, rows = rng.normal(0, 0.03, 16), []
        for epoch in np.unique(np.linspace(1, points * epochs // 24, points).astype(int)):
            for direction in DIRECTIONS:
                common = rng.normal(0, jump)
                rows += [(epoch, direction, f"{i:02d}", ssim(epoch / epochs) + faces[i] + common,
                          fsim(epoch / epochs) + rng.normal(0, 0.002)) for i in range(16)]
        files.write_csv(folder / "curve.csv", pd.DataFrame(rows, columns=learning_curve.COLUMNS))
        files.write_json(folder / "run.json", {"system": system, "settings": {"epochs": epochs}})

    return add


def verdicts(metric="ssim"):
    table = learning_curves.convergence("quick", "portraits")
    return table[table.metric == metric].groupby("system", sort=False).verdict.agg(lambda found: "/".join(set(found)))


def test_what_rises_by_the_end_is_unconverged(add_run):
    add_run("u-gat-it", lambda share: 0.4 + 0.1 * share)  # gains 4 points between the two windows
    add_run("cyclegan", lambda share: 0.5 * (1 - np.exp(-12 * share)))
    add_run("pix2pix", lambda share: 0.5 - 0.1 * share)
    add_run("fcn", lambda share: 0.5, fsim=lambda share: 0.5 + 0.1 * share)
    assert verdicts().to_dict() == {"u-gat-it": "still rising", "cyclegan": "flat", "pix2pix": "falling", "fcn": "flat"}
    assert learning_curves.unconverged("quick", "portraits") == {
        "u-gat-it": True, "cyclegan": False, "pix2pix": False, "fcn": True}


def test_small_networks_speak_for_larger_ones_after_as_many_epochs(add_run):
    add_run("u-gat-it+epochs=24", lambda share: 0.4 + 0.1 * share)
    add_run("fcn", lambda share: 0.4 + 0.1 * share, epochs=48)
    assert learning_curves.unconverged("cpu", "portraits") == {"u-gat-it": True}
    assert learning_curves.unconverged("quick", "portraits") == {"u-gat-it": True, "fcn": True}


def test_the_gain_is_that_of_the_line(add_run):
    """Windows: epochs 21-24 and 13-16 of 24, whose middles lie 8 epochs apart: a third of the slope."""
    add_run("u-gat-it", lambda share: 0.4 + 0.09 * share)
    table = learning_curves.convergence("quick", "portraits").query("metric == 'ssim'")
    assert table.gain.to_numpy() == pytest.approx([3.0, 3.0], abs=1e-6)
    assert (table.low <= table.gain).all() and (table.gain <= table.high).all()


def test_a_slow_drift_and_unfinished_or_short_curves_say_nothing(add_run):
    add_run("u-gat-it", lambda share: 0.4 + 0.012 * share)  # 0.4 points
    add_run("drit", lambda share: 0.4 + 0.1 * share, points=12)  # killed half way
    add_run("fcn", lambda share: 0.4 + 0.1 * share, points=5, epochs=5)
    assert verdicts().to_dict() == {"u-gat-it": "flat"}
    table = learning_curves.of_study("quick", "portraits")
    assert set(table.run) == {"u-gat-it"} and len(table) == 24 * 2 * 2 and (table.images == 16).all()
    first = table[(table.direction == DIRECTIONS[0]) & (table.metric == "ssim")]
    assert first["mean"].is_monotonic_increasing and first.epoch.tolist() == list(range(1, 25))


def test_a_longer_training_is_set_against_the_shortest_of_its_system(add_run):
    """Means of the last sixth: epochs 21 to 24 of 24 (at 0.9375 of the way), 81 to 96 of 96 (points 84, 88, 92, 96)."""
    add_run("pix2pix+epochs=24", lambda share: 0.4 + 0.08 * share)
    add_run("pix2pix+epochs=96", lambda share: 0.52, epochs=96)
    add_run("pix2pix+adversarial_weight=0.5+epochs=12", lambda share: 0.1, epochs=12)  # another system
    add_run("fcn+epochs=24", lambda share: 0.4)
    table = learning_curves.trained_on("quick", "portraits")
    assert set(table.system) == {"pix2pix"} and set(zip(table.epochs, table.instead_of)) == {(96, 24)}
    ssim = table[table.metric == "ssim"]
    assert ssim.gain.to_numpy() == pytest.approx([100 * (0.52 - 0.4 - 0.08 * 0.9375)] * 2, abs=1e-6)
    assert set(table.verdict) == {"flat"} and len(table) == 4
    [sentence] = learning_curves.account_of_longer("quick", "portraits")
    assert sentence.startswith("After 96 epochs instead of 24, pix2pix has changed by FP2S SSIM +4.5 [+4.5, +4.5], ")
    assert sentence.endswith(" points. Columns still rising: 0 of 4; falling: 0.")
