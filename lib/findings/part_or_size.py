"""Whether a part helps, or only the weights and the pressure that come with it.

The cells of Tables I to III differ in more than they name.  MSG gives a discriminator the layers that read the small
images, half as many weights again; and without MSG and cycle the discriminator of sketches ends where guessing does, so
that MSG may do no more than any discriminator that learns.  Self-attention gives a generator two fifths more weights.
Each control takes one of these away:

- ``without_msg=own-pyramid``       the discriminator of MSG, shown the final image at four sizes: equal weights, but no
                                    gradient into the generator's small images
- ``discriminator_rate=0.2``        no MSG, and a discriminator that learns at a fifth of the rate
- ``without_attention=residual``    the convolutions of attention, every position and channel attending to itself

Trainings of equal seed are compared, differences over faces and seeds both taken as samples
(``lib.findings.contrasts.contrast``).
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pandas as pd

from lib.base import labels, paths
from lib.base.directions import DIRECTIONS
from lib.evaluation.scoring import Scores, read_scores
from lib.findings import ablations, signs
from lib.findings.contrasts import Effect, of_equal_seed, with_holm
from lib.training import run_folders

OWN_PYRAMID = "backbone+without_msg=own-pyramid"
SLOWER = "backbone+discriminator_rate=0.2"
RESIDUAL = "backbone+without_attention=residual"
LABELS = {OWN_PYRAMID: "layers of MSG, one scale", SLOWER: "slower discriminator",
          RESIDUAL: "layers of attention, none attending"}


class Question(NamedTuple):
    """What ``first`` minus ``second`` says of a part; first, second: systems."""

    part: str
    asks: str
    first: str
    second: str


QUESTIONS = (
    Question("MSG", "as the paper compares", "backbone-msg", "backbone"),
    Question("MSG", "at equal weights", "backbone-msg", OWN_PYRAMID),
    Question("MSG", "the weights alone", OWN_PYRAMID, "backbone"),
    Question("MSG", "against a discriminator of a slower rate", "backbone-msg", SLOWER),
    Question("self-attention", "as the paper compares", "backbone-attention", "backbone"),
    Question("self-attention", "at equal weights", "backbone-attention", RESIDUAL),
    Question("self-attention", "the weights alone", RESIDUAL, "backbone"),
)
SYSTEMS = tuple(dict.fromkeys(itertools.chain(*((q.first, q.second) for q in QUESTIONS))))
COLUMNS = ["part", "asks", "first", "second", "direction", "metric", *Effect._fields]


def effects(profile: str, database: str, scores: Scores | None = None) -> pd.DataFrame:
    """Each of ``QUESTIONS`` on every score of ``ablations.CLAIMED``, in percentage points.

    Columns ``COLUMNS`` with ``p_holm`` (over the table).  A question without two seeds in common has no rows; empty
    where the study has none of the systems.
    """
    scores = scores or read_scores(profile, database)
    rows = []
    for direction, metric in ablations.CLAIMED:
        cells = ablations.cells_of(scores, direction, metric, SYSTEMS)
        for question in QUESTIONS:
            if {question.first, question.second} <= cells.keys():
                found = of_equal_seed(cells[question.first], cells[question.second])
                rows += [(*question, direction, metric, *found)] if found else []
    rows.sort(key=lambda row: QUESTIONS.index(Question(*row[:4])))
    return with_holm(pd.DataFrame(rows, columns=COLUMNS))


def discriminators(profile: str, database: str) -> pd.DataFrame:
    """Where the discriminators of the systems end: their loss in the last epoch, 0.25 where one guesses.

    Columns: system, direction, smallest, largest, trainings.  Reads the committed logs.
    """
    rows = [(run.system, direction, log[f"{direction}/discriminator"].iloc[-1]) for run, _, log
            in run_folders.finished_logs(paths.study_folder(profile, database), SYSTEMS) for direction in DIRECTIONS]
    table = pd.DataFrame(rows, columns=["system", "direction", "loss"])
    table = table.groupby(["system", "direction"]).loss.agg(smallest="min", largest="max", trainings="size")
    return table.reindex(list(itertools.product(SYSTEMS, DIRECTIONS))).dropna().reset_index()


def account(profile: str, database: str, part: str, scores: Scores | None = None) -> str:
    """What remains of a part's effects on sketches, in a few sentences with all numbers; empty without trainings."""
    found = effects(profile, database, scores)
    found = found[(found.part == part) & (found.direction == DIRECTIONS[0])]
    if found.empty:
        return ""
    texts = []
    for asks, rows in found.groupby("asks", sort=False):
        numbers = ", ".join(f"{labels.METRIC[row.metric]} {labels.with_limits(row.estimate, row.low, row.high)}"
                            f"{'*' if row.p_holm < 0.05 else ''}" for row in rows.itertuples())
        texts.append(f"{asks} {numbers}")
    return (f"{found.seeds.min()} trainings each of the backbone with and without {part} "
            f"({signs.conditions(profile)}), sketches, * after Holm's correction: {'; '.join(texts)}.")


def account_of_discriminators(profile: str, database: str) -> str:
    """Where the discriminators of sketches of the systems about MSG end, in a sentence; empty without trainings."""
    ends = discriminators(profile, database)
    about_msg = {name for q in QUESTIONS if q.part == "MSG" for name in (q.first, q.second)}
    ends = ends[(ends.direction == DIRECTIONS[0]) & ends.system.isin(about_msg)]
    texts = [f"{row.smallest:.2f} to {row.largest:.2f} ({labels.label_of(row.system, LABELS)})"
             for row in ends.itertuples()]
    return ("The discriminator of sketches, whose loss is 0.25 where it guesses, ends at " + ", ".join(texts) + "."
            if texts else "")
