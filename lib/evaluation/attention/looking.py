"""Where a generator looks: U-GAT-IT's class activation maps beside the positions that MSG-SARL's attention reads.

Both are maps over a grid of the network, drawn on the face without interpolation.

- U-GAT-IT: the heat map of its class activation mapping, the weighted features that tell source from target images
  (Kim et al., ICLR 2020).
- MSG-SARL: how much weight a position receives, the mean over all rows of μ (Eq. 7) and over the four SARBs.

``looking.csv``  system,seed,direction,region,ratio,sd,faces: the mean of the map inside a region of the face
(``lib.evaluation.regions``) over its mean on the whole image; 1 where the region is looked at as much as
any other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.base import paths, systems, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation import regions
from lib.evaluation.attention.attend_runs import network_of
from lib.evaluation.attention.observing import cells_of, observe
from lib.training import make_run, plans, run_folders
from lib.training.tensors import to_tensor
from lib.training.translate import Translator

NAME = "looking.csv"
_COLUMNS = ["system", "seed", "direction", "region", "ratio", "sd", "faces"]


def looks(system: str, profile: str) -> bool:
    """Whether there is a map for a system of this name: U-GAT-IT, and ours with self-attention."""
    return systems.base_name(system) == "u-gat-it" or getattr(plans.plan(profile, system).settings, "attention", False)


def map_of(translator: Translator, direction: str, face: np.ndarray) -> np.ndarray:
    """Where the network looks on a uint8 face (H, W[, 3]): (H, W) float64, at least 0, its mean 1.

    Raises StudyError for a network that has no such map.
    """
    if hasattr(translator.trainable, "attention_map"):
        image = to_tensor(face[None], translator.settings).to(translator.trainable.device)
        grid = translator.trainable.attention_map(direction, image)[0, 0].float().cpu().numpy()
        cells = cells_of(translator.settings, len(grid), *face.shape[:2])
        found = grid.ravel()[cells].astype(float)
    else:
        seen = observe(translator, direction, face)
        found = seen.on_face(np.mean([block.weights().mean(axis=0) for block in seen.blocks], axis=0)).astype(float)
    return found / found.mean() if found.any() else np.ones_like(found)


def ratios(translator: Translator, direction: str, faces: np.ndarray) -> pd.DataFrame:
    """For each face (n, 250, 200[, 3]) and region, the map's mean inside over its mean everywhere.

    Columns: face (0 … n-1) and one per region.  Raises StudyError as ``map_of`` does, and for faces of other sizes.
    """
    maps = np.stack([map_of(translator, direction, face) for face in faces])
    return pd.DataFrame({"face": range(len(faces)), **{
        region: regions.pixels_of(maps, region).mean(axis=1) for region in regions.REGIONS}})


def write(profile: str, database: str, faces: int) -> pd.DataFrame:
    """Bring ``looking.csv`` of a study up to date for the networks on this machine; returns the whole table.

    faces: how many test faces of the run, from the first on.  Rows of runs whose network is elsewhere stay as they are.
    """
    folder = paths.study_folder(profile, database)
    for run in run_folders.list_runs(folder):
        if not systems.is_trained(run.system) or not looks(run.system, profile):
            continue
        what = plans.plan(profile, run.system)
        if what.network != what:
            continue
        try:
            translator = network_of(run, what, database)
        except StudyError:  # `measure_study` tells why
            continue
        rows, pairs = [], make_run.load_faces(database, what.settings, "test")
        for direction in what.system.directions:
            sources = pairs.sources_and_targets(direction)[0][:faces]
            found = ratios(translator, direction, sources)
            rows += [(run.system, run.seed, direction, region, found[region].mean(), found[region].std(), len(found))
                     for region in regions.REGIONS]
        tables_on_disk.renew(folder / NAME, pd.DataFrame(rows, columns=_COLUMNS),
                             {"system": run.system, "seed": run.seed}, ["system", "seed", "direction"], digits=5)
    return tables_on_disk.read(folder / NAME, _COLUMNS)


def of_study(profile: str, database: str) -> pd.DataFrame:
    """The rows of ``looking.csv``, directions in order; raises StudyError naming the command that writes it."""
    file = paths.study_folder(profile, database) / NAME
    if not file.exists():
        raise StudyError(f"{file}: missing. Write it with `python -m lib attention --profile {profile} "
                         f"--database {database}`.")
    table = tables_on_disk.read(file, _COLUMNS)
    return table.sort_values("direction", key=lambda column: column.map(DIRECTIONS.index), kind="stable")
