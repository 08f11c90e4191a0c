"""What the deep rivals draw at random, by its distribution: first weights as in their programs, DRIT's attributes."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import nn

from lib.rivals import deep
from lib.rivals.deep.drit import Drit, DritSettings
from lib.rivals.deep.drit_losses import Draws
from lib.rivals.deep.u_gat_it_blocks import SpectralNorm

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def drawn_as(distribution: str, values: torch.Tensor, *arguments: float) -> bool:
    """Whether a Kolmogorov–Smirnov test takes these numbers for that distribution; it errs once in 10,000 times."""
    return stats.kstest(values.detach().flatten().numpy(), distribution, args=arguments).pvalue > 1e-4


@pytest.fixture(scope="module")
def made() -> dict[str, list[nn.Module]]:
    """All layers of each system's networks, from one seed."""
    torch.manual_seed(0)
    return {system: [layer for network in deep.networks(system, width=8, size=64).values()
                     for layer in network.modules()]
            for system in ("cyclegan", "pix2pix", "ps2man-released", "ps2man-described", "drit", "u-gat-it")}


@pytest.mark.parametrize("system", ["cyclegan", "pix2pix", "ps2man-released", "ps2man-described", "drit"])
def test_convolutions_are_normal_with_spread_0_02(made, system):
    layers = [layer for layer in made[system] if isinstance(layer, CONVOLUTIONS)]
    assert drawn_as("norm", torch.cat([layer.weight.flatten() for layer in layers]), 0.0, 0.02)
    for layer in layers:
        assert drawn_as("norm", layer.weight, 0.0, 0.02)
        if system != "drit" and layer.bias is not None:  # DRIT leaves biases as torch draws them
            assert not layer.bias.any()


@pytest.mark.parametrize("system", ["pix2pix", "ps2man-released"])
def test_batch_norms_scale_by_about_1(made, system):
    norms = [layer for layer in made[system] if isinstance(layer, nn.BatchNorm2d)]
    assert drawn_as("norm", torch.cat([norm.weight for norm in norms]), 1.0, 0.02)
    assert not any(norm.bias.any() for norm in norms)


@pytest.mark.parametrize("system, count", [("cyclegan", 0), ("ps2man-described", 4)])
def test_instance_norms_that_scale_begin_at_1(made, system, count):
    """PS2MAN's generators have two each, after the doublings."""
    norms = [layer for layer in made[system] if isinstance(layer, nn.InstanceNorm2d) and layer.affine]
    assert len(norms) == count
    assert all((norm.weight == 1).all() and not norm.bias.any() for norm in norms)


def test_u_gat_it_begins_with_torchs_own_weights(made):
    """Uniform within 1/√(inputs of an output), weights and biases; the vectors of spectral norms have length 1."""
    layers = [layer for layer in made["u-gat-it"] if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        limit = 1 / math.sqrt(layer.weight[0].numel())
        for values in (layer.weight, layer.bias):
            assert values is None or drawn_as("uniform", values, -limit, 2 * limit)
    norms = [layer for layer in made["u-gat-it"] if isinstance(layer, SpectralNorm)]
    assert len(norms) == 2 * (8 + 6)  # at 64 pixels: 6 and 4 layers
    for norm in norms:
        assert norm.u.norm().item() == pytest.approx(1, rel=1e-5) == norm.v.norm().item()


def test_no_two_networks_begin_alike():
    torch.manual_seed(0)
    for system in ("cyclegan", "pix2pix", "ps2man", "drit", "u-gat-it"):
        networks = deep.networks(system, width=2, size=32)
        first = [next(p for p in network.parameters() if p.dim() > 1).flatten()[:4].tolist()
                 for network in networks.values()]
        assert all(first.count(values) == 1 for values in first)


# DRIT's attributes

def test_attributes_of_a_step_are_standard_normal_and_all_different():
    torch.manual_seed(0)
    draws = Draws.new(torch.zeros(3000, 3, 1, 1), random=2)
    attributes = [*draws.encoded.values(), *draws.random, *draws.recoded.values()]
    assert len(attributes) == 6 and all(drawn_as("norm", attribute) for attribute in attributes)
    numbers = torch.stack(attributes).transpose(1, 2).flatten(0, 1)  # 6 × 8 columns
    assert torch.corrcoef(numbers).fill_diagonal_(0).abs().max() < 5 / math.sqrt(3000)


def test_attributes_of_a_name_are_standard_normal():
    drit = Drit(DritSettings(size=32, width=1), torch.device("cpu"), training=False)
    attributes = drit.random_attributes("face-1", 3000)
    assert drawn_as("norm", attributes)
    assert torch.corrcoef(attributes.T).fill_diagonal_(0).abs().max() < 5 / math.sqrt(3000)
