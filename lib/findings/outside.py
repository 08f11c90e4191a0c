"""A folder of results from elsewhere beside a study's systems: its scores, its recognition, and who differs from whom.

The folder must hold every test face of the study, and the real faces beside it must be, pixel by pixel, those that the
study's systems were scored against: then its scores are paired with theirs, face by face.  Everything is written to
``results/<profile>/<database>/outside/<name>/`` and marked as brought; no committed table changes.

A brought folder counts as one fixed set of images: limits and p-values hold for other faces, not for another training.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lib import databases
from lib.base import files, images, pairing, paths, systems, tables_on_disk
from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH
from lib.base.errors import StudyError, counted, listed, unknown_name
from lib.base.settings import PROFILES, RunSettings
from lib.evaluation.recognition import recognise_runs, statements
from lib.evaluation.scoring import SET_METRICS, STUDY_METRICS, Scores, read_scores, score_images
from lib.evaluation.scoring.sets import Embedder, score_set
from lib.findings import tables
from lib.findings.contrasts import cells_of, difference, with_holm

MARK = "brought from outside"


@dataclass(frozen=True)
class Outside:
    """What became of a brought folder.

    table: the study's ``rivals`` with its rows.  comparisons: it minus every system, per metric, after Holm's
    correction.  recognition: the study's tables with its rows, and differences in accuracy; None where the study has
    no such tables.  left: images of the folder that are no test faces.
    """

    name: str
    profile: str
    database: str
    direction: str
    table: pd.DataFrame
    comparisons: pd.DataFrame
    recognition: recognise_runs.Tables | None
    recognised: pd.DataFrame | None
    left: int

    @property
    def folder(self) -> Path:
        return paths.study_folder(self.profile, self.database) / "outside" / self.name


def bring(reference: Path, results: Path, database: str, name: str, profile: str | None = None,
          pattern: str | None = None, report: Callable[[str], None] = lambda line: None) -> Outside:
    """Score a folder as a study scores its runs, and compare it with all of them; writes nothing.

    profile: of the study (default: the largest that has scores).  pattern: picks names out of file names.
    report: told before each of the steps that take long.
    Raises StudyError for unusable names, images that are absent, of another size or without a partner, and real
    faces that are not the study's.
    """
    _check_name(name)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    profile = profile or _profile_of(database)
    scores = read_scores(profile, database)
    names = _tested(scores)
    real, made = (_named(folder, database, pattern) for folder in (reference, results))
    lacking = [f"{name}: not in {folder}" for folder, found in ((reference, real), (results, made))
               for name in names if name not in found]
    if lacking:
        raise StudyError(
            f"{counted(len(lacking), 'picture')} of test faces of {database} missing:\n{listed(lacking)}\n"
            f"A comparison needs all {len(names)}, called as the database calls them (or say with --pattern which part "
            "of a name counts).")
    targets = _read([real[name] for name in names])
    direction = _direction(targets, names, profile, database, reference)
    synthesised = _read([made[name] for name in names], targets.shape[1:3])
    targets, synthesised = (_in_colours(faces, direction) for faces in (targets, synthesised))
    report(f"scoring {len(names)} faces as the study of {database}, profile {profile}, scores its own: may take "
           f"minutes")
    mine = _scored(direction, name, database, names, targets, synthesised, scores)
    report("comparing them face by face with every system of that study")
    table = _with_row(tables.rivals(profile, database, direction), tables.summary(profile, database, mine), name)
    compared = _compared(mine.images, scores.images, direction)
    if _is_recognised(profile, database):
        report("recognising people in them")
    else:
        report("recognising nobody: the study has no recognition of its own yet, which "
               f"`./run_all.sh --profile {profile} --database {database}` makes")
    recognition = _recognised(profile, database, direction, name, targets, synthesised)
    recognised = statements.comparisons(recognition, direction, name) if recognition else None
    return Outside(name, profile, database, direction, table, compared, recognition, recognised, len(made) - len(names))


def write(outside: Outside) -> list[Path]:
    """Write tables of a brought folder into its own folder; returns the files."""
    written = []
    parts = {"table": outside.table, "comparisons": outside.comparisons, "recognition": outside.recognised}
    for stem, part in parts.items():
        if part is not None:
            written.append(outside.folder / f"{stem}_{outside.direction}.csv")
            files.write_csv(written[-1], part, "%.6g")
    text = (f"{tables.caption(outside.profile, outside.database, 'rivals', outside.direction)} "
            f"{outside.name}: {MARK}, one fixed set of images.\n\n{tables.markdown(tables.as_text(outside.table))}")
    written.append(outside.folder / f"table_{outside.direction}.md")
    files.write_text(written[-1], text)
    return written


def _check_name(name: str) -> None:
    if systems.kind_of(name):
        raise StudyError(f"--as {name}: that is a system of this study. Give the folder another name.")
    if not re.fullmatch(r"[\w][\w .-]*", name) or "@" in name or "+" in name:
        raise StudyError(f"--as {name!r}: a name is made of letters, digits, spaces, dots, dashes and underscores.")


def _profile_of(database: str) -> str:
    """The profile of the largest images that has scores of this database."""
    sizes = {profile: RunSettings.at(profile).size for profile in PROFILES
             if (paths.study_folder(profile, database) / "scores.csv").exists()}
    if not sizes:
        raise StudyError(f"{paths.results_root()}: no study of {database} has scores to compare with. Make one with "
                         f"`./run_all.sh --database {database}`.")
    return max(sizes, key=sizes.get)


def _tested(scores: Scores) -> list[str]:
    return list(dict.fromkeys(scores.images.image))


def _named(folder: Path, database: str, pattern: str | None) -> dict[str, Path]:
    """Images of a folder by the name that the database gives them."""
    found: dict[str, list[Path]] = {}
    for name, file in pairing.by_name(folder, pattern).items():
        found.setdefault(databases.name_of(database, files.as_text(name)), []).append(file)
    if twice := [f"{name}: {' and '.join(file.name for file in group)}" for name, group in found.items() if group[1:]]:
        raise StudyError(f"{folder}: several images of one face:\n{listed(twice)}\nRemove all but one of each.")
    return {name: group[0] for name, group in found.items()}


def _read(where: list[Path], size: tuple[int, int] = (images.HEIGHT, images.WIDTH)) -> np.ndarray:
    """Images as RGB (n, H, W, 3); raises StudyError listing those of another size."""
    faces = [images.to_rgb(images.read_image(file)) for file in where]
    height, width = size
    if odd := [f"{file}: {face.shape[1]}×{face.shape[0]}" for file, face in zip(where, faces)
               if face.shape[:2] != (height, width)]:
        raise StudyError(f"{counted(len(odd), 'image', 'is/are')} not {width}×{height} (width×height):\n{listed(odd)}\n"
                         "Write them at that size; a score of resized images is another score.")
    return np.stack(faces)


def _in_colours(faces: np.ndarray, direction: str) -> np.ndarray:
    """Sketches grey, photos in colour, as the study scores them."""
    return images.to_grey(faces) if direction == PHOTO_TO_SKETCH else faces


def _direction(targets: np.ndarray, names: list[str], profile: str, database: str, reference: Path) -> str:
    """Whose targets these are: the study's sketches or its photos, by their pixels; raises StudyError for neither."""
    expected = _expected(profile, database, names)
    found = hashlib.sha256(np.ascontiguousarray(images.to_grey(targets))).hexdigest()
    for direction in DIRECTIONS:
        if expected[direction] == found:
            return direction
    raise StudyError(
        f"{reference}: not the faces that the systems of {database} (profile {profile}) were scored against: the names "
        "are the same, the pixels of their grey images differ. Give the database's own sketches (for photo to sketch) "
        "or photos, neither compressed again nor resized; scores against other targets cannot be compared.")


def _expected(profile: str, database: str, names: list[str]) -> Mapping[str, str]:
    """SHA-256 of the study's grey targets in each direction, in the order of ``names``."""
    record = paths.study_folder(profile, database) / "recognition.json"
    if record.exists() and list(recognise_runs.people(recognise_runs.read_study(profile, database),
                                                      DIRECTIONS[0])) == names:
        return files.read_json(record)["real"]
    from lib.training.make_run import load_faces

    faces = load_faces(database, RunSettings.at(profile), "test")
    rows = [faces.names.index(name) for name in names]
    return {direction: hashlib.sha256(np.ascontiguousarray(images.to_grey(side[rows]) if side.ndim == 4 else side[rows])
                                      ).hexdigest()
            for direction, side in zip(DIRECTIONS, (faces.sketches, faces.photos))}


def _scored(direction: str, name: str, database: str, names: list[str], targets: np.ndarray, synthesised: np.ndarray,
            study: Scores) -> Scores:
    """Rows as a study has them, of image metrics and of the distances of sets that the study has."""
    key = {"database": database, "direction": direction, "system": name, "seed": 0}
    values = score_images(targets, synthesised, STUDY_METRICS[direction])
    # Digits as the study's tables keep them, so that equal images compare as equal.
    rows = pd.DataFrame([{**key, "image": image, "metric": metric, "value": float(f"{scores[row]:.7g}")}
                         for row, image in enumerate(names) for metric, scores in values.items()])
    embed, sets = Embedder(), []
    for metric in [metric for metric in SET_METRICS if metric in set(study.sets.metric)]:
        vectors = [embed(SET_METRICS[metric], faces) for faces in (targets, synthesised)]
        if all(part is not None for part in vectors):
            value, low, high = score_set(metric, *vectors)
            sets.append({**key, "metric": metric, "value": value, "low": low, "high": high})
    return Scores(rows, pd.DataFrame(sets, columns=[*key, "metric", "value", "low", "high"]))


def _with_row(table: pd.DataFrame, summary: pd.DataFrame, name: str) -> pd.DataFrame:
    """The study's table with the brought rows above the ceiling."""
    mine = summary.drop(columns="direction").assign(label=f"{name} ({MARK})", published=np.nan)[list(table.columns)]
    ceiling = table.system == tables.CEILING
    return pd.concat([table[~ceiling], mine, table[ceiling]], ignore_index=True)


def _compared(mine: pd.DataFrame, study: pd.DataFrame, direction: str) -> pd.DataFrame:
    """It minus every system of the study: direction, metric, system, difference, low, high, p_value, p_holm."""
    own = {metric: cell for (_, _, metric), cell in cells_of(mine).items()}
    rows = []
    for (_, system, metric), cell in cells_of(study[study.direction == direction]).items():
        if metric in own and set(cell.index) == set(own[metric].index):
            effect = difference(own[metric], cell)
            rows.append((direction, metric, system, effect.estimate, effect.low, effect.high, effect.p_value))
    return with_holm(tables_on_disk.in_order(pd.DataFrame(
        rows, columns=["direction", "metric", "system", "difference", "low", "high", "p_value"]), ["metric", "system"]))


def _is_recognised(profile: str, database: str) -> bool:
    return (paths.study_folder(profile, database) / "recognition.json").exists()


def _recognised(profile: str, database: str, direction: str, name: str, targets: np.ndarray,
                synthesised: np.ndarray) -> recognise_runs.Tables | None:
    if not _is_recognised(profile, database):
        return None
    study = recognise_runs.read_study(profile, database)
    grey = [faces if faces.ndim == 3 else images.to_grey(faces) for faces in (targets, synthesised)]
    return recognise_runs.with_faces(study, direction, name, *grey)
