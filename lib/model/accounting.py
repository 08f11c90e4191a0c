"""What the networks of MSG-SARL cost: parameters, floating-point operations, shapes on the way through.

Operations are counted by torch's ``FlopCounterMode`` on the convolutions and matrix products really
called (a multiply-add is two), so the count needs no device of its own and cannot drift from the code.
"""

from __future__ import annotations

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.base import labels
from lib.base.directions import DIRECTIONS
from lib.model.discriminator import Discriminator
from lib.model.generator import Generator
from lib.model.msg_sarl import CHANNELS
from lib.model.settings import MsgSarlSettings


def walk(settings: MsgSarlSettings, direction: str = "photo-to-sketch") -> pd.DataFrame:
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


def sizes(settings: MsgSarlSettings) -> pd.DataFrame:
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


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
