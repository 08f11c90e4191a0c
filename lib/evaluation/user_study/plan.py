"""Who sees what, in which order: the assignment of a study, drawn from a seed and kept as a CSV file.

Follows Section IV-D3 (faces drawn for each rater) with the balance the paper leaves to chance: every face
is seen equally often (counts differ by one at most), each rater gets the databases in proportion, and
every system stands at every position equally often (random Latin squares).  One row per trial:
``rater,trial,kind,database,face,position_1,…``; ``kind`` is ``vote`` or ``check``.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from lib.base import files
from lib.base.errors import StudyError, counted, listed

Face = tuple[str, str]  # (database, name)

# No vowels and no look-alikes: a code is no word, no date and no number to a spreadsheet.
CODE_LETTERS = "BCDFGHJKMNPQRTVWX"
CODE_LENGTH = 5
CORRECT = "artist"  # the right answer of an attention check: the artist's own drawing, undamaged
DAMAGES = ("mosaic", "blur", "noise", "shuffle", "fade")  # its wrong answers, see lib.evaluation.user_study.stimuli
RESERVED = ("input", "target", CORRECT, *DAMAGES)  # what pictures are called that no system made
_SQUARES_TRIED = 40
_CHECK_FACES = 4  # few: each adds several pictures to the page


class Trial(NamedTuple):
    """One row of a plan; ``shown``: what stands at each position."""

    rater: str
    number: int
    kind: str
    face: Face
    shown: tuple[str, ...]


def choose_faces(available: dict[str, Sequence[str]], counts: dict[str, int],
                 seed: int = 0) -> tuple[list[Face], list[Face]]:
    """Draw ``counts[database]`` faces of each database at random; returns (chosen, left over).

    Raises StudyError naming every database that has fewer faces than asked for.
    """
    short = [f"{database}: {counted(count, 'face')} asked for, {len(available.get(database, ()))} at hand"
             for database, count in counts.items() if count > len(available.get(database, ()))]
    if short:
        raise StudyError("Too few faces for the study:\n" + listed(short) +
                         "\nAsk for fewer: --database NAME=NUMBER of a database, --faces NUMBER of folders.")
    chosen, spare = [], []
    for database, count in counts.items():
        names = sorted(available[database])
        random.Random(f"faces {seed} {database}").shuffle(names)
        chosen += [(database, name) for name in sorted(names[:count])]
        spare += [(database, name) for name in names[count:]]
    return chosen, spare


def assign(faces: Sequence[Face], systems: Sequence[str], *, raters: int = 30, per_rater: int = 10,
           checks: int = 2, spare: Sequence[Face] = (), seed: int = 0) -> pd.DataFrame:
    """Return the plan of a study, one row per trial.

    faces: what is voted on.  raters, per_rater: 30 × 10 in the paper.  checks: attention checks per rater,
    on ``spare`` faces where there are any (so that no check shows a face that is voted on).
    Raises StudyError when the numbers do not fit together; all reasons at once.
    """
    _refuse_impossible(faces, systems, raters, per_rater, checks)
    rng = random.Random(f"assign {seed}")
    hands = _deal(faces, raters, per_rater, rng)
    orders = _orders(hands, systems, rng)
    check_rows = _checks(hands, spare or faces, len(systems), checks, rng)
    rows = []
    for code, hand, order, own_checks in zip(rater_codes(raters, seed), hands, orders, check_rows, strict=True):
        trials = [("vote", face, shown) for face, shown in zip(hand, order, strict=True)]
        for slot, check in zip(_check_slots(per_rater, checks, rng), own_checks, strict=True):
            trials.insert(slot, check)
        rows += [(code, number, kind, *face, *shown) for number, (kind, face, shown) in enumerate(trials, 1)]
    return pd.DataFrame(rows, columns=_columns(len(systems)))


def _columns(positions: int) -> list[str]:
    return ["rater", "trial", "kind", "database", "face", *(f"position_{k}" for k in range(1, positions + 1))]


def _refuse_impossible(faces, systems, raters, per_rater, checks) -> None:
    faults = {
        f"{counted(len(systems), 'system')}; a trial shows 2 to {1 + len(DAMAGES)}":
            not 2 <= len(systems) <= 1 + len(DAMAGES),
        f"a system is named twice: {', '.join(systems)}": len(set(systems)) != len(systems),
        "a face is listed twice": len(set(faces)) != len(faces),
        f"{counted(per_rater, 'face')} per rater, but the study has {len(faces)}": not 1 <= per_rater <= len(faces),
        f"{raters} raters; plan for 1 to 5000": not 1 <= raters <= 5000,
        f"{counted(checks, 'attention check')} among {counted(per_rater, 'face')}": not 0 <= checks <= per_rater}
    problems = [fault for fault, occurs in faults.items() if occurs] + _reserved_names(systems)
    if problems:
        raise StudyError("No plan fits these numbers:\n" + listed(problems))


def _reserved_names(systems: Sequence[str]) -> list[str]:
    return [f"system name '{name}' is reserved for another picture of the study" for name in systems
            if name in RESERVED]


def _deal(faces: Sequence[Face], raters: int, per_rater: int, rng: random.Random) -> list[list[Face]]:
    """Deal each rater ``per_rater`` different faces from shuffled decks that mix the databases evenly."""
    hands, deck = [], []
    for _ in range(raters):
        hand: list[Face] = []
        while len(hand) < per_rater:
            fresh = next((face for face in deck if face not in hand), None)
            if fresh is None:
                deck += _mixed_deck(faces, rng)
                continue
            deck.remove(fresh)
            hand.append(fresh)
        rng.shuffle(hand)
        hands.append(hand)
    return hands


def _mixed_deck(faces: Sequence[Face], rng: random.Random) -> list[Face]:
    """Shuffle the faces so that any run of cards holds the databases in proportion."""
    place = {}
    for database in sorted({face[0] for face in faces}):
        own = [face for face in faces if face[0] == database]
        rng.shuffle(own)
        offset = rng.random()
        place.update({face: (rank + offset) / len(own) for rank, face in enumerate(own)})
    return sorted(faces, key=lambda face: (place[face], face))


def _orders(hands: list[list[Face]], systems: Sequence[str], rng: random.Random) -> list[list[list[str]]]:
    """Order the systems in each trial: consecutive trials form Latin squares.

    Within a square each system stands once at each position.  Of several random squares the one is taken
    that repeats least of what earlier raters saw of the same faces.
    """
    size = len(systems)
    sequence = [(rater, face) for rater, hand in enumerate(hands) for face in hand]
    seen: Counter = Counter()
    orders: list[list[list[str]]] = [[] for _ in hands]
    for start in range(0, len(sequence), size):
        block = sequence[start:start + size]
        squares = [_latin_square(systems, rng) for _ in range(_SQUARES_TRIED)]
        square = min(squares, key=lambda rows: sum(
            seen[face, system, position]
            for (_, face), row in zip(block, rows) for position, system in enumerate(row)))
        for (rater, face), row in zip(block, square):
            orders[rater].append(row)
            seen.update((face, system, position) for position, system in enumerate(row))
    return orders


def _latin_square(systems: Sequence[str], rng: random.Random) -> list[list[str]]:
    """Return a cyclic Latin square with systems, rows and columns shuffled."""
    size = len(systems)
    names, rows, columns = (rng.sample(range(size), size) for _ in range(3))
    return [[systems[names[(row + column) % size]] for column in columns] for row in rows]


def _checks(hands: list[list[Face]], pool: Sequence[Face], positions: int, checks: int,
            rng: random.Random) -> list[list[tuple[str, Face, list[str]]]]:
    """Draw each rater's attention checks; the right answer stands at every position equally often."""
    pool = rng.sample(list(pool), min(_CHECK_FACES, len(pool)))
    places: list[int] = []
    drawn = []
    for hand in hands:
        own = []
        unseen = [face for face in pool if face not in hand] or pool
        order = rng.sample(unseen, len(unseen))
        for number in range(checks):
            if not places:
                places = rng.sample(range(positions), positions)
            shown = rng.sample(DAMAGES[:positions - 1], positions - 1)
            shown.insert(places.pop(), CORRECT)
            own.append(("check", order[number % len(order)], shown))
        drawn.append(own)
    return drawn


def _check_slots(votes: int, checks: int, rng: random.Random) -> list[int]:
    """Spread the checks: one in each equal part of the session, never the first trial."""
    total = votes + checks
    return [rng.randrange(max(1, part * total // checks), (part + 1) * total // checks) for part in range(checks)]


def rater_codes(count: int, seed: int = 0) -> list[str]:
    """Return different codes; any two differ in at least two letters, so one slip hits nobody's code."""
    rng = random.Random(f"codes {seed}")
    codes: list[str] = []
    taken: set[tuple[int, str]] = set()
    while len(codes) < count:
        code = "".join(rng.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        without_one = {(i, code[:i] + code[i + 1:]) for i in range(CODE_LENGTH)}
        if not without_one & taken:
            taken |= without_one
            codes.append(code)
    return codes


def trials(plan: pd.DataFrame) -> Iterator[Trial]:
    """The rows of a plan."""
    for rater, number, kind, database, face, *shown in plan.itertuples(index=False, name=None):
        yield Trial(rater, number, kind, (database, face), tuple(shown))


def face_labels(plan: pd.DataFrame) -> pd.Series:
    """``database/face`` of each row."""
    return plan.database + "/" + plan.face


def position_columns(plan: pd.DataFrame) -> list[str]:
    """Names of the columns that say what stood at each position."""
    return [column for column in plan.columns if column.startswith("position_")]


def plan_systems(plan: pd.DataFrame) -> tuple[str, ...]:
    """Systems a plan asks about, sorted."""
    votes = plan[plan.kind == "vote"]
    return tuple(sorted(pd.unique(votes[position_columns(plan)].to_numpy().ravel())))


def plan_text(plan: pd.DataFrame) -> str:
    """Return the plan as canonical CSV text: the same for equal plans, whatever program saved them."""
    return plan.to_csv(index=False, lineterminator="\n")


def plan_digest(plan: pd.DataFrame) -> str:
    """SHA-256 (hexadecimal) of the canonical text."""
    return hashlib.sha256(plan_text(plan).encode()).hexdigest()


def write_plan(path: Path, plan: pd.DataFrame) -> None:
    """Write the plan atomically."""
    files.write_text(path, plan_text(plan))


def read_plan(path: Path) -> pd.DataFrame:
    """Read a plan, ours or written by hand; raises StudyError listing all that is wrong with it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        plan = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise StudyError(f"{path}: no such plan. Build the study with `python -m lib study build`.") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as a plan ({error}).") from None
    positions = len(position_columns(plan))
    if list(plan.columns) != _columns(positions) or positions < 2 or plan.empty:
        raise StudyError(f"{path}: not a plan; its columns must be {', '.join(_columns(4))} "
                         f"(as many positions as systems), found {', '.join(plan.columns)[:200]}.")
    problems = _plan_problems(plan)
    if problems:
        raise StudyError(f"{path}: the plan cannot be used:\n" + listed(problems))
    return plan.astype({"trial": int})


def _plan_problems(plan: pd.DataFrame) -> list[str]:
    problems = []
    systems, positions = plan_systems(plan), position_columns(plan)
    if len(systems) != len(positions):
        problems.append(f"{len(systems)} systems ({', '.join(systems)}) at {len(positions)} positions")
    problems += _reserved_names(systems)
    wrong = DAMAGES[:len(positions) - 1]
    for line, trial in enumerate(trials(plan), 2):
        if len(trial.rater) != CODE_LENGTH or set(trial.rater) - set(CODE_LETTERS):
            problems.append(f"line {line}: rater code '{trial.rater}' is not {CODE_LENGTH} of {CODE_LETTERS}")
        if trial.kind not in ("vote", "check"):
            problems.append(f"line {line}: kind '{trial.kind}' is neither vote nor check")
        if trial.kind == "vote" and tuple(sorted(trial.shown)) != systems:
            problems.append(f"line {line}: does not show every system once")
        if trial.kind == "check" and sorted(trial.shown) != sorted((CORRECT, *wrong)):
            problems.append(f"line {line}: a check shows {CORRECT} and {', '.join(wrong)}")
    for rater, rows in plan.groupby("rater", sort=False):
        if list(rows.trial) != [str(number) for number in range(1, len(rows) + 1)]:
            problems.append(f"rater {rater}: trials are not numbered 1 to {len(rows)} in order")
        votes = rows[rows.kind == "vote"]
        if votes.duplicated(["database", "face"]).any():
            problems.append(f"rater {rater}: votes twice on the same face")
    return problems


def balance(plan: pd.DataFrame) -> pd.DataFrame:
    """How even a plan is: fewest and most of each count that should be equal."""
    votes = plan[plan.kind == "vote"]
    long = votes.melt(["rater", "database", "face"], position_columns(plan), "position", "system")

    def cells(*labels: str) -> pd.Series:
        return long.groupby(list(labels)).size().unstack(fill_value=0).stack()

    counts = {
        "faces per rater": votes.groupby("rater").size(),
        "raters per face": votes.groupby(["database", "face"]).size(),
        "system at a position": cells("system", "position"),
        "system at a position, one rater": cells("rater", "system", "position"),
        "system at a position, one face": cells("database", "face", "system", "position")}
    checks = plan[plan.kind == "check"]
    if len(checks):
        counts["right answer of a check at a position"] = checks[position_columns(plan)].eq(CORRECT).sum()
    return pd.DataFrame({name: {"fewest": count.min(), "most": count.max()} for name, count in counts.items()}).T
