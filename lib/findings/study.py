"""The study of a profile and a database: what it consists of, and the one stage that makes it.

``complete`` makes every run that is missing, scores them, measures attention and recognition, and writes the tables,
in this order and each only where something is missing or stale.  Notebooks, ``run_all.sh`` and tests call it, and
nothing else decides what is made: a notebook reads.  Where all is complete it looks at the faces' contents and the
other files' sizes and times, a fraction of a second.

A part is fresh while the files that it read, those that it wrote and the code that its numbers rest on are as it left
them (``private/complete.json``).  What is stale by that simple rule is looked at closely by the part itself, which
knows by content what has changed.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lib import databases
from lib.base import files, fingerprints, locks, paths, systems
from lib.base.errors import counted, unknown_name
from lib.base.labels import duration
from lib.base.settings import PROFILES
from lib.training import make_run, run_folders
from lib.training.make_run import Cell
from lib.training.run_folders import BusyError

# Systems whose scores are enough: a run that came with the study, of today's settings and scored in every direction, is
# loaded and not trained anew for its faces.  ``python -m lib train --system … --force`` makes those.
SCORES_SUFFICE = systems.of_kind("deep")
# The eight cells are trained with ``python -m lib train --grid ablations``, except where they take seconds.
ALL_CELLS = ("tiny",)
SEED = 0
_LOOK_AGAIN = 2.0  # seconds between two looks whether another process has ended

# Seconds of one thread of the reference processor (``lib.training.speed``) for all that follows the runs.
_AFTERWARDS = {"tiny": 12.0, "quick": 60.0}
_AFTERWARDS_ELSEWHERE = 600.0

Report = Callable[[str], None]


def systems_of(profile: str) -> tuple[str, ...]:
    """The systems of a profile's study: what trains first, as it takes longest."""
    cells = systems.ABLATIONS if profile in ALL_CELLS else ("msg-sarl",)
    return (*systems.of_kind("deep"), *cells, *systems.of_kind("exemplar", "control"))


def cells_of(profile: str, database: str) -> list[Cell]:
    """The runs of a study, one of each system; raises StudyError for unknown names."""
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if database not in databases.NAMES:
        raise unknown_name("database", database, databases.NAMES)
    return [Cell(database, profile, system, SEED) for system in systems_of(profile)]


def complete(profile: str, database: str, report: Report = print) -> None:
    """Make whatever the study lacks, telling each step; a call that is interrupted goes on when repeated.

    Waits for other processes that complete the same study or make one of its runs.  Raises StudyError for unknown
    names, a missing database and, after all others were made, runs that fail.
    """
    _bring_up_to_date(_Study(profile, database, cells_of(profile, database)), PARTS, report)


def ready(profile: str, database: str, report: Report = print) -> None:
    """What a notebook calls: the study is completed, unless its scores and tables came with the repository.

    Then nothing is trained: a notebook opens at once, and shows faces of its own only where they are on this machine.
    Raises StudyError as ``complete`` does.
    """
    study = _Study(profile, database, cells_of(profile, database))
    if study.stale(PARTS) and study.is_published():
        report(f"{database}, profile {profile}: scores and tables as published. `python -m lib run --profile {profile} "
               f"--database {database}` makes the networks and faces.")
    else:
        complete(profile, database, report)


def survey_data(profile: str, database: str, report: Report = print) -> None:
    """Make the tables about the data alone, which need no run; raises StudyError as ``complete`` does."""
    _bring_up_to_date(_Study(profile, database, cells_of(profile, database)), (DATA,), report)


def forecast(profile: str, database: str) -> float:
    """Seconds that ``complete`` will take here, from a short measurement; 0 where nothing is missing or stale."""
    study = _Study(profile, database, cells_of(profile, database))
    stale = study.stale(PARTS)
    if not stale:
        return 0.0
    from lib.training import speed

    missing = study.missing_runs()
    share = 1.0 if missing else len(stale) / len(PARTS)
    return _seconds_of(missing) + share * _AFTERWARDS.get(profile, _AFTERWARDS_ELSEWHERE) * speed.slowness()


def loaded(profile: str, database: str) -> tuple[str, ...]:
    """Systems of the study that are known by their scores alone, their faces not being on this machine."""
    return tuple(cell.system for cell in _Study(profile, database, cells_of(profile, database)).loaded())


@dataclass(frozen=True)
class _Study:
    """A study's runs and files."""

    profile: str
    database: str
    cells: list[Cell]

    @property
    def folder(self) -> Path:
        return paths.study_folder(self.profile, self.database)

    @property
    def record(self) -> Path:
        return self.folder / "private" / "complete.json"

    def loaded(self) -> list[Cell]:
        """Runs of ``SCORES_SUFFICE`` without faces here, of today's settings and with scores in every direction."""
        absent = [cell for cell in self.cells if cell.system in SCORES_SUFFICE
                  and not any(cell.folder.glob("*-to-*/*.png"))]
        scored = _scored(self.folder / "scores.csv") if absent else set()
        return [cell for cell in absent if cell.record() is not None and scored >= {
            (cell.system, str(cell.seed), direction) for direction in cell.plan.system.directions}]

    def missing_runs(self) -> list[Cell]:
        """Runs that are neither here as they should be nor loaded."""
        enough = self.loaded()
        return [cell for cell in self.cells
                if cell not in enough and not make_run.is_here(cell.plan, cell.database, cell.seed)]

    def is_published(self) -> bool:
        """Whether every score and table that notebooks read is here, and no face: nothing was made on this machine.

        Of ``SCORES_SUFFICE`` those count that have a record.
        """
        wanted = {(cell.system, str(cell.seed), direction) for cell in self.cells
                  if cell.system not in SCORES_SUFFICE or cell.record() for direction in cell.plan.system.directions}
        tables = [pattern for part in PARTS for pattern in part.writes if not pattern.startswith("*/seed")]
        faces = any(any(cell.folder.glob("*-to-*/*.png")) for cell in self.cells)
        return (not faces and _scored(self.folder / "scores.csv") >= wanted
                and all(any(self.folder.glob(pattern)) for pattern in tables if pattern not in _NOT_ALWAYS))

    def settings(self) -> str:
        """Everything that the runs are made from, besides code and data."""
        enough = self.loaded()
        return repr([(cell.system, cell in enough, dataclasses.asdict(cell.plan.settings)) for cell in self.cells])

    def files(self) -> fingerprints.Files:
        """The files of the study, but those that only notebooks write."""
        return fingerprints.of_folder(self.folder, leave_out=("notebooks", "samples", "user-study"))

    def stale(self, parts: Iterable[Part]) -> list[Part]:
        """The parts that are not as their makers left them, in order."""
        known = files.read_json(self.record) if self.record.exists() else {}
        now = self.files()
        return [part for part in parts if known.get(part.name) != [part.inputs(self, now), part.outputs(now)]]


@dataclass(frozen=True)
class Part:
    """One part of the stage.

    reads, writes: patterns of files in the study's folder.  code: files and folders of ``lib`` that its numbers
    depend on.  data: whether it reads the database itself.  runs: whether it depends on the runs' settings.
    """

    name: str
    make: Callable[[_Study, Report], None]
    writes: tuple[str, ...]
    reads: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    data: bool = False
    runs: bool = False

    def inputs(self, study: _Study, now: fingerprints.Files) -> str:
        data = databases.contents(study.database) if self.data else ""
        return fingerprints.joined(fingerprints.matching(now, self.reads), data, fingerprints.of_code(self.code),
                                   study.settings() if self.runs else study.profile)

    def outputs(self, now: fingerprints.Files) -> str:
        return fingerprints.joined(fingerprints.matching(now, self.writes))


def _bring_up_to_date(study: _Study, parts: tuple[Part, ...], report: Report) -> None:
    if study.stale(parts):
        with _alone(study, report):
            for part in parts:
                if study.stale([part]):  # again: another process may have made it, or an earlier part changed its files
                    _make(study, part, report)
    if known := study.loaded():
        report(f"{', '.join(cell.system for cell in known)}: scores that came with the study are used; their faces are "
               "not on this machine")


def _make(study: _Study, part: Part, report: Report) -> None:
    before = part.inputs(study, study.files())
    started = time.monotonic()
    part.make(study, report)
    known = files.read_json(study.record) if study.record.exists() else {}
    files.write_json(study.record, {**known, part.name: [before, part.outputs(study.files())]})
    report(f"  {part.name}: done in {duration(time.monotonic() - started)}")


@contextlib.contextmanager
def _alone(study: _Study, report: Report) -> Iterator[None]:
    lock = study.record.parent / "complete"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locks.held(lock, wait=False))
        except locks.HeldElsewhere:
            report(f"{study.database}, profile {study.profile}: another process is completing this study; waiting for "
                   "it")
            stack.enter_context(locks.held(lock))
        yield


def _scored(file: Path) -> set[tuple[str, str, str]]:
    """System, seed and direction of every row of ``scores.csv``, read without the weight of pandas."""
    if not file.exists():
        return set()
    with open(file, newline="", encoding="utf-8") as stream:
        return {(row["system"], row["seed"], row["direction"]) for row in csv.DictReader(stream)}


def _survey(study: _Study, report: Report) -> None:
    from lib.findings import database_survey
    database_survey.write_tables(study.profile, study.database)


def _make_runs(study: _Study, report: Report) -> None:
    missing = study.missing_runs()
    complete_ones = len(study.cells) - len(missing)
    report(f"{study.database}, profile {study.profile}: {counted(len(study.cells), 'run')}, {complete_ones} of them "
           "complete"
           + (f"; the others take about {duration(_seconds_of(missing))}" if missing else ""))
    while missing:
        from lib.evaluation import grids

        if left := grids.make_each(missing, report):
            report(f"waiting for {', '.join(map(str, left))}")
            _wait_for(left)
        missing = study.missing_runs() if left else []


def _wait_for(cells: list[Cell]) -> None:
    """Until no other process makes these runs: one that a killed stage has left behind, or somebody's grid."""
    for cell in cells:
        while True:
            with contextlib.suppress(BusyError), run_folders.claimed(cell.folder):
                break
            time.sleep(_LOOK_AGAIN)


def _seconds_of(missing: list[Cell]) -> float:
    """How long these runs will take here, by a short measurement."""
    from lib.evaluation import grids
    from lib.training import side_by_side

    return grids.forecast(missing, side_by_side.jobs_here(len(missing)))


def _score(study: _Study, report: Report) -> None:
    from lib.evaluation import scoring
    scoring.score_study(study.profile, study.database)


def _measure_attention(study: _Study, report: Report) -> None:
    from lib.evaluation import attention
    attention.measure_study(study.profile, study.database)


def _recognise(study: _Study, report: Report) -> None:
    from lib.evaluation.recognition import recognise_runs
    recognise_runs.recognise_study(study.profile, study.database, needed=("msg-sarl",))


def _measure_detail(study: _Study, report: Report) -> None:
    from lib.findings import exemplar_detail
    exemplar_detail.write_table(study.profile, study.database)


def _write_tables(study: _Study, report: Report) -> None:
    from lib.findings import tables
    tables.write_tables(study.profile, study.database)


_FACES = ("*/seed*/*-to-*/*.png",)
_NOT_ALWAYS = ("set_scores.csv", "attributes.csv")  # of large profiles; of databases that note attributes
_SCORES = ("scores.csv", *_NOT_ALWAYS)
DATA = Part("survey of the data", _survey, ("pairing.csv", "pairing_by_sketch.csv", "resize_ceiling.csv"), data=True,
            code=("databases", "metrics", "findings/database_survey.py"))
PARTS = (
    DATA,
    Part("runs", _make_runs, (f"*/seed{SEED}/run.json", f"*/seed{SEED}/checkpoint.pt", f"*/seed{SEED}/*-to-*/*.png",
                              f"*/seed{SEED}/private/synthesised.json"), data=True, runs=True, code=("databases",)),
    Part("scores", _score, _SCORES, _FACES, code=("evaluation/scoring",)),
    Part("attention", _measure_attention, ("attention.csv",), ("*/seed*/checkpoint.pt",),
         code=("evaluation/attention",)),
    Part("recognition", _recognise, ("recognition*",), _FACES, code=("evaluation/recognition",)),
    Part("fine detail", _measure_detail, ("fine_detail.csv",), _FACES,
         code=("findings/exemplar_detail.py", "metrics/fine_detail.py")),
    Part("tables", _write_tables, ("tables/*",), _SCORES, code=("base", "findings")),
)
