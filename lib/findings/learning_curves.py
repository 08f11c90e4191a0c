"""Whether trainings were still learning when they ended: scores of held-out training pairs over the epochs.

A system that still improves at its last epoch is *unconverged*: its row in a table says how it does after so much
training, not how good it is.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from lib.base import files, labels, paths, systems, tables_on_disk
from lib.base.settings import RunSettings
from lib.findings.contrasts import contrast
from lib.training import learning_curve, run_folders

STILL_RISES = 0.5  # points gained over the last third of the training, on average over the held-out faces
RISING, FLAT, FALLING = "still rising", "flat", "falling"
_METRICS = ("ssim", "fsim")


def of_study(profile: str, database: str) -> pd.DataFrame:
    """Every learning curve of a study, a row per run, epoch, direction and metric.

    Columns: system (its base name), run (the whole name), seed, epoch, epochs (of the whole run), direction, metric,
    mean (per cent, over the held-out faces), images.  Empty where no run held pairs out.
    """
    rows = []
    for run, curve in _curves(profile, database):
        epochs = int(curve.epoch.max())
        for (epoch, direction), part in curve.groupby(["epoch", "direction"]):
            rows += [(systems.base_name(run.system), run.system, run.seed, epoch, epochs, direction, metric,
                      100 * part[metric].mean(), len(part)) for metric in _METRICS]
    table = pd.DataFrame(rows, columns=["system", "run", "seed", "epoch", "epochs", "direction", "metric", "mean",
                                        "images"])
    return tables_on_disk.in_order(table, ["system", "run", "seed", "direction", "metric", "epoch"])


def convergence(profile: str, database: str) -> pd.DataFrame:
    """How much each run gained over the last third of its epochs.

    The gain is the mean of the last sixth's points minus the mean of the sixth before it that ends at two thirds, face
    by face: single epochs jump.  Columns: system, run, seed, direction, metric, gain, low, high (points, 95 % over the
    held-out faces), verdict: ``still rising`` where the gain is above ``STILL_RISES`` and clearly above zero,
    ``falling`` where it is the other way round, else ``flat``.
    """
    rows = []
    for run, curve in _curves(profile, database):
        for direction, metric in itertools.product(dict.fromkeys(curve.direction), _METRICS):
            at_end, before = (_by_face(curve, direction, metric, until) for until in (1, 2 / 3))
            found = _gain(before, at_end)
            rows.append((systems.base_name(run.system), run.system, run.seed, curve.epoch.max(), direction, metric,
                         *found, _verdict(*found)))
    table = pd.DataFrame(rows, columns=["system", "run", "seed", "epochs", "direction", "metric", "gain", "low",
                                        "high", "verdict"])
    return tables_on_disk.in_order(table, ["system", "run", "seed", "direction", "metric"])


def trained_on(profile: str, database: str) -> pd.DataFrame:
    """What a system's longer trainings gain over its shortest one, on the same held-out faces.

    The gain is the mean of the longer curve's last sixth minus that of the shortest curve's, face by face.  Columns:
    system, epochs, instead_of (the shortest training's epochs), direction, metric, gain, low, high (points, 95 % over
    the held-out faces), verdict (of the longer training, as in ``convergence``).
    """
    ends = convergence(profile, database).set_index(["run", "seed", "direction", "metric"]).verdict
    found, rows = _curves(profile, database), []
    for run, curve in found:
        alike = [other for kept, other in found
                 if (_but_epochs(kept.system), kept.seed) == (_but_epochs(run.system), run.seed)]
        shortest = min(alike, key=lambda other: other.epoch.max())
        if shortest.epoch.max() < curve.epoch.max():
            rows += [(systems.base_name(run.system), curve.epoch.max(), shortest.epoch.max(), direction, metric,
                      *_gain(*(_by_face(each, direction, metric) for each in (shortest, curve))),
                      ends[run.system, run.seed, direction, metric])
                     for direction, metric in itertools.product(dict.fromkeys(curve.direction), _METRICS)]
    return pd.DataFrame(rows, columns=["system", "epochs", "instead_of", "direction", "metric", "gain", "low", "high",
                                       "verdict"])


def account_of_longer(profile: str, database: str) -> list[str]:
    """``trained_on`` in words, a sentence per longer training."""
    said = []
    for (system, epochs, before), part in trained_on(profile, database).groupby(["system", "epochs", "instead_of"],
                                                                                sort=False):
        gains = ", ".join(f"{labels.TASK[row.direction]} {labels.METRIC[row.metric]} "
                          f"{labels.with_limits(row.gain, row.low, row.high, 1)}" for row in part.itertuples())
        rising, falling = ((part.verdict == verdict).sum() for verdict in (RISING, FALLING))
        said.append(f"After {epochs} epochs instead of {before}, {labels.label_of(system)} has changed by {gains} "
                    f"points. Columns still rising: {rising} of {len(part)}; falling: {falling}.")
    return said


def unconverged(profile: str, database: str) -> dict[str, bool]:
    """System → whether any of its runs was still rising, in either direction and metric.

    Where a profile has no curve of a system, the smaller networks of profile ``quick`` speak for it, trained on the
    same database for as many epochs.  Systems without any curve are left out.
    """
    found = {}
    for where in dict.fromkeys(("quick", profile)):
        table = convergence(where, database)
        if where != profile:
            table = table[table.epochs == RunSettings.at(profile).epochs]
        found |= (table.verdict == RISING).groupby(table.system).any().to_dict()
    return found


def _but_epochs(system: str) -> list[str]:
    """The parts of a system's name, without the number of its epochs."""
    return [part for part in system.split("+") if not part.startswith("epochs=")]


def _by_face(curve: pd.DataFrame, direction: str, metric: str, until: float = 1) -> pd.Series:
    """Each held-out face's mean score over the sixth of the epochs that ends at this share of them."""
    epochs = curve.epoch.max()
    chosen = (curve.epoch > epochs * (until - 1 / 6) + 1e-9) & (curve.epoch <= epochs * until + 1e-9)
    return curve[chosen & (curve.direction == direction)].groupby("image")[metric].mean()


def _gain(before: pd.Series, after: pd.Series) -> tuple[float, float, float]:
    """Mean gain in points, and its limits over faces."""
    return contrast(100 * (after - before).to_numpy()[:, None])[:3]


def _verdict(gain: float, low: float, high: float) -> str:
    if gain > STILL_RISES and low > 0:
        return RISING
    return FALLING if gain < -STILL_RISES and high < 0 else FLAT


def _curves(profile: str, database: str) -> list[tuple[run_folders.Run, pd.DataFrame]]:
    """Finished runs with their curves of at least six points."""
    found = []
    for run in run_folders.list_runs(paths.study_folder(profile, database)):
        file = run.folder / learning_curve.NAME
        if file.exists() and (run.folder / "run.json").exists():
            curve = tables_on_disk.read(file, learning_curve.COLUMNS)
            epochs = files.read_json(run.folder / "run.json")["settings"]["epochs"]
            if curve.epoch.max() == epochs and np.unique(curve.epoch).size >= 6:
                found.append((run, curve))
    return found
