"""How trainings ended, from made-up logs; where they were made, from made-up records."""

from __future__ import annotations

import pandas as pd
import pytest

from lib.base import files, paths, systems
from lib.base.directions import DIRECTIONS
from lib.findings import training_outcomes
from lib.training import run_folders

P2S, S2P = DIRECTIONS
TERMS = [f"{direction}/{term}" for direction in DIRECTIONS
         for term in ("perceptual", "adversarial", "discriminator")]


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path))


def trained(system: str, seed: int, epochs: int = 2, device: str = "cpu", **last: float) -> None:
    """A record of ``epochs`` epochs and a log of two, all losses 0.3 at the end but those in ``last``."""
    folder = paths.run_folder("cpu", "portraits", system, seed)
    files.write_json(folder / "run.json", {
        "seed": seed, "device": device, "settings": {"epochs": epochs}, "pairs": 88, "seconds": 60, "revision": "abc",
        "versions": {"torch": "2.0"}})
    log = {term: [0.4, last.get(term, 0.3)] for term in TERMS}
    files.write_csv(folder / "log.csv", pd.DataFrame(log))


def test_a_run_that_is_made_again_does_not_say_how_training_ended():
    assert training_outcomes.final_losses("cpu", "portraits").empty
    trained("backbone", 0, **{f"{S2P}/discriminator": 0.01})
    trained("backbone", 1, epochs=3)  # the record speaks of more epochs than the log has
    ends = training_outcomes.final_losses("cpu", "portraits")
    assert list(ends.seed) == [0] and ends[f"{P2S}/perceptual"].item() == 0.3
    assert training_outcomes.won_outright(ends).to_numpy().tolist() == [["backbone", 0, S2P]]


def test_runs_by_device():
    trained("backbone", 0)
    trained("backbone", 1, device="a card")
    trained("backbone", 2, device="a card")
    trained("lle", 0)
    table = run_folders.by_device("cpu", "portraits", systems.ABLATIONS)
    assert table.to_numpy().tolist() == [["a card", "2.0", 2, {"backbone": [1, 2]}],
                                         ["cpu", "2.0", 1, {"backbone": [0]}]]
    assert run_folders.by_device("cpu", "cufs", systems.ABLATIONS).empty


def test_who_won_is_counted_with_and_without_msg():
    for system in systems.ABLATIONS:
        trained(system, 0)
    trained("msg-sarl", 1, **{f"{P2S}/discriminator": 0.01, f"{S2P}/discriminator": 0.01})
    trained("backbone-cycle", 1, **{f"{S2P}/discriminator": 0.001})
    trained("backbone-msg", 1, **{f"{S2P}/discriminator": 0.019})
    counts = training_outcomes.won_with_and_without(training_outcomes.final_losses("cpu", "portraits"))
    assert counts.loc["with MSG"].tolist() == [2, 6] and counts.loc["without MSG"].tolist() == [1, 5]


def test_discriminators_are_shown_by_the_state_of_two_parts():
    for place, system in enumerate(systems.ABLATIONS):
        trained(system, 0, **{f"{P2S}/discriminator": 0.01 * (place + 1)})
    table = training_outcomes.discriminators_by(training_outcomes.final_losses("cpu", "portraits"), "MSG", "cycle")
    idle = table.set_index(["MSG", "cycle"]).loc[False, False]
    # Without both: backbone, first in the table, and backbone with self-attention, third.
    assert (idle.smallest, idle.largest, idle.trainings) == (0.01, 0.03, 2)
