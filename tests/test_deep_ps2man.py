from __future__ import annotations

import pytest
import torch

import oracle_networks as oracle
from lib.rivals.deep.ps2man import P2S, S2P, SIZES, Ps2man, Ps2manSettings, networks

ORACLE = dict(size=64, width=8, epochs=10, precision="fp32")

def filled(form, **changes):
    system = Ps2man(Ps2manSettings(form=form, **(ORACLE | changes)), torch.device("cpu"))
    for name, network in named(system).items():
        oracle.fill(network, f"ps2man-{form}", name)
    return system

def named(system):
    return {"G_photo_to_sketch": system.generators[P2S], "G_sketch_to_photo": system.generators[S2P]} | {
      f"D_{t}_{size}": system.discriminators[f"{d} {size}"] for t, d in (("photo", S2P), ("sketch", P2S)) for size in SIZES}

@pytest.mark.parametrize("form", ["described", "released"])
def test_three_steps(form):
    system = filled(form)
    oracle.check_shapes(named(system), "ps2man-"+form)
    system.prepare(torch.cat([oracle.photo(64, p) for p in (1,2,3)]), torch.cat([oracle.sketch(64, p)[:, :1] for p in (1,2,3)]))
    stored = oracle.arrays("steps_targets")
    for s in (1,2,3):
      v = system.views(torch.tensor([s-1]), torch.tensor([s-1]))
      for d in ("photo","sketch"):
        for size in ("half","quarter"):
          assert abs(v[d][size].numpy()-stored[f"{d}_{size}/step{s}"]).max()==0
    steps = oracle.Steps("ps2man-"+form, named(system))
    for s in (1,2,3):
        system.set_progress(0,0,1)
        losses = system.step(torch.tensor([s-1]), torch.tensor([s-1]))
        steps.check(s, losses)
