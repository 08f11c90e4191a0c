"""Notebooks run by papermill, each in a process of its own, several side by side.

The committed notebooks name the kernel ``python3``, as every machine has it; but on many machines that kernel is
another Python (conda's base, a shared installation, an old ``ipykernel install``), which lacks what this study needs.
So for as long as notebooks run here, the first kernel of that name is the interpreter that runs this.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lib.base import files, paths
from lib.base.errors import StudyError, listed
from lib.base.hardware import available_cores

KERNEL = "python3"
KERNEL_START = 300  # seconds; the default, 60, is too short where Python is read over a network or the machine is busy
_LOOK_AGAIN = 0.2  # seconds between two looks at the processes
_PATIENCE = 10  # seconds for a process to end its kernel when it is interrupted


@contextlib.contextmanager
def own_kernel() -> Iterator[dict[str, str]]:
    """Environment variables with which the kernel ``python3`` is this very interpreter."""
    with tempfile.TemporaryDirectory(prefix="msg-sarl-kernel-") as folder:
        spec = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "Python 3", "language": "python", "metadata": {"debugger": True}}
        files.write_json(Path(folder) / "kernels" / KERNEL / "kernel.json", spec)
        yield {"JUPYTER_PATH": os.pathsep.join(filter(None, [folder, os.environ.get("JUPYTER_PATH")]))}


def needs_runs(notebook: Path) -> bool:
    """Whether a notebook asks for the study's runs, scores or tables."""
    return "study.ready(" in notebook.read_text(encoding="utf-8")


def execute_all(notebooks: Sequence[Path], profile: str, database: str, jobs: int,
                finished: Callable[[Path, Path, float], None]) -> None:
    """Run notebooks into the study's ``notebooks`` folder, ``jobs`` at once, cores shared out evenly.

    finished: called with notebook, output and seconds when one has run to its end.  When one fails, none is begun any
    more, and those that run may end.  Raises StudyError with the errors of the failing cells.
    """
    folder = files.make_folder(paths.study_folder(profile, database) / "notebooks")
    waiting, running, failed = list(notebooks), [], []
    with own_kernel() as variables:
        variables |= {"OMP_NUM_THREADS": str(max(1, available_cores() // jobs)), "MSGSARL_PROFILE": profile,
                      "MSGSARL_DATABASE": database}
        try:
            while running or waiting and not failed:
                while waiting and not failed and len(running) < jobs:
                    running.append(_Execution(waiting.pop(0), folder, profile, database, variables))
                time.sleep(_LOOK_AGAIN)
                for execution in [execution for execution in running if execution.has_ended()]:
                    running.remove(execution)
                    if complaint := execution.complaint():
                        failed.append(complaint)
                    else:
                        finished(execution.notebook, execution.output, execution.seconds)
        finally:
            for execution in running:
                execution.stop()
    if failed:
        raise StudyError("\n".join(failed))


def check(notebooks: Sequence[Path], profile: str, database: str) -> None:
    """Run notebooks and compare the cells marked ``# NBVAL_CHECK_OUTPUT`` with their stored outputs.

    Raises StudyError where one differs or fails; pytest's account of it stands above.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env",
               "--nbval-cell-timeout=1200", f"--nbval-kernel-startup-timeout={KERNEL_START}", *map(str, notebooks)]
    with own_kernel() as variables:
        environment = {**os.environ, "TQDM_DISABLE": "1", "PYTHONUTF8": "1", "MSGSARL_PROFILE": profile,
                       "MSGSARL_DATABASE": database, **variables,
                       "PYTHONPATH": os.pathsep.join(filter(None, [str(paths.ROOT), os.environ.get("PYTHONPATH")]))}
        if subprocess.run(command, cwd=paths.ROOT, env=environment).returncode:
            raise StudyError("A checked cell differs from its stored output, or a cell failed; see above. Where the "
                             "results have changed, `./run_all.sh --refresh` stores the new outputs.")


class _Execution:
    """One notebook being run: its process, and what it says when it fails."""

    def __init__(self, notebook: Path, folder: Path, profile: str, database: str, variables: dict[str, str]):
        self.notebook, self.output = notebook, folder / notebook.name
        self.output.unlink(missing_ok=True)  # of an earlier run; a failure must not show that one's cells
        self.started, self.seconds = time.monotonic(), 0.0
        self.said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        command = [sys.executable, "-m", "papermill", str(notebook), str(self.output), "--kernel", KERNEL,
                   "--cwd", str(notebook.parent), "--start-timeout", str(KERNEL_START), "--no-progress-bar",
                   "--no-log-output", "-r", "profile", profile, "-r", "database", database]
        self.process = subprocess.Popen(
            command, stdout=self.said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=paths.ROOT,
            env={**os.environ, "TQDM_DISABLE": "1", "PYTHONUTF8": "1", **variables,  # bars would fill the notebooks
                 "PYTHONPATH": os.pathsep.join(filter(None, [str(paths.ROOT), os.environ.get("PYTHONPATH")]))})

    def has_ended(self) -> bool:
        self.seconds = time.monotonic() - self.started
        return self.process.poll() is not None

    def complaint(self) -> str | None:
        """The failing cell's error, or papermill's last lines; None if all went well."""
        self.said.seek(0)
        lines = self.said.read().strip().splitlines()
        self.said.close()
        if self.process.returncode == 0:
            return None
        if error := _error_of(self.output):
            return f"{self.notebook.name}, {error}\nThe notebook as far as it ran: {self.output}"
        return f"{self.notebook.name}: papermill ended with status {self.process.returncode}\n{listed(lines[-12:])}"

    def stop(self) -> None:
        if os.name == "posix":
            self.process.send_signal(signal.SIGINT)  # papermill ends its kernel then
        else:
            self.process.terminate()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()


def _error_of(output: Path) -> str | None:
    """``cell 3: StudyError: …`` of a notebook that stopped at an error."""
    if not output.exists():
        return None
    for cell in json.loads(output.read_text(encoding="utf-8"))["cells"]:
        for result in cell.get("outputs", []):
            if result["output_type"] == "error":
                return f"cell {cell['execution_count']}: {result['ename']}: {result['evalue']}"
    return None


def publish(output: Path, notebook: Path) -> None:
    """Write an executed notebook over the committed one, without what belongs to one execution.

    papermill's metadata and injected cell, timings, the kernel's name and what was said of making the study go; PNGs
    are written with a palette of 256 colours, a third of their size.
    """
    import nbformat

    executed = nbformat.read(output, as_version=4)
    executed.cells = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in executed.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    executed.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": KERNEL},
                         "language_info": {"name": "python"}}
    for count, cell in enumerate((cell for cell in executed.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
        if "study.ready(" in cell.source or "study.survey_data(" in cell.source:
            cell.outputs = []
        for result in cell.outputs:
            if "execution_count" in result:
                result.execution_count = count
            if "image/png" in result.get("data", {}):
                result.data["image/png"] = _with_a_palette(result.data["image/png"])
    with files.atomic_file(notebook) as temporary:
        nbformat.write(executed, temporary)


def _with_a_palette(png: str) -> str:
    """A PNG in base64 as one of at most 256 colours."""
    from PIL import Image

    written = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode("ascii")
