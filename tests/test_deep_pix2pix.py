from __future__ import annotations

import pytest
import torch

import oracle_networks as oracle
from lib.rivals.deep.pix2pix import P2S, S2P, Pix2Pix, Pix2PixSettings, networks

ORACLE = dict(size=64, width=8, epochs=10, precision="fp32", augmentation="none", pairing="paired", dropout=0.0)

def filled(**changes):
    system = Pix2Pix(Pix2PixSettings(**(ORACLE | changes)), torch.device("cpu"))
    system.generators.double(); system.discriminators.double()
    for name, network in named(system).items():
        oracle.fill(network, "pix2pix", name)
    return system

def named(system):
    return {"G_photo_to_sketch": system.generators[P2S], "D_sketch": system.discriminators[P2S]}

def test_three_steps():
    system = filled()
    oracle.check_shapes(named(system), "pix2pix")
    system.prepare(torch.cat([oracle.photo(64, p) for p in (1,2,3)]), torch.cat([oracle.sketch(64, p)[:, :1] for p in (1,2,3)]))
    steps = oracle.Steps("pix2pix", named(system))
    for s in (1,2,3):
        system.set_progress(0,0,1)
        losses = system.step(torch.tensor([s-1]), torch.tensor([s-1]))
        steps.check(s, {k.removeprefix(P2S+"/"): v for k, v in losses.items()})
