"""The one training loop, for every system that trains: schedule, log, checkpoints, exact resume.

A *method* (``lib.training.trainable``) brings networks and a step; the loop knows
neither.  An epoch's order depends on the seed and the epoch alone, and a checkpoint holds weights,
optimisers, torch's generator, the position inside the epoch and the running sums of the log.  So a run
killed at any moment and started again ends in the same bits on a CPU (on CUDA up to the order of sums
inside kernels).
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from lib.base import files
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.databases import PairedFaces, data_hash
from lib.model.settings import Settings
from lib.training import checkpoints, run_folders
from lib.training import trainable as methods
from lib.training.recorded_step import Stepper
from lib.training.trainable import Method

CHECKPOINT_SECONDS = 120.0
SAMPLES = 3  # training pairs whose translations are kept after epochs 1, 2, 4, 8, … and the last


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """Order of the training pairs in one epoch: a function of seed and epoch alone, so nothing is to be saved."""
    return np.random.default_rng([seed, epoch]).permutation(count).tolist()


def train(system: str, settings: Settings, faces: PairedFaces, folder: Path, seed: int, *,
          device: torch.device | None = None, checkpoint_seconds: float = CHECKPOINT_SECONDS) -> dict:
    """Train ``system`` on ``faces`` into ``folder`` and return its run record; a finished run is returned as it is.

    Writes ``checkpoint.pt`` (every ``checkpoint_seconds`` and at the end), ``log.csv`` (a row per epoch),
    ``samples/`` and, last, ``run.json``.  An unfinished checkpoint of the same settings, data and seed is continued;
    without a checkpoint the run begins anew, and the record of an earlier one goes.  Raises StudyError for a checkpoint
    of other settings or data, and when the losses stop being finite.
    """
    device = device or methods.default_device()
    folder, path = Path(folder), Path(folder) / "checkpoint.pt"
    identity = {"system": system, "settings": dataclasses.asdict(settings), "seed": seed, "data": data_hash(faces)}
    torch.manual_seed(seed)
    contents = None
    if path.exists():
        contents = checkpoints.load(path)
        _check_same_run(contents, identity, path)
        if contents["finished"]:
            return _record_of(path)
    else:
        (folder / "run.json").unlink(missing_ok=True)  # or it would speak for a log that is being written
    method = methods.create(system, settings, device)
    progress = _Progress(method, contents)

    method.prepare(methods.to_tensor(faces.photos, settings), methods.to_tensor(faces.sketches, settings))
    step_on = Stepper(method, device, settings.batch)
    steps = -(-len(faces) // settings.batch)
    bar = tqdm(total=settings.epochs * steps, initial=progress.epoch * steps + progress.step,
               desc=f"{system}, seed {seed}", unit="step", smoothing=0.02,
               mininterval=0.5 if sys.stderr.isatty() else 30)
    saved = started = time.monotonic()
    with bar:
        while progress.epoch < settings.epochs:
            rate = settings.learning_rate_at(progress.epoch)
            order = epoch_order(len(faces), seed, progress.epoch)
            for step in range(progress.step, steps):
                done = progress.epoch * steps + step
                method.set_learning_rate(rate * min(1.0, (done + 1) / max(settings.warmup_steps, 1)))
                progress.add(step_on(order[step * settings.batch:(step + 1) * settings.batch]))
                bar.update()
                if time.monotonic() - saved > checkpoint_seconds:
                    saved = time.monotonic()
                    checkpoints.save(path, {**identity, **progress.contents(saved - started), "finished": False})
            row = progress.end_epoch(settings, steps, time.monotonic() - started)
            _check_finite(row, path)
            _write_log(folder / "log.csv", progress.rows)
            _write_samples(method, settings, faces, folder, progress.epoch, device)
            bar.set_postfix_str(_summary(row))
    seconds = progress.seconds + time.monotonic() - started
    record = {**{key: identity[key] for key in ("system", "seed")}, "pairs": len(faces), "data": identity["data"],
              "seconds": round(seconds, 1), "device": methods.device_name(device), "threads": torch.get_num_threads(),
              "settings": identity["settings"], **run_folders.provenance()}
    files.write_json(folder / "run.json", record)
    # Last, so that a finished checkpoint always has its record beside it.
    checkpoints.save(path, {**identity, "method": method.state(training=False), "finished": True})
    return record


class _Progress:
    """Where a run stands: epoch, step, running sums of this epoch's losses, log rows, seconds spent before."""

    def __init__(self, method: Method, contents: dict | None):
        self.method = method
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.sums: dict[str, Tensor] = {}
        self.rows: list[dict] = []
        if contents:
            method.load_state(contents["method"])
            torch.set_rng_state(contents["generator"])
            self.epoch, self.step, self.seconds = contents["epoch"], contents["step"], contents["seconds"]
            self.sums, self.rows = contents["sums"], contents["rows"]

    def add(self, losses: dict[str, Tensor]) -> None:
        self.step += 1
        for name, value in losses.items():  # no .item(): a GPU must not wait for the log
            self.sums[name] = self.sums[name].to(value.device) + value if name in self.sums else value.clone()

    def end_epoch(self, settings: Settings, steps: int, seconds: float) -> dict:
        row = {"epoch": self.epoch + 1, "learning_rate": settings.learning_rate_at(self.epoch),
               "seconds": round(self.seconds + seconds, 1),
               **{name: (total / steps).item() for name, total in self.sums.items()}, **self.method.diagnostics()}
        self.rows.append(row)
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}
        return row

    def contents(self, seconds: float) -> dict:
        return {"method": self.method.state(), "generator": torch.get_rng_state(), "epoch": self.epoch,
                "step": self.step, "seconds": self.seconds + seconds, "sums": self.sums, "rows": self.rows}


def _record_of(path: Path) -> dict:
    """The record beside a finished checkpoint."""
    file = path.with_name("run.json")
    if not file.exists():
        raise StudyError(f"{path}: finished, but {file.name} beside it is gone. Restore it, or train again with "
                         "--force.")
    return files.read_json(file)


def _check_same_run(contents: dict, identity: dict, path: Path) -> None:
    different = [key for key in identity if contents.get(key) != identity[key]]
    if "settings" in different:
        theirs, ours = contents["settings"], identity["settings"]
        changed = [f"{k}: {theirs.get(k)} there, {ours.get(k)} now" for k in ours if theirs.get(k) != ours[k]]
        different[different.index("settings")] = "settings (" + "; ".join(changed) + ")"
    if different:
        raise StudyError(f"{path}: belongs to another run, different in {', '.join(different)}. "
                         "Move it away, or train again from the start with --force.")


def _check_finite(row: dict, path: Path) -> None:
    broken = [name for name, value in row.items() if isinstance(value, float) and not np.isfinite(value)]
    if broken:
        raise StudyError(f"{path.parent}: training diverged in epoch {row['epoch']} ({', '.join(broken)} not finite). "
                         "Lower learning_rate or use precision=fp32.")


def _write_log(path: Path, rows: list[dict]) -> None:
    with files.atomic_file(path) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.6g")


def _write_samples(method: Method, settings: Settings, faces: PairedFaces, folder: Path, epoch: int,
                   device: torch.device) -> None:
    """Keep a few translations of training faces, so that a reader can watch the network learn."""
    if epoch & (epoch - 1) and epoch != settings.epochs:
        return
    for direction, sources in zip(DIRECTIONS, (faces.photos, faces.sketches)):
        translated = methods.translate_faces(method, settings, direction, sources[:SAMPLES], device)
        run_folders.write_synthesised(folder / "samples" / f"epoch{epoch:03d}", direction, faces.names[:SAMPLES], translated)


def _summary(row: dict) -> str:
    """The two terms worth watching, averaged over the directions."""
    means = {term: np.mean([value for name, value in row.items() if name.endswith(f"/{term}")])
             for term in ("perceptual", "adversarial")}
    return ", ".join(f"{term} {value:.3f}" for term, value in means.items() if np.isfinite(value))
