"""How fast training is here: seconds of a step, its operations, and the share of what this machine can multiply.

Operations are counted by torch's ``FlopCounterMode`` on the convolutions and matrix products of a real step (a
multiply-add is two).  The peak is a large square matrix product in the same precision, measured alternately with the
step, so that a busy machine slows both sides alike.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from lib.training import devices
from lib.training.plans import Plan
from lib.training.recorded_step import WARM_UP, Stepper

# Constants of time below hold for a thread that multiplies fp32 matrices this fast (an AMD EPYC of 2022, unshared).
REFERENCE = 85e9  # operations a second
_SHORT = 12  # steps; measuring a run that has no more would take as long as the run
_SHORT_RUN = 5.0  # seconds, most of them to load torch and the feature network
_LOOKING_UP = {"tiny": 0.08, "quick": 0.08, "probe": 0.08}  # seconds a face, mean of the exemplar methods
_LOOKING_UP_IN_FULL = 0.5

COLUMNS = ("profile", "system", "precision", "threads", "seconds per step", "GFLOP per step", "GFLOP/s",
           "peak GFLOP/s", "share of peak", "GPU memory, GB")


class Bench:
    """A system with random images, ready to step: ``bench()`` takes one period of steps.

    steps: how many that is.  compiled: networks through ``torch.compile`` first, where the system offers it.
    record: replay a CUDA graph (default: on CUDA, if the system's steps can be recorded).
    """

    def __init__(self, plan: Plan, device: torch.device, *, record: bool | None = None, compiled: bool = False):
        torch.manual_seed(0)
        settings = devices.resolve(plan.settings, device)
        self.device, self.batch = device, settings.batch
        self.trainable = plan.create(settings, device)
        size, count = settings.load_size, max(2, self.batch)  # some systems compare with another person
        self.trainable.prepare(*(torch.rand(count, channels, size, size) * 2 - 1 for channels in (3, 1)))
        if compiled:
            self.trainable.compile()
        self.stepper = Stepper(self.trainable, self.batch, record=record)
        self.steps = self.trainable.period

    def __call__(self) -> None:
        rows = list(range(self.batch))
        for step in range(self.steps):
            self.trainable.set_progress(0, step, self.steps)
            self.stepper(rows, rows)

    def warm_up(self) -> None:
        for _ in range(-(-(WARM_UP + 2) // self.steps) if self.device.type == "cuda" else 1):
            self()

    def seconds(self, repeats: int = 1) -> float:
        """Seconds of a step, on average over ``repeats`` periods."""
        _wait(self.device)
        started = time.perf_counter()
        for _ in range(repeats):
            self()
        _wait(self.device)
        return (time.perf_counter() - started) / repeats / self.steps


def operations(plan: Plan) -> float:
    """Floating-point operations of one training step, on average over a period of steps."""
    bench = Bench(plan, torch.device("cpu"))
    with FlopCounterMode(display=False) as counter:
        bench()
    return counter.get_total_flops() / bench.steps


def seconds_of_training(plan: Plan, pairs: int, *, threads: int) -> float:
    """Seconds that a run will take here with at most this many threads, from a few steps taken now.

    Plans that differ in neither system, size, width nor batch are measured once, very short runs not at all.
    """
    settings = plan.settings
    steps = settings.epochs * -(-pairs // settings.batch)
    if steps <= _SHORT:
        return _SHORT_RUN * slowness()
    changes = tuple((name, value) for name, value in plan.changes if name in ("size", "width", "batch", "precision"))
    per_step = _seconds_per_step(dataclasses.replace(plan, changes=changes), threads)
    return steps * per_step


def seconds_of_looking_up(profile: str, faces: int) -> float:
    """Seconds that an exemplar method takes with this many training and test faces, both directions, on one thread."""
    return _LOOKING_UP.get(profile, _LOOKING_UP_IN_FULL) * faces * slowness()


@lru_cache(maxsize=None)
def slowness() -> float:
    """How many times as long as on the reference processor things take on one thread here, as busy as it is now."""
    with devices.computing_with(1):
        a = torch.randn(512, 512)
        a @ a
        count, started = 0, time.perf_counter()
        while (seconds := time.perf_counter() - started) < 0.5:
            a @ a
            count += 1
    return REFERENCE * seconds / (2 * 512 ** 3 * max(1, count))


@lru_cache(maxsize=None)
def _seconds_per_step(plan: Plan, threads: int) -> float:
    with devices.computing_with(devices.worthwhile_threads(plan.settings.size, threads)):
        bench = Bench(plan, devices.default_device())
        bench.warm_up()
        return min(bench.seconds(), bench.seconds())


def benchmark(plans: Iterable[Plan], *, precisions: Iterable[str], threads: Iterable[int], repeats: int = 3,
              compiled: bool = False, device: torch.device | None = None) -> Iterator[dict]:
    """One row (``COLUMNS``) for each plan, precision and number of threads; the fastest step of ``repeats``.

    With a graphics card, threads do not matter and the first number alone is taken.
    """
    device = device or devices.default_device()
    for plan in plans:
        flops = operations(plan)
        for precision in precisions:
            chosen = dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, precision=precision))
            for count in list(threads)[:1 if device.type == "cuda" else None]:
                with devices.computing_with(count):
                    numbers = _measure(chosen, flops, device, repeats, compiled)
                yield {"profile": plan.profile, "system": plan.name, "precision": precision, "threads": count,
                       **numbers}


def _measure(plan: Plan, flops: float, device: torch.device, repeats: int, compiled: bool) -> dict:
    bench = Bench(plan, device, compiled=compiled)
    bench.warm_up()
    pairs = [(matrix_flops(plan.settings.precision, device), bench.seconds(20 if device.type == "cuda" else 1))
             for _ in range(repeats)]
    peak, seconds = max(peak for peak, _ in pairs), min(seconds for _, seconds in pairs)
    memory = torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None
    return dict(zip(COLUMNS[4:], (seconds, flops / 1e9, flops / seconds / 1e9, peak / 1e9, flops / seconds / peak,
                                  memory), strict=True))


def matrix_flops(precision: str, device: torch.device) -> float:
    """Operations a second in products of two square matrices, fastest of eight."""
    side = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.randn(side, side, device=device).to(dtype)
    a @ a
    fastest = float("inf")
    for _ in range(8):
        _wait(device)
        started = time.perf_counter()
        a @ a
        _wait(device)
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * side ** 3 / fastest


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
