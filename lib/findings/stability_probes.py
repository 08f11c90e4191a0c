"""Probe runs: what makes the published settings train, from committed logs of short runs.

Each run is one epoch at a constant rate on part of the training pairs of CUHK Student (profile ``probe``);
make any of them again with ``python -m lib train --profile probe --database cuhk-student --system NAME``.
"""

from __future__ import annotations

import pandas as pd

from lib.base import labels, paths
from lib.base.directions import DIRECTIONS
from lib.training import plans, run_folders

# How the differences from the defaults are called in the figure.
_WORDS = {"channel_logits=raw": "raw channel logits", "norm_after_5x5=false": "no normalisation after 5×5",
          "attention_precision=bf16": "attention in bf16", "attention_precision=fp32": "whole attention unit in fp32",
          "precision=fp32": "everything in fp32", "learning_rate=2e-4": "rate 2e-4",
          "warmup_steps=72": "warm-up over one epoch", "initialisation=kaiming": "Kaiming initialisation",
          "initialisation=pytorch": "PyTorch's initialisation"}

COLLAPSED = 1.0  # perceptual loss over an epoch that only saturated outputs reach


def stability(database: str = "cuhk-student") -> pd.DataFrame:
    """One row per run and direction: size, variant, seed, direction, perceptual and adversarial loss, collapsed."""
    rows = []
    for run in run_folders.list_runs(paths.study_folder("probe", database)):
        log, plan = run.folder / "log.csv", plans.plan("probe", run.system)
        changes, settings = dict(plan.changes), plan.settings
        if not log.exists() or changes.get("epochs") != "1" or changes.get("schedule") != "constant":
            continue
        words = [_WORDS.get(f"{k}={v}", f"{k}={v}") for k, v in changes.items()
                 if k not in ("epochs", "schedule", "size", "width")]
        losses = pd.read_csv(log, encoding="utf-8").iloc[0]
        for direction in DIRECTIONS:
            perceptual = losses[f"{direction}/perceptual"]
            rows.append({"size": settings.size, "width": settings.width, "variant": ", ".join(words) or "defaults",
                         "seed": run.seed, "direction": direction, "perceptual": perceptual,
                         "adversarial": losses[f"{direction}/adversarial"], "collapsed": perceptual > COLLAPSED})
    rows.sort(key=lambda row: (row["size"], len(row["variant"]), row["variant"], row["seed"]))  # few changes first
    return pd.DataFrame(rows)


def summary(probes: pd.DataFrame) -> pd.DataFrame:
    """Per size and variant: runs, how many collapsed in one direction or both, median perceptual loss of each."""
    runs = probes.groupby(["size", "variant", "seed"], sort=False).agg(collapsed=("collapsed", "any"))
    cells = runs.groupby(["size", "variant"], sort=False)
    table = cells.agg(runs=("collapsed", "size"), collapsed=("collapsed", "sum"))
    medians = probes.pivot_table(index=["size", "variant"], columns="direction", values="perceptual", aggfunc="median")
    return table.join(medians.rename(columns=lambda d: f"median loss, {labels.TASK[d]}"))
