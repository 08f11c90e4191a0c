"""A built study: its record, its identity, and the rules fixed before the first answer.

``study.json`` holds everything that defines a study; the study's id is a hash of it, of the plan and of
every picture, so that answers to any other study are recognised.  Pictures and faces appear on the page
under tokens; which token is which system is known from the plan alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path

import pandas as pd

from lib.base import files, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.evaluation.user_study import plan as plans
from lib.evaluation.user_study.plan import Face
from lib.evaluation.user_study.stimuli import Stimuli

FORMAT = "user-study/1"
QUESTION = {"photo-to-sketch": "Which drawing is the best sketch of this person?",
            "sketch-to-photo": "Which picture is the best photo of this person?"}


@dataclass(frozen=True)
class Rules:
    """When a rater's answers are left out; stated before the study and part of its identity.

    failed_checks: more wrong attention checks than this exclude (going back to correct one is allowed).
    median_seconds: a shorter median time per vote excludes: six pictures cannot be looked at faster.
    same_position: the same position chosen in every one of at least ``same_position`` trials excludes.
    Incomplete answers are always left out: a rater may withdraw, and the faces left are not random.
    """

    failed_checks: int = 0
    median_seconds: float = 1.5
    same_position: int = 8


@dataclass(frozen=True, eq=False)
class Study:
    """What was asked: plan, pictures' hashes, words, rules."""

    plan: pd.DataFrame
    pictures: dict[str, str]
    direction: str = "photo-to-sketch"
    title: str = "Which sketch is best?"
    contact: str = ""
    rules: Rules = field(default_factory=Rules)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the plan; kept from raters, because it makes the tokens."""
        return plans.plan_digest(self.plan)

    @property
    def plan_hash(self) -> str:
        """Half of the digest: what the page and the answers carry."""
        return self.digest[:32]

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that change with anything a rater sees or a rule says."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """Systems compared, sorted."""
        return plans.plan_systems(self.plan)

    @property
    def positions(self) -> int:
        """Number of pictures to choose from."""
        return len(plans.position_columns(self.plan))

    def content(self) -> dict:
        """Everything the id is a hash of."""
        return {"format": FORMAT, "plan": self.digest, "direction": self.direction, "title": self.title,
                "contact": self.contact, "rules": asdict(self.rules), "pictures": self.pictures}

    def token(self, face: Face, what: str = "") -> str:
        """Name of a face, or of one of its pictures, on the page: says nothing about the system."""
        return hashlib.sha256("|".join((self.digest, *face, what)).encode()).hexdigest()[:12]

    @cached_property
    def assignments(self) -> dict[str, list[tuple[str, list[str]]]]:
        """What each rater sees, in order: (face token, picture tokens by position) of each trial."""
        found: dict[str, list[tuple[str, list[str]]]] = {}
        for rater, _, _, face, shown in plans.trials(self.plan):
            found.setdefault(rater, []).append((self.token(face), [self.token(face, what) for what in shown]))
        return found


def needed_pictures(plan: pd.DataFrame) -> list[tuple[Face, str]]:
    """Every (face, what) the page must hold: inputs, targets, and whatever stands at a position."""
    return list(dict.fromkeys((trial.face, what) for trial in plans.trials(plan)
                              for what in ("input", "target", *trial.shown)))


def create(plan: pd.DataFrame, stimuli: Stimuli, **options) -> Study:
    """Tie a plan to its pictures.  options: title, contact, rules of ``Study``.

    Raises StudyError when the plan needs a picture that is not there.
    """
    pictures = {}
    for face, what in needed_pictures(plan):
        try:
            picture = stimuli.picture(face, what)
        except KeyError:
            raise StudyError(f"The plan shows '{what}' of face '{face[1]}' ({face[0]}), but there is no such picture. "
                             "Build from the folders the plan was made for.") from None
        pixels = repr(picture.shape).encode() + picture.tobytes()
        pictures["/".join((*face, what))] = hashlib.sha256(pixels).hexdigest()[:16]
    return Study(plan, pictures, stimuli.direction, **options)


def write(folder: Path, study: Study) -> None:
    """Write ``plan.csv``, ``study.json`` and ``links.csv`` (what to append to the page's address for whom)."""
    folder = Path(folder)
    plans.write_plan(folder / "plan.csv", study.plan)
    files.write_json(folder / "study.json", {"study": study.id, **study.content()})
    links = [(code, f"study.html#{code}") for code in study.assignments]
    tables_on_disk.write(folder / "links.csv", pd.DataFrame(links, columns=["rater", "page"]))


def read(folder: Path) -> Study:
    """Read a built study back; raises StudyError when a file is missing or was changed after building."""
    folder = Path(folder)
    if not (folder / "study.json").exists():
        raise StudyError(f"{folder / 'study.json'}: missing. Build the study first: `python -m lib study build`.")
    record, plan = files.read_json(folder / "study.json"), plans.read_plan(folder / "plan.csv")
    try:
        rules = Rules(**record["rules"])
        study = Study(plan, record["pictures"], record["direction"], record["title"], record["contact"], rules)
        known = (record["format"] == FORMAT and study.direction in DIRECTIONS
                 and all(isinstance(getattr(rules, f.name), (int, float)) for f in fields(Rules)))
        same = known and record["study"] == study.id and record["plan"] == plans.plan_digest(plan)
    except (KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{folder / 'study.json'}: not the record of a study ({error!r}).") from None
    if not known:
        raise StudyError(f"{folder / 'study.json'}: not a record of format {FORMAT}.")
    if not same:
        raise StudyError(f"{folder}: plan.csv or study.json was changed after the study was built; answers can no "
                         "longer be checked against it. Restore both, or build again (a new study).")
    return study
