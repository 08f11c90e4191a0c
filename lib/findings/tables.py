"""From scores to tables: ours with intervals, floors and ceiling, beside the published Tables I-VII.

Reads ``scores.csv`` and ``set_scores.csv`` of a study (``lib.evaluation.scoring``) and ``results/published_tables.csv``
(Duan et al. 2020, typed from the paper, which prints no spread anywhere).  Nothing is computed from images.

- ``summary``: one row per direction, system and metric, with the mean over faces and seeds, its 95 % interval
  (over faces; of trained systems also over training runs, where any was trained several times), the number of
  seeds and the standard deviation of their means;
- ``ablations``, ``rivals``: the rows of Tables I-III and IV-VII, floors above and the ceiling below them;
  systems with changed settings (``msg-sarl+fusion=shared``) are no rows of these, but for the deep rivals' other forms
  (``lib.base.labels.FORM``), which follow their rival;
- ``as_text``: such a table as people read it; ``write_tables``: all of a study's, as CSV and Markdown.

Scores in [0, 1] become per cent, as the paper prints them; distances of sets keep their unit.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lib import databases
from lib.base import files, labels, paths, systems, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.settings import RunSettings
from lib.base.statistics import bootstrap_interval
from lib.evaluation.scoring import IMAGE_METRICS, SET_METRICS, STUDY_METRICS, Scores, read_scores
from lib.findings import learning_curves
from lib.findings.contrasts import (
    LEVEL,
    OWN_FROM,
    RunSpread,
    cells_of,
    compare,
    pooled_spread,
    pooled_spreads,
    trained_kind,
)

PUBLISHED = paths.ROOT / "results" / "published_tables.csv"
CEILING = "resized-target"
FLOORS = tuple(name for name in systems.of_kind("control") if name != CEILING)
METRIC_LABELS = {metric: label if metric in SET_METRICS else f"{label} %" for metric, label in labels.METRIC.items()}
DIRECTION_LABELS = {direction: f"{label} ({labels.TASK[direction]})" for direction, label in labels.DIRECTION.items()}
NOT_COMPUTED, NOT_RUN = "not computed", "not run"
FEWEST = 5  # faces of which a group's mean is shown
_KEY = ["direction", "system", "metric"]
_DECIMALS = {"kid-vgg16-hed": 4}  # others have two, as the paper


def published() -> pd.DataFrame:
    """The paper's Tables I-VIII: table, database, direction, system (the paper's name), metric, value, source.

    SSIM and FSIM in per cent, FID, rank-1 share in per cent.
    """
    return tables_on_disk.read_csv(PUBLISHED, text=["table"])


def summary(profile: str, database: str, scores: Scores | None = None) -> pd.DataFrame:
    """Means and intervals of a study: direction, system, metric, value, low, high, n, seeds, spread.

    Per cent for image metrics.  The interval takes faces and runs as samples (``lib.findings.contrasts``); a system of
    fewer than ``OWN_FROM`` runs borrows the spread between runs, pooled over the trained systems of its kind.  For what
    is not trained, and for a kind of which no system was trained twice, it is over the n faces (BCa bootstrap).
    Limits end where the metric's range does (t limits of few runs may reach further).  ``spread`` is the standard
    deviation of the seeds' means, NaN with one.  Distances of sets: jackknife over faces, and the runs' t interval
    added to it as variances add.  Raises StudyError without scores or with incomplete ones.
    """
    scores = scores or read_scores(profile, database)
    rows = []
    cells = cells_of(scores.images)
    spreads = pooled_spreads(cells, trained_kind)
    for (direction, system, metric), values in cells.items():
        low, high = np.clip(_limits(values.shape, values.to_numpy().tobytes(),
                                    spreads.get((direction, systems.kind_of(system), metric))),
                            *np.multiply(100, IMAGE_METRICS[metric].limits))
        means = values.mean()
        rows.append((direction, system, metric, means.mean(), low, high, *values.shape, means.std()))
    count = {key: part.image.nunique() for key, part in scores.images.groupby(["direction", "system"])}
    sets = {key: part for key, part in scores.sets.groupby(_KEY, sort=False)}
    runs = {key: part.set_index("seed")[["value"]].T for key, part in sets.items()}  # one row: the set as a whole
    spreads = pooled_spreads(runs, trained_kind)
    for (direction, system, metric), part in sets.items():
        spread = spreads.get((direction, systems.kind_of(system), metric))
        if systems.is_trained(system) and len(part) >= OWN_FROM:
            spread = pooled_spread([runs[direction, system, metric]])
        rows.append((direction, system, metric, part.value.mean(), *_set_limits(part, spread),
                     count.get((direction, system), 0), len(part), part.value.std()))
    return pd.DataFrame(rows, columns=[*_KEY, "value", "low", "high", "n", "seeds", "spread"])


@lru_cache(maxsize=8192)
def _limits(shape: tuple[int, int], values: bytes, spread: RunSpread | None) -> tuple[float, float]:
    """Limits of the mean of float64 values (faces, seeds); the same rows stand in several tables of a notebook."""
    array = np.frombuffer(values).reshape(shape)
    if len(array) < 2:
        return np.nan, np.nan
    if shape[1] == 1 and spread is None:
        return tuple(bootstrap_interval(array[:, 0])[1:])
    return compare([array], [1.0], spread, own_from=OWN_FROM)[1:3]


def _set_limits(part: pd.DataFrame, spread: RunSpread | None) -> tuple[float, float]:
    """Limits of a distance of sets, one row per seed: the same faces every time, so their part does not average out."""
    half = stats.t.ppf((1 + LEVEL) / 2, spread.freedom) * spread.sd / len(part) ** 0.5 if spread else 0.0
    below, above = (part.value - part.low).mean(), (part.high - part.value).mean()
    low, high = part.value.mean() - np.hypot(below, half), part.value.mean() + np.hypot(above, half)
    return (low if part.metric.iloc[0].startswith("kid") else max(low, 0.0)), high  # a Fréchet distance is not negative


def ablations(profile: str, database: str, direction: str, ours: pd.DataFrame | None = None) -> pd.DataFrame:
    """Ours beside Table I (CUHK Student), II (CUFS) or III (CUFSF), one direction.

    Columns: label, system, metric, value, low, high, n, seeds, spread, published; rows in table order
    with floors first and the ceiling last.
    ours: the study's ``summary``, if it is already at hand.
    """
    printed = published().query("table in ('I', 'II', 'III') and database == @database and direction == @direction")
    ours = summary(profile, database) if ours is None else ours
    return _beside(ours, direction, printed, (), systems.ABLATIONS)


def rivals(profile: str, database: str, direction: str, ours: pd.DataFrame | None = None) -> pd.DataFrame:
    """Ours beside Tables IV and V (photo to sketch), VI and VII (sketch to photo), with the exemplar and deep rivals.

    Columns and order as ``ablations``.  The paper's tables name no exemplar method and no floor.  The label of a system
    that was still learning says so (``lib.findings.learning_curves``).
    """
    printed = published().query("table in ('IV', 'V', 'VI', 'VII') and database == @database "
                                "and direction == @direction")
    ours = summary(profile, database) if ours is None else ours
    rising = [name for name, rises in learning_curves.unconverged(profile, database).items() if rises]
    return _beside(ours, direction, printed, systems.of_kind("exemplar"), (*deep_rows(), "msg-sarl"), rising)


def deep_rows() -> tuple[str, ...]:
    """The deep rivals, each followed by its other forms."""
    return tuple(row for name in systems.of_kind("deep")
                 for row in (name, *(form for form in labels.FORM if systems.base_name(form) == name)))


def _beside(ours: pd.DataFrame, direction: str, printed: pd.DataFrame, first: tuple[str, ...],
            last: tuple[str, ...], rising: Sequence[str] = ()) -> pd.DataFrame:
    """Ours joined with printed values, in this order: floors, ``first``, what only the paper has, ``last``, ceiling.

    rising: systems whose labels say that they had not converged.
    """
    printed = printed[["system", "metric", "value"]].rename(columns={"value": "published"})
    printed["system"] = printed.system.map(systems.named)
    foreign = [name for name in dict.fromkeys(printed.system) if name not in systems.SYSTEMS]
    rows = [*FLOORS, *first, *foreign, *last, CEILING]
    ours = ours[ours.direction == direction].drop(columns="direction")
    lacking = [name for name in (*FLOORS, CEILING) if name not in set(ours.system)]
    table = pd.concat([ours.merge(printed, on=["system", "metric"], how="outer"),
                       pd.DataFrame({"system": lacking, "metric": "ssim"})], ignore_index=True)
    table = table[table.system.isin(rows)]
    table = table.assign(label=[labels.label_of(name) + (" (unconverged)" if name in rising else "")
                                for name in table.system])
    places = {name: place for place, name in enumerate([*rows, *STUDY_METRICS[direction], *SET_METRICS])}
    table = table.sort_values(["system", "metric"], key=lambda column: column.map(places), ignore_index=True)
    return table[["label", "system", "metric", "value", "low", "high", "n", "seeds", "spread", "published"]]


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """A table of ``ablations`` or ``rivals`` as people read it: one row per system, cells ``61.6 [60.9, 62.2] ± 0.1``.

    The brackets hold the 95 % interval of ``summary``, ± the standard deviation over seeds where there are
    several; the published value stands in a column of its own.  What was not run or not computed says so.
    """
    metrics = [metric for metric in METRIC_LABELS if metric == "fid" or metric in set(table.metric)]
    printed = set(table.metric[table.published.notna()])
    rows = {}
    for label, part in table.groupby("label", sort=False):
        by_metric = part.set_index("metric").reindex(metrics)
        ran = by_metric.value.notna().any()
        row = rows[label] = {}
        for entry in by_metric.itertuples():
            title = METRIC_LABELS[entry.Index]
            row[title] = _cell(entry) if ran else NOT_RUN
            if entry.Index in printed:
                row[f"{title} published"] = "—" if np.isnan(entry.published) else f"{entry.published:.2f}"
        row |= {"faces": f"{part.n.max():.0f}" if ran else "—", "seeds": f"{part.seeds.max():.0f}" if ran else "—"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("system")


def _cell(entry) -> str:
    if np.isnan(entry.value):
        return NOT_COMPUTED
    digits = _DECIMALS.get(entry.Index, 2)
    limits = "" if np.isnan(entry.low) else f" [{entry.low:.{digits}f}, {entry.high:.{digits}f}]"
    return f"{entry.value:.{digits}f}{limits}" + ("" if np.isnan(entry.spread) else f" ± {entry.spread:.{digits}f}")


def by_attribute(profile: str, database: str, direction: str) -> pd.DataFrame:
    """Scores of the test faces that share an attribute: columns attribute, group and those of ``summary``.

    Empty where nothing is noted of the faces.  Groups of fewer than ``FEWEST`` faces are left out.
    """
    file = paths.study_folder(profile, database) / "attributes.csv"
    noted = tables_on_disk.read(file, ["image", "attribute", "value"], text=["value", "attribute"])
    if noted.empty:
        return pd.DataFrame()
    read = read_scores(profile, database)
    scores, parts = read.images[read.images.direction == direction], []
    for (attribute, group), rows in noted.groupby(["attribute", "value"]):
        chosen = scores[scores.image.isin(rows.image)]
        if chosen.image.nunique() >= FEWEST:
            part = summary(profile, database, Scores(chosen, read.sets.head(0)))
            parts.append(part.assign(attribute=attribute, group=group))
    columns = ["attribute", "group", *_KEY, "value", "low", "high", "n", "seeds", "spread"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame()


def caption(profile: str, database: str, kind: str, direction: str) -> str:
    """What a reader must know beside a table: database, profile, size, what is published where, what the marks mean."""
    settings = RunSettings.at(profile)
    to_sketch = direction == DIRECTIONS[0]
    numbers = {("ablations", "cuhk-student"): "I", ("ablations", "cufs"): "II", ("ablations", "cufsf"): "III",
               ("rivals", "cufs"): "IV" if to_sketch else "VI", ("rivals", "cufsf"): "V" if to_sketch else "VII"}
    number = numbers.get((kind, database))
    text = (f"{kind.capitalize()} on {database}, {DIRECTION_LABELS[direction]}; profile {profile} ({settings.size} px, "
            f"epochs: {settings.epochs}; the paper: 256 px, 400). Brackets: 95 % interval over the faces (bootstrap; "
            "jackknife for distances of sets); where the study has a trained system of the same kind (MSG-SARL and its "
            f"ablations; deep rivals) with several seeds, over training runs as well: systems of {OWN_FROM} runs or "
            "more by their own spread, those of fewer by the spread pooled over their kind. ±: standard deviation over "
            "seeds. ")
    if kind == "rivals":
        text += ("(unconverged): still learning at the end, by held-out training pairs; of other forms of a rival that "
                 "is not known. " if learning_curves.unconverged(profile, database) else
                 "Whether systems were still learning at the end is not known here. ")
    text += (f"Published: Table {number} of Duan et al. (2020), single numbers without spread."
             if number else "The paper has no such table for this database.")
    if database in databases.EMBEDDED:
        text += " The embedded portraits are drawn by a program: a stand-in to run the study, no evidence on the paper."
    return text


def write_tables(profile: str, database: str, folder: Path | None = None) -> list[Path]:
    """Write the tables of a study to ``results/<profile>/<database>/tables/`` (or ``folder``), as CSV and Markdown, and
    as CSV alone those by attribute, where the database notes any.

    Returns the files.  Raises StudyError when there are no scores yet.
    """
    ours = summary(profile, database)
    folder = folder or paths.study_folder(profile, database) / "tables"
    written = []
    for kind, direction in itertools.product((ablations, rivals), DIRECTIONS):
        table, stem = kind(profile, database, direction, ours), folder / f"{kind.__name__}_{direction}"
        text = f"{caption(profile, database, kind.__name__, direction)}\n\n{markdown(as_text(table))}"
        files.write_csv(stem.with_suffix(".csv"), table, "%.6g")
        files.write_text(stem.with_suffix(".md"), text)
        written += [stem.with_suffix(".csv"), stem.with_suffix(".md")]
    for direction in DIRECTIONS:
        if len(table := by_attribute(profile, database, direction)):
            written.append(folder / f"by_attribute_{direction}.csv")
            files.write_csv(written[-1], table, "%.6g")
    return written


def markdown(table: pd.DataFrame) -> str:
    """A data frame of strings as a Markdown table, its index as the first column."""
    lines = [[table.index.name or "", *table.columns], ["---", *["---:"] * len(table.columns)]]
    lines += [[name, *row] for name, row in zip(table.index, table.to_numpy(), strict=True)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"
