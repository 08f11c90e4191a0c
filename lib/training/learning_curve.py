"""How well a network translates held-out training pairs while it trains: what tells a run that still learns.

A run whose setting ``holdout`` is not 0 has training pairs that it does not see.  They are scored after some of its
epochs, so that curves, and what is decided from them, never touch a test identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lib.base import tables_on_disk
from lib.base.images import to_grey
from lib.base.settings import RunSettings
from lib.databases import PairedFaces
from lib.metrics import fsim_batch, ssim_batch

if TYPE_CHECKING:  # who reads curves does not wait for torch
    from lib.model.trainable import Trainable

NAME = "curve.csv"
COLUMNS = ("epoch", "direction", "image", "ssim", "fsim")
POINTS = 24  # at most, over a run


def is_point(epoch: int, epochs: int) -> bool:
    """Whether the pairs are scored after this epoch (from 1): after the last, and POINTS times at even distances."""
    return epoch * POINTS // epochs > (epoch - 1) * POINTS // epochs


def add_point(trainable: Trainable, settings: RunSettings, watched: PairedFaces, folder: Path, epoch: int) -> None:
    """Score the watched pairs now, grey SSIM and FSIM in [0, 1], and add their rows to the run's ``curve.csv``.

    Rows of this and later epochs that an interrupted run has left are replaced.
    """
    from lib.training.tensors import translate_faces

    rows = []
    for direction in trainable.directions:
        sources, targets = watched.sources_and_targets(direction)
        made = translate_faces(trainable, settings, direction, sources, watched.names)
        made, targets = (faces if faces.ndim == 3 else to_grey(faces) for faces in (made, targets))
        rows += zip([epoch] * len(watched), [direction] * len(watched), watched.names,
                    ssim_batch(targets, made), fsim_batch(targets, made))
    earlier = tables_on_disk.read(folder / NAME, COLUMNS) if epoch > 1 else pd.DataFrame(columns=COLUMNS)
    earlier = earlier[earlier.epoch.astype(int) < epoch]
    table = pd.DataFrame(rows, columns=COLUMNS)
    tables_on_disk.write(folder / NAME, pd.concat([earlier, table]) if len(earlier) else table, digits=7)
