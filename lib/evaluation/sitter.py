"""The one real face that may be shown: the astronaut Eileen Collins, as networks trained on real faces translate her.

Her portrait is NASA's, in the public domain, and comes with scikit-image.  She is in no database of the study: nobody's
score rests on her.  Of every network asked for a strip is kept, the sketch made of her photo and the photo made back
from that sketch: ``sitter/<system>_seed<k>.jpg`` in a study's folder.  What exemplar methods make of her consists of
pieces of the database's people, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from lib.base import files, images, paths, systems
from lib.base.errors import StudyError
from lib.databases.alignment import align_photo
from lib.training import own_photo, run_folders
from lib.training.translate import Translator

EYES = (203.5, 102.0, 246.5, 104.5)  # x, y of both pupils in scikit-image's picture, as dlib finds them
_NAME = "astronaut"


def photo() -> np.ndarray:
    """The portrait in the field's geometry, (250, 200, 3) uint8."""
    return align_photo(data.astronaut(), _NAME, EYES).face


def keep(profile: str, database: str, names: Iterable[str] = (), seed: int = 0) -> list[Path]:
    """Keep what networks on this machine make of the sitter (default: of all trained runs); returns the files.

    Raises StudyError for an unknown name, an exemplar method or a control, and where no such network is here.
    """
    wanted = tuple(names)
    for name in wanted:
        systems.get(systems.base_name(name))
        if not systems.is_trained(name):
            raise StudyError(f"{name}: has no network of its own. What exemplar methods make of a face consists of "
                             "pieces of other people's, which are not kept.")
    folder, written = paths.study_folder(profile, database), []
    for run in run_folders.list_runs(folder):
        checkpoint = run.folder / "checkpoint.pt"
        if run.seed == seed and checkpoint.exists() and (run.system in wanted if wanted else
                                                         systems.is_trained(run.system)):
            translator = Translator(checkpoint)
            _, (_, *made), _ = own_photo.there_and_back(translator, data.astronaut(), _NAME, eyes=EYES)
            written.append(folder / "sitter" / f"{run.system}_seed{seed}.jpg")
            with files.atomic_file(written[-1]) as temporary:
                strip = own_photo.side_by_side([picture for _, picture in made])
                Image.fromarray(strip).save(temporary, "JPEG", quality=92, subsampling=0)
    if not written:
        raise StudyError(f"{folder}: no network of {', '.join(wanted) or 'a trained system'}, seed {seed}, here. Train "
                         f"it with `python -m lib train --database {database} --profile {profile} --system …`.")
    return written


def kept(profile: str, database: str) -> dict[str, list[np.ndarray]]:
    """System → its sketch and the photo made back, (250, 200, 3) uint8 each, in table order; empty where none is.

    Of several trainings of a system the first.
    """
    files_of: dict[str, list[tuple[int, Path]]] = {}
    for file in (paths.study_folder(profile, database) / "sitter").glob("*_seed*.jpg"):
        system, _, seed = file.stem.rpartition("_seed")
        files_of.setdefault(system, []).append((int(seed), file))
    strips = {system: images.read_image(min(found)[1]) for system, found in files_of.items()}
    found = {system: np.split(strip, strip.shape[1] // images.WIDTH, axis=1) for system, strip in strips.items()}
    order = list(systems.SYSTEMS)
    return dict(sorted(found.items(), key=lambda item: (order.index(systems.base_name(item[0])), item[0])))
