"""Networks trained on one database, scored on the test faces of another.

``results/<profile>/transfer.csv`` has a row per image and metric: trained_on, database (whose test faces they are),
direction, system, seed, image, metric, value.  Faces are scored in memory and not kept.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lib.base import paths, tables_on_disk
from lib.base.errors import StudyError
from lib.evaluation.scoring import STUDY_METRICS
from lib.evaluation.scoring.measure import score_images
from lib.training import make_run
from lib.training.plans import plan

COLUMNS = ["trained_on", "database", "direction", "system", "seed", "image", "metric", "value"]
_KEY = COLUMNS[:5]


def file(profile: str) -> Path:
    return paths.results_root() / profile / "transfer.csv"


def transfer(trained_on: str, database: str, system: str, profile: str, seed: int = 0) -> pd.DataFrame:
    """Score a trained run on another database's test faces; trains it first where it is not here.

    Writes the rows into ``file(profile)`` in place of earlier ones of the same run, and returns them.  Raises
    StudyError for unknown names, missing databases, a system that does not train, and a database as its own other.
    """
    wanted = plan(profile, system)
    if not wanted.system.trains:
        raise StudyError(f"{system}: only what trains can be moved to another database.")
    if trained_on == database:
        raise StudyError(f"{database}: choose another database to score on; `python -m lib train` scores on its own.")
    test = make_run.load_faces(database, wanted.settings, "test")
    folder = make_run.make(wanted.network, trained_on, seed)
    from lib.training.translate import Translator  # torch is needed from here on only

    translator = Translator(folder / "checkpoint.pt", wanted.settings)
    found = []
    for direction in wanted.system.directions:
        sources, targets = test.sources_and_targets(direction)
        made = translator(direction, sources, test.names)
        key = dict(zip(_KEY, (trained_on, database, direction, wanted.name, seed), strict=True))
        found.append(pd.DataFrame(
            [{**key, "image": name, "metric": metric, "value": value}
             for metric, values in score_images(targets, made, STUDY_METRICS[direction]).items()
             for name, value in zip(test.names, values)], columns=COLUMNS))
        tables_on_disk.renew(file(profile), found[-1], key, _KEY, text=["trained_on"], digits=7)
    return pd.concat(found, ignore_index=True)
