"""CycleGAN against the numbers of its authors' program, and what the trainable promises beside them."""

from __future__ import annotations

import pytest
import torch

import oracle_networks as oracle
from lib.rivals.deep import cyclegan
from lib.rivals.deep.cyclegan import P2S, S2P, CycleGan, CycleGanSettings

ORACLE = dict(size=64, width=8, epochs=10, precision="fp32", augmentation="none", pairing="paired")


def filled(**changes) -> CycleGan:
    system = CycleGan(CycleGanSettings(**(ORACLE | changes)), torch.device("cpu"))
    for name, network in named(system).items():
        oracle.fill(network, "cyclegan", name)
    return system


def named(system: CycleGan) -> dict[str, torch.nn.Module]:
    return {"G_photo_to_sketch": system.generators[P2S], "G_sketch_to_photo": system.generators[S2P],
            "D_sketch": system.discriminators[P2S], "D_photo": system.discriminators[S2P]}

def test_three_steps():
    system = filled()
    system.prepare(torch.cat([oracle.photo(64, p) for p in (1,2,3)]), torch.cat([oracle.sketch(64, p)[:, :1] for p in (1,2,3)]))
    steps = oracle.Steps("cyclegan", named(system))
    for s in (1,2,3):
        system.set_progress(0,0,1)
        steps.check(s, system.step(torch.tensor([s-1]), torch.tensor([s-1])))
