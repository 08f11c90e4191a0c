"""What can be said of a claim: its verdict, its text, what that rests on; and the words that are used for it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lib.base.directions import PHOTO_TO_SKETCH
from lib.findings import signs

STUDY = "cpu", "cuhk-student"  # the study on real faces
NEW_SEEDS = "quick", "cuhk-student"  # where stability is judged, and a part told from its size
NOT_EXAMINED, MIXED = "not examined here", "mixed"
IN_PRINT = "mixed, in print"  # by arithmetic on what the paper prints, whatever is trained here
SEEN, NOT_SEEN = "seen here", "not seen here"  # of what is no difference between systems, under these conditions
P2S = PHOTO_TO_SKETCH


@dataclass(frozen=True)
class Outcome:
    """What can be said of a claim.

    text: its first sentence stands by itself in the table of README and of the summary (``lib.findings.summary``).
    rests_on: the trainings or scores that it rests on, with their number.
    """

    verdict: str
    text: str
    rests_on: str = "—"


def trainings(count: int, study: tuple[str, str] = STUDY) -> str:
    return f"{count} training{'' if count == 1 else 's'} on {study[1]}: {signs.conditions(study[0])}"


def overall(found: pd.Series) -> str:
    """One word for several verdicts: undecided, the one clear sign, or mixed."""
    clear = set(found) - {signs.UNDECIDED}
    return signs.UNDECIDED if not clear else clear.pop() if len(clear) == 1 else MIXED
