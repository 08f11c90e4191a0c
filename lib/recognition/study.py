"""Recognition of every system of a study, with the controls, kept in committed tables.

Reads the synthesised test faces of all run folders of ``results/<profile>/<database>`` and writes there
- ``recognition.csv``: direction,system,seed,split,dimension,accuracy (NLDA, whole images);
- ``recognition_by_identity.csv``: direction,system,seed,image,tests,recognised: in how many splits a face was
  tested, and in what share of them it was recognised with all dimensions; what tests between systems
  need;
- ``recognition.json``: protocol, checksum of its splits, fingerprint of what each row was computed from.

A row whose inputs are unchanged is not computed again.  Rows of runs whose images are not here (they are
not committed) stay as they are.

Controls that no publication shows, for each direction:
- ``grey-input``: the input itself, grey, as if it were the synthesised image;
- ``grey-input@face``, ``@hair``, ``@background``: the same, recognised from these pixels alone;
- ``mean-face``: one face for everybody; ``random-pairing``: somebody's input; both are chance.
``<system>@face``, in the table by identity, is any system judged from the inner face alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lib import images, paths, profiles, runs, systems
from lib.databases import PairedFaces
from lib.errors import StudyError, listed
from lib.recognition.protocol import Faces, Protocol, Recognition, curve_table, recognise
from lib.recognition.regions import REGIONS, pixels_of

CURVE_COLUMNS = ["direction", "system", "seed", "split", "dimension", "accuracy"]
IDENTITY_COLUMNS = ["direction", "system", "seed", "image", "tests", "recognised"]
_KEY = ["direction", "system", "seed"]
_VERSION = 1  # part of every fingerprint: raise it when the numbers change


@dataclass(frozen=True)
class Tables:
    """The two tables, the protocol they follow, how many rows were made anew, and runs without images."""

    curves: pd.DataFrame
    identities: pd.DataFrame
    protocol: Protocol
    computed: int
    absent: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """One system in one direction: where its faces come from and what is computed of them."""

    direction: str
    system: str
    seed: int
    faces: np.ndarray | list[Path]
    regions: tuple[str, ...]
    shuffled: bool = False

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(self.regions).encode())
        for part in self.faces:
            digest.update(part.read_bytes() if isinstance(part, Path) else np.ascontiguousarray(part))
        return digest.hexdigest()

    def load(self) -> np.ndarray:
        """Grey faces (n, 250, 200) uint8."""
        if isinstance(self.faces, np.ndarray):
            return self.faces
        return np.stack([images.to_grey(images.read_image(file)) for file in self.faces])


def recognise_study(profile: str, database: str, force: bool = False) -> Tables:
    """Bring the recognition tables of a study up to date and return them.

    Raises StudyError for unknown names, a missing database, or a run folder with part of its images.
    """
    from lib.synthesis import load_faces

    return recognise_runs(paths.study_folder(profile, database), load_faces(database, profiles.get(profile), "test"),
                          force=force)


def recognise_runs(folder: Path, faces: PairedFaces, force: bool = False) -> Tables:
    """As ``recognise_study`` for a study folder and its test faces (n, 250, 200[, 3])."""
    protocol = Protocol.for_database(faces.database, len(faces))
    real = {"photo-to-sketch": faces.sketches, "sketch-to-photo": images.to_grey(faces.photos)}
    common = {"version": _VERSION, "method": "nlda", **asdict(protocol), "splits": protocol.checksum(),
              "real": {direction: hashlib.sha256(array).hexdigest() for direction, array in real.items()}}
    old = _earlier(folder, common, force)
    entries, absent = _entries(folder, faces, real)
    prints, curves, identities, computed, shared = dict(old.prints), [], [], 0, {}
    for entry in entries:
        key = f"{entry.direction}/{entry.system}/{entry.seed}"
        mark = entry.fingerprint()
        if prints.get(key) == mark:
            continue
        old.drop(entry)
        prints[key] = mark
        for system, result in _outcomes(entry, real[entry.direction], protocol, shared):
            identity = {"direction": entry.direction, "system": system, "seed": entry.seed}
            identities.append(_identity_rows(identity, result, faces.names))
            if entry.system == "grey-input" or "@" not in system:
                curves.append(curve_table(result, **identity))
        computed += 1
    tables = [_sorted(pd.concat([table for table in (earlier, *new) if len(table)], ignore_index=True))
              for earlier, new in ((old.curves, curves), (old.identities, identities))]
    if computed:
        _write(folder / "recognition.csv", tables[0])
        _write(folder / "recognition_by_identity.csv", tables[1])
        runs.write_json(folder / "recognition.json", {**common, "fingerprints": dict(sorted(prints.items()))})
    return Tables(*tables, protocol, computed, tuple(absent))


def read_study(profile: str, database: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the committed tables (curves, by identity); raises StudyError naming the notebook that makes them."""
    folder = paths.study_folder(profile, database)
    tables = []
    for name in ("recognition.csv", "recognition_by_identity.csv"):
        if not (folder / name).exists():
            raise StudyError(f"{folder / name}: missing. Make it with notebook 08: "
                             f"`./run_all.sh --profile {profile} --database {database} --only 08`.")
        tables.append(pd.read_csv(folder / name))
    return tables[0], tables[1]


def _entries(folder: Path, faces: PairedFaces, real: dict[str, np.ndarray]) -> tuple[list[_Entry], list[str]]:
    """Controls first, then every run that has synthesised faces; and the names of runs that have none."""
    entries, absent, problems = [], [], []
    for direction, targets in real.items():
        source = real["sketch-to-photo" if direction == "photo-to-sketch" else "photo-to-sketch"]
        mean = np.broadcast_to(np.round(targets.mean(axis=0)).astype(np.uint8), targets.shape)
        entries += [_Entry(direction, "grey-input", 0, source, REGIONS), _Entry(direction, "mean-face", 0, mean, ()),
                    _Entry(direction, "random-pairing", 0, source, (), shuffled=True)]
        for run in sorted(folder.glob("*/seed*/run.json")):
            system, seed = run.parent.parent.name, run.parent.name.removeprefix("seed")
            if system in ("grey-input", "mean-face") or not seed.isdigit():
                continue  # made above, from the data itself
            files = [run.parent / direction / f"{name}.png" for name in faces.names]
            missing = [file for file in files if not file.exists()]
            if not missing:
                entries.append(_Entry(direction, system, int(seed), files, ("face",)))
            elif len(missing) == len(files):
                absent.append(f"{system}/seed{seed} {direction}")
            else:
                problems.append(f"{missing[0].parent}: {len(missing)} of {len(files)} images missing")
    if problems:
        raise StudyError(f"Runs with part of their test faces:\n{listed(problems)}\n"
                         "Make them whole with `python -m lib train` (same database, system, profile and seed).")
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
    return pd.DataFrame({**identity, "image": names, "tests": (~np.isnan(result.outcomes)).sum(axis=0),
                         "recognised": result.by_identity().round(6)})[IDENTITY_COLUMNS]


@dataclass
class _Earlier:
    """Tables of an earlier run, as far as they follow the same protocol on the same faces."""

    curves: pd.DataFrame
    identities: pd.DataFrame
    prints: dict[str, str]

    def drop(self, entry: _Entry) -> None:
        for name in ("curves", "identities"):
            table = getattr(self, name)
            same = ((table.direction == entry.direction) & (table.seed == entry.seed)
                    & (table.system.str.split("@").str[0] == entry.system))
            setattr(self, name, table[~same])


def _earlier(folder: Path, common: dict, force: bool) -> _Earlier:
    files = [folder / name for name in ("recognition.csv", "recognition_by_identity.csv", "recognition.json")]
    if not force and all(file.exists() for file in files):
        record = runs.read_json(files[2])
        if all(record.get(name) == value for name, value in common.items()):
            return _Earlier(pd.read_csv(files[0]), pd.read_csv(files[1]), record["fingerprints"])
    return _Earlier(pd.DataFrame(columns=CURVE_COLUMNS), pd.DataFrame(columns=IDENTITY_COLUMNS), {})


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    """Systems in table order, then controls of this module, so that files do not depend on what ran first."""
    order = {name: position for position, name in enumerate((*systems.SYSTEMS, "random-pairing"))}

    def place(column: pd.Series) -> pd.Series:
        if column.name != "system":
            return column
        return column.map(lambda name: (order.get(name.split("@")[0].split("+")[0], len(order)), name))

    return table.sort_values(_KEY, key=place, kind="stable", ignore_index=True)


def _write(file: Path, table: pd.DataFrame) -> None:
    with images.atomic_file(file) as temporary:
        table.to_csv(temporary, index=False)
