"""CycleGAN against the numbers of its authors' program, and what the trainable promises beside them."""

from __future__ import annotations

from collections import Counter

import deep_checks as checks
import oracle_networks as oracle
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lib.base.errors import StudyError
from lib.model import features
from lib.rivals import deep
from lib.rivals.deep.cyclegan import P2S, S2P, CycleGan, CycleGanSettings
from lib.rivals.deep.image_pool import ImagePool

SIZE = 64
P, S = oracle.photo(SIZE), oracle.sketch(SIZE)
ROW = torch.tensor([0])


def make(profile: str = "tiny", **changes) -> CycleGan:
    changes = {"precision": "fp32", **changes}
    return CycleGan(CycleGanSettings.at(profile, **changes), torch.device("cpu"))


def named(system: CycleGan) -> dict[str, nn.Module]:
    return {"G_photo_to_sketch": system.generators[P2S], "G_sketch_to_photo": system.generators[S2P],
            "D_sketch": system.discriminators[P2S], "D_photo": system.discriminators[S2P]}


@pytest.fixture
def filled() -> CycleGan:
    """As the oracle ran it: formula weights, pairs as they are."""
    return fill(make(size=SIZE, epochs=4, augmentation="none"))


def fill(system: CycleGan) -> CycleGan:
    for name, network in named(system).items():
        oracle.fill(network, "cyclegan", name)
    return system


# The authors' numbers

@pytest.mark.parametrize("configuration, size, width", [("small", 64, 8), ("full", 256, 64)])
def test_networks_have_the_authors_parameters(configuration, size, width):
    with torch.device("meta"):
        networks = deep.networks("cyclegan", size=size, width=width)
    oracle.check_sizes(networks, "cyclegan", configuration)
    if configuration == "small":
        oracle.check_shapes(networks, "cyclegan")


def test_every_output_is_the_authors(filled):
    with torch.no_grad():
        F_, H = (filled.generators[d] for d in (P2S, S2P))
        found = {"G_photo_to_sketch/fake_sketch": F_(P), "G_photo_to_sketch/cycle_sketch": F_(H(S)),
                 "G_photo_to_sketch/identity_sketch": F_(S), "G_sketch_to_photo/fake_photo": H(S),
                 "G_sketch_to_photo/cycle_photo": H(F_(P)), "G_sketch_to_photo/identity_photo": H(P)}
        for network, real, fake in (("D_sketch", S, F_(P)), ("D_photo", P, H(S))):
            found |= {f"{network}/real": named(filled)[network](real), f"{network}/fake": named(filled)[network](fake)}
    assert {f"cyclegan/{key}" for key in found} == oracle.output_keys("cyclegan")
    for key, output in found.items():
        oracle.check_output(output, f"cyclegan/{key}")


def test_every_loss_and_gradient_norm_is_the_authors(filled):
    generators = list(filled.generators.parameters())
    terms, fakes = filled.generator_losses({P2S: P, S2P: S}, {P2S: S, S2P: P})
    found = dict(terms)
    adversarial = sum(value for name, value in terms.items() if "adversarial" in name)
    for kind, loss in (("gradient_norm", terms["generator/total"]),
                       ("gradient_norm_adversarial_terms_only", adversarial)):
        filled.generators.zero_grad()
        loss.backward(inputs=generators, retain_graph=True)
        found |= {f"{kind}/{name}": oracle.gradient_norm(network) for name, network in named(filled).items()
                  if name.startswith("G")}
    losses = filled.discriminator_losses({P2S: S, S2P: P}, {d: fake.detach() for d, fake in fakes.items()})
    found |= losses
    for name in ("D_sketch", "D_photo"):
        losses[f"discriminator/{name}_total"].backward()
        found[f"gradient_norm/{name}"] = oracle.gradient_norm(named(filled)[name])
    assert oracle.numbers(found) == pytest.approx(oracle.losses("cyclegan", "64px"), rel=1e-9)


def test_three_steps_are_the_authors(filled):
    pairs = (1, 2, 3)
    filled.prepare(torch.cat([oracle.photo(SIZE, i) for i in pairs]),
                   torch.cat([oracle.sketch(SIZE, i)[:, :1] for i in pairs]))
    steps = oracle.Steps("cyclegan", named(filled))
    for i in pairs:
        assert filled.set_progress(0, i - 1, 3) == 2e-4
        steps.check(i, filled.step(torch.tensor([i - 1]), torch.tensor([i - 1])))


# The image pool

def numbered(i: int) -> torch.Tensor:
    return torch.full((1, 3, 2, 2), float(i))


def test_pool_gives_back_what_it_takes_until_it_is_full():
    pool = ImagePool(3, 0)
    for i in range(3):
        assert torch.equal(pool.exchange(numbered(i)), numbered(i))
    batch = torch.cat([numbered(i) for i in range(3)])
    assert torch.equal(ImagePool(3, 0).exchange(batch), batch)
    assert torch.equal(ImagePool(0, 0).exchange(batch), batch)


def test_full_pool_exchanges_half_of_the_images_for_any_older_one():
    torch.manual_seed(0)
    pool, places, kept = ImagePool(4, 0), Counter(), 0
    for i in range(4):
        pool.exchange(numbered(i))
    for i in range(4, 2004):
        before = [image[0, 0, 0, 0].item() for image in pool.images]
        given = pool.exchange(numbered(i))[0, 0, 0, 0].item()
        after = [image[0, 0, 0, 0].item() for image in pool.images]
        if given == i:
            kept += 1
            assert after == before
        else:
            place = before.index(given)
            places[place] += 1
            assert after == before[:place] + [i] + before[place + 1:]
    # Four standard deviations of a binomial count.
    assert abs(kept - 1000) < 4 * 22.4
    assert sorted(places) == [0, 1, 2, 3] and all(abs(n - 250) < 4 * 14.8 for n in places.values())


def test_pools_draw_from_numbers_of_their_own_and_of_the_run():
    given = []
    for seed, number in ((0, 0), (0, 1), (7, 0), (0, 0)):
        torch.manual_seed(seed)
        pool = ImagePool(4, number)
        given.append([pool.exchange(numbered(i))[0, 0, 0, 0].item() for i in range(60)])
    assert given[0] == given.pop() and all(given.count(images) == 1 for images in given)


def test_discriminators_see_the_pool_and_generators_do_not(filled):
    filled.prepare(P, S[:, :1])
    older = {P2S: oracle.sketch(SIZE, 3), S2P: oracle.photo(SIZE, 3)}
    expected = {d: filled.discriminators[d](older[d]).square().mean().item() for d in older}
    for d, pool in filled.pools.items():
        pool.exchange = lambda images, image=older[d]: image
    filled.set_progress(0, 0, 1)
    losses = filled.step(ROW, ROW)
    assert losses["discriminator/D_sketch_fake"].item() == pytest.approx(expected[P2S], rel=1e-12)
    assert losses["discriminator/D_photo_fake"].item() == pytest.approx(expected[S2P], rel=1e-12)
    authors = oracle.losses("cyclegan", "64px")["generator/adversarial_photo_to_sketch"]
    assert losses["generator/adversarial_photo_to_sketch"].item() == pytest.approx(authors, rel=1e-9)


# Schedule, settings, keeping, sizes

def test_rate_is_constant_then_falls_in_equal_steps():
    settings = CycleGanSettings(epochs=400)
    rates = [settings.learning_rate_at(epoch) for epoch in range(400)]
    # The program's rule for n_epochs = n_epochs_decay = 200, epochs counted from 1 there.
    assert rates == pytest.approx([2e-4 * (1 - max(0, epoch + 1 - 200) / 201) for epoch in range(400)], rel=1e-12)
    assert rates[199] == 2e-4 > rates[200] and rates[-1] == pytest.approx(2e-4 / 201)
    # Of an odd number of epochs the smaller half is constant: n_epochs 2 and n_epochs_decay 3.
    assert [CycleGanSettings(epochs=5).learning_rate_at(epoch) for epoch in range(5)] == pytest.approx(
        [2e-4, 2e-4, 1.5e-4, 1e-4, 0.5e-4])
    system = make(epochs=4)
    for epoch, rate in enumerate([2e-4, 2e-4 * 3 / 3, 2e-4 * 2 / 3, 2e-4 * 1 / 3]):
        assert system.set_progress(epoch, 1, 2) == pytest.approx(rate)
        assert [group["lr"] for optimiser in system.optimisers for group in optimiser.param_groups] == [
            pytest.approx(rate)] * 2


def test_a_resumed_run_ends_in_the_same_bits():
    checks.check_resuming(make, pool=2)


@pytest.mark.parametrize("profile, changes", [
    ("tiny", {}), ("quick", {}), ("tiny", {"precision": "bf16"}), ("tiny", {"pairing": "paired", "batch": 2}),
    ("tiny", {"augmentation": "crop-flip"}), ("tiny", {"augmentation": "none", "identity_share": 0.0}),
    ("tiny", {"size": 24, "augmentation": "none"})])
def test_steps_and_translates(profile, changes):
    checks.check_step_and_translation(make(profile, **changes))


def test_bf16_is_nearly_fp32():
    checks.check_bf16(make)


def test_too_few_pixels_are_refused():
    with pytest.raises(StudyError, match="24"):
        make(size=16)


@pytest.mark.parametrize("system", ["fcn", "ps2man", "pix2pix", "cyclegan", "drit", "u-gat-it"])
@pytest.mark.parametrize("wrong", [{"width": 0}, {"width": -3}, {"width": 8.5}, {"width": "8"}, {"width": None},
                                   {"width": True}, {"size": 0}, {"size": -64}, {"size": 66}, {"size": 64.0}])
def test_no_deep_rival_has_networks_of_such_numbers(system, wrong):
    """66 is no multiple of 4: what was halved twice would not come back at its size."""
    (name, value), = wrong.items()
    with pytest.raises(StudyError, match=f"{name} {value!r} is not possible"):
        deep.networks(system, **{"width": 1, "size": 64} | wrong)


def test_only_steps_without_decisions_of_the_host_are_recordable():
    assert make(augmentation="none", pool=0).recordable
    assert not make(augmentation="none").recordable and not make(pool=0).recordable


class TwoPools(nn.Module):
    """Stands in for a feature network."""

    def forward(self, x, pools):
        assert pools == (2, 5)
        return [F.avg_pool2d(x, 4), F.avg_pool2d(x, 32).square()]


def test_the_perceptual_loss_is_added_where_there_are_pairs(monkeypatch):
    monkeypatch.setattr(features, "load", lambda name: TwoPools())
    system = fill(make(size=SIZE, augmentation="none", pairing="paired", perceptual_weight=10.0))
    terms, fakes = system.generator_losses({P2S: P, S2P: S}, {P2S: S, S2P: P})
    for d, target in ((P2S, S), (S2P, P)):
        pairs = zip(TwoPools()(fakes[d], (2, 5)), TwoPools()(target, (2, 5)))
        expected = sum((a - b).square().mean().item() for a, b in pairs)
        assert terms[f"generator/perceptual_{d.replace('-', '_')}"].item() == pytest.approx(expected, rel=1e-6)
    added = sum(10 * value.item() for name, value in terms.items() if "perceptual" in name)
    authors = oracle.losses("cyclegan", "64px")["generator/total"]
    assert terms["generator/total"].item() == pytest.approx(authors + added, rel=1e-7)  # the added loss is in fp32
    with pytest.raises(StudyError, match="paired"):
        make(perceptual_weight=10.0)
