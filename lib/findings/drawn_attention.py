"""The attention of a network on this machine, watched on a drawn face: pictures for the notebook on attention."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lib.base import labels, paths
from lib.base.directions import DIRECTIONS
from lib.evaluation import attention, gallery
from lib.evaluation.attention.observing import Observation, attention_off
from lib.training import make_run
from lib.training.translate import Translator

DIRECTION = {task: direction for direction, task in labels.TASK.items()}


def network(profile: str, database: str) -> Translator | None:
    """The larger network of the galleries if it is on this machine, else this study's own; None, with a word, without.

    A training that is not finished does not count.
    """
    for place in (gallery.LARGER, (profile, database, "msg-sarl")):
        checkpoint = paths.run_folder(*place, seed=0) / "checkpoint.pt"
        if checkpoint.exists() and (found := Translator(checkpoint)).finished:
            return found
    print(f"No network is here: `python -m lib train --database {database} --profile {profile} --system msg-sarl "
          "--force` makes one; until then these pictures are left out.")
    return None


def observe(translator: Translator, database: str, person: int = 0) -> dict[str, Observation]:
    """Task → what the network did with a test face."""
    test = make_run.load_faces(database, translator.settings, "test")
    return {labels.TASK[d]: attention.observe(translator, d, test.sources_and_targets(d)[0][person])
            for d in DIRECTIONS}


def without(translator: Translator, seen: Mapping[str, Observation]) -> dict[str, np.ndarray]:
    """Task → the same face translated with α = β = 0, uint8."""
    plain = {}
    for task, observation in seen.items():
        with attention_off(translator, DIRECTION[task]):
            plain[task] = translator(DIRECTION[task], observation.source[None])[0]
    return plain
