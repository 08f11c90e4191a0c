"""The one training loop, for every system that trains: schedule, log, checkpoints, exact resume.

A ``Trainable`` (``lib.model.trainable``) brings networks and a step; the loop knows neither.  An epoch's order
depends on the seed and the epoch alone, and a checkpoint holds weights, optimisers, torch's generators, the position
inside the epoch and the running sums of the log.  So a run killed at any moment and started again ends in the same
bits on a CPU (on CUDA up to the order of sums inside kernels).
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from lib.base import files
from lib.base.errors import StudyError, counted
from lib.base.settings import RunSettings
from lib.databases import PairedFaces, data_hash
from lib.model.trainable import Trainable
from lib.training import checkpoints, devices, learning_curve, run_folders
from lib.training.plans import Plan
from lib.training.recorded_step import Stepper
from lib.training.tensors import to_tensor, translate_faces

CHECKPOINT_SECONDS = 120.0
SAMPLES = 3  # training pairs whose translations are kept after epochs 1, 2, 4, 8, … and the last


def epoch_order(count: int, seed: int, epoch: int, *more: int) -> list[int]:
    """Order of the training images in one epoch: a function of seed and epoch alone, so nothing is to be saved."""
    return np.random.default_rng([seed, epoch, *more]).permutation(count).tolist()


def train(plan: Plan, faces: PairedFaces, folder: Path, seed: int, *, device: torch.device | None = None,
          watched: PairedFaces | None = None, checkpoint_seconds: float | None = None,
          report: Callable[[int, int], None] | None = None) -> dict:
    """Train ``plan`` on ``faces`` into ``folder`` and return its run record; a finished run is returned as it is.

    Writes ``checkpoint.pt`` (every ``checkpoint_seconds``, default ``MSGSARL_CHECKPOINT_SECONDS`` or two minutes, and
    at the end), ``log.csv`` (a row per epoch), ``samples/`` and, last, ``run.json``.  An unfinished checkpoint of the
    same settings, data and seed is continued, in the precision it began with; without a checkpoint the run begins anew,
    and the record of an earlier one goes.
    watched: pairs that are scored while it trains (``lib.training.learning_curve``), into ``curve.csv``.
    report: called after each step with the number of steps done and of all.

    Raises StudyError for a checkpoint of other settings or data, and when the losses stop being finite.
    """
    device = device or devices.default_device()
    checkpoint_seconds = _between_checkpoints() if checkpoint_seconds is None else checkpoint_seconds
    folder, path = Path(folder), Path(folder) / "checkpoint.pt"
    identity = {"system": plan.name, "seed": seed, "data": data_hash(faces)}
    torch.manual_seed(seed)
    settings, contents = _beginning(plan, identity, path, device)
    if contents and contents["finished"]:
        return _record_of(path)
    identity["settings"] = dataclasses.asdict(settings)

    trainable = plan.create(settings, device)
    trainable.prepare(*(to_tensor(images, settings, settings.load_size) for images in (faces.photos, faces.sketches)))
    progress = _Progress(trainable, contents)
    step_on = Stepper(trainable, settings.batch)
    steps = _steps_in_epoch(len(faces), settings.batch, whole=trainable.whole_batches)
    total = settings.epochs * steps
    bar = tqdm(total=total, initial=progress.epoch * steps + progress.step, desc=f"{plan.name}, seed {seed}",
               unit="step", smoothing=0.02, mininterval=0.5 if sys.stderr.isatty() else 30)
    saved = started = time.monotonic()
    threads = devices.worthwhile_threads(settings.size)
    with bar, devices.computing_with(threads):
        while progress.epoch < settings.epochs:
            orders = _orders(len(faces), seed, progress.epoch, settings)
            for step in range(progress.step, steps):
                trainable.set_progress(progress.epoch, step, steps)
                progress.add(step_on(*(order[step * settings.batch:(step + 1) * settings.batch] for order in orders)))
                bar.update()
                if report:
                    report(progress.epoch * steps + progress.step, total)  # a disabled bar counts nothing
                if time.monotonic() - saved > checkpoint_seconds:
                    saved = time.monotonic()
                    checkpoints.save(path, {**identity, **progress.contents(saved - started), "finished": False})
            row = progress.end_epoch(steps, time.monotonic() - started)
            _check_finite(row, path)
            files.write_csv(folder / "log.csv", pd.DataFrame(progress.rows), "%.6g")
            _write_samples(trainable, settings, faces, folder, progress.epoch)
            if watched is not None and learning_curve.is_point(progress.epoch, settings.epochs):
                learning_curve.add_point(trainable, settings, watched, folder, progress.epoch)
            bar.set_postfix_str(_summary(row))
    seconds = progress.seconds + time.monotonic() - started
    record = {"system": plan.name, "seed": seed, "pairs": len(faces), "data": identity["data"],
              "seconds": round(seconds, 1), "device": devices.device_name(device), "threads": threads,
              "settings": identity["settings"], **run_folders.provenance()}
    files.write_json(folder / "run.json", record)
    # Last, so that a finished checkpoint always has its record beside it.
    checkpoints.save(path, {**identity, "method": trainable.state(training=False), "finished": True})
    return record


def _beginning(plan: Plan, identity: dict, path: Path, device: torch.device) -> tuple[RunSettings, dict | None]:
    """Settings to train with, and the checkpoint to go on from if there is one; else the old record goes."""
    if path.exists():
        contents = checkpoints.load(path)
        return _same_run(contents, plan, identity, path), contents
    path.with_name("run.json").unlink(missing_ok=True)  # or it would speak for a log that is being written
    return devices.resolve(plan.settings, device), None


def _between_checkpoints() -> float:
    """Seconds that a killed run loses at most."""
    text = os.environ.get("MSGSARL_CHECKPOINT_SECONDS", "")
    try:
        return float(text or CHECKPOINT_SECONDS)
    except ValueError:
        raise StudyError(f"MSGSARL_CHECKPOINT_SECONDS={text}: give a number of seconds.") from None


def _steps_in_epoch(count: int, batch: int, *, whole: bool) -> int:
    """Batches of an epoch, the last one smaller or, if only whole ones will do, left out."""
    if whole and count < batch:
        raise StudyError(f"{counted(count, 'training pair', 'is/are')} fewer than a batch of {batch}, which this "
                         "system needs whole.")
    return count // batch if whole else -(-count // batch)


def _orders(count: int, seed: int, epoch: int, settings: RunSettings) -> tuple[list[int], list[int]]:
    """Order of photos and of sketches in an epoch: the same for pairs, independent of each other otherwise."""
    photos = epoch_order(count, seed, epoch)
    return photos, photos if settings.pairing == "paired" else epoch_order(count, seed, epoch, 1)


class _Progress:
    """Where a run stands: epoch, step, running sums of this epoch's losses, log rows, seconds spent before."""

    def __init__(self, trainable: Trainable, contents: dict | None):
        self.trainable = trainable
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.sums: dict[str, Tensor] = {}
        self.squares: dict[str, Tensor] | None = {}  # in double precision, for the spread over an epoch's steps
        self.counts: dict[str, int] = {}  # not every step computes every term
        self.rows: list[dict] = []
        if contents:
            trainable.load_state(contents["method"])
            torch.set_rng_state(contents["generator"])
            if "device_generator" in contents and trainable.device.type == "cuda":
                torch.cuda.set_rng_state(contents["device_generator"], trainable.device)
            self.epoch, self.step, self.seconds = contents["epoch"], contents["step"], contents["seconds"]
            self.sums, self.rows = contents["sums"], contents["rows"]
            self.counts = contents.get("counts", dict.fromkeys(self.sums, self.step))
            self.squares = contents.get("squares")  # absent in older checkpoints: that epoch's spread is not known

    def add(self, losses: dict[str, Tensor]) -> None:
        self.step += 1
        for name, value in losses.items():  # no .item(): a GPU must not wait for the log
            self.sums[name] = self.sums[name].to(value.device) + value if name in self.sums else value.clone()
            self.counts[name] = self.counts.get(name, 0) + 1
            if self.squares is not None:
                square = value.double().square()
                self.squares[name] = self.squares[name].to(value.device) + square if name in self.squares else square

    def end_epoch(self, steps: int, seconds: float) -> dict:
        """The epoch's row of the log: the rate of its last step, each term's mean and standard deviation over steps."""
        rate = self.trainable.settings.learning_rate_at(self.epoch, steps - 1, steps)
        row = {"epoch": self.epoch + 1, "learning_rate": rate, "seconds": round(self.seconds + seconds, 1),
               **{name: (total / self.counts[name]).item() for name, total in self.sums.items()},
               **self.trainable.diagnostics()}
        for name, squares in (self.squares or {}).items():
            variance = (squares / self.counts[name] - row[name] ** 2).item()
            row[f"{name} sd"] = max(variance, 0.0) ** 0.5
        self.rows.append(row)
        self.epoch, self.step, self.sums, self.squares, self.counts = self.epoch + 1, 0, {}, {}, {}
        return row

    def contents(self, seconds: float) -> dict:
        contents = {"method": self.trainable.state(), "generator": torch.get_rng_state(), "epoch": self.epoch,
                    "step": self.step, "seconds": self.seconds + seconds, "sums": self.sums, "counts": self.counts,
                    "squares": self.squares, "rows": self.rows}
        if self.trainable.device.type == "cuda":
            contents["device_generator"] = torch.cuda.get_rng_state(self.trainable.device)
        return contents


def _record_of(path: Path) -> dict:
    """The record beside a finished checkpoint."""
    file = path.with_name("run.json")
    if not file.exists():
        raise StudyError(f"{path}: finished, but {file.name} beside it is gone. Restore it, or train again with "
                         "--force.")
    return files.read_json(file)


def _same_run(contents: dict, plan: Plan, identity: dict, path: Path) -> RunSettings:
    """Settings of a checkpoint that this plan may go on with; raises StudyError naming all that is different."""
    try:
        settings = plan.restored(contents["settings"])
    except StudyError as error:
        raise StudyError(f"{path}: {error}. Move it away, or train again from the start with --force.") from None
    different = [key for key in identity if contents.get(key) != identity[key]]
    if not plan.accepts(settings):
        theirs, ours = dataclasses.asdict(settings), dataclasses.asdict(plan.settings)
        changed = [f"{k}: {theirs[k]} there, {ours[k]} now" for k in ours if theirs[k] != ours[k]]
        different.append("settings (" + "; ".join(changed) + ")")
    if different:
        raise StudyError(f"{path}: belongs to another run, different in {', '.join(different)}. "
                         "Move it away, or train again from the start with --force.")
    return settings


def _check_finite(row: dict, path: Path) -> None:
    broken = [name for name, value in row.items() if isinstance(value, float) and not np.isfinite(value)]
    if broken:
        raise StudyError(f"{path.parent}: training diverged in epoch {row['epoch']} ({', '.join(broken)} not finite). "
                         "Lower learning_rate or use precision=fp32.")


def _write_samples(trainable: Trainable, settings: RunSettings, faces: PairedFaces, folder: Path, epoch: int) -> None:
    """Keep a few translations of training faces, so that a reader can watch the network learn."""
    if epoch & (epoch - 1) and epoch != settings.epochs:
        return
    for direction in trainable.directions:
        sources, names = faces.sources_and_targets(direction)[0][:SAMPLES], faces.names[:SAMPLES]
        translated = translate_faces(trainable, settings, direction, sources, names)
        run_folders.write_synthesised(folder / "samples" / f"epoch{epoch:03d}", direction, names, translated)


def _summary(row: dict) -> str:
    """Two terms worth watching, averaged over the directions, of systems that have them."""
    means = {term: [value for name, value in row.items() if name.endswith(f"/{term}")]
             for term in ("perceptual", "adversarial")}
    return ", ".join(f"{term} {np.mean(values):.3f}" for term, values in means.items() if values)
