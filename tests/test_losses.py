"""Losses against closed forms and piq; the one-pass step against a plain two-pass one."""

from __future__ import annotations

import copy
import dataclasses

import piq
import pytest
import torch

from lib.model import losses
from lib.model.discriminator import pyramid
from lib.model.msg_sarl import P2S, S2P, MsgSarl

pytestmark = pytest.mark.trains


def test_least_squares_gan_at_its_corners():
    one, zero = torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    assert losses.discriminator_loss(one, zero) == 0  # real judged real, fake judged fake
    assert losses.discriminator_loss(zero, one) == 1
    assert losses.adversarial_loss(one) == 0 and losses.adversarial_loss(zero) == 1


def test_total_variation_of_a_ramp_and_against_piq():
    ramp = torch.arange(5.0).repeat(1, 1, 4, 1)  # 4 rows of 4 unit steps
    assert losses.total_variation_loss(ramp).item() == 16
    x = torch.rand(2, 3, 9, 7)
    expected = piq.total_variation(x, reduction="mean", norm_type="l2_squared")
    assert losses.total_variation_loss(x).item() == pytest.approx(expected.item(), rel=1e-5)


def test_perceptual_and_cycle_losses_have_closed_forms():
    a, b = torch.zeros(1, 2, 3, 3), torch.full((1, 2, 3, 3), 2.0)
    assert losses.perceptual_loss([a, a], [b, a]) == 4  # summed over layers, averaged within each
    assert losses.cycle_loss(a, b) == 2


def test_one_pass_step_gives_the_gradients_of_two_passes(settings):
    """The step judges each fake once for both players; the textbook judges it twice, detached for D."""
    torch.manual_seed(0)
    settings = dataclasses.replace(settings, precision="fp32")  # as the plain step below
    method = MsgSarl(settings, torch.device("cpu"))
    twin = copy.deepcopy({"g": method.generators, "d": method.discriminators})
    photos, sketches = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 1, 32, 32) * 2 - 1
    method.prepare(photos, sketches)
    method.step(*torch.tensor([[0, 1]] * 2))

    G, D = twin["g"], twin["d"]
    source, target = {P2S: photos, S2P: sketches}, {P2S: sketches, S2P: photos}
    scales = {d: G[d](source[d]) for d in G}
    generator_loss = 0
    for d, back in ((P2S, S2P), (S2P, P2S)):
        fake = scales[d][-1]
        generator_loss += (D[d](scales[d]) - 1).square().mean()
        ours, theirs = method.features(fake, (2, 5)), method.features(target[d], (2, 5))
        generator_loss += 10 * sum((a - b).square().mean() for a, b in zip(ours, theirs))
        generator_loss += 1e-4 * losses.total_variation_loss(fake)
        generator_loss += 10 * (G[back](fake)[-1] - source[d]).abs().mean()
    generator_loss.backward()
    D.zero_grad()
    for d in D:
        fake = [image.detach() for image in scales[d]]
        loss = (D[d](pyramid(target[d], settings)) - 1).square().mean() + D[d](fake).square().mean()
        (0.5 * loss).backward()

    for mine, plain in ((method.generators, G), (method.discriminators, D)):
        for (name, a), b in zip(mine.named_parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad, atol=2e-5, rtol=2e-3, msg=lambda text: f"{name}: {text}")


def test_step_updates_both_players(settings):
    torch.manual_seed(0)
    method = MsgSarl(settings, torch.device("cpu"))
    networks = torch.nn.ModuleList((method.generators, method.discriminators))
    # Behind α = 0 nothing can move in the first step; α itself does.
    kernels = {n: p for n, p in networks.named_parameters() if p.ndim == 4 and ".position." not in n}
    before = {name: kernel.detach().clone() for name, kernel in kernels.items()}
    method.prepare(torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 1, 32, 32) * 2 - 1)
    terms = method.step(*torch.tensor([[1]] * 2))
    assert [name for name in kernels if torch.equal(before[name], kernels[name])] == []
    assert all(value != 0 for value in method.diagnostics().values())
    assert all(torch.isfinite(value) for value in terms.values()) and len(terms) == 14


def test_kept_target_features_are_those_of_the_rows(settings):
    torch.manual_seed(0)
    method = MsgSarl(settings, torch.device("cpu"))
    photos, sketches = torch.rand(3, 3, 32, 32) * 2 - 1, torch.rand(3, 1, 32, 32) * 2 - 1
    method.prepare(photos, sketches)
    for direction, targets in ((P2S, sketches), (S2P, photos)):
        for kept, fresh in zip(method.target_features[direction], method.features(targets[2:], method.pools)):
            torch.testing.assert_close(kept[2:], fresh)


def test_without_the_cycle_the_directions_share_nothing(settings):
    import dataclasses

    torch.manual_seed(0)
    method = MsgSarl(dataclasses.replace(settings, cycle=False), torch.device("cpu"))
    photos, sketches = torch.rand(1, 3, 32, 32) * 2 - 1, torch.rand(1, 1, 32, 32) * 2 - 1
    method.prepare(photos, sketches)
    terms = method.step(*torch.tensor([[0]] * 2))
    assert not any("cycle" in name for name in terms)
    first = [p.grad.clone() for p in method.generators[P2S].parameters()]
    torch.manual_seed(0)
    method = MsgSarl(dataclasses.replace(settings, cycle=False), torch.device("cpu"))
    with torch.no_grad():
        for p in method.generators[S2P].parameters():
            p.zero_()
    method.prepare(photos, sketches)
    method.step(*torch.tensor([[0]] * 2))
    assert all(torch.equal(a, b.grad) for a, b in zip(first, method.generators[P2S].parameters()))


@pytest.mark.parametrize("changes", [dict(msg=False, without_msg="own-pyramid"),
                                     dict(attention=False, without_attention="residual")])
def test_stand_ins_for_ablated_parts_train(settings, changes):
    torch.manual_seed(0)
    method = MsgSarl(dataclasses.replace(settings, **changes), torch.device("cpu"))
    before = [p.detach().clone() for p in method.discriminators.parameters()]
    method.prepare(torch.rand(1, 3, 32, 32) * 2 - 1, torch.rand(1, 1, 32, 32) * 2 - 1)
    method.step(*torch.tensor([[0]] * 2))
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in method.generators.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, method.discriminators.parameters())
               if old.ndim == 4)


def test_discriminators_may_have_a_rate_of_their_own(settings):
    method = MsgSarl(dataclasses.replace(settings, discriminator_rate=0.2), torch.device("cpu"))
    method.set_progress(0, 0, 1)
    assert [group["lr"] for optimiser in method.optimisers for group in optimiser.param_groups] == pytest.approx(
        [1e-3, 2e-4])


def test_gradient_norms_are_those_of_the_last_backward_pass(settings):
    torch.manual_seed(0)
    method = MsgSarl(settings, torch.device("cpu"))
    method.prepare(torch.rand(1, 3, 32, 32) * 2 - 1, torch.rand(1, 1, 32, 32) * 2 - 1)
    terms = method.step(*torch.tensor([[0]] * 2))
    for player, networks in (("generator", method.generators), ("discriminator", method.discriminators)):
        for d in networks:
            squares = sum((p.grad.double() ** 2).sum().item() for p in networks[d].parameters())
            assert terms[f"{d}/{player}_gradient"].item() == pytest.approx(squares ** 0.5, rel=1e-5)
