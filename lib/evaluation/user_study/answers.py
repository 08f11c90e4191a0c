"""Reading raters' answers, which come from strangers: what cannot be trusted is set aside with its reason.

Two sieves, both recorded.  *Quarantine*: a file that is not the whole, unchanged record of one session of this
study.  *Exclusion*: an honest record that the rules stated beforehand (``Rules``) leave out.  Nothing is
repaired, nothing is counted twice, and no text from a file is shown or written as it came.

The checksum finds slips and casual changes; whoever reads the page's script can forge it.  What a rater
must have seen is therefore derived again from the plan, and never taken from the answers.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib.base.errors import StudyError
from lib.evaluation.user_study import plan as plans
from lib.evaluation.user_study.definition import Study

FORMAT = "user-study-answers/1"
_LARGEST_FILE = 1_000_000  # bytes; a session of ours has some ten thousand
_LONGEST_TRIAL = 24 * 3600 * 1000  # ms of looking; the page counts only while it is visible
_EARLIEST = 1_577_836_800_000  # 2020-01-01 in ms since 1970: before this page was written
_AHEAD = 2 * 24 * 3600 * 1000  # ms a rater's clock may be ahead of ours (time zones, and a day's slip)
_CLOCK_SLACK = 60_000  # ms: a computer may set its clock during a session
_RECORD = {"format": str, "study": str, "plan": str, "rater": str, "simulated": bool, "started": int,
           "finished": (int, type(None)), "width": int, "trials": list, "checksum": str}
_TRIAL = {"trial": int, "face": str, "shown": list, "chosen": (int, type(None)), "ms": int, "changes": int,
          "compared": int}


class _Refused(Exception):
    """A reason to quarantine one file."""


@dataclass(frozen=True)
class Answers:
    """What remains after both sieves, and what did not.

    votes: one row per counted vote: rater, trial, database, face, position, system, seconds, position_1, ….
    set_aside: one row per file or rater left out: file, rater, kind (``quarantined`` or ``excluded``), reason.
    files: number of files read.  simulated: whether the answers were made by a program.
    """

    votes: pd.DataFrame
    set_aside: pd.DataFrame
    files: int
    simulated: bool


def read_answers(paths: Iterable[Path], study: Study) -> Answers:
    """Read files, and every ``*.json`` in folders, as answers to ``study``.

    Raises StudyError when a path does not exist, there is no file at all, or answers of people and
    of programs are mixed.  Everything else wrong with a file quarantines that file.
    """
    files, records, quarantined = _files(paths), {}, {}
    for file in files:
        try:
            records[file] = check(_load(file), study)
        except _Refused as reason:
            quarantined[file] = ("", str(reason))
    quarantined |= _repeated(records)
    kept = {file: record for file, record in records.items() if file not in quarantined}
    if len({record["simulated"] for record in kept.values()}) > 1:
        raise StudyError("These files mix simulated answers with people's. Analyse them apart: a simulated answer "
                         "is nobody's opinion.")
    aside = [(_file_name(file), quarantined[file][0], "quarantined", quarantined[file][1])
             for file in files if file in quarantined]
    votes = [_table({"trials": []}, study.plan.iloc[:0])]
    for file, record in kept.items():
        table = _table(record, study.plan[study.plan.rater == record["rater"]])
        if reason := exclusion(table, study):
            aside.append((_file_name(file), record["rater"], "excluded", reason))
        else:
            votes.append(table[table.kind == "vote"])
    return Answers(pd.concat(votes[1:] or votes, ignore_index=True).drop(columns="kind"),
                   pd.DataFrame(aside, columns=["file", "rater", "kind", "reason"]),
                   len(files), any(record["simulated"] for record in kept.values()))


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise StudyError(f"{path}: no such file or folder of answers.")
        found += sorted(path.glob("*.json")) if path.is_dir() else [path]
    # The same file named twice (directly and by its folder) is one file, not a repeated rater.
    found = list({file.resolve(): file for file in found}.values())
    if not found:
        raise StudyError("No answers: none of the folders named holds a .json file.")
    return found


def _load(file: Path) -> object:
    """Parse strictly: no repeated keys, no NaN, no endless nesting, no size that a session cannot have."""
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise _Refused("not valid JSON: a key occurs twice")
        return dict(pairs)

    def no_constant(name):
        raise _Refused(f"not valid JSON: {name}")

    try:
        if not file.is_file():
            raise _Refused("not a regular file")
        size = file.stat().st_size
        if size > _LARGEST_FILE:
            raise _Refused(f"too large: {size / 1e6:.1f} MB, a session has less than {_LARGEST_FILE / 1e6:.0f} MB")
        return json.loads(file.read_bytes().decode("utf-8-sig"), object_pairs_hook=once, parse_constant=no_constant)
    except OSError as error:
        raise _Refused(f"cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise _Refused(f"not valid JSON ({type(error).__name__})") from None


def check(record: object, study: Study) -> dict:
    """Return the record if it is the whole, unchanged record of a session of ``study``; else raise a reason."""
    record = _typed(record, _RECORD, "the file")
    if record["format"] != FORMAT:
        raise _Refused(f"not a record of format {FORMAT}")
    if record["study"] != study.id:
        raise _Refused(f"belongs to another study ({printable(record['study'])}, this one is {study.id})")
    if record["plan"] != study.plan_hash:
        raise _Refused("made with another plan")
    if record["rater"] not in study.assignments:
        raise _Refused(f"rater code {printable(record['rater'])} is not in the plan")
    trials = [_typed(trial, _TRIAL, f"trial {number}") for number, trial in enumerate(record["trials"], 1)]
    expected = study.assignments[record["rater"]]
    if len(trials) != len(expected):
        raise _Refused(f"{len(trials)} trials, the plan has {len(expected)}")
    if record["checksum"] != checksum(record):
        raise _Refused("changed after it was saved: the checksum does not fit")
    for number, (trial, (face, shown)) in enumerate(zip(trials, expected, strict=True), 1):
        if (trial["trial"], trial["face"], trial["shown"]) != (number, face, shown):
            raise _Refused(f"trial {number} does not show what the plan says")
        if trial["chosen"] is not None and not 1 <= trial["chosen"] <= len(shown):
            raise _Refused(f"trial {number}: position {_number(trial['chosen'])} does not exist")
        if trial["changes"] < 0 or trial["compared"] < 0:
            raise _Refused(f"trial {number}: a negative count")
    _check_clock(record, trials)
    return record


def _check_clock(record: dict, trials: list[dict]) -> None:
    """Refuse times that cannot be: negative, longer than a day, backwards, before the page or after now."""
    started, finished = record["started"], record["finished"]
    for number, trial in enumerate(trials, 1):
        if not 0 <= trial["ms"] <= _LONGEST_TRIAL:
            raise _Refused(f"clock: trial {number} took {_number(trial['ms'])} ms")
    for name in ("started", "finished"):
        if record[name] is not None and not _EARLIEST <= record[name] <= int(time.time() * 1000) + _AHEAD:
            raise _Refused(f"clock: '{name}' lies before 2020 or after today")
    if (finished is None) != any(trial["chosen"] is None for trial in trials):
        raise _Refused("finished and unanswered trials contradict each other")
    if finished is None:
        return
    if finished < started:
        raise _Refused("clock: finished before it started")
    looked = sum(trial["ms"] for trial in trials)
    if looked > finished - started + _CLOCK_SLACK:
        raise _Refused(f"clock: {looked / 1000:.0f} s of looking in a session of {(finished - started) / 1000:.0f} s")


def _typed(value: object, fields: dict, where: str) -> dict:
    """Return a dict with exactly these keys and types (a bool is no int, a token list holds strings)."""
    if type(value) is not dict:
        raise _Refused(f"{where} is not a record")
    missing, extra = sorted(fields.keys() - value.keys()), sorted(value.keys() - fields.keys())
    if missing or extra:
        raise _Refused(f"{where}: " + ", ".join(
            [f"'{key}' is missing" for key in missing] + [f"unknown '{printable(key)}'" for key in extra[:3]]))
    for key, types in fields.items():
        if type(value[key]) not in (types if isinstance(types, tuple) else (types,)):
            raise _Refused(f"{where}: '{key}' has the wrong type ({type(value[key]).__name__})")
    if "shown" in value and not all(type(token) is str for token in value["shown"]):
        raise _Refused(f"{where}: 'shown' has the wrong type")
    return value


def checksum(record: dict) -> str:
    """SHA-256 of the record as a canonical list; the page computes the same (``page/record.js``)."""
    trials = [[trial[key] for key in _TRIAL] for trial in record["trials"]]
    canonical = [record[key] for key in list(_RECORD)[:-2]] + [trials]
    return hashlib.sha256(json.dumps(canonical, separators=(",", ":"), ensure_ascii=False)
                          .encode("utf-8", "backslashreplace")).hexdigest()


def _repeated(records: dict[Path, dict]) -> dict[Path, tuple[str, str]]:
    """Quarantine copies of a session, and every session of a rater whose sessions differ."""
    by_rater: dict[str, list[Path]] = {}
    for file, record in records.items():
        by_rater.setdefault(record["rater"], []).append(file)
    refused = {}
    for rater, files in by_rater.items():
        if len({records[file]["checksum"] for file in files}) > 1:
            refused.update({file: (rater, f"rater {rater} answered more than once, differently ({len(files)} files); "
                                          "which one counts cannot be told") for file in files})
        else:
            refused.update({file: (rater, f"a copy of {_file_name(files[0])}") for file in files[1:]})
    return refused


def _table(record: dict, trials: pd.DataFrame) -> pd.DataFrame:
    """Join one session to its plan: what was shown comes from the plan, the choice from the record."""
    positions = plans.position_columns(trials)
    chosen = pd.array([trial["chosen"] for trial in record["trials"]], dtype="Int64")
    table = trials[["rater", "trial", "kind", "database", "face"]].assign(position=chosen)
    shown = trials[positions].to_numpy()
    table["system"] = [None if pd.isna(place) else row[place - 1] for place, row in zip(chosen, shown)]
    table["seconds"] = [trial["ms"] / 1000 for trial in record["trials"]]
    return pd.concat([table, trials[positions]], axis=1)


def exclusion(table: pd.DataFrame, study: Study) -> str:
    """Return why the rules leave a session out (its trials joined to the plan), or an empty string."""
    rules = study.rules
    if unanswered := int(table.position.isna().sum()):
        return f"incomplete: {unanswered} of {len(table)} trials unanswered"
    checks, votes = table[table.kind == "check"], table[table.kind == "vote"]
    failed = int((checks.system != plans.CORRECT).sum())
    reasons = []
    if failed > rules.failed_checks:
        reasons.append(f"{failed} of {len(checks)} attention checks wrong")
    if votes.seconds.median() < rules.median_seconds:
        reasons.append(f"median time per vote {votes.seconds.median():.2f} s, below {rules.median_seconds:g} s")
    if len(table) >= rules.same_position and table.position.nunique() == 1:
        reasons.append(f"position {table.position.iloc[0]} chosen in all {len(table)} trials")
    return "; ".join(reasons)


def printable(text: object, limit: int = 40) -> str:
    """Return text from outside as letters, digits and ``_-.`` only, shortened: safe in a terminal, HTML, CSV."""
    clean = re.sub(r"[^A-Za-z0-9_.-]", "·", str(text)[:limit + 1])
    return (clean[:limit] + "…" if len(clean) > limit else clean) or "nothing"


def _number(value: int) -> str:
    return str(value) if abs(value) < 10**12 else "an absurd number of"


def _file_name(file: Path) -> str:
    return printable(file.name, 80).lstrip("-")


def to_record(study: Study, rater: str, chosen: Sequence[int | None], milliseconds: Sequence[int], *,
              started: int, simulated: bool) -> dict:
    """Return a session as the page saves it, checksum included (for simulation and tests)."""
    trials = [{"trial": number, "face": face, "shown": shown, "chosen": place, "ms": ms, "changes": 0, "compared": 0}
              for number, ((face, shown), place, ms) in
              enumerate(zip(study.assignments[rater], chosen, milliseconds, strict=True), 1)]
    complete = all(place is not None for place in chosen)
    record = {"format": FORMAT, "study": study.id, "plan": study.plan_hash, "rater": rater, "simulated": simulated,
              "started": started, "finished": started + sum(milliseconds) if complete else None, "width": 0,
              "trials": trials}
    return {**record, "checksum": checksum(record)}
