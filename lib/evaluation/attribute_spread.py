"""How much DRIT's scores depend on its attribute: the authors test with a random one, the tables with zero.

``attribute_spread.csv``  system,seed,direction,metric,zero,mean,sd_of_means,sd_in_a_face,codes,faces

In per cent.  zero: the score with the attribute zero.  mean: over random attributes, each the same for all faces.
sd_of_means: the standard deviation of those attributes' scores.  sd_in_a_face: the standard deviation over attributes
within a face, averaged over faces.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from lib.base import paths, systems, tables_on_disk
from lib.base.directions import PHOTO_TO_SKETCH
from lib.base.errors import StudyError
from lib.base.images import to_grey
from lib.evaluation.scoring.measure import References, score_images
from lib.rivals.deep.drit_networks import ATTRIBUTE
from lib.training import make_run, plans, run_folders
from lib.training.tensors import to_face, to_tensor
from lib.training.translate import Translator

NAME = "attribute_spread.csv"
CODES, METRICS = 5, ("ssim", "fsim")
_COLUMNS = ["system", "seed", "direction", "metric", "zero", "mean", "sd_of_means", "sd_in_a_face", "codes", "faces"]


def translate_with(translator: Translator, direction: str, faces: np.ndarray, attributes: torch.Tensor) -> np.ndarray:
    """Faces (n, H, W[, 3]) uint8 and K attributes → (K, n, H, W[, 3]) uint8, grey where they are sketches."""
    made = []
    for face in faces:
        image = to_tensor(face[None], translator.settings).to(translator.trainable.device)
        painted = translator.trainable.translate_with_attributes(direction, image, attributes)
        made.append([to_face(one, translator.settings, *face.shape[:2]) for one in painted])
    stack = np.stack(made, axis=1)
    return np.stack([to_grey(faces) for faces in stack]) if direction == PHOTO_TO_SKETCH else stack


def of_network(translator: Translator, direction: str, sources: np.ndarray, targets: np.ndarray,
               codes: int = CODES) -> pd.DataFrame:
    """Spread of one network in one direction: columns from metric to faces as in the table."""
    drit = translator.trainable
    zero = torch.zeros(1, ATTRIBUTE, device=drit.device)
    attributes = torch.cat([zero, drit.random_attributes("attribute spread", codes)])
    references = References(targets)
    rows = []
    made = [score_images(references, faces, METRICS)
            for faces in translate_with(translator, direction, sources, attributes)]
    for metric in METRICS:
        values = 100 * np.stack([scores[metric] for scores in made])  # (1 + codes, faces)
        drawn = values[1:]
        rows.append((metric, values[0].mean(), drawn.mean(), drawn.mean(axis=1).std(ddof=1),
                     drawn.std(axis=0, ddof=1).mean(), codes, len(sources)))
    return pd.DataFrame(rows, columns=_COLUMNS[3:])


def write(profile: str, database: str, codes: int = CODES) -> pd.DataFrame:
    """Measure every DRIT of a study whose network is here; returns the whole table.

    Raises StudyError where none is, and for fewer than two codes.
    """
    if codes < 2:
        raise StudyError(f"codes {codes}: a spread needs at least 2.")
    folder = paths.study_folder(profile, database)
    for run in run_folders.list_runs(folder):
        checkpoint = run.folder / "checkpoint.pt"
        if systems.base_name(run.system) != "drit" or not checkpoint.exists():
            continue
        translator = Translator(checkpoint)
        pairs = make_run.load_faces(database, plans.plan(profile, run.system).settings, "test")
        parts = [of_network(translator, direction, *pairs.sources_and_targets(direction), codes).assign(
            system=run.system, seed=run.seed, direction=direction) for direction in run.directions]
        tables_on_disk.renew(folder / NAME, pd.concat(parts)[_COLUMNS], {"system": run.system, "seed": run.seed},
                             ["system", "seed", "direction"], digits=6)
    if not (folder / NAME).exists():
        raise StudyError(f"{folder}: no network of DRIT here. Train one with `python -m lib train "
                         f"--database {database} --profile {profile} --system drit`.")
    return tables_on_disk.read(folder / NAME, _COLUMNS)
