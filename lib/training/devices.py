"""What computes here: the device, the precision that is fast on it, and how many threads.

**Precision.**  bf16 halves the memory traffic of fp32, and processors with AMX or AVX-512-BF16 units and cards since
Ampere multiply it several times faster.  Every other processor converts each number there and back: a matrix
product then takes forty times as long.  So ``auto`` asks what the hardware declares, and believes it only after a
second's measurement, which is kept (``precision.json`` in the cache) for this processor, torch and device.

**Threads.**  A step is very many small parallel pieces, after each of which the threads wait for each other, spinning
or asleep.  Seconds of a step of MSG-SARL, median (longest), on two cores of an AMD EPYC, torch 2.14.1, bf16:

==================================  ===========  ==========================  ====================
profile quick (64 px)               alone        beside one busy process     beside six to eight
==================================  ===========  ==========================  ====================
1 thread                            0.34 (0.44)  0.36 (0.52)                 0.96 (1.22)
2 threads, OMP_WAIT_POLICY=PASSIVE  0.46 (0.55)  1.5 (2.6)                   2.9 (3.7)
2 threads, GOMP_SPINCOUNT=10000     0.34 (0.41)  1.2 (1.7)                   5.2 (8.0)
2 threads, as libgomp has it        0.34 (0.46)  1.3 (2.1)                   10.0 (39)
2 threads, OMP_WAIT_POLICY=ACTIVE   0.34 (0.43)  1.1 (1.9)                   8.0 (25)
==================================  ===========  ==========================  ====================

So threads sleep while they wait (``lib/__init__.py`` and ``environment.sh`` ask for it before torch is loaded): it
costs a third on an idle machine, and saves a shared one from steps of half a minute.  Then up to 64 px one thread
trains as fast as two, also in fp32 and whatever else goes on; at 128 px two are 1.3 times as fast alone (1.5 s
instead of 1.9) and half as fast beside a busy process.  Several runs therefore go side by side, one thread each
(``lib.training.side_by_side``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from lib.base import cache, files
from lib.base.errors import StudyError, unknown_name
from lib.base.hardware import available_cores, processor
from lib.base.settings import RunSettings

WORTH = 1.2  # bf16 is taken where it is at least this many times faster
ONE_THREAD_UP_TO = 64  # pixels
_MEASURED_FOR = 1.0  # seconds


class Precision(NamedTuple):
    """``bf16`` or ``fp32``, and why."""

    name: str
    reason: str


@functools.cache
def default_device() -> torch.device:
    """A CUDA card if there is one that computes, else the processor (on Macs too)."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    name = "The CUDA card"
    try:
        name = torch.cuda.get_device_name()
        ones = torch.ones(8, 8, device="cuda")
        if (ones @ ones)[0, 0].item() == 8:
            return torch.device("cuda")
        cause = "a product of ones came out wrong"
    except RuntimeError as error:  # a card that this build of torch has no kernels for, or one that is full
        cause = _first_line(error)
    print(f"{name} cannot be used ({cause}); computing on the processor.", file=sys.stderr)
    return torch.device("cpu")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def device_name(device: torch.device) -> str:
    """The card's name, or ``cpu``: what a run's record calls its device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def resolve(settings: RunSettings, device: torch.device) -> RunSettings:
    """Settings with ``auto`` replaced by the precision that is fast on this device."""
    if settings.precision != "auto":
        return settings
    return dataclasses.replace(settings, precision=fast_precision(device).name)


def precisions(device: torch.device) -> tuple[str, ...]:
    """The precisions that this device multiplies by itself: what is worth testing on it."""
    return ("fp32", "bf16") if _declares_bf16(device) else ("fp32",)


def fast_precision(device: torch.device) -> Precision:
    """The precision that ``auto`` stands for on this device: declared by the hardware, confirmed by measurement, then
    remembered.

    The variable ``MSGSARL_PRECISION`` decides otherwise, for tests of both on one machine; raises StudyError where it
    names neither.
    """
    asked = os.environ.get("MSGSARL_PRECISION")
    if not asked:
        return _measured_precision(device)
    if asked not in ("fp32", "bf16"):
        raise unknown_name("precision of MSGSARL_PRECISION", asked, ("fp32", "bf16"))
    return Precision(asked, "MSGSARL_PRECISION asks for it")


@functools.cache
def _measured_precision(device: torch.device) -> Precision:
    here = device_name(device) if device.type == "cuda" else processor()
    if not _declares_bf16(device):
        return Precision("fp32", f"{here} has no bf16 units")
    try:
        speed_up = _kept_speed_up(device, f"{here}, torch {torch.__version__}")
    except RuntimeError as error:
        return Precision("fp32", f"bf16 fails on {here} ({_first_line(error)})")
    if speed_up < WORTH:
        return Precision("fp32", f"a convolution in bf16 is only {speed_up:g} times as fast as in fp32 on {here}")
    return Precision("bf16", f"a convolution in bf16 is {speed_up:g} times as fast as in fp32 on {here}")


def worthwhile_threads(size: int, threads: int | None = None) -> int:
    """How many threads to train images of this size with, of those that there are: one where more bring nothing."""
    return 1 if size <= ONE_THREAD_UP_TO else threads or min(torch.get_num_threads(), available_cores())


@contextlib.contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Let torch compute with this many threads inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _kept_speed_up(device: torch.device, key: str) -> float:
    """The speed-up kept under this key, else measured and kept.

    Processes that start together wait for the first one's measurement: side by side they would disturb each other,
    and could come to different precisions.
    """
    file = cache.file("precision.json")
    known = _measured(file)
    if key in known:
        return known[key]
    with cache.locked(file):
        known = _measured(file)
        if key not in known:
            known[key] = round(_speed_up(device), 2)
            cache.keep(file, lambda temporary: files.write_json(temporary, known))
    return known[key]


def _measured(file: Path) -> dict[str, float]:
    """Earlier measurements; what is damaged is measured again."""
    try:
        known = files.read_json(file)
    except StudyError:
        return {}
    known = known if isinstance(known, dict) else {}
    return {key: ratio for key, ratio in known.items() if isinstance(ratio, float) and 0 < ratio < math.inf}


def _declares_bf16(device: torch.device) -> bool:
    """Whether the hardware says that it multiplies bf16 by itself; unknown counts as yes, and is then measured."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    except (AttributeError, RuntimeError):
        return torch.backends.mkldnn.is_available()


def _speed_up(device: torch.device) -> float:
    """How many times faster a convolution with its gradients is in bf16 than in fp32: the fastest of each, measured
    alternately for a second."""
    layer = nn.Conv2d(64, 64, 3, padding=1).to(device, memory_format=torch.channels_last)
    image = torch.randn(1, 64, 96, 96, device=device).to(memory_format=torch.channels_last).requires_grad_()

    def seconds(dtype: torch.dtype) -> float:
        started = time.perf_counter()
        with torch.autocast(device.type, dtype, enabled=dtype is torch.bfloat16):
            output = layer(image)
        output.float().sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    for dtype in (torch.float32, torch.bfloat16):
        seconds(dtype)  # the first call plans
    pairs, ends = [], time.perf_counter() + _MEASURED_FOR
    while len(pairs) < 3 or time.perf_counter() < ends:
        pairs.append((seconds(torch.float32), seconds(torch.bfloat16)))
    return min(full for full, _ in pairs) / min(half for _, half in pairs)
