"""The ledger as people read it: the effects as a table, and the whole as ``results/ledger.md``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from lib import databases
from lib.base import files, labels, paths
from lib.base.settings import RunSettings
from lib.findings import tables
from lib.findings.contrasts import FACES
from lib.findings.ledger.comparison import SEEDS, effects
from lib.findings.ledger.entries import PARTS, Entry, alternatives, entries

SHOWN = ("ssim", "fsim")  # ``effects`` has every metric of the scores
STUDY = PROFILE, DATABASE = "quick", "cuhk-student"  # whose effects are committed
_KINDS = {"choice": "left open", "error": "printed wrongly", "claim": "claim examined"}


def effect_table(found: pd.DataFrame, profile: str = PROFILE) -> pd.DataFrame:
    """Effects on SSIM and FSIM, one row of texts per alternative, in the order in which they are run."""
    rows = {}
    for alternative in alternatives(profile):
        part = found[(found.alternative == alternative) & found.metric.isin(SHOWN)]
        cells = {(row.direction, row.metric): row for row in part.itertuples()}
        rows[f"`{alternative}`"] = {
            **{f"{short} {metric.upper()}": _number(cells.get((direction, metric)))
               for direction, short in labels.TASK.items() for metric in SHOWN},
            "faces": str(part.images.max()) if len(part) else "—",
            "trainings": str(part.seeds.min()) if len(part) else "—"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("alternative")


def as_markdown(profile: str = PROFILE, database: str = DATABASE) -> str:
    """The whole ledger as Markdown, with the effects of one study."""
    count = Counter(entry.kind for entry in entries())
    found = effects(profile, database)
    blocks = [
        "# The ambiguity ledger",
        "What Duan et al. (2020) leave open or print wrongly, claims that need a second look, and what "
        f"this study does there: {len(entries())} entries ("
        + ", ".join(f"{words}: {count[kind]}" for kind, words in _KINDS.items())
        + "). Made by `python -m lib ledger` from `lib/findings/ledger/ledger.yaml`, `lib/model/settings.py` and the "
        "scores of a study; change those, not this file.",
        "## Effects of the alternatives", _caption(profile, database, found),
        tables.markdown(effect_table(found, profile)).rstrip()]
    for part in PARTS:
        lines = ["| entry | what is open | ours | reason |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(map(_one_line, _cells(entry)))} |" for entry in entries() if entry.part == part]
        blocks += [f"## {part.capitalize()}", "\n".join(lines)]
    return "\n\n".join(blocks) + "\n"


def write(profile: str = PROFILE, database: str = DATABASE) -> Path:
    """Write the ledger with a study's effects and return the file; raises StudyError for unknown names, damaged files.

    ``results/ledger.md`` for the study whose effects are published, ``ledger.md`` in the study's folder for others.
    """
    published = (profile, database) == STUDY
    folder = paths.results_root() if published else paths.study_folder(profile, database)
    files.write_text(folder / "ledger.md", as_markdown(profile, database))
    return folder / "ledger.md"


def _cells(entry: Entry) -> tuple[str, str, str, str]:
    return f"**{entry.id}**<br>{entry.where}<br>*{_KINDS[entry.kind]}*", _open(entry), _ours(entry), _reason(entry)


def _open(entry: Entry) -> str:
    return entry.open + (f" Readings: {'; '.join(entry.readings)}." if entry.readings else "")


def _ours(entry: Entry) -> str:
    return ". ".join(filter(None, [_capital(entry.chosen), entry.setting_text])) + "."


def _reason(entry: Entry) -> str:
    reason = _capital(entry.reason).rstrip(".") + "."
    return " ".join(filter(None, [reason, entry.consequence]))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _number(row) -> str:
    """``−0.52 [−0.90, −0.14]``, † where the limits hold for other faces alone, ‡ where p < 0.05 after correction."""
    if row is None:
        return tables.NOT_RUN
    text = labels.with_limits(row.difference, row.low, row.high)
    marks = ("†" if row.limits == FACES else "") + ("‡" if row.clear else "")
    return f"{text} {marks}".rstrip()


def _caption(profile: str, database: str, found: pd.DataFrame) -> str:
    settings = RunSettings.at(profile)
    count = int((found.metric.isin(SHOWN) & ~found.same_networks).sum())
    text = (f"MSG-SARL with one choice changed, minus MSG-SARL, on {database}, profile {profile} ({settings.size} px, "
            f"epochs: {settings.epochs}); percentage points of SSIM and FSIM. Brackets: 95 % limits for other faces "
            "and other trainings; with † for other faces and these very trainings. Trainings of equal seed are "
            f"compared, and limits come from the spread of these differences. {SEEDS} trainings of each are the aim, "
            "whatever the first ones show; the column says how many there are. ")
    if count:
        text += (f"Brackets stand by themselves: if no choice that is trained changed anything, {0.05 * count:.0f} of "
                 f"their {count} could be expected to miss zero. ‡: p < 0.05 after Holm's correction over "
                 "all alternatives and scores together. All share the default's trainings, so they err together. ")
    if database in databases.EMBEDDED:
        text += "The embedded portraits are a stand-in to run the study, no evidence on the paper. "
    return text.rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
