"""MSG-SARL beside the six deep rivals of Tables IV-VII: who is ahead here, who in print, and what the trainings took.

The paper compares on CUFS and CUFSF.  A sign here stands beside the two printed ones; it is no verdict on the paper's
numbers, which come from other data, more pixels and more epochs.
"""

from __future__ import annotations

import itertools

import pandas as pd

from lib.base import labels, systems
from lib.base.directions import DIRECTIONS
from lib.evaluation.scoring import read_scores
from lib.findings import contrasts, learning_curves, rival_scores, tables, training_work
from lib.findings.contrasts import FACES_AND_TRAININGS

NAMES = systems.of_kind("deep")
METRICS = ("ssim", "fsim")
AHEAD, BEHIND, OPEN, UNCONVERGED = "ahead", "behind", "open", "rival unconverged"
ONE_TRAINING = "one training"
# CycleGAN shown each photo with its own sketch, and given MSG-SARL's perceptual loss, which needs the pair.
WITH_PAIRS = {"pairs shown": "cyclegan+pairing=paired",
              "and compared": "cyclegan+pairing=paired+perceptual_weight=10"}


def against_msg_sarl(profile: str, database: str) -> pd.DataFrame:
    """MSG-SARL minus each deep rival, here and in print.

    Columns: direction, metric, system, estimate, low, high (points, 95 %), p_holm (over the rivals), images, seeds (of
    ours), rival_seeds, limits, published_cufs, published_cufsf (printed differences, NaN where a table lacks the
    rival), verdict on "MSG-SARL is ahead": ``ahead`` or ``behind`` where p_holm < 0.05 for other faces and trainings,
    ``one training`` where a rival's own luck is unknown, ``rival unconverged`` where it was still learning, else
    ``open``.
    """
    found = rival_scores.against_ours(profile, database, NAMES, metrics=METRICS)
    found[["estimate", "low", "high"]] = -found[["estimate", "high", "low"]]  # ours minus theirs
    count = tables.summary(profile, database).drop_duplicates("system").set_index("system").seeds
    found["rival_seeds"] = found.system.map(count)
    printed = published_differences().set_index(["database", "direction", "metric", "system"]).difference
    for name in ("cufs", "cufsf"):
        keys = zip([name] * len(found), found.direction, found.metric, found.system)
        found[f"published_{name}"] = [printed.get(key, float("nan")) for key in keys]
    rising = learning_curves.unconverged(profile, database)
    found["verdict"] = [_verdict(row, rising.get(row.system, False)) for row in found.itertuples()]
    return found.drop(columns="p_value")


def _verdict(row, rising: bool) -> str:
    if rising and row.estimate > 0:  # a lead over what still learns says nothing; being behind it does
        return UNCONVERGED
    if row.limits != FACES_AND_TRAININGS:
        return ONE_TRAINING
    if row.p_holm >= 0.05:
        return OPEN
    return AHEAD if row.estimate > 0 else BEHIND


def published_differences() -> pd.DataFrame:
    """Printed MSG-SARL minus printed rival, Tables IV-VII: database, direction, metric, system, difference.

    SSIM and FSIM in points; FID with its sign turned, so that above zero MSG-SARL is ahead everywhere.
    """
    printed = tables.published().query("table in ('IV', 'V', 'VI', 'VII')")
    rows = []
    for (database, direction, metric), part in printed.groupby(["database", "direction", "metric"], sort=False):
        values = part.assign(system=part.system.map(systems.named)).set_index("system").value
        sign = -1 if metric == "fid" else 1
        rows += [(database, direction, metric, name, sign * (values["msg-sarl"] - values[name]))
                 for name in NAMES if name in values]
    return pd.DataFrame(rows, columns=["database", "direction", "metric", "system", "difference"])


def published_ranks() -> pd.DataFrame:
    """Which place MSG-SARL takes among all systems printed, a row per table and metric.

    Columns: table, database, direction, metric, place (1: best), of (systems), best (label of the first).
    """
    rows = []
    for (table, metric), part in tables.published().query("table in ('IV', 'V', 'VI', 'VII')").groupby(
            ["table", "metric"], sort=False):
        order = part.sort_values("value", ascending=metric == "fid").system.tolist()
        first = part.iloc[0]
        rows.append((table, first.database, first.direction, metric, order.index("MSG-SARL") + 1, len(order), order[0]))
    return pd.DataFrame(rows, columns=["table", "database", "direction", "metric", "place", "of", "best"])


def work(profile: str, database: str) -> pd.DataFrame:
    """What one training of MSG-SARL and of each rival, other forms included, takes, of ``training_work.csv``.

    Index: system.  Columns: generator_updates, tera_operations (10¹²), times_ours (operations as a multiple of
    MSG-SARL's).
    """
    table = training_work.of_study(profile, database).drop_duplicates("system").set_index("system")
    table = table.loc[[name for name in ("msg-sarl", *tables.deep_rows()) if name in table.index],
                      ["generator_updates", "tera_operations"]]
    return table.assign(times_ours=table.tera_operations / table.tera_operations["msg-sarl"])


def scatter_of_print() -> pd.DataFrame:
    """SSIM, FSIM and FID of every system in Tables IV-VII, a row per table and system: table, database, direction,
    label, ssim, fsim, fid."""
    printed = tables.published().query("table in ('IV', 'V', 'VI', 'VII')")
    wide = printed.pivot_table(index=["table", "database", "direction", "system"], columns="metric", values="value",
                               sort=False).reset_index()
    return wide.rename(columns={"system": "label"}).rename_axis(columns=None)


def account(profile: str, database: str) -> list[str]:
    """What the comparison says, a Markdown sentence per direction and metric, numbers included."""
    table, said = against_msg_sarl(profile, database), []
    for direction, metric in itertools.product(DIRECTIONS, METRICS):
        part = table[(table.direction == direction) & (table.metric == metric)]
        if len(part):
            said.append(_sentence(direction, metric, part))
    return said


def worth_of_pairs(profile: str, database: str) -> pd.DataFrame:
    """What CycleGAN, which is unpaired, gains by each of ``WITH_PAIRS``, trainings of equal seed compared.

    Columns: with_pairs, direction, metric, gain, low, high (points, 95 %), p_value, p_holm (over the table), images,
    seeds, limits.  Without two seeds in common there is no row.
    """
    wanted = ("cyclegan", *WITH_PAIRS.values())
    images = read_scores(profile, database).images
    cells = contrasts.cells_of(images[images.system.isin(wanted)])
    rows = []
    for (what, paired), direction, metric in itertools.product(WITH_PAIRS.items(), DIRECTIONS, METRICS):
        keys = [(direction, system, metric) for system in (paired, "cyclegan")]
        found = contrasts.of_equal_seed(*map(cells.get, keys)) if cells.keys() >= set(keys) else None
        rows += [(what, direction, metric, *found)] if found else []
    columns = ["with_pairs", "direction", "metric", "gain", *contrasts.Effect._fields[1:]]
    return contrasts.with_holm(pd.DataFrame(rows, columns=columns))


def other_forms(profile: str, database: str) -> pd.DataFrame:
    """What each rival's other forms (``lib.base.labels.FORM``) gain over its row in the tables, face by face.

    Columns: system, direction, metric, gain, low, high (points, 95 %), p_value, p_holm (over the table), images, seeds,
    limits (a form trained once: for other faces alone).  Forms without scores have no row.
    """
    cells = contrasts.cells_of(read_scores(profile, database).images.query("metric in @METRICS"))
    rows = []
    for form, direction, metric in itertools.product(labels.FORM, DIRECTIONS, METRICS):
        pair = [cells.get((direction, system, metric)) for system in (form, systems.base_name(form))]
        if all(cell is not None for cell in pair):
            rows.append((form, direction, metric, *contrasts.difference(*pair)))
    columns = ["system", "direction", "metric", "gain", *contrasts.Effect._fields[1:]]
    return contrasts.with_holm(pd.DataFrame(rows, columns=columns))


def forms_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """``other_forms`` as people read it: a row per form, a column per direction and metric, gains with limits."""
    shown = table.assign(form=table.system.map(labels.FORM), column=_columns_of(table), gain=[
        labels.with_limits(row.gain, row.low, row.high, 1) for row in table.itertuples()])
    return shown.pivot(index="form", columns="column", values="gain").reindex(
        index=list(dict.fromkeys(shown.form)), columns=dict.fromkeys(shown.column))


def standing(profile: str, database: str) -> list[str]:
    """In how many of the four columns MSG-SARL lies above each rival, a sentence per group of rivals."""
    table, said = against_msg_sarl(profile, database), []
    table = table.assign(place=_columns_of(table))
    unfinished = table[table.verdict == UNCONVERGED].system.unique()
    for name, part in table.groupby("system", sort=False):
        below = part[part.estimate < 0]
        what = (f"above {labels.label_of(name)} in all {len(part)} columns" if below.empty else
                f"below {labels.label_of(name)} in {len(below)} of {len(part)}: {', '.join(below.place)}")
        remarks = [f"closest: {row.place} by {abs(row.estimate):.2f} points"
                   for row in part.loc[[part.estimate.abs().idxmin()]].itertuples()]
        if name in unfinished:
            remarks.append("unconverged, so that a lead over it says nothing")
        if part.rival_seeds.max() == 1:
            remarks.append("one training")
        said.append(f"{what} ({'; '.join(remarks)})")
    return said


def _columns_of(table: pd.DataFrame) -> list[str]:
    """``FP2S SSIM`` for each row's direction and metric."""
    return [f"{labels.TASK[row.direction]} {labels.METRIC[row.metric]}" for row in table.itertuples()]


def _sentence(direction: str, metric: str, part: pd.DataFrame) -> str:
    groups = []
    for verdict, words in ((AHEAD, "clearly ahead of"), (BEHIND, "clearly behind"), (OPEN, "not told apart from"),
                           (ONE_TRAINING, "compared with one training of"), (UNCONVERGED, "ahead of the unconverged")):
        rows = part[part.verdict == verdict]
        if len(rows):
            groups.append(f"{words} " + ", ".join(
                f"{labels.label_of(row.system)} ({labels.with_limits(row.estimate, row.low, row.high)})"
                for row in rows.itertuples()))
    return f"{labels.TASK[direction]}, {labels.METRIC[metric]}: MSG-SARL is {'; '.join(groups)}."
