"""Recognition of every system of a study, with the controls, kept in committed tables.

Reads the synthesised test faces of all run folders of ``results/<profile>/<database>`` and writes there
- ``recognition.csv``: direction,system,seed,split,dimension,accuracy (NLDA, whole images);
- ``recognition_by_identity.csv``: direction,system,seed,image,tests,recognised: in how many splits a face was
  tested, and in what share of them it was recognised with all dimensions; what tests between systems
  need;
- ``recognition_ranks.csv``: direction,system,seed,rank,accuracy: cumulative match curves, the share of probes
  whose face is among the ``rank`` nearest, all dimensions, mean over splits, to rank 20;
- ``recognition.json``: protocol, checksum of its splits, fingerprint of what each row was computed from.

A row whose inputs are unchanged is not computed again.  Rows of runs whose images are not here (they are
not committed, their ``run.json`` is) stay as they are, as long as the test faces are the same.  Two processes take
turns: the second finds what the first has computed.

Controls that publications leave out, for each direction:
- ``grey-input``: the input itself, grey, as if it were the synthesised image;
- ``grey-input@face``, ``@hair``, ``@background``: the same, recognised from these pixels alone;
- ``mean-face``: one face for everybody; ``random-pairing``: somebody's input; both are chance.
``<system>@face``, in the table by identity, is any system judged from the inner face alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lib.base import files, images, paths, tables_on_disk
from lib.base.errors import StudyError, listed
from lib.base.settings import RunSettings
from lib.databases import PairedFaces
from lib.evaluation.recognition.protocol import Faces, Protocol, Recognition, curve_table, recognise
from lib.evaluation.regions import REGIONS, pixels_of
from lib.training import run_folders

_KEY = ["direction", "system", "seed"]
FILES = {"curves": ("recognition.csv", [*_KEY, "split", "dimension", "accuracy"]),
         "identities": ("recognition_by_identity.csv", [*_KEY, "image", "tests", "recognised"]),
         "ranks": ("recognition_ranks.csv", [*_KEY, "rank", "accuracy"])}
_FROM_DATA = ("grey-input", "mean-face")  # controls made here from the data, run or no run
_RANKS = 20
_VERSION = 1  # raise it when the numbers change: tables of another version are made anew


@dataclass(frozen=True)
class Tables:
    """The tables, and how they came about.

    Runs are named ``direction/system/seed``.  computed: how many were computed now.  absent: their synthesised
    faces are not here, rows of an earlier computation are kept.  dropped: had rows before, and have none
    now, because the run is gone or the test faces are others.
    """

    curves: pd.DataFrame
    identities: pd.DataFrame
    ranks: pd.DataFrame
    protocol: Protocol
    computed: int = 0
    absent: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """One system in one direction: where its faces come from and what is computed of them."""

    direction: str
    system: str
    seed: int
    faces: np.ndarray | list[Path]
    regions: tuple[str, ...]
    shuffled: bool = False

    @property
    def key(self) -> str:
        return f"{self.direction}/{self.system}/{self.seed}"

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(self.regions).encode())
        for part in self.faces:
            digest.update(part.read_bytes() if isinstance(part, Path) else np.ascontiguousarray(part))
        return digest.hexdigest()

    def load(self) -> np.ndarray:
        """Grey faces (n, 250, 200) uint8; raises StudyError listing images of another size."""
        if isinstance(self.faces, np.ndarray):
            return self.faces
        faces = [images.to_grey(images.read_image(file)) for file in self.faces]
        odd = [f"{file}: {face.shape[1]}×{face.shape[0]}" for file, face in zip(self.faces, faces)
               if face.shape != (images.HEIGHT, images.WIDTH)]
        if odd:
            raise StudyError(f"Synthesised faces must be {images.WIDTH}×{images.HEIGHT} (width×height):\n"
                             f"{listed(odd)}\nRemove the run's images and make them again with `python -m lib train`.")
        return np.stack(faces)


def recognise_study(profile: str, database: str, needed: tuple[str, ...] = (), force: bool = False) -> Tables:
    """Bring the recognition tables of a study up to date and return them.

    needed: systems without which there is nothing to say.
    Raises StudyError for unknown names, a missing database, a run folder with part of its images, or a
    needed system that has neither images nor earlier rows.
    """
    from lib.training.make_run import load_faces

    tables = recognise_runs(paths.study_folder(profile, database),
                            load_faces(database, RunSettings.at(profile), "test"), force=force)
    for system in needed:
        if system not in set(tables.curves.system):
            raise StudyError(f"{paths.study_folder(profile, database)}: no synthesised faces of {system}. Make them "
                             f"with `python -m lib train --database {database} --system {system} --profile {profile}`.")
    return tables


def recognise_runs(folder: Path, faces: PairedFaces, force: bool = False) -> Tables:
    """As ``recognise_study`` for a study folder and its test faces (n, 250, 200[, 3])."""
    with tables_on_disk.locked(folder, "recognition"):
        return _recognise_runs(folder, faces, force)


def _recognise_runs(folder: Path, faces: PairedFaces, force: bool) -> Tables:
    protocol = Protocol.for_database(faces.database, len(faces))
    real = {"photo-to-sketch": faces.sketches, "sketch-to-photo": images.to_grey(faces.photos)}
    common = {"version": _VERSION, "method": "nlda", **asdict(protocol), "splits": protocol.checksum(),
              "real": {direction: hashlib.sha256(array).hexdigest() for direction, array in real.items()}}
    entries, absent = _entries(folder, faces, real)
    earlier, prints, before = _earlier(folder, common)
    marks = {entry.key: entry.fingerprint() for entry in entries}
    todo = [entry for entry in entries if force or prints.get(entry.key) != marks[entry.key]]
    stay = {*marks, *absent} & prints.keys() - {entry.key for entry in todo}
    parts, shared = {name: [_of_runs(table, stay)] for name, table in earlier.items()}, {}
    for entry in todo:
        for system, result in _outcomes(entry, real[entry.direction], protocol, shared):
            identity = {"direction": entry.direction, "system": system, "seed": entry.seed}
            parts["identities"].append(_identity_rows(identity, result, faces.names))
            if entry.system == "grey-input" or "@" not in system:
                parts["curves"].append(curve_table(result, **identity))
                parts["ranks"].append(_rank_rows(identity, result))
    tables = {name: tables_on_disk.in_order(pd.concat([rows for rows in some if len(rows)], ignore_index=True), _KEY)
              for name, some in parts.items()}
    prints = {key: marks.get(key) or prints[key] for key in sorted({*marks, *stay})}
    dropped = tuple(sorted(before - prints.keys()))
    if todo or dropped:
        for name, table in tables.items():
            tables_on_disk.write(folder / FILES[name][0], table)
        files.write_json(folder / "recognition.json", {**common, "fingerprints": prints})
    return Tables(**tables, protocol=protocol, computed=len(todo), absent=tuple(absent), dropped=dropped)


def read_study(profile: str, database: str) -> Tables:
    """Read the tables of a study, with the runs whose faces are not here; raises StudyError naming what makes them."""
    folder = paths.study_folder(profile, database)
    record_file = folder / "recognition.json"
    for file in (*(folder / name for name, _ in FILES.values()), record_file):
        if not file.exists():
            raise StudyError(f"{file}: missing. Make it with "
                             f"`./run_all.sh --profile {profile} --database {database}`.")
    record = files.read_json(record_file)
    protocol = Protocol(**{name: record[name] for name in ("identities", "train", "repeats", "seed")})
    absent = tuple(f"{direction}/{run.system}/{run.seed}" for run in run_folders.list_runs(folder)
                   for direction in run.absent if run.system not in _FROM_DATA)
    return Tables(**{name: _read(folder, name) for name in FILES}, protocol=protocol, absent=absent)


def with_faces(tables: Tables, direction: str, system: str, real: np.ndarray, synthesised: np.ndarray) -> Tables:
    """The tables with rows of one more system, from whole images and from the inner face, under the same splits.

    real, synthesised: uint8 grey (n, 250, 200), in the order of the tables' people.  Nothing is written.
    """
    parts = {name: [getattr(tables, name)] for name in FILES}
    names = people(tables, direction)
    for label, result in _outcomes(_Entry(direction, system, 0, synthesised, ("face",)), real, tables.protocol, {}):
        identity = {"direction": direction, "system": label, "seed": 0}
        parts["identities"].append(_identity_rows(identity, result, names))
        if label == system:
            parts["curves"].append(curve_table(result, **identity))
            parts["ranks"].append(_rank_rows(identity, result))
    return replace(tables, **{name: pd.concat(some, ignore_index=True) for name, some in parts.items()})


def people(tables: Tables, direction: str) -> tuple[str, ...]:
    """The names of the tested faces, in the order in which the protocol numbers them."""
    rows = tables.identities[tables.identities.direction == direction]
    first = rows[(rows.system == rows.system.iloc[0]) & (rows.seed == rows.seed.iloc[0])]
    return tuple(first.image)


def _entries(folder: Path, faces: PairedFaces, real: dict[str, np.ndarray]) -> tuple[list[_Entry], list[str]]:
    """Controls first, then every run that has synthesised faces; and the names of runs that have none."""
    runs, absent = run_folders.pictures_of_runs(folder, faces.names, _FROM_DATA)
    entries = []
    for direction, targets in real.items():
        source = real["sketch-to-photo" if direction == "photo-to-sketch" else "photo-to-sketch"]
        mean = np.broadcast_to(np.round(targets.mean(axis=0)).astype(np.uint8), targets.shape)
        entries += [_Entry(direction, "grey-input", 0, source, REGIONS), _Entry(direction, "mean-face", 0, mean, ()),
                    _Entry(direction, "random-pairing", 0, source, (), shuffled=True)]
        entries += [_Entry(*key, pictures, ("face",)) for key, pictures in runs.items() if key[0] == direction]
    return entries, absent


def _outcomes(entry: _Entry, targets: np.ndarray, protocol: Protocol,
              shared: dict) -> Iterator[tuple[str, Recognition]]:
    """The system by whole images, then by each region; ``shared`` keeps the real faces' inner products."""
    synthesised = entry.load()
    pairings = protocol.random_pairings() if entry.shuffled else None
    for region in (None, *entry.regions):
        if (entry.direction, region) not in shared:
            shared[entry.direction, region] = Faces(targets if region is None else pixels_of(targets, region))
        pixels = synthesised if region is None else pixels_of(synthesised, region)
        result = recognise(shared[entry.direction, region], pixels, protocol, entry.direction, pairings=pairings)
        yield entry.system if region is None else f"{entry.system}@{region}", result


def _identity_rows(identity: dict, result: Recognition, names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({**identity, "image": names, "tests": result.tests(),
                         "recognised": result.by_identity().round(6)})


def _rank_rows(identity: dict, result: Recognition) -> pd.DataFrame:
    shares = result.cumulative.mean(axis=0)[:_RANKS].round(6)
    return pd.DataFrame({**identity, "rank": np.arange(1, len(shares) + 1), "accuracy": shares})


def _earlier(folder: Path, common: dict) -> tuple[dict[str, pd.DataFrame], dict[str, str], set[str]]:
    """Tables and fingerprints of an earlier computation with the same protocol and test faces; and the runs it had."""
    record_file = folder / "recognition.json"
    nothing = {name: pd.DataFrame(columns=columns) for name, (_, columns) in FILES.items()}
    if not record_file.exists() or not all((folder / file).exists() for file, _ in FILES.values()):
        return nothing, {}, set()
    record = files.read_json(record_file)
    prints = record.get("fingerprints", {})
    if any(record.get(name) != value for name, value in common.items()):
        return nothing, {}, set(prints)
    return {name: _read(folder, name) for name in FILES}, prints, set(prints)


def _of_runs(table: pd.DataFrame, keys: set[str]) -> pd.DataFrame:
    """The rows of some runs, those of their regions included."""
    run = table.direction + "/" + table.system.str.split("@").str[0] + "/" + table.seed.astype(str)
    return table[run.isin(keys)]


def _read(folder: Path, name: str) -> pd.DataFrame:
    file, columns = FILES[name]
    return tables_on_disk.read(folder / file, columns, text=["image"] if "image" in columns else [])
