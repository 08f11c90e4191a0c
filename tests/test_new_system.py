"""A stranger's system: one class and a line in each of two tables, and the study trains, scores and shows it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import made_up_faces
from torch import nn

from lib import databases
from lib.base import files, paths, systems
from lib.base.directions import PHOTO_TO_SKETCH
from lib.base.settings import RunSettings, choice, number
from lib.base.systems import System
from lib.evaluation import grids, scoring
from lib.evaluation.recognition import recognise_runs, statements
from lib.findings import tables
from lib.model.trainable import Trainable
from lib.model.training_pairs import TrainingPairs
from lib.training import loop, plans
from lib.training.plans import CONSTRUCTORS, Constructor, plan
from lib.training.translate import Translator


@dataclass(frozen=True)
class ToySettings(RunSettings):
    """Unpaired, cropped, in batches of two, and it draws noise: all that MSG-SARL does not do."""

    augmentation: str = choice("crop-flip", ("none",), "to try it")
    pairing: str = choice("unpaired", ("paired",), "to try it")
    batch: int = number(2, "to try it")
    learning_rate: float = number(0.05, "to try it")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        return self.learning_rate * (1 - (epoch * steps + step) / (self.epochs * steps))


class Toy(Trainable):
    """One 1×1 convolution from photo to sketch, trained to meet the sketches' mean."""

    directions = (PHOTO_TO_SKETCH,)
    period = 2
    whole_batches = True

    def __init__(self, settings: ToySettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        self.generators = nn.ModuleDict({PHOTO_TO_SKETCH: nn.Conv2d(3, 1, 1)}).to(device)
        self.discriminators = nn.ModuleDict()
        self.seen: list[tuple[list[int], list[int]]] = []
        if training:
            self.optimisers = [self.adam(self.generators.parameters(), (0.9, 0.999))]
            self.taken = 0

    def prepare(self, photos, sketches):
        self.pairs = TrainingPairs(photos, sketches, self.settings, self.device)

    def step(self, photo_rows, sketch_rows):
        self.seen.append((photo_rows.tolist(), sketch_rows.tolist()))
        photos, sketches = self.pairs.draw(photo_rows, sketch_rows)
        noise = 0.01 * torch.randn(())
        loss = (self.generators[PHOTO_TO_SKETCH](photos).mean() + noise - sketches.mean()).square()
        self.optimisers[0].zero_grad()
        loss.backward()
        self.optimisers[0].step()
        self.taken += 1
        return {"distance": loss.detach()} | ({"even": torch.tensor(1.0)} if self.taken % 2 == 0 else {})

    def state(self, *, training=True):
        more = {"pairs": self.pairs.state(), "taken": self.taken} if training else {}
        return super().state(training=training) | more

    def load_state(self, state):
        super().load_state(state)
        if "taken" in state:
            self.taken = state["taken"]
            self.pairs.load_state(state["pairs"])

    @torch.no_grad()
    def translate(self, direction, images, name=""):
        return self.generators[direction](images)


@pytest.fixture
def toy(monkeypatch, tmp_path):
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setitem(systems.SYSTEMS, "toy", System("toy", "Toy", "deep", (PHOTO_TO_SKETCH,)))
    monkeypatch.setitem(CONSTRUCTORS, "toy", Constructor(lambda: ToySettings, lambda: Toy, {}))
    pairs = {"train": made_up_faces(7, 0), "test": made_up_faces(24, 1)}

    def load(name, split, root=None, limit=None):
        part = pairs[split]
        return dataclasses.replace(part, database="portraits", split=split, photos=part.photos[:limit],
                                   sketches=part.sketches[:limit], names=part.names[:limit], groups=part.groups[:limit])

    monkeypatch.setattr(databases, "load", load)
    yield pairs
    plans._plan.cache_clear()


def test_it_is_trained_scored_recognised_and_tabulated(toy):
    cells = grids.cells(["toy", "mean-face"], "portraits", "tiny", seeds=[0, 1])
    assert grids.fill(cells, report=lambda line: None, jobs=1) == [] == grids.missing(cells)
    folder = cells[0].folder
    assert not (folder / "sketch-to-photo").exists() and len(list((folder / "photo-to-sketch").glob("*.png"))) == 24
    assert set(scoring.read_scores("tiny", "portraits").images.query("system == 'toy'").seed) == {0, 1}
    assert grids.forecast(cells) == 0 and files.read_json(folder / "run.json")["settings"]["batch"] == 2

    rows = tables.rivals("tiny", "portraits", PHOTO_TO_SKETCH).set_index(["system", "metric"])
    assert rows.loc[("toy", "ssim"), "seeds"] == 2 and rows.loc[("toy", "ssim"), "label"] == "Toy"
    assert "Toy" in tables.as_text(rows.reset_index()).index
    recognised = recognise_runs.recognise_runs(paths.study_folder("tiny", "portraits"), toy["test"])
    assert "toy" in set(statements.summary(recognised).system)


def test_unpaired_images_come_in_two_orders_of_whole_batches(toy, tmp_path, monkeypatch):
    made = []

    def make(*arguments, **options):
        made.append(Toy(*arguments, **options))
        return made[-1]

    monkeypatch.setitem(CONSTRUCTORS, "toy", Constructor(lambda: ToySettings, lambda: make, {}))
    loop.train(plan("tiny", "toy+epochs=2"), toy["train"], tmp_path / "run", 0)
    photos, sketches = zip(*made[0].seen)
    assert len(photos) == 6 and all(len(rows) == 2 for rows in (*photos, *sketches)), "seven images, batches of two"
    epochs = [[sum(rows[first:first + 3], []) for first in (0, 3)] for rows in (photos, sketches)]
    assert all(len(set(order)) == 6 for orders in epochs for order in orders)
    assert epochs[0][0] != epochs[1][0] and epochs[0][0] != epochs[0][1]
    log = pd.read_csv(tmp_path / "run" / "log.csv", encoding="utf-8")
    assert (log.even == 1).all(), "the mean over the steps that had the term"
    np.testing.assert_allclose(log.learning_rate, [0.05 * (1 - 2 / 6), 0.05 * (1 - 5 / 6)], rtol=1e-5)


class Stopped(Exception):
    pass


def test_a_stopped_run_goes_on_to_the_same_bits(toy, tmp_path):
    """Noise, crops and counters are all in the checkpoint."""
    weights, logs, stopped = [], [], 0
    for folder, stops in ((tmp_path / "whole", ()), (tmp_path / "stopped", (2, 4))):
        for stop in (*stops, None):
            def report(done, steps, stop=stop):
                if done == stop:
                    raise Stopped

            try:
                loop.train(plan("tiny", "toy+epochs=3"), toy["train"], folder, 3, checkpoint_seconds=0, report=report)
            except Stopped:
                stopped += 1
        weights.append(Translator(folder / "checkpoint.pt").trainable.generators.state_dict())
        logs.append(pd.read_csv(folder / "log.csv", encoding="utf-8").drop(columns="seconds"))
    assert stopped == 2
    assert all(torch.equal(first, second) for first, second in zip(*(w.values() for w in weights)))
    pd.testing.assert_frame_equal(*logs, check_exact=True)


def test_crops_of_pairs_are_alike_and_of_unpaired_images_are_not():
    for pairing in ("paired", "unpaired"):
        settings = ToySettings(size=64, pairing=pairing)
        ramp = torch.arange(64 * 64, dtype=torch.float32).view(1, 1, 64, 64)
        torch.manual_seed(0)
        pairs = TrainingPairs(ramp.expand(2, 3, 64, 64), ramp.expand(2, 1, 64, 64), settings, torch.device("cpu"))
        same, mirrored = [], 0
        for _ in range(40):
            photos, sketches = pairs.draw(torch.tensor([0, 1]), torch.tensor([0, 1]))
            assert photos.shape == (2, 3, 56, 56) and sketches.shape == (2, 1, 56, 56)  # 216 of 256, to a multiple of 4
            same += [torch.equal(photo[:1], sketch) for photo, sketch in zip(photos, sketches)]
            mirrored += sum(bool(photo[0, 0, 0] > photo[0, 0, 1]) for photo in photos)
        assert all(same) if pairing == "paired" else sum(same) < 8, "81 places, two sides"
        assert 20 < mirrored < 60, "half of 80"
