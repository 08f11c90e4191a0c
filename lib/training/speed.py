"""What the networks cost: parameters, floating-point operations, shapes on the way through.

Operations are counted by torch's ``FlopCounterMode`` on the convolutions and matrix products really
called (a multiply-add is two), so the count needs no device of its own and cannot drift from the code.
"""

from __future__ import annotations

import time

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.model.discriminator import Discriminator
from lib.model.generator import Generator
from lib.model.msg_sarl import CHANNELS, MsgSarl
from lib.model.settings import Settings
from lib.training.recorded_step import WARM_UP, Stepper


def walk(settings: Settings, direction: str = "photo-to-sketch") -> pd.DataFrame:
    """One row per stage of the generator, in the order of the data: stage, output shape, parameters, MFLOP."""
    inputs, outputs = CHANNELS[direction]
    generator = Generator(inputs, outputs, settings).eval()
    names = {generator.enter: "enter: 7×7", generator.exit: "exit: 7×7, tanh"}
    names |= {block: f"down {i + 1}: 3×3, stride 2" for i, block in enumerate(generator.down)}
    names |= {block: f"SARB {i + 1}" for i, block in enumerate(generator.sarm)}
    names |= {block: f"up {i + 1}: ×2, 3×3, + skip" for i, block in enumerate(generator.up)}
    names |= {block: f"γ{i} → O{i}: 1×1" for i, block in enumerate(generator.to_image)}
    rows = []

    def measure(block: nn.Module, arguments: tuple, output: torch.Tensor) -> None:
        with FlopCounterMode(display=False) as counter:
            type(block).forward(block, *arguments)  # not block(...): this hook would call itself
        rows.append({"stage": names[block], "output (C, H, W)": tuple(output.shape[1:]),
                     "parameters": _parameters(block), "MFLOP": round(counter.get_total_flops() / 1e6, 1)})

    hooks = [block.register_forward_hook(measure) for block in names]
    with torch.no_grad():
        generator(torch.zeros(1, inputs, settings.size, settings.size))
    for hook in hooks:
        hook.remove()
    return pd.DataFrame(rows)


def sizes(settings: Settings) -> pd.DataFrame:
    """Parameters and forward GFLOP of the four networks."""
    rows = []
    for direction in DIRECTIONS:
        inputs, outputs = CHANNELS[direction]
        scales = [torch.zeros(1, outputs, settings.size // k, settings.size // k) for k in (8, 4, 2, 1)]
        judged = scales if settings.msg else scales[-1:]
        photo = torch.zeros(1, inputs, settings.size, settings.size)
        task = labels.TASK[direction]
        for name, network, argument in ((f"generator, {task}", Generator(inputs, outputs, settings), photo),
                                        (f"discriminator, {task}", Discriminator(outputs, settings), judged)):
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                network(argument)
            rows.append({"network": name, "parameters": _parameters(network),
                         "GFLOP": round(counter.get_total_flops() / 1e9, 3)})
    return pd.DataFrame(rows)


def step_flops(settings: Settings) -> int:
    """Floating-point operations of one training step, target features cached."""
    method = _ready(settings, torch.device("cpu"))
    with FlopCounterMode(display=False) as counter:
        method.step(torch.zeros(settings.batch, dtype=torch.int64))
    return counter.get_total_flops()


def benchmark(settings: Settings, device: torch.device, steps: int = 5, *, record: bool | None = None,
              compiled: bool = False) -> dict[str, float]:
    """Seconds per step and the share of this device's measured matrix-product peak in the same precision.

    Peak and step are taken alternately and the fastest of each is kept, so that a busy machine slows
    both sides alike.  ``record``: replay a CUDA graph (default: on CUDA); ``compiled``: networks
    through ``torch.compile`` first.  Each measurement takes several steps where they are short.
    """
    flops = step_flops(settings)
    method = _ready(settings, device)
    if compiled:
        method.compile()
    stepper = Stepper(method, device, settings.batch, record=record)
    rows = [0] * settings.batch
    repeats = 20 if device.type == "cuda" else 1
    for _ in range(WARM_UP + 2 if device.type == "cuda" else 1):
        stepper(rows)
    step_seconds, peak = [], []
    for _ in range(steps):
        peak.append(_matrix_flops(settings, device))
        started = time.perf_counter()
        for _ in range(repeats):
            stepper(rows)
        _wait(device)
        step_seconds.append((time.perf_counter() - started) / repeats)
    seconds, best = min(step_seconds), max(peak)
    memory = {"GPU memory, GB": torch.cuda.max_memory_allocated(device) / 1e9} if device.type == "cuda" else {}
    return {"GFLOP per step": flops / 1e9, "seconds per step": seconds, "GFLOP/s": flops / seconds / 1e9,
            "peak GFLOP/s": best / 1e9, "share of peak": flops / seconds / best, **memory}


def _ready(settings: Settings, device: torch.device) -> MsgSarl:
    """A method with one random training pair, before its first step."""
    torch.manual_seed(0)
    method = MsgSarl(settings, device)
    method.prepare(*(torch.rand(1, channels, settings.size, settings.size) * 2 - 1 for channels in (3, 1)))
    return method


def _matrix_flops(settings: Settings, device: torch.device) -> float:
    side = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
    a = torch.randn(side, side, device=device).to(dtype)
    a @ a
    _wait(device)
    started = time.perf_counter()
    for _ in range(8):
        a @ a
    _wait(device)
    return 8 * 2 * side ** 3 / (time.perf_counter() - started)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
