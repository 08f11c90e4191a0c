"""Raters made by a program, with preferences that are known: to test the path, never as evidence.

A simulated rater follows the model of ``models`` with two additions that make real votes dependent: each
rater and each face has a taste of its own.  Utility of system s at position q for rater r and face f:
log worth_s + log pull_q + N(0, rater_sd²) for (r, s) + N(0, face_sd²) for (f, s) + Gumbel noise.
Every record is marked ``simulated``; the reader refuses to mix such records with people's.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lib.base import files
from lib.base.errors import StudyError, unknown_name
from lib.evaluation.user_study import plan as plans
from lib.evaluation.user_study.answers import to_record
from lib.evaluation.user_study.definition import Study

_STARTED = 1_767_225_600_000  # 2026-01-01 in ms since 1970: a fixed time, so that files repeat exactly
_CARELESS = ("random", "same", "hasty")  # kinds of raters who do not look


@dataclass(frozen=True)
class Taste:
    """What simulated raters prefer.

    worth: relative worth of each system (> 0); systems not named have 1.  pull: relative pull of each
    position.  careless: share of raters who do not look (they choose at random, always the same, or at once).
    """

    worth: Mapping[str, float]
    pull: tuple[float, ...] = ()
    rater_sd: float = 0.5
    face_sd: float = 0.5
    careless: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        bad = [f"{name} = {value}" for name, value in self.worth.items() if not 0 < value < 1e6]
        bad += [f"pull = {value}" for value in self.pull if not 0 < value < 1e6]
        bad += [f"{name} = {value}" for name, value in (("rater_sd", self.rater_sd), ("face_sd", self.face_sd))
                if not 0 <= value <= 10]
        bad += [f"careless = {self.careless}"] * (not 0 <= self.careless <= 1)
        if bad:
            raise StudyError(f"Not a taste raters can have: {', '.join(bad)}. Worths and pulls are positive "
                             "numbers, careless is a share from 0 to 1.")

    def log_worth(self, systems: tuple[str, ...]) -> np.ndarray:
        """Logarithm of each system's worth, mean zero; raises StudyError for a system not in the study."""
        for name in self.worth:
            if name not in systems:
                raise unknown_name("system of this study", name, systems)
        values = np.log([self.worth.get(system, 1.0) for system in systems])
        return values - values.mean()

    def log_pull(self, positions: int) -> np.ndarray:
        """Logarithm of each position's pull."""
        if self.pull and len(self.pull) != positions:
            raise StudyError(f"{len(self.pull)} pulls for {positions} positions.")
        return np.log(self.pull) if self.pull else np.zeros(positions)


def choose(plan: pd.DataFrame, taste: Taste, systems: tuple[str, ...], seed: int | None = None) -> np.ndarray:
    """Draw a position (from 0) for every vote of a plan, in the plan's order."""
    votes = plan[plan.kind == "vote"]
    rng = np.random.default_rng(taste.seed if seed is None else seed)
    shown = shown_indices(votes, systems)  # (n, K)
    utility = taste.log_worth(systems)[shown] + taste.log_pull(shown.shape[1])
    for labels, sd in ((votes.rater, taste.rater_sd), (plans.face_labels(votes), taste.face_sd)):
        codes, levels = pd.factorize(labels)
        own = rng.normal(0, 1, (len(levels), len(systems))) * sd
        utility = utility + own[codes[:, None], shown]
    return (utility + rng.gumbel(size=utility.shape)).argmax(axis=1)


def shown_indices(votes: pd.DataFrame, systems: tuple[str, ...]) -> np.ndarray:
    """Index of the system at each position: (votes, positions)."""
    names = votes[plans.position_columns(votes)].to_numpy()
    return pd.Index(systems).get_indexer(names.ravel()).reshape(names.shape)


def expected_shares(taste: Taste, systems: tuple[str, ...], draws: int = 400_000) -> np.ndarray:
    """Share of votes each system gets in the long run (many raters, many faces, positions balanced), (systems,)."""
    rng = np.random.default_rng(0)
    spread = np.hypot(taste.rater_sd, taste.face_sd)
    k = len(systems)
    pull = taste.log_pull(k)[rng.permuted(np.tile(np.arange(k), (draws, 1)), axis=1)]
    utility = taste.log_worth(systems) + rng.normal(0, 1, (draws, k)) * spread + pull
    share = np.exp(utility - utility.max(axis=1, keepdims=True))
    return (share / share.sum(axis=1, keepdims=True)).mean(axis=0)


def simulate(study: Study, taste: Taste) -> dict[str, dict]:
    """Return one record per rater of the plan, all marked ``simulated``."""
    plan = study.plan
    position = pd.Series(-1, index=plan.index)
    position[plan.kind == "vote"] = choose(plan, taste, study.systems)
    checks = plan[plan.kind == "check"]
    position[checks.index] = checks[plans.position_columns(plan)].eq(plans.CORRECT).to_numpy().argmax(axis=1)
    rng = random.Random(f"raters {taste.seed}")
    careless = rng.sample(list(study.assignments), round(taste.careless * len(study.assignments)))
    records = {}
    for number, (rater, trials) in enumerate(plan.groupby("rater", sort=False)):
        chosen = [int(place) + 1 for place in position[trials.index]]
        seconds = [rng.lognormvariate(2.0, 0.4) for _ in chosen]  # median 7.4 s
        if rater in careless:
            kind = _CARELESS[careless.index(rater) % len(_CARELESS)]
            seconds = [0.1 * s for s in seconds] if kind == "hasty" else seconds
            chosen = ([rng.randint(1, study.positions)] * len(chosen) if kind == "same"
                      else [rng.randint(1, study.positions) for _ in chosen])
        records[rater] = to_record(study, rater, chosen, [round(1000 * s) for s in seconds],
                                   started=_STARTED + 3_600_000 * number, simulated=True)
    return records


def write_answers(folder: Path, study: Study, records: dict[str, dict]) -> list[Path]:
    """Write each record as the page would, with ``simulated`` in the name; returns the files."""
    written = [Path(folder) / f"simulated_answers_{study.id}_{rater}.json" for rater in records]
    for file, record in zip(written, records.values(), strict=True):
        files.write_json(file, record)
    return written
