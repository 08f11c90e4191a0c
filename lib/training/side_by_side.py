"""Several runs at once, each in a process of its own: on a processor the fastest way to make more than one.

Two threads make one training step hardly 1.3 times as fast, two single-threaded trainings on two cores finish 1.5 to
2 times as much.  Every process is the ordinary ``python -m lib train`` of one run; this one starts them, shows how far
each is, and says which failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from tqdm import tqdm

from lib.base import files, paths
from lib.base.errors import StudyError
from lib.base.hardware import available_cores
from lib.training.make_run import Cell

_LOOK_AGAIN = 0.5  # seconds between two looks at the processes


def jobs_here(count: int) -> int:
    """How many of ``count`` runs to make at once: one per core, or one if a graphics card computes."""
    from lib.training.devices import default_device

    return max(1, min(count, available_cores())) if default_device().type == "cpu" else 1


def make_all(cells: Sequence[Cell], jobs: int, finished: Callable[[Cell, float, str | None], None], *,
             force: bool = False) -> None:
    """Make these runs, ``jobs`` at once, in this order; cores are shared out evenly.

    finished: called when a run has ended, with its seconds and, if it failed, the last lines that it wrote.
    Interrupted, it stops the processes; what they had made stays and is continued next time.
    """
    waiting, running = list(cells), []
    threads = max(1, available_cores() // jobs)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                line = min(set(range(jobs)) - {process.line for process in running})
                running.append(_Process(waiting.pop(0), threads, force, line))
            time.sleep(_LOOK_AGAIN)
            for process in [process for process in running if process.has_ended()]:
                running.remove(process)
                finished(process.cell, process.seconds, process.complaint())
    finally:
        for process in running:
            process.stop()


class _Process:
    """One run being made: its process, its line on the screen, and what it says when it fails."""

    def __init__(self, cell: Cell, threads: int, force: bool, line: int):
        self.cell, self.progress = cell, cell.folder / "private" / "progress.json"
        self.progress.unlink(missing_ok=True)
        self.started = time.monotonic()
        self.output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        command = [sys.executable, "-m", "lib", "train", "--database", cell.database, "--profile", cell.profile,
                   "--system", cell.system, "--seed", str(cell.seed), *(["--force"] if force else [])]
        self.process = subprocess.Popen(
            command, stdout=self.output, stderr=subprocess.STDOUT, cwd=paths.ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1", "PYTHONUTF8": "1",
                 "PYTHONPATH": os.pathsep.join([str(paths.ROOT), os.environ.get("PYTHONPATH", "")])})
        self.line, self.bar = line, None  # shown once the run says how many steps it has; what looks up has none

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def has_ended(self) -> bool:
        self._show()
        ended = self.process.poll() is not None
        if ended and self.bar is not None:
            self.bar.close()
        return ended

    def _show(self) -> None:
        try:
            now = files.read_json(self.progress)
        except StudyError:
            return  # not there yet
        if self.bar is None:
            screen = sys.stderr.isatty()
            self.bar = tqdm(desc=str(self.cell), unit="step", total=now["steps"], initial=now["done"], leave=False,
                            smoothing=0.1, position=self.line if screen else 0, mininterval=0.5 if screen else 30)
        self.bar.update(now["done"] - self.bar.n)

    def complaint(self) -> str | None:
        """The last lines that the process wrote, if it failed."""
        self.output.seek(0)
        lines = self.output.read().strip().splitlines()
        self.output.close()
        if self.process.returncode == 0:
            return None
        return "\n".join(lines[-12:]) or f"ended with status {self.process.returncode} and said nothing"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        if self.bar is not None:
            self.bar.close()
        self.output.close()
