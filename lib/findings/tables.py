"""From scores to tables: ours with intervals, floors and ceiling, beside the published Tables I-VII.

Reads ``scores.csv`` and ``set_scores.csv`` of a study (``lib.evaluation.scoring``) and ``results/published_tables.csv``
(Duan et al. 2020, typed from the paper, which prints no spread anywhere).  Nothing is computed from images.

- ``summary``: one row per direction, system and metric, with the mean over faces and seeds, its 95 % interval
  (over faces; of trained systems also over training runs, where any was trained several times), the number of
  seeds and the standard deviation of their means;
- ``ablations``, ``rivals``: the rows of Tables I-III and IV-VII, floors above and the ceiling below them;
  systems with changed settings (``msg-sarl+fusion=shared``) are no rows of these;
- ``as_text``: such a table as people read it; ``write_tables``: all of a study's, as CSV and Markdown.

Scores in [0, 1] become per cent, as the paper prints them; distances of sets keep their unit.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lib import databases
from lib.base import files, labels, paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.settings import RunSettings
from lib.base.statistics import bootstrap_interval
from lib.evaluation.scoring import SET_METRICS, STUDY_METRICS, Scores, read_scores
from lib.findings.contrasts import LEVEL, OWN_FROM, RunSpread, by_image_and_seed, compare, pooled_spread

PUBLISHED = paths.ROOT / "results" / "published_tables.csv"
CEILING = "resized-target"
FLOORS = tuple(name for name in systems.of_kind("control") if name != CEILING)
METRIC_LABELS = {metric: label if metric in SET_METRICS else f"{label} %" for metric, label in labels.METRIC.items()}
DIRECTION_LABELS = {direction: f"{label} ({labels.TASK[direction]})" for direction, label in labels.DIRECTION.items()}
NOT_COMPUTED, NOT_RUN = "not computed", "not run"
_KEY = ["direction", "system", "metric"]
_DECIMALS = {"kid-vgg16-hed": 4}  # others have two, as the paper


def published() -> pd.DataFrame:
    """The paper's Tables I-VIII: table, database, direction, system (the paper's name), metric, value, source.

    SSIM and FSIM in per cent, FID, rank-1 share in per cent.
    """
    return pd.read_csv(PUBLISHED, dtype={"table": str}, encoding="utf-8")


def summary(profile: str, database: str, scores: Scores | None = None) -> pd.DataFrame:
    """Means and intervals of a study: direction, system, metric, value, low, high, n, seeds, spread.

    Per cent for image metrics.  The interval takes faces and runs as samples (``lib.findings.contrasts``); a system of fewer
    than ``OWN_FROM`` runs borrows the spread between runs pooled over the trained systems of the study.  For what is
    not trained, and where no system was trained twice, it is over the n faces (BCa bootstrap).  ``spread`` is the
    standard deviation of the seeds' means, NaN with one.  Distances of sets: jackknife over faces, and the runs' t
    interval added to it as variances add.  Raises StudyError without scores or with incomplete ones.
    """
    scores = scores or read_scores(profile, database)
    rows = []
    cells = {key: by_image_and_seed(part) for key, part in scores.images.groupby(_KEY, sort=False)}
    spreads = _run_spreads(cells)
    for (direction, system, metric), values in cells.items():
        spread = spreads.get((direction, metric)) if systems.is_trained(system) else None
        low, high = _limits(values.shape, values.to_numpy().tobytes(), spread)
        means = values.mean()
        rows.append((direction, system, metric, means.mean(), low, high, *values.shape, means.std()))
    count = {key: part.image.nunique() for key, part in scores.images.groupby(["direction", "system"])}
    sets = {key: part for key, part in scores.sets.groupby(_KEY, sort=False)}
    runs = {key: part.set_index("seed")[["value"]].T for key, part in sets.items()}  # one row: the set as a whole
    spreads = _run_spreads(runs)
    for (direction, system, metric), part in sets.items():
        spread = None
        if systems.is_trained(system):
            own = pooled_spread([runs[direction, system, metric]]) if len(part) >= OWN_FROM else None
            spread = own or spreads.get((direction, metric))
        rows.append((direction, system, metric, part.value.mean(), *_set_limits(part, spread),
                     count.get((direction, system), 0), len(part), part.value.std()))
    return pd.DataFrame(rows, columns=[*_KEY, "value", "low", "high", "n", "seeds", "spread"])


def _run_spreads(cells: dict[tuple[str, str, str], pd.DataFrame]) -> dict[tuple[str, str], RunSpread | None]:
    """(direction, metric) → spread between runs, pooled over MSG-SARL and its ablations."""
    groups: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for (direction, system, metric), cell in cells.items():
        if system in systems.ABLATIONS:
            groups.setdefault((direction, metric), []).append(cell)
    return {key: pooled_spread(group) for key, group in groups.items()}


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
    return _beside(ours, direction, systems.ABLATIONS, printed)


def rivals(profile: str, database: str, direction: str, ours: pd.DataFrame | None = None) -> pd.DataFrame:
    """Ours beside Tables IV and V (photo to sketch), VI and VII (sketch to photo), with the exemplar rivals.

    Columns and order as ``ablations``.  The paper's tables name no exemplar method and no floor.
    """
    tables = "('IV', 'V')" if direction == "photo-to-sketch" else "('VI', 'VII')"
    printed = published().query(f"table in {tables} and database == @database and direction == @direction")
    ours = summary(profile, database) if ours is None else ours
    return _beside(ours, direction, (*systems.of_kind("exemplar"), "msg-sarl"), printed)


def _beside(ours: pd.DataFrame, direction: str, names: tuple[str, ...], printed: pd.DataFrame) -> pd.DataFrame:
    """Join our summary with printed values; systems that only the paper has stand before the trained ones."""
    ours = ours[ours.direction == direction]
    known = {system.label: system.name for system in systems.SYSTEMS.values()}
    printed = printed.assign(system=printed.system.map(lambda label: known.get(label, label)))
    only_printed = [name for name in dict.fromkeys(printed.system) if name not in systems.SYSTEMS]
    exemplars = [name for name in names if name in systems.of_kind("exemplar")]
    order = [*FLOORS, *exemplars, *only_printed, *(name for name in names if name not in exemplars), CEILING]
    always = (*FLOORS, CEILING)
    present = set(ours.system)
    wanted = [name for name in order if name in present or name in always or name in set(printed.system)]
    table = ours.drop(columns="direction").merge(
        printed[["system", "metric", "value"]].rename(columns={"value": "published"}),
        on=["system", "metric"], how="outer")
    missing = [name for name in always if name not in present]
    table = pd.concat([table[table.system.isin(wanted)], pd.DataFrame({"system": missing, "metric": "ssim"})])
    metrics = [*STUDY_METRICS[direction], *SET_METRICS]
    table = table.assign(label=table.system.map(labels.label_of)).sort_values(
        ["system", "metric"], key=lambda column: column.map((wanted if column.name == "system" else metrics).index))
    columns = ["label", "system", "metric", "value", "low", "high", "n", "seeds", "spread", "published"]
    return table[columns].reset_index(drop=True)


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """A table of ``ablations`` or ``rivals`` as people read it: one row per system, cells ``61.6 [60.9, 62.2] ± 0.1``.

    The brackets hold the 95 % interval of ``summary``, ± the standard deviation over seeds where there are
    several; the published value stands in a column of its own.  What was not run or not computed says so.
    """
    metrics = [metric for metric in METRIC_LABELS if metric == "fid" or metric in set(table.metric)]
    rows = {}
    for system, part in table.groupby("system", sort=False):
        by_metric = part.set_index("metric")
        ran = by_metric.value.notna().any()
        row = {}
        for metric in metrics:
            entry = by_metric.loc[metric] if metric in by_metric.index else None
            row[METRIC_LABELS[metric]] = _cell(metric, entry, ran)
            if table.published[table.metric == metric].notna().any():
                has = entry is not None and not np.isnan(entry.published)
                row[f"{METRIC_LABELS[metric]} published"] = f"{entry.published:.2f}" if has else "—"
        row["faces"] = f"{by_metric.n.max():.0f}" if ran else "—"
        row["seeds"] = f"{by_metric.seeds.max():.0f}" if ran else "—"
        rows[part.label.iloc[0]] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("system")


def _cell(metric: str, entry: pd.Series | None, ran: bool) -> str:
    if not ran:
        return NOT_RUN
    if entry is None or np.isnan(entry.value):
        return NOT_COMPUTED
    digits = _DECIMALS.get(metric, 2)
    text = f"{entry.value:.{digits}f}"
    if not np.isnan(entry.low):
        text += f" [{entry.low:.{digits}f}, {entry.high:.{digits}f}]"
    return text + (f" ± {entry.spread:.{digits}f}" if not np.isnan(entry.spread) else "")


def caption(profile: str, database: str, kind: str, direction: str) -> str:
    """What a reader must know beside a table: database, profile, size, what is published where, what the marks mean."""
    settings = RunSettings.at(profile)
    numbers = {("ablations", "cuhk-student"): "I", ("ablations", "cufs"): "II", ("ablations", "cufsf"): "III",
               ("rivals", "cufs"): "IV" if direction == "photo-to-sketch" else "VI",
               ("rivals", "cufsf"): "V" if direction == "photo-to-sketch" else "VII"}
    number = numbers.get((kind, database))
    text = (f"{kind.capitalize()} on {database}, {DIRECTION_LABELS[direction]}; profile {profile} ({settings.size} px, "
            f"epochs: {settings.epochs}; the paper: 256 px, 400). Brackets: 95 % interval over the faces (bootstrap; "
            "jackknife for distances of sets); where the study has a system of several seeds, over training runs as "
            f"well: systems of {OWN_FROM} runs or more by their own spread, those of fewer by the spread pooled over "
            "all trained systems. ±: standard deviation over seeds. ")
    text += (f"Published: Table {number} of Duan et al. (2020), single numbers without spread."
             if number else "The paper has no such table for this database.")
    if database in databases.EMBEDDED:
        text += " The embedded portraits are drawn by a program: a stand-in to run the study, no evidence on the paper."
    return text


def write_tables(profile: str, database: str) -> list[Path]:
    """Write the tables of a study to ``results/<profile>/<database>/tables/``, as CSV and Markdown; return the files.

    Raises StudyError when there are no scores yet.
    """
    ours = summary(profile, database)
    folder = paths.study_folder(profile, database) / "tables"
    written = []
    for kind, make in (("ablations", ablations), ("rivals", rivals)):
        for direction in DIRECTIONS:
            table = make(profile, database, direction, ours)
            stem = folder / f"{kind}_{direction}"
            text = f"{caption(profile, database, kind, direction)}\n\n{markdown(as_text(table))}"
            files.write_csv(stem.with_suffix(".csv"), table, "%.6g")
            files.write_text(stem.with_suffix(".md"), text)
            written += [stem.with_suffix(".csv"), stem.with_suffix(".md")]
    return written


def markdown(table: pd.DataFrame) -> str:
    """A data frame of strings as a Markdown table, its index as the first column."""
    lines = [[table.index.name or "", *table.columns], ["---", *["---:"] * len(table.columns)]]
    lines += [[name, *row] for name, row in zip(table.index, table.to_numpy(), strict=True)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"
