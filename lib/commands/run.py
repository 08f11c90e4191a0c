"""``python -m lib run``: the notebooks in order, which is the whole study (``run_all.sh`` calls this)."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

from lib import databases
from lib.base import files, paths
from lib.base.errors import StudyError, unknown_name
from lib.base.settings import PROFILES

# Wall time of a first run on 2 CPU cores, for people who decide whether to wait.
EXPECTED = {"tiny": "about 3 minutes", "quick": "about 9 minutes", "probe": "minutes per system",
            "cpu": "hours", "paper": "days without a GPU"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", help=f"{', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--database", action="append", metavar="NAME",
                        help=f"{', '.join(databases.NAMES)}; may be given several times (default: portraits)")
    parser.add_argument("--data", type=Path, help="folder that holds the databases (default: data/)")
    parser.add_argument("--only", metavar="NN,NN", help="numbers of the notebooks to run, e.g. 03,06")
    parser.add_argument("--refresh", action="store_true",
                        help="also write the outputs into notebooks/ (embedded databases, which show no real person)")


def run(options: argparse.Namespace) -> int:
    if options.profile not in PROFILES:
        raise unknown_name("profile", options.profile, PROFILES)
    chosen = options.database or ["portraits"]
    for database in chosen:
        if database not in databases.NAMES:
            raise unknown_name("database", database, databases.NAMES)
    if options.refresh and not set(chosen) <= set(databases.EMBEDDED):
        raise StudyError("--refresh writes figures into files that are published: embedded databases only.")
    paths.use_data(options.data)
    notebooks = _select(options.only)
    print(f"Study: profile {options.profile}, database {', '.join(chosen)}, {len(notebooks)} notebooks; "
          f"{EXPECTED[options.profile]} on two CPU cores the first time.")
    started = time.monotonic()
    for database in chosen:
        for notebook in notebooks:
            _execute(notebook, options.profile, database, refresh=options.refresh)
    print(f"Done in {_minutes(time.monotonic() - started)}.")
    for database in chosen:
        folder = paths.study_folder(options.profile, database)
        print(f"  scores    {folder}/*.csv\n  tables    {folder}/tables\n  notebooks {folder}/notebooks")
    return 0


def _select(only: str | None) -> list[Path]:
    notebooks = sorted((paths.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not only:
        return notebooks
    known = {notebook.name[:2]: notebook for notebook in notebooks}
    numbers = [number.strip().zfill(2) for number in only.split(",")]
    for number in numbers:
        if number not in known:
            raise unknown_name("notebook", number, known)
    return [known[number] for number in sorted(set(numbers))]


def _execute(notebook: Path, profile: str, database: str, *, refresh: bool) -> None:
    """Run one notebook with papermill into the study's folder; raises StudyError with the failing cell's error."""
    import nbformat
    import papermill

    output = paths.study_folder(profile, database) / "notebooks" / notebook.name
    files.make_folder(output.parent)
    os.environ["TQDM_DISABLE"] = "1"  # bars would fill the saved notebooks
    os.environ["MSGSARL_PROFILE"], os.environ["MSGSARL_DATABASE"] = profile, database
    started = time.monotonic()
    print(f"  {notebook.stem:<22}", end="", flush=True)
    try:
        with _quiet_kernel():
            papermill.execute_notebook(
                str(notebook), str(output), parameters={"profile": profile, "database": database},
                kernel_name="python3", cwd=str(notebook.parent), progress_bar=False, log_output=False)
    except papermill.PapermillExecutionError as error:
        print("failed")
        raise StudyError(f"{notebook.name}, cell {error.exec_count}: {error.ename}: {error.evalue}\n"
                         f"The notebook as far as it ran: {output}") from None
    print(_minutes(time.monotonic() - started))
    if refresh:
        with files.atomic_file(notebook) as temporary:
            nbformat.write(_for_publication(nbformat.read(output, as_version=4)), temporary)


@contextlib.contextmanager
def _quiet_kernel():
    """Keep what the kernel's process says of its own transport off the screen; a cell's errors are in the notebook."""
    sys.stderr.flush()
    kept, silent = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)


def _for_publication(notebook):
    """Take out what belongs to one execution: papermill's metadata and injected cell, timings, the kernel's name."""
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}}
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    return notebook


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
