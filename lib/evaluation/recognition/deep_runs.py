"""A network that never saw a sketch judges every system of a study: kept in committed tables.

Reads the synthesised test faces of all run folders of ``results/<profile>/<database>`` and writes there
- ``deep_recognition.csv``: direction,system,seed,image and, for each probe, what ``verification.Outcome`` says of it:
  nearer,tied,distance,accepted,rejected,falsely_accepted;
- ``deep_recognition_roc.csv``: direction,system,seed,far,tar;
- ``deep_recognition.json``: recogniser, and a fingerprint of what each row was computed from.
Other recognisers than dlib's write files that begin with ``deep_recognition-<name>``.

Everybody in the test split is one probe and one gallery face; nothing is trained on anybody.  Photo to sketch: the
artist's sketch is looked up among sketches made from photos.  Sketch to photo: the photo made from the sketch is looked
up among real photos.  As in ``recognise_runs``, rows whose inputs are unchanged or not here stay.

Controls: ``grey-input`` and ``colour-input``, the untranslated input (the floor); ``recompressed-target``, the target
itself after JPEG at quality 75 (the ceiling); ``mean-face``, one face for everybody (chance).
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from lib.base import files, images, paths, tables_on_disk
from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH
from lib.base.errors import StudyError
from lib.base.settings import RunSettings
from lib.databases import PairedFaces
from lib.evaluation.recognition.recognisers import Recogniser, embed_all
from lib.evaluation.recognition.verification import GRID, Outcome, distances, judge
from lib.training import run_folders

_KEY = ["direction", "system", "seed"]
_PROBES = ["nearer", "tied", "distance", "accepted", "rejected", "falsely_accepted"]
_COLUMNS = {"": [*_KEY, "image", *_PROBES], "_roc": [*_KEY, "far", "tar"]}
_CONTROLS = ("grey-input", "colour-input", "mean-face", "recompressed-target")  # made here from the data
_QUALITY = 75  # of JPEG, Pillow's and most programs' default
_VERSION = 1  # raise it when the numbers change: tables of another version are made anew


@dataclass(frozen=True)
class DeepTables:
    """probes: ``deep_recognition.csv``; roc: ``deep_recognition_roc.csv``; both empty where nothing was computed.

    computed: how many runs now, named ``direction/system/seed``.  absent: their faces are not here, and there are no
    rows of an earlier computation.
    """

    probes: pd.DataFrame
    roc: pd.DataFrame
    people: int
    computed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def recognise_study(profile: str, database: str, recogniser: Recogniser, force: bool = False) -> DeepTables:
    """Bring the tables of a study up to date and return them; raises StudyError as ``recognise_runs`` does."""
    from lib.training.make_run import load_faces

    return recognise_runs(paths.study_folder(profile, database),
                          load_faces(database, RunSettings.at(profile), "test"), recogniser, force)


def recognise_runs(folder: Path, faces: PairedFaces, recogniser: Recogniser, force: bool = False) -> DeepTables:
    """As ``recognise_study`` for a study folder and its test faces.

    Raises StudyError for a run folder with part of its images, and as ``embed_all`` does.
    """
    stem = "deep_recognition" + ("" if recogniser.name == "dlib" else f"-{recogniser.name.replace(':', '.')}")
    with tables_on_disk.locked(folder, stem):
        return _recognise_runs(folder, stem, faces, recogniser, force)


def _recognise_runs(folder: Path, stem: str, faces: PairedFaces, recogniser: Recogniser, force: bool) -> DeepTables:
    targets = {direction: faces.sources_and_targets(direction)[1] for direction in DIRECTIONS}
    common = {"version": _VERSION, "recogniser": recogniser.name, "people": len(faces),
              "real": {direction: hashlib.sha256(array).hexdigest() for direction, array in targets.items()}}
    tables, prints = _earlier(folder, stem, common)
    runs, absent = run_folders.pictures_of_runs(folder, faces.names, _CONTROLS)
    todo = {key: made for key, made in {**_controls(faces, targets), **runs}.items()
            if force or prints.get("/".join(map(str, key))) != _fingerprint(made)}
    for (direction, system, seed), made in todo.items():
        outcome = _outcome(recogniser, direction, targets[direction], _loaded(made), faces.names, system)
        key = {"direction": direction, "system": system, "seed": seed}
        rows = {"": probe_rows(outcome, faces.names, **key),
                "_roc": pd.DataFrame({**key, "far": GRID, "tar": outcome.roc})}
        for part, table in tables.items():
            tables[part] = tables_on_disk.replace(table, rows[part], key, _KEY) if len(table) else rows[part]
            tables_on_disk.write(folder / f"{stem}{part}.csv", tables[part], digits=6)
        prints["/".join(map(str, key.values()))] = _fingerprint(made)  # after every run: an interruption loses one
        files.write_json(folder / f"{stem}.json", {**common, "fingerprints": dict(sorted(prints.items()))})
    return DeepTables(tables[""], tables["_roc"], len(faces), tuple("/".join(map(str, key)) for key in todo),
                      tuple(key for key in absent if key not in prints))


def read_study(profile: str, database: str) -> DeepTables:
    """The committed tables of a study by dlib's network; raises StudyError naming the command that makes them."""
    folder = paths.study_folder(profile, database)
    record = folder / "deep_recognition.json"
    if not record.exists():
        raise StudyError(f"{record}: missing. Make it with `python -m lib recognise --recogniser dlib --database "
                         f"{database} --profile {profile}`.")
    known = files.read_json(record)
    tables = {part: tables_on_disk.read(folder / f"deep_recognition{part}.csv", columns)
              for part, columns in _COLUMNS.items()}
    absent = [f"{direction}/{run.system}/{run.seed}" for run in run_folders.list_runs(folder)
              for direction in (*run.directions, *run.absent) if run.system not in _CONTROLS]
    return DeepTables(tables[""], tables["_roc"], known["people"],
                      absent=tuple(key for key in absent if key not in known["fingerprints"]))


def judge_pairs(recogniser: Recogniser, probes: list[np.ndarray], gallery: list[np.ndarray],
                names: tuple[str, ...]) -> Outcome:
    """Outcome for probes and gallery of the same people, row by row; images of any size."""
    return judge(distances(embed_all(recogniser, probes, names, "probes"),
                           embed_all(recogniser, gallery, names, "gallery")))


def probe_rows(outcome: Outcome, names: tuple[str, ...], direction: str, system: str, seed: int = 0) -> pd.DataFrame:
    """The rows of ``deep_recognition.csv`` for one outcome."""
    return pd.DataFrame({"direction": direction, "system": system, "seed": seed, "image": names,
                         **{name: getattr(outcome, name) for name in _PROBES}})


def _outcome(recogniser: Recogniser, direction: str, targets: np.ndarray, made: np.ndarray, names: tuple[str, ...],
             what: str) -> Outcome:
    real = embed_all(recogniser, targets, names, "real faces")
    ours = embed_all(recogniser, made, names, f"{what}, {direction}")
    return judge(distances(real, ours) if direction == PHOTO_TO_SKETCH else distances(ours, real))


def _controls(faces: PairedFaces, targets: dict[str, np.ndarray]) -> dict[tuple[str, str, int], np.ndarray]:
    """(direction, system, seed) → faces in place of synthesised ones."""
    made = {}
    for direction, target in targets.items():
        source = images.to_grey(faces.photos) if direction == PHOTO_TO_SKETCH else faces.sketches
        mean = np.round(target.mean(axis=0)).astype(np.uint8)
        made[direction, "grey-input", 0] = source
        made[direction, "mean-face", 0] = np.broadcast_to(mean, target.shape)
        made[direction, "recompressed-target", 0] = np.stack([_recompressed(face) for face in target])
    made[PHOTO_TO_SKETCH, "colour-input", 0] = faces.photos
    return made


def _recompressed(face: np.ndarray) -> np.ndarray:
    with io.BytesIO() as stream:
        Image.fromarray(face).save(stream, "JPEG", quality=_QUALITY)
        return np.asarray(Image.open(stream))


def _fingerprint(made: np.ndarray | list[Path]) -> str:
    digest = hashlib.sha256()
    for part in made:
        digest.update(part.read_bytes() if isinstance(part, Path) else np.ascontiguousarray(part))
    return digest.hexdigest()


def _loaded(made: np.ndarray | list[Path]) -> list[np.ndarray] | np.ndarray:
    return made if isinstance(made, np.ndarray) else [images.read_image(file) for file in made]


def _earlier(folder: Path, stem: str, common: dict) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Tables and fingerprints of an earlier computation with the same recogniser and test faces."""
    record = folder / f"{stem}.json"
    known = files.read_json(record) if record.exists() else {}
    if any(known.get(name) != value for name, value in common.items()):
        return {part: pd.DataFrame(columns=columns) for part, columns in _COLUMNS.items()}, {}
    return {part: tables_on_disk.read(folder / f"{stem}{part}.csv", columns) for part, columns in _COLUMNS.items()}, \
        dict(known["fingerprints"])
