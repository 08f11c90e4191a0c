"""pix2pix against the numbers of its authors' program, and what the trainable promises beside them."""

from __future__ import annotations

import deep_checks as checks
import oracle_networks as oracle
import pytest
import torch
from torch import nn

from lib.base.errors import StudyError
from lib.base.settings import parse
from lib.rivals import deep
from lib.rivals.deep.pix2pix import P2S, S2P, Pix2Pix, Pix2PixSettings, halvings

SIZE = 64
P, S = oracle.photo(SIZE), oracle.sketch(SIZE)
DOMAIN = {P2S: "sketch", S2P: "photo"}


def make(profile: str = "tiny", **changes) -> Pix2Pix:
    changes = {"precision": "fp32", **changes}
    return Pix2Pix(Pix2PixSettings.at(profile, **changes), torch.device("cpu"))


def named(system: Pix2Pix, direction: str = P2S) -> dict[str, nn.Module]:
    """The networks of a direction under the oracle's names, which are those of photo-to-sketch."""
    return {"G_photo_to_sketch": system.generators[direction], "D_sketch": system.discriminators[direction]}


def filled(direction: str = P2S, **changes) -> Pix2Pix:
    """As the oracle ran it: formula weights, no dropout, pairs as they are; the other direction has other weights."""
    system = make(**(dict(size=SIZE, epochs=4, augmentation="none", dropout=0.0) | changes))
    for part in (system.generators, system.discriminators):
        part.double()
    for name, network in named(system, direction).items():
        oracle.fill(network, "pix2pix", name)
    return system


def of(direction: str, losses: dict) -> dict:
    """The losses of a direction, named as the oracle names those of photo-to-sketch."""
    return {name.removeprefix(f"{direction}/").replace(f"D_{DOMAIN[direction]}", "D_sketch"): value
            for name, value in losses.items() if name.startswith(direction)}


# The authors' numbers

@pytest.mark.parametrize("configuration, size, width", [("small", 64, 8), ("full", 256, 64)])
def test_networks_have_the_authors_parameters(configuration, size, width):
    with torch.device("meta"):
        networks = deep.networks("pix2pix", size=size, width=width)
    oracle.check_sizes(networks, "pix2pix", configuration)
    if configuration == "small":
        oracle.check_shapes(networks, "pix2pix")
        oracle.check_buffers(networks, "pix2pix")


def test_every_output_is_the_authors():
    generator, discriminator = named(filled()).values()
    with torch.no_grad():
        fake = generator(P)
        found = {"G_photo_to_sketch/fake_sketch": fake, "D_sketch/real": discriminator(torch.cat((P, S), 1)),
                 "D_sketch/fake": discriminator(torch.cat((P, fake), 1))}
    assert {f"pix2pix/{key}" for key in found} == oracle.output_keys("pix2pix")
    for key, output in found.items():
        oracle.check_output(output, f"pix2pix/{key}")


def test_every_loss_and_gradient_norm_is_the_authors():
    system = filled()
    networks, source, target = named(system), {P2S: P, S2P: S}, {P2S: S, S2P: P}
    fakes = {d: system.generators[d](source[d]) for d in source}
    losses = of(P2S, system.discriminator_losses(source, target, fakes))
    losses["discriminator/D_sketch_total"].backward()
    losses |= of(P2S, system.generator_losses(source, target, fakes))
    found = {**losses, "gradient_norm/D_sketch": oracle.gradient_norm(networks["D_sketch"])}
    for kind, term in (("gradient_norm", "total"), ("gradient_norm_adversarial_terms_only", "adversarial")):
        system.generators.zero_grad()
        losses[f"generator/{term}"].backward(inputs=list(networks["G_photo_to_sketch"].parameters()), retain_graph=True)
        found[f"{kind}/G_photo_to_sketch"] = oracle.gradient_norm(networks["G_photo_to_sketch"])
    assert oracle.numbers(found) == pytest.approx(oracle.losses("pix2pix", "64px"), rel=1e-9)


@pytest.mark.parametrize("direction", [P2S, S2P])
def test_three_steps_are_the_authors(direction):
    """Either direction, with the domains exchanged for the second: so neither touches the other."""
    system, pairs = filled(direction), (1, 2, 3)
    photos, sketches = (torch.cat([image(SIZE, i) for i in pairs]) for image in (oracle.photo, oracle.sketch))
    system.prepare(*((photos, sketches) if direction == P2S else (sketches, photos)))
    steps = oracle.Steps("pix2pix", named(system, direction))
    for i in pairs:
        assert system.set_progress(0, i - 1, 3) == 2e-4
        losses = system.step(torch.tensor([i - 1]), torch.tensor([i - 1]))
        steps.check(i, of(direction, losses))
        assert len(losses) == 2 * len(of(direction, losses))


# Dropout, and translating as in training

def test_dropout_stands_where_the_authors_have_it():
    """After the doublings between the levels of eight-fold width, not the innermost: three of them at 256 pixels."""
    for size, places in ((256, [1, 2, 3]), (64, [1]), (32, [])):
        up = make(size=size).generators[P2S].up
        assert [i for i, block in enumerate(up) if any(isinstance(layer, nn.Dropout) for layer in block)] == places
        assert all(layer.p == 0.5 for block in up for layer in block if isinstance(layer, nn.Dropout))


def test_an_image_translates_to_the_same_bytes_by_its_name():
    system = checks.prepared(make("quick", epochs=4))
    checks.take_steps(system, 0, 1)
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).view(2, 3, 64, 64)
    state, generator = checks.copied(system.state()), torch.get_rng_state()
    first = system.translate(P2S, images[:1], "face-1")
    torch.rand(7)
    assert torch.equal(system.translate(P2S, images[:1], "face-1"), first)
    assert not torch.equal(system.translate(P2S, images[:1], "face-2"), first)  # dropout is on
    torch.set_rng_state(generator)
    system.translate(P2S, images, "face-1")
    assert torch.equal(torch.get_rng_state(), generator)  # training draws as if nobody had looked
    checks.check_equal(system.state(), state)  # neither weights nor gathered statistics


def test_translating_is_the_network_in_training_mode():
    system = filled()
    images = torch.cat((P, oracle.photo(SIZE, 2)))
    alone = torch.cat([system.generators[P2S](image) for image in images.split(1)])  # statistics of one image
    assert torch.equal(system.translate(P2S, images), alone)
    oracle.check_output(system.translate(P2S, P), "pix2pix/G_photo_to_sketch/fake_sketch")


def test_evaluation_mode_uses_the_gathered_statistics():
    system = filled(testing="evaluation-mode", dropout=0.5)
    network = system.generators[P2S]
    torch.manual_seed(0)
    for _ in range(3):
        network(P)
    found = system.translate(P2S, P, "face-1")
    assert torch.equal(found, system.translate(P2S, P, "face-2"))
    network.eval()
    assert torch.equal(found, network(P))
    network.train()
    assert not torch.allclose(found, network(P), atol=1e-3)


# Schedule, settings, keeping, sizes

def test_rate_is_constant_then_falls_in_equal_steps():
    settings = Pix2PixSettings(epochs=200)
    # The program's rule for n_epochs = n_epochs_decay = 100.
    expected = [2e-4 * (1 - max(0, epoch + 1 - 100) / 101) for epoch in range(200)]
    assert [settings.learning_rate_at(epoch) for epoch in range(200)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size, times", [(256, 8), (128, 7), (64, 6), (32, 5), (96, 5), (512, 8), (40, 3)])
def test_images_are_halved_as_often_as_they_can_be(size, times):
    assert halvings(size) == times
    with torch.device("meta"):
        generator = deep.networks("pix2pix", size=size, width=8)["G_photo_to_sketch"]
        assert generator(torch.zeros(2, 3, size, size)).shape == (2, 3, size, size)
    assert len(generator.down) == times


def test_a_resumed_run_ends_in_the_same_bits():
    checks.check_resuming(lambda **changes: make("quick", **changes), epochs=4)


@pytest.mark.parametrize("profile, changes", [
    ("tiny", {}), ("quick", {}), ("tiny", {"precision": "bf16"}), ("tiny", {"augmentation": "none", "batch": 2}),
    ("tiny", {"testing": "evaluation-mode"}), ("tiny", {"size": 24, "augmentation": "none"})])
def test_steps_and_translates(profile, changes):
    checks.check_step_and_translation(make(profile, **changes))


def test_bf16_is_nearly_fp32():
    checks.check_bf16(make, dropout=0.0)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(StudyError, match="24"):
        make(size=16)
    with pytest.raises(StudyError, match="dropout: 1.5"):
        make(dropout=1.5)
    for name, value in (("pairing", "unpaired"), ("augmentation", "crop-flip")):
        with pytest.raises(StudyError, match=value):
            parse(Pix2PixSettings, name, value)


def test_only_steps_without_decisions_of_the_host_are_recordable():
    assert make(augmentation="none").recordable and not make().recordable
