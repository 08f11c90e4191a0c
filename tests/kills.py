"""Kill the commands at random moments and see that nothing is lost: ``python tests/kills.py --kills 50 --seed 0``.

Each stage (prepare, train, synthesise, score, study) first runs undisturbed.  Then copies of what it started from are
given to it again and killed (SIGKILL) at moments drawn uniformly over its duration; the same command is started anew
until it ends.  After every kill each file in sight must be whole; in the end all files must be, bit by bit, those of
the undisturbed run, but for the seconds that were measured.  Processes are forked from one that has loaded
everything, so that kills meet work and not imports; this needs a system that can fork.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from made_up_databases import cuhk_as_distributed  # noqa: E402

import lib  # noqa: E402, F401  before torch, for which it sets how threads wait
from lib import __main__  # noqa: E402
from lib.base import paths  # noqa: E402
from lib.base.images import read_image  # noqa: E402
from lib.findings import tables  # noqa: E402, F401
from lib.training import make_run  # noqa: E402, F401  what stages import is to be there before they fork

# One precision: what a machine multiplies faster is measured by every process that finds no record of it.
_SYSTEM = "msg-sarl+epochs=2+precision=fp32"
_TRAIN = ["train", "--database", "cuhk-student", "--profile", "tiny", "--system"]
STAGES = {
    "prepare": ["prepare", "--database", "cuhk-student"],
    "train": [*_TRAIN, _SYSTEM],
    "synthesise": [*_TRAIN, "pixel-regression"],
    "score": ["score", "--database", "cuhk-student", "--profile", "tiny"],
    "study": ["study", "build", "--database", "cuhk-student=4", "--profile", "tiny", "--system", "pixel-regression",
              "--system", _SYSTEM, "--raters", "4", "--per-rater", "2", "--checks", "0", "--output", "study"],
}
_MEASURED = ("seconds", "hardware", "revision")  # what differs between two undisturbed runs


class Lost(Exception):
    """A kill cost something."""


def run(stage: str, place: Path, kill_after: float | None = None) -> int | None:
    """Run a stage in a child process; its exit status, or None where it was killed after so many seconds."""
    child = os.fork()
    if child == 0:
        os.chdir(place)
        os.environ |= {"MSGSARL_DATA": str(place / "data"), "MSGSARL_RESULTS": str(place / "results"),
                       "MSGSARL_CACHE": str(place / "cache"), "TQDM_DISABLE": "1"}
        with open(place.parent / "output", "a", encoding="utf-8") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os._exit(__main__.main(STAGES[stage]))
    end = time.monotonic() + (kill_after if kill_after is not None else 1e9)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.002)


def visible(place: Path) -> Iterator[Path]:
    """Files that count: not hidden (temporary ones of killed processes are), not locks, notes or the cache."""
    for file in sorted(place.rglob("*")):
        parts = file.relative_to(place).parts
        if file.is_file() and not any(part.startswith(".") for part in parts) and parts[0] != "cache" \
                and "private" not in parts:
            yield file


def content(file: Path) -> object:
    """What a file holds, without measured times; raises Lost where it is not whole."""
    try:
        if file.suffix == ".json":
            return {key: value for key, value in json.loads(file.read_text(encoding="utf-8")).items()
                    if key not in _MEASURED}
        if file.name == "log.csv":
            return repr(pd.read_csv(file, encoding="utf-8").drop(columns="seconds").to_dict("list"))
        if file.suffix == ".pt":
            return _plain(torch.load(file, weights_only=True))
        if file.suffix == ".png":
            read_image(file)
        return file.read_bytes()
    except Exception as error:  # whatever cannot be read is lost
        raise Lost(f"{file}: {error}") from None


def _plain(value: object) -> object:
    """Tensors as bytes, measured times left out: two checkpoints are equal where these are."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.double().numpy().tobytes()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items() if key not in _MEASURED and key != "rows"}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def contents(place: Path) -> dict[str, object]:
    return {file.relative_to(place).as_posix(): content(file) for file in visible(place)}


def kill_stage(stage: str, before: Path, expected: dict[str, object], duration: float, kills: int,
               rng: np.random.Generator) -> int:
    """Kill a stage so many times; returns how many rounds that took.  Raises Lost naming what differs."""
    done, rounds, known = 0, 0, contents(before)
    while done < kills:
        rounds += 1
        place = before.with_name("killed")
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(before, place, symlinks=True)
        while (status := run(stage, place, float(rng.uniform(0, duration)) if done < kills else None)) is None:
            done += 1
            for name, found in contents(place).items():  # whole, and the database untouched
                if name in known and found != known[name] and not name.startswith("results"):
                    raise Lost(f"{stage}: {name} has changed")
        if status:
            raise Lost(f"{stage}: status {status}; see {place.parent / 'output'}")
        found = contents(place)
        if different := [name for name in {**expected, **found} if found.get(name) != expected.get(name)]:
            raise Lost(f"{stage}: {len(different)} files differ from the undisturbed run's, first {different[0]}")
    return rounds


def kill_all(kills: int, seed: int, stages: tuple[str, ...] = tuple(STAGES), say=print) -> None:
    """Kill every stage in turn, ``kills`` times in all; raises Lost."""
    rng = np.random.default_rng(seed)
    shares = [kills // len(stages) + (number < kills % len(stages)) for number in range(len(stages))]
    torch.set_num_threads(1)  # a forked process has no threads of its parent
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "undisturbed"
        (place / "cache").mkdir(parents=True)
        for name in ("vgg16-hed", "precision.json"):  # fetched and measured once
            if (paths.cache_root() / name).exists():
                (place / "cache" / name).symlink_to(paths.cache_root() / name)
        cuhk_as_distributed(place / "data" / "cuhk-student", 9, 9)
        for stage, share in zip(stages, shares, strict=True):
            before = Path(folder) / "before"
            shutil.rmtree(before, ignore_errors=True)
            shutil.copytree(place, before, symlinks=True)
            started = time.monotonic()
            if status := run(stage, place):
                said = (Path(folder) / "output").read_text(encoding="utf-8")
                raise Lost(f"{stage}: status {status} undisturbed\n{said}")
            duration = time.monotonic() - started
            rounds = kill_stage(stage, before, contents(place), duration, share, rng)
            say(f"{stage}: {share} kills in {rounds} rounds, {duration:.1f} s undisturbed: the same bits")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        kill_all(options.kills, options.seed, say=lambda text: print(text, flush=True))
    except Lost as error:
        print(f"lost: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
