"""The method's equations worked out by other means than the modules: small demonstrations for the notebook on them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import torch

from lib.base import labels, paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.model.attention import ChannelAttention, PositionAttention
from lib.model.discriminator import Discriminator
from lib.model.generator import Generator
from lib.model.settings import MsgSarlSettings

_TERMS = ("adversarial", "perceptual", "tv", "cycle")


def scales(settings: MsgSarlSettings) -> pd.DataFrame:
    """Sizes of the images that a generator paints (Eq. 1) and of the discriminator's patch map (Eq. 2).

    Columns: image, pixels, share of H.  Networks of few channels, since sizes do not depend on them.
    """
    narrow = dataclasses.replace(settings, width=4)
    with torch.no_grad():
        images = Generator(3, 1, narrow)(torch.zeros(1, 3, settings.size, settings.size))
        patches = Discriminator(1, narrow)(images)
    sides = [*(image.shape[-1] for image in images), patches.shape[-1]]
    return pd.DataFrame({"image": ["O0", "O1", "O2", "sketch", "patch map"], "pixels": sides,
                         "share of H": [f"H/{settings.size // side}" for side in sides]})


def position_attention_agrees(seed: int = 0) -> bool:
    """Whether loops over Eqs 6-8, one softmax, give what ``PositionAttention`` gives on a map of 8 channels, 2×2."""
    torch.manual_seed(seed)
    M, unit = torch.randn(1, 8, 2, 2), PositionAttention(8)
    unit.alpha.data.fill_(0.5)
    A, B, C, m = (x.detach().flatten(2)[0].numpy() for x in (unit.key(M), unit.query(M), unit.value(M), M))
    E = np.empty_like(m)  # (C, N)
    for j in range(m.shape[1]):
        weights = np.exp([B[:, j] @ A[:, i] for i in range(m.shape[1])])
        E[:, j] = 0.5 * C @ (weights / weights.sum()) + m[:, j]
    return bool(np.allclose(E, unit(M).detach().flatten(2)[0], atol=1e-6))


def softmax_rows(side: int, channels: int = 64, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Weights (N,) of one position over a map of random features, after one softmax and after both of Eqs 6 and 7."""
    torch.manual_seed(seed)
    M = torch.randn(1, channels, side, side)
    one, two = (PositionAttention(channels, softmax=kind) for kind in ("single", "double"))
    two.load_state_dict(one.state_dict())
    return tuple(unit.weights(M)[0, 0].detach().numpy() for unit in (one, two))


def own_weight(sides: tuple[int, ...], channels: int = 64, seed: int = 0) -> pd.DataFrame:
    """Mean weight that a channel of random features gives itself in Eq. 9, by side of the map and form of its product:
    as printed, subtracted from the row's maximum as in DANet, and divided by N."""
    torch.manual_seed(seed)
    forms = {"as printed": "raw", "as in DANet": "danet", "divided by N": "scaled"}
    rows = {}
    for side in sides:
        M = torch.randn(8, channels, side, side)
        rows[f"{side}×{side}"] = {name: ChannelAttention(form).weights(M).diagonal(dim1=1, dim2=2).mean().item()
                                  for name, form in forms.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("map")


def training_log(profile: str, database: str, system: str, seed: int) -> pd.DataFrame:
    """A run's committed ``log.csv``: one row per epoch, losses as means over it."""
    return tables_on_disk.read_csv(paths.run_folder(profile, database, system, seed) / "log.csv")


def objective_shares(log: pd.DataFrame, settings: MsgSarlSettings) -> pd.DataFrame:
    """Share of each weighted term in Eq. 16, in the first and the last epoch; columns: task, term."""
    weighted = pd.DataFrame({(labels.TASK[d], term): getattr(settings, f"{term}_weight") * log[f"{d}/{term}"]
                             for d in DIRECTIONS for term in _TERMS})
    shares = pd.concat({task: part.div(part.sum(axis=1), axis=0) for task, part in
                        ((labels.TASK[d], weighted[labels.TASK[d]]) for d in DIRECTIONS)}, axis=1)
    return shares.iloc[[0, -1]].set_axis(["first epoch", "last epoch"])
