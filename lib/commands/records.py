"""``python -m lib records``: which numbers rest on which machine, and whether every record still counts."""

from __future__ import annotations

import argparse

from lib.base import images
from lib.base.errors import StudyError, counted
from lib.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", metavar="NAME", help="of this profile only")
    parser.add_argument("--database", metavar="NAME", help="of this database only")
    parser.add_argument("--csv", type=images.table_file, metavar="FILE", help="write one row per run")
    parser.add_argument("--work", action="store_true",
                        help="count steps, updates and operations of the study's trainings into training_work.csv; "
                             "needs --profile and --database")
    parser.add_argument("--migrate", action="store_true",
                        help="bring records of earlier versions to today's form: all settings, names and folders")


def run(options: argparse.Namespace) -> int:
    from lib.base import files
    from lib.training import records, run_folders

    arguments.require_known(options.profile, options.database)
    if options.migrate:
        changed = records.migrate()
        print("\n".join([*changed, f"{len(changed)} records changed"]))
    if options.work:
        from lib.findings import training_work

        if not (options.profile and options.database):
            raise StudyError("--work counts one study: give --profile and --database.")
        print(training_work.write(options.profile, options.database))
    table = run_folders.records()
    for column in ("profile", "database"):
        if wanted := getattr(options, column):
            table = table[table[column] == wanted]
    if table.empty:
        raise StudyError("No run record here. Make one with `python -m lib train …`.")
    if options.csv:
        files.write_csv(options.csv, table, "%.4g")
        print(f"{options.csv}: {counted(len(table), 'run')}")
    places = ["profile", "database", "device", "processor", "precision", "torch"]
    shown = table.fillna({"processor": "not recorded"}).groupby(places, dropna=False).agg(
        runs=("seed", "size"), systems=("system", "nunique"), hours=("minutes", lambda minutes: minutes.sum() / 60),
        unclean=("revision", lambda revisions: revisions.str.endswith("-dirty").sum()))
    print(shown.reset_index().to_string(index=False, float_format="%.1f"))
    if odd := records.foreign():
        print(f"not taken for runs of their own name, {len(odd)}:\n  " + "\n  ".join(odd))
    return 0
