"""The networks against naive transcriptions of the equations, torch's own operators, and sizes the paper fixes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_up_scores import CELLS
from torch.nn import functional as F

from lib.model.attention import (
    SARB,
    SARM,
    ChannelAttention,
    InstanceNorm,
    PlainUnit,
    PositionAttention,
    SelfAttention,
)
from lib.model.discriminator import Discriminator, pyramid
from lib.model.generator import Generator
from lib.model.initialisation import initialise
from lib.model.settings import MsgSarlSettings
from lib.training.plans import plan


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def as_rows(x):
    """(1, C, H, W) tensor → (C, N) array."""
    return x.detach().flatten(2)[0].double().numpy()


@pytest.fixture
def M():
    torch.manual_seed(3)
    return torch.randn(1, 16, 3, 4)


@pytest.mark.parametrize("literal", [False, True])
def test_position_attention_is_equations_6_to_8(M, literal):
    unit = PositionAttention(16, softmax="double" if literal else "single")
    with torch.no_grad():
        unit.alpha.fill_(0.7)
    A, B, value, m = (as_rows(x) for x in (unit.key(M), unit.query(M), unit.value(M), M))
    E = np.empty_like(m)
    for j in range(12):
        p = np.array([B[:, j] @ A[:, i] for i in range(12)])
        mu = softmax(softmax(p)) if literal else softmax(p)
        E[:, j] = 0.7 * sum(mu[i] * value[:, i] for i in range(12)) + m[:, j]
    np.testing.assert_allclose(as_rows(unit(M)), E, atol=1e-5)


def test_position_attention_is_torchs_attention(M):
    unit = PositionAttention(16)
    with torch.no_grad():
        unit.alpha.fill_(1.0)
    query, key, value = (layer(M).flatten(2).transpose(1, 2) for layer in (unit.query, unit.key, unit.value))
    expected = F.scaled_dot_product_attention(query, key, value, scale=1.0).transpose(1, 2).view_as(M) + M
    torch.testing.assert_close(unit(M), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", ["scaled", "raw", "danet"])
def test_channel_attention_is_equations_9_and_10(M, form):
    unit = ChannelAttention(form)
    with torch.no_grad():
        unit.beta.fill_(0.7)
    m = as_rows(M)
    H = np.empty_like(m)
    for j in range(16):
        logits = np.array([m[j] @ m[i] for i in range(16)])
        logits = {"scaled": logits / 12, "raw": logits, "danet": logits.max() - logits}[form]
        x = softmax(logits)
        H[j] = 0.7 * sum(x[i] * m[i] for i in range(16)) + m[j]
    np.testing.assert_allclose(as_rows(unit(M)), H, atol=1e-4)


def test_double_softmax_is_almost_uniform(M):
    mu = PositionAttention(16, softmax="double").weights(10 * M)
    assert (mu.max() / mu.min()).item() <= np.e + 1e-5


def test_scaled_channel_logits_do_not_depend_on_the_size(M):
    twice = torch.cat((M, M), dim=3)  # the same statistics over twice as many positions
    scaled, raw = ChannelAttention("scaled"), ChannelAttention("raw")
    torch.testing.assert_close(scaled.weights(twice), scaled.weights(M))
    assert (raw.weights(twice) - raw.weights(M)).abs().max() > 1e-3


def test_unit_starts_as_a_convolution_of_its_input(M):
    """α = β = 0 at the start: Eq. 11 then reads γ(ε(M) + ε(M)) + M."""
    unit = SelfAttention(16)
    expected = unit.fuse(unit.channel_conv(M) + unit.position_conv(M)) + M
    torch.testing.assert_close(unit(M), expected)


def test_shared_fusion_has_one_convolution_less():
    count = [sum(p.numel() for p in SelfAttention(16, fusion=fusion).parameters()) for fusion in ("separate", "shared")]
    assert count[0] - count[1] == 16 * 16 * 9 + 16


@pytest.mark.parametrize("images", [1, 3])
def test_instance_norm_is_torchs(images):
    x = 5 * torch.randn(images, 4, 6, 5) + 2
    torch.testing.assert_close(InstanceNorm()(x), torch.nn.InstanceNorm2d(4)(x))


def test_sarb_without_attention_keeps_everything_else():
    with_unit, without = SARB(16), SARB(16, attention=False)
    names = {name for name, _ in with_unit.named_parameters()} - {name for name, _ in without.named_parameters()}
    assert names and all(name.startswith("attention.") for name in names)
    assert len(SARM(16)) == 4


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_generator_and_discriminator_sizes_are_those_of_equation_1(size):
    settings = MsgSarlSettings(size=size, width=4)
    images = Generator(3, 1, settings)(torch.zeros(1, 3, size, size))
    assert [tuple(image.shape) for image in images] == [(1, 1, size // k, size // k) for k in (8, 4, 2, 1)]
    assert all(image.abs().max() <= 1 for image in images)
    assert Discriminator(1, settings)(images).shape == (1, 1, size // 8, size // 8)
    assert [tuple(x.shape) for x in pyramid(images[-1], settings)] == [tuple(x.shape) for x in images]


def test_all_eight_ablation_cells_are_built_from_their_switches():
    for name, parts in CELLS.items():
        s = plan("tiny", name).settings
        generator = Generator(3, 1, s)
        attends = any("attention" in parameter for parameter, _ in generator.named_parameters())
        assert (len(generator.to_image) == 3, attends, s.cycle) == parts, name


def test_discriminator_reads_every_scale_with_msg_and_one_without(settings):
    images = [torch.randn(1, 1, s, s, requires_grad=True) for s in (4, 8, 16, 32)]
    Discriminator(1, settings)(images).sum().backward()
    assert all(image.grad.abs().sum() > 0 for image in images)
    alone = dataclasses.replace(settings, msg=False)
    assert not Discriminator(1, alone).from_image


def test_area_pyramid_averages_pixels(settings):
    image = torch.arange(64.0).view(1, 1, 8, 8)
    smallest = pyramid(image, settings)[0]
    assert smallest.item() == pytest.approx(31.5)


@pytest.mark.parametrize("option, value", [
    ("padding", "zeros"), ("upsampling", "bilinear"), ("tap", "before-skip"), ("norm_after_5x5", False),
    ("position_softmax", "double"), ("channel_logits", "raw"), ("fusion", "shared"), ("attention_precision", "fp32"),
    ("initialisation", "kaiming"), ("widths", "1-2-4-4"), ("real_pyramid", "bicubic")])
def test_every_named_choice_changes_something_and_nothing_breaks(settings, option, value):
    def outputs(s):
        torch.manual_seed(0)
        generator = initialise(Generator(3, 1, s), s.initialisation)
        for name, parameter in generator.named_parameters():
            if name.endswith(("alpha", "beta")):
                torch.nn.init.constant_(parameter, 0.5)
        x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        with torch.autocast("cpu", torch.bfloat16, enabled=option == "attention_precision"):
            images = generator(x)
        return [*images, *pyramid(images[-1], s)]

    changed = outputs(dataclasses.replace(settings, **{option: value}))
    assert all(torch.isfinite(image).all() for image in changed)
    assert any(not torch.equal(a, b) for a, b in zip(outputs(settings), changed))


def test_initialisation_draws_the_cited_distribution():
    torch.manual_seed(0)
    network = initialise(Generator(3, 1, MsgSarlSettings(width=16)))
    weights = torch.cat([p.flatten() for n, p in network.named_parameters() if n.endswith("weight") and p.ndim == 4])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert all(p.abs().max() == 0 for n, p in network.named_parameters() if n.endswith(".bias"))


def test_a_discriminator_of_its_own_pyramid_is_msgs_and_sees_the_final_image_alone(settings):
    """Equal layers, but the generator's small images are neither made nor judged."""
    own = dataclasses.replace(settings, msg=False, without_msg="own-pyramid")
    torch.manual_seed(1)
    mine = Discriminator(1, own)
    torch.manual_seed(1)
    theirs = Discriminator(1, settings)
    assert [p.shape for p in mine.parameters()] == [p.shape for p in theirs.parameters()]
    image = torch.randn(1, 1, 32, 32)
    small = [F.avg_pool2d(image, k) for k in (8, 4, 2)]
    torch.testing.assert_close(mine(pyramid(image, own)), theirs([*small, image]))
    assert len(Generator(3, 1, own)(torch.zeros(1, 3, 32, 32))) == 1


def test_the_plain_unit_is_attention_that_looks_at_itself(M, monkeypatch):
    """With identity matrices for weights, the attention unit computes what the plain unit does."""
    unit, plain = SelfAttention(16), PlainUnit(16)
    with torch.no_grad():
        unit.position.alpha.fill_(0.7), unit.channel.beta.fill_(-0.4)
    plain.load_state_dict({"value.weight": unit.position.value.weight, "value.bias": unit.position.value.bias,
                           "alpha": unit.position.alpha, "beta": unit.channel.beta,
                           **{name: value for name, value in unit.state_dict().items()
                              if name.startswith(("position_conv", "channel_conv", "fuse"))}})
    monkeypatch.setattr(PositionAttention, "weights", lambda self, M: torch.eye(12)[None])
    monkeypatch.setattr(ChannelAttention, "weights", lambda self, M: torch.eye(16)[None])
    torch.testing.assert_close(plain(M), unit(M))


def test_the_plain_unit_lacks_the_two_small_convolutions_only():
    sizes = [sum(p.numel() for p in unit.parameters()) for unit in (SelfAttention(64), PlainUnit(64))]
    assert sizes[0] - sizes[1] == 2 * (64 * 8 + 8)
    block = SARB(16, attention=False, instead="residual")
    assert isinstance(block.attention, PlainUnit) and isinstance(SARB(16, attention=False).attention, torch.nn.Identity)
