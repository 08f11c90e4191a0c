"""PS2MAN, as released and as described, against numbers of its authors' program, and what the trainable promises."""

from __future__ import annotations

import deep_checks as checks
import numpy as np
import oracle_networks as oracle
import pytest
import torch
from PIL import Image
from torch import nn

from lib.base.errors import StudyError
from lib.base.settings import parse
from lib.rivals import deep
from lib.rivals.deep.ps2man import P2S, S2P, SIZES, Ps2man, Ps2manSettings, smaller

SIZE = 64
FORMS = ("described", "released")
ROW = torch.tensor([0])
TARGETS = {P2S: "sketch", S2P: "photo"}


def make(profile: str = "tiny", **changes) -> Ps2man:
    changes = {"precision": "fp32", **changes}
    return Ps2man(Ps2manSettings.at(profile, **changes), torch.device("cpu"))


def named(system: Ps2man) -> dict[str, nn.Module]:
    return {"G_photo_to_sketch": system.generators[P2S], "G_sketch_to_photo": system.generators[S2P],
            **{f"D_{TARGETS[d]}_{size}": system.discriminators[f"{d} {size}"] for d in (S2P, P2S) for size in SIZES}}


def filled(form: str, **changes) -> Ps2man:
    """As the oracle ran it: formula weights, prepared with the pairs of the three training steps."""
    system = make(form=form, size=SIZE, epochs=4, **changes)
    for name, network in named(system).items():
        oracle.fill(network, f"ps2man-{form}", name)
    system.prepare(torch.cat([oracle.photo(SIZE, i) for i in (1, 2, 3)]),
                   torch.cat([oracle.sketch(SIZE, i)[:, :1] for i in (1, 2, 3)]))
    return system


@pytest.fixture(params=FORMS)
def form(request) -> str:
    return request.param


# The authors' numbers

@pytest.mark.parametrize("configuration, size, width", [("small", 64, 8), ("full", 256, 64)])
def test_networks_have_the_authors_parameters(form, configuration, size, width):
    with torch.device("meta"):
        networks = deep.networks("ps2man", size=size, width=width, form=form)
        for name in (f"ps2man-{form}", f"ps2man+form={form}"):
            assert networks.keys() == deep.networks(name, size=size, width=width).keys()
    oracle.check_sizes(networks, f"ps2man-{form}", configuration)
    if configuration == "small":
        oracle.check_shapes(networks, f"ps2man-{form}")


def test_smaller_targets_are_the_authors():
    """Every step's, and the first ones again in outputs.npz; to the last bit."""
    stored = oracle.arrays("steps_targets") | {
        key.removeprefix("ps2man/targets/") + "/step1": array for key, array in oracle.arrays().items()
        if key.startswith("ps2man/targets/")}
    system = filled("described")
    for step in (1, 2, 3):
        views = system.views(torch.tensor([step - 1]), torch.tensor([step - 1]))
        for domain in ("photo", "sketch"):
            for size in ("half", "quarter"):
                np.testing.assert_array_equal(views[domain][size].numpy(), stored[f"{domain}_{size}/step{step}"])


def test_smaller_images_are_cut_to_eight_bits_and_filtered_by_pillow():
    grey = torch.linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32)
    pixels = np.floor((grey[0].permute(1, 2, 0).numpy() + 1) / 2 * 255).astype(np.uint8)
    expected = np.asarray(Image.fromarray(pixels).resize((8, 8), Image.Resampling.BICUBIC)) / 127.5 - 1
    np.testing.assert_allclose(smaller(grey, 4)[0].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_every_output_is_the_authors(form):
    system = filled(form)
    real = system.views(ROW, ROW)
    with torch.no_grad():
        fakes, cycles = system.translations(real)
        found = {}
        for size in SIZES:
            found |= {f"G_photo_to_sketch/fake_sketch_{size}": fakes[P2S][size],
                      f"G_sketch_to_photo/fake_photo_{size}": fakes[S2P][size],
                      f"G_sketch_to_photo/cycle_photo_{size}": cycles[P2S][size],
                      f"G_photo_to_sketch/cycle_sketch_{size}": cycles[S2P][size]}
            for d, source, target in ((P2S, "photo", "sketch"), (S2P, "sketch", "photo")):
                judge = named(system)[f"D_{target}_{size}"]
                for kind, image in (("real", real[target][size]), ("fake", fakes[d][size])):
                    found[f"D_{target}_{size}/{kind}"] = judge(torch.cat((real[source][size], image), 1))
    assert {f"ps2man-{form}/{key}" for key in found} == oracle.output_keys(f"ps2man-{form}")
    for key, output in found.items():
        oracle.check_output(output, f"ps2man-{form}/{key}")
    for d, source in ((P2S, "photo"), (S2P, "sketch")):  # the way that translates skips the smaller exits
        assert torch.equal(system.translate(d, real[source]["full"]), fakes[d]["full"])


def test_every_loss_and_gradient_norm_is_the_authors(form):
    system = filled(form)
    real = system.views(ROW, ROW)
    fakes, cycles = system.translations(real)
    shown = system.fake_pairs(real, fakes)
    losses = system.discriminator_losses(real, shown)
    sum(value for name, value in losses.items() if name.endswith("_total")).backward()
    terms = system.generator_losses(real, fakes, cycles, shown)
    found = losses | terms | {f"gradient_norm/{name}": oracle.gradient_norm(network)
                              for name, network in named(system).items() if name.startswith("D")}
    adversarial = sum(value for name, value in terms.items() if "adversarial" in name)
    assert adversarial.requires_grad == (form == "described")  # released: no gradient to any generator
    for kind, loss in (("gradient_norm", terms["generator/total"]),
                       ("gradient_norm_adversarial_terms_only", adversarial)):
        system.generators.zero_grad()
        if loss.requires_grad:
            loss.backward(inputs=list(system.generators.parameters()), retain_graph=True)
        found |= {f"{kind}/{name}": oracle.gradient_norm(network) for name, network in named(system).items()
                  if name.startswith("G")}
    assert oracle.numbers(found) == pytest.approx(oracle.losses(f"ps2man-{form}", "64px"), rel=1e-9)


def test_three_steps_are_the_authors(form):
    system = filled(form)
    steps = oracle.Steps(f"ps2man-{form}", named(system))
    for i in (1, 2, 3):
        assert system.set_progress(0, i - 1, 3) == 2e-4
        steps.check(i, system.step(torch.tensor([i - 1]), torch.tensor([i - 1])))


# The pools

def test_discriminators_see_the_pools_and_released_generators_do_too(form):
    system = filled(form)
    older = {}  # stand-ins for what six pools might give back, each another
    for i, name in enumerate(system.discriminators, start=1):
        pixels = SIZE // SIZES[name.split()[1]]
        older[name] = torch.full((1, 6, pixels, pixels), 0.1 * i, dtype=torch.float64)
    judged_fake = {name: system.discriminators[name](older[name]).square().mean().item() for name in older}
    for name, pool in system.pools.items():
        pool.exchange = lambda pairs, name=name: older[name]
    system.set_progress(0, 0, 1)
    losses = system.step(ROW, ROW)
    for name in older:
        direction, size = name.split()
        found = losses[f"discriminator/D_{TARGETS[direction]}_{size}_fake"].item()
        assert found == pytest.approx(judged_fake[name], rel=1e-12)
        # Released: the pool's pair, judged in the other domain, after the discriminators' step.
        other = S2P if direction == P2S else P2S
        from_pool = (system.discriminators[f"{other} {size}"](older[name]) - 1).square().mean().item()
        found = losses[f"generator/adversarial_{direction.replace('-', '_')}_{size}"].item()
        assert (found == pytest.approx(from_pool, rel=1e-12)) == (form == "released")


# Schedule, settings, keeping, sizes

def test_rate_never_changes():
    assert {Ps2manSettings(epochs=400).learning_rate_at(epoch) for epoch in range(400)} == {2e-4}


def test_statistics_are_the_images_own_and_released_has_no_others():
    """Batch normalisation of one image at a time, whatever the mode: the program never leaves training mode."""
    system = make(form="released")
    images = torch.linspace(-1, 1, 2 * 3 * 32 * 32).view(2, 3, 32, 32)
    together = system.translate(P2S, images)
    assert torch.equal(together, torch.cat([system.translate(P2S, image) for image in images.split(1)]))
    assert torch.equal(system.generators[P2S].train()(images[:1]), together[:1])
    assert not list(system.generators.buffers())


def test_a_resumed_run_ends_in_the_same_bits(form):
    checks.check_resuming(make, form=form, pool=2)


@pytest.mark.parametrize("profile, changes", [
    ("tiny", {}), ("quick", {}), ("tiny", {"precision": "bf16"}), ("tiny", {"augmentation": "enlarge-crop-flip"}),
    ("tiny", {"augmentation": "crop-flip", "batch": 2}), ("tiny", {"size": 24})])
def test_steps_and_translates(form, profile, changes):
    checks.check_step_and_translation(make(profile, form=form, **changes))


def test_augmented_views_have_targets_of_their_own():
    system = checks.prepared(make(augmentation="enlarge-crop-flip"))
    views = system.views(ROW, ROW)
    for domain in ("photo", "sketch"):
        for size, divisor in SIZES.items():
            expected = smaller(views[domain]["full"], divisor) if divisor > 1 else views[domain]["full"]
            assert torch.equal(views[domain][size], expected)
            assert views[domain][size].shape == (1, 3, 32 // divisor, 32 // divisor)


def test_bf16_is_nearly_fp32(form):
    checks.check_bf16(make, form=form)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(StudyError, match="24"):
        make(size=16)
    with pytest.raises(StudyError, match="unpaired"):
        parse(Ps2manSettings, "pairing", "unpaired")


def test_only_steps_without_decisions_of_the_host_are_recordable():
    assert make(pool=0).recordable
    assert not make().recordable and not make(pool=0, augmentation="crop-flip").recordable
