"""Run records over the years: bringing old ones to today's form, and saying which no longer count.

A record is read as it is for ever (``RunSettings.restore`` fills in what came later).  ``migrate`` writes it down:
every setting of today, the system's name in today's spelling, the folder that today's code looks in.  It changes no
value that a run was made with.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from lib.base import files, paths, systems
from lib.base.errors import StudyError
from lib.training import plans, run_folders
from lib.training.plans import Plan


def migrate(results: Path | None = None) -> list[str]:
    """Bring every record under ``results`` (default: the study's) to today's form; returns what was changed.

    Raises StudyError, before anything is written, where two runs would come to lie in one folder.
    """
    changes = [change for study in sorted((results or paths.results_root()).glob("*/*/"))
               for run in run_folders.list_runs(study) if (change := _change(study, run))]
    taken = [target for _, target, _ in changes]
    if clash := {str(target) for source, target, _ in changes
                 if taken.count(target) > 1 or target.exists() and target != source}:
        raise StudyError("Two runs in one folder:\n  " + "\n  ".join(sorted(clash)) + "\nMove one of each away.")
    for source, target, record in changes:
        files.write_json(source / "run.json", record)
        if source != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
            if not any(source.parent.iterdir()):
                source.parent.rmdir()
    return [f"{source.relative_to(source.parents[3])} → {target.parent.name}/{target.name}" if source != target
            else f"{source.relative_to(source.parents[3])}: settings of today" for source, target, _ in changes]


def _change(study: Path, run: run_folders.Run) -> tuple[Path, Path, dict] | None:
    """A run's folder, the one it belongs in, and its record as it should be; None where all is well already."""
    file = run.folder / "run.json"
    if not file.exists():
        return None
    record = files.read_json(file)
    plan = plans.plan(study.parent.name, record["system"])
    today = {**record, "system": plan.name}
    if "settings" in record:
        today["settings"] = dataclasses.asdict(plan.restored(record["settings"]))
    name = paths.run_folder(study.parent.name, study.name, plan.name, run.seed).parent.name
    target = study / name / run.folder.name
    return None if today == record and target == run.folder else (run.folder, target, today)


def foreign(results: Path | None = None) -> list[str]:
    """Records that today's code does not take for runs of their own name, with the settings that differ."""
    found = []
    for study in sorted((results or paths.results_root()).glob("*/*/")):
        for run in run_folders.list_runs(study):
            file = run.folder / "run.json"
            record = files.read_json(file) if file.exists() else None
            plan = plans.plan(study.parent.name, record["system"]) if record else None
            if record and not plan.counts(record):
                found.append(f"{study.parent.name}/{study.name}: {plan.name}, seed {run.seed} "
                             f"({_differences(plan, record)})")
    return found


def _differences(plan: Plan, record: dict) -> str:
    if not systems.is_trained(plan.name) or "settings" not in record:
        return "no settings"
    recorded, wanted = record["settings"], dataclasses.asdict(plan.settings)
    return ", ".join(f"{name}: {recorded.get(name)} there, {wanted.get(name)} now"
                     for name in {**recorded, **wanted}
                     if recorded.get(name) != wanted.get(name) and name != "precision")
