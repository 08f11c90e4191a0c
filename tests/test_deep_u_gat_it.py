"""U-GAT-IT against the numbers of its authors' program; its sizes, schedule and runs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import oracle_networks as oracle
import pytest
import torch
from torch import nn

from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH, SKETCH_TO_PHOTO
from lib.base.errors import StudyError
from lib.rivals.deep import u_gat_it
from lib.rivals.deep.losses import cross_entropy
from lib.rivals.deep.u_gat_it import UGatIt, UGatItSettings
from lib.rivals.deep.u_gat_it_blocks import Discriminator

SIZE = 128
SMALL = UGatItSettings(size=SIZE, width=8, augmentation="none", precision="fp32", epochs=100)
FULL_FORM = dataclasses.replace(SMALL, size=64, form="full")
CPU = torch.device("cpu")


def by_name(system: UGatIt) -> dict[str, nn.Module]:
    return {"G_photo_to_sketch": system.generators[PHOTO_TO_SKETCH],
            "G_sketch_to_photo": system.generators[SKETCH_TO_PHOTO], **system.discriminators}


def rho_of(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for name, parameter in network.named_parameters() if name.endswith("rho")]


@torch.no_grad()
def fill_spectral_norms(network: Discriminator, name: str, iterated: bool) -> None:
    """The first u of the filling, or that after the power iteration's first step, with its v."""
    rows = [row for row in oracle.parameter_rows("u-gat-it", name).itertuples() if row.name.endswith("weight_orig")]
    weights = dict(zip(oracle.parameter_rows("u-gat-it", name).name, network.parameters()))
    for norm, row in zip(network.norms, rows, strict=True):
        weight = weights[row.name]
        i = np.arange(len(weight))
        u = np.sin(row.phase + 0.37 * i + row.quad * (i % 997) ** 2)
        u /= np.linalg.norm(u)
        if iterated:
            v = np.tensordot(u, weight.numpy(), 1)
            v /= np.linalg.norm(v)
            u = np.tensordot(weight.numpy(), v, v.ndim)
            u /= np.linalg.norm(u)
            norm.v.copy_(torch.from_numpy(v.flatten()))
        norm.u.copy_(torch.from_numpy(u))


def filled(*, iterated: bool) -> UGatIt:
    """The small system with the oracle's weights and images, in double precision."""
    system = UGatIt(SMALL, CPU)
    for name, network in by_name(system).items():
        oracle.fill(network, "u-gat-it", name)
        if isinstance(network, Discriminator):
            fill_spectral_norms(network, name, iterated)
    system.prepare(torch.cat([oracle.photo(SIZE, pair) for pair in (1, 2, 3)]),
                   torch.cat([oracle.sketch(SIZE, pair)[:, :1] for pair in (1, 2, 3)]))
    return system


# Networks

def test_networks_have_the_official_parameters_in_the_official_order():
    small, full_form = u_gat_it.networks(SMALL), u_gat_it.networks(FULL_FORM)
    oracle.check_shapes(small, "u-gat-it")
    oracle.check_buffers(small, "u-gat-it")
    oracle.check_sizes(small, "u-gat-it", "small")
    one = {"G_photo_to_sketch": full_form["G_photo_to_sketch"]}
    oracle.check_shapes(one, "u-gat-it-full")
    oracle.check_sizes(one, "u-gat-it-full", "small")


def test_the_papers_configuration_has_the_official_size():
    with torch.device("meta"):  # shapes alone: no memory
        oracle.check_sizes(u_gat_it.networks(UGatItSettings()), "u-gat-it", "full")
        full_form = u_gat_it.networks(UGatItSettings(form="full"))
        oracle.check_sizes({"G_photo_to_sketch": full_form["G_photo_to_sketch"]}, "u-gat-it-full", "full")


@pytest.fixture(scope="module")
def at_filled_weights():
    """The system, its images, outputs and loss terms at the filled weights; discriminators as after one pass."""
    system = filled(iterated=True)
    system.discriminators.eval()
    real = {"photo": oracle.photo(SIZE), "sketch": oracle.sketch(SIZE)}
    made = {domain: system.translate_to(domain, real) for domain in real}
    fake = {domain: images for domain, (images, _, _) in made.items()}
    terms = system.discriminator_terms(real, {domain: images.detach() for domain, images in fake.items()})
    terms |= system.adversarial_terms(fake) | system.reconstruction_terms(real, made)
    terms |= system.generator_totals(terms)
    return system, real, made, terms


@torch.no_grad()
def test_outputs(at_filled_weights):
    system, real, made, _ = at_filled_weights
    found = {}
    for domain, network in (("sketch", "G_photo_to_sketch"), ("photo", "G_sketch_to_photo")):
        fake, identity, logits = made[domain]
        other = {"photo": "sketch", "sketch": "photo"}[domain]
        direction = {"sketch": PHOTO_TO_SKETCH, "photo": SKETCH_TO_PHOTO}[domain]
        found |= {f"{network}/fake_{domain}": fake, f"{network}/fake_{domain}_cam_logits": logits[:1],
                  f"{network}/fake_{domain}_heatmap": system.attention_map(direction, real[other][:, :1] if
                                                                           other == "sketch" else real[other]),
                  f"{network}/identity_{domain}": identity, f"{network}/identity_{domain}_cam_logits": logits[1:],
                  f"{network}/cycle_{domain}": system.translate(direction, made[other][0])}
        for reach in ("global", "local"):
            name = f"D_{reach}_{domain}"
            judge = system.discriminators[name]
            for kind, outputs in zip(("real", "fake"), zip(*(part.chunk(2) for part in judge(
                    torch.cat((real[domain], fake)))))):
                found |= {f"{name}/{kind}{ending}": output
                          for ending, output in zip(("", "_cam_logits", "_heatmap"), outputs)}
            weights = [p for p, row in zip(judge.parameters(), oracle.parameter_rows("u-gat-it", name).itertuples())
                       if row.name.endswith("weight_orig")]
            found[f"{name}/sigma"] = torch.cat([1 / norm(weight, 1) for norm, weight in zip(judge.norms, weights)])
    assert {f"u-gat-it/{key}" for key in found} == oracle.output_keys("u-gat-it")
    for key, output in found.items():
        oracle.check_output(output, f"u-gat-it/{key}")


@torch.no_grad()
def test_outputs_of_the_full_form():
    network = oracle.fill(u_gat_it.networks(FULL_FORM)["G_photo_to_sketch"], "u-gat-it-full", "G_photo_to_sketch")
    for name, image in (("from_photo", oracle.photo(64)), ("from_sketch", oracle.sketch(64))):
        for ending, output in zip(("", "_cam_logits", "_heatmap"), network.attend(image)):
            oracle.check_output(output, f"u-gat-it-full/G_photo_to_sketch/{name}{ending}")


def test_losses_and_gradients(at_filled_weights):
    system, _, _, terms = at_filled_weights
    networks, found = by_name(system), {name: term.item() for name, term in terms.items()}
    players = {player: {name: network for name, network in networks.items() if name.startswith(letter)}
               for player, letter in (("generator", "G_"), ("discriminator", "D_"))}
    adversarial = sum(term for name, term in terms.items() if name.startswith("generator/") and "adversarial" in name)
    for player, kind, loss in (("generator", "gradient_norm", terms["generator/total"]),
                               ("generator", "gradient_norm_adversarial_terms_only", adversarial),
                               ("discriminator", "gradient_norm", terms["discriminator/total"])):
        system.generators.zero_grad()
        system.discriminators.zero_grad()
        loss.backward(inputs=[p for network in players[player].values() for p in network.parameters()],
                      retain_graph=True)
        found |= {f"{kind}/{name}": oracle.gradient_norm(network) for name, network in players[player].items()}
    expected = oracle.losses("u-gat-it", "light_128px")
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("logit", [-40.0, -25.0, -1.0, 0.0, 1.0, 25.0])
def test_cross_entropy_of_large_logits_is_exact(logit):
    """The authors' loss is torch's, log(1 + exp(∓x)), without the straight line of softplus from 20 on."""
    x = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    for real, sign in ((True, -1), (False, 1)):
        found = cross_entropy(x, real)
        assert found.item() == pytest.approx(max(sign * logit, 0) + math.log1p(math.exp(-abs(logit))), rel=1e-15)
        slope, = torch.autograd.grad(found, x)
        assert slope.item() == pytest.approx(sign / (1 + math.exp(-sign * logit)), rel=1e-15)


@pytest.mark.parametrize("variant", ["u-gat-it", "u-gat-it-rho-at-limits"])
def test_three_training_steps(variant):
    system = filled(iterated=False)
    networks = by_name(system)
    if variant.endswith("limits"):
        for name in ("G_photo_to_sketch", "G_sketch_to_photo"):
            rows = oracle.parameter_rows("u-gat-it", name)
            for rho, row in zip(rho_of(networks[name]), rows[rows.role == "rho"].itertuples(), strict=True):
                i = np.arange(rho.numel())
                values = 0.5 + 0.6 * np.sin(row.phase + 0.37 * i + row.quad * (i % 997) ** 2)
                rho.data.copy_(torch.from_numpy(values.astype(np.float32).clip(0, 1)).view_as(rho))
    steps = oracle.Steps(variant, networks, weights="u-gat-it")
    for step in (1, 2, 3):
        assert system.set_progress(0, step - 1, 3) == 1e-4
        found = system.step(torch.tensor([step - 1]), torch.tensor([step - 1]))
        for name in ("G_photo_to_sketch", "G_sketch_to_photo"):
            rho = torch.cat([parameter.detach().flatten() for parameter in rho_of(networks[name])])
            found |= {f"after/{name}/rho_smallest": rho.min(), f"after/{name}/rho_largest": rho.max()}
        steps.check(step, found)


# Sizes, settings and runs

def test_the_largest_discriminators_that_fit():
    assert u_gat_it.layers(256) == u_gat_it.layers(96) == {"global": 7, "local": 5}
    assert [u_gat_it.layers(size)["global"] for size in (88, 64, 48, 40, 32, 24, 16, 12)] == [6, 6, 6, 5, 5, 5, 4, 4]
    assert [u_gat_it.layers(size)["local"] for size in (88, 64, 32, 16)] == [4, 4, 3, 3]
    for size in range(12, 97, 4):
        judges = u_gat_it.layers(size)
        for count in judges.values():
            Discriminator(1, count)(torch.zeros(1, 3, size, size))
        if judges["global"] < 7:
            with pytest.raises(RuntimeError, match="[Pp]adding"):
                Discriminator(1, judges["global"] + 1)(torch.zeros(1, 3, size, size))


@pytest.mark.parametrize(("epochs", "steps"), [(4, 5), (3, 2), (400, 1), (5, 3), (1, 1)])
def test_learning_rate_falls_as_in_the_authors_loop(epochs, steps):
    settings = UGatItSettings(epochs=epochs)
    rate, half, iteration = 1e-4, epochs * steps // 2, 0
    for epoch in range(epochs):
        for step in range(steps):
            iteration += 1
            if half and iteration > half:
                rate -= 1e-4 / half
            assert settings.learning_rate_at(epoch, step, steps) == pytest.approx(max(rate, 0), abs=1e-15)
    assert settings.learning_rate_at(epochs - 1, steps - 1, steps) == (0 if half else 1e-4)


def run(settings: UGatItSettings, steps: int = 1, **changes) -> tuple[UGatIt, dict]:
    torch.manual_seed(0)
    system = UGatIt(dataclasses.replace(settings, precision="fp32", **changes), CPU)
    size = system.settings.load_size
    system.prepare(torch.rand(3, 3, size, size) * 2 - 1, torch.rand(3, 1, size, size) * 2 - 1)
    return system, go_on(system, range(steps))


def go_on(system: UGatIt, steps: range) -> dict:
    for step in steps:
        system.set_progress(0, step, 8)
        losses = system.step(torch.tensor([step % 3]), torch.tensor([(2 * step + 1) % 3]))
    return losses


@pytest.mark.parametrize(("profile", "changes"), [
    ("tiny", {}), ("quick", {}), ("tiny", {"augmentation": "none", "pairing": "paired"}),
    ("tiny", {"augmentation": "crop-flip"}), ("tiny", {"form": "full"})])
def test_profiles_and_options_train_and_translate(profile, changes):
    system, losses = run(UGatItSettings.at(profile), **changes)
    assert all(torch.isfinite(value) and value.dim() == 0 and not value.requires_grad for value in losses.values())
    assert losses.keys() == {name for name in oracle.losses("u-gat-it", "light_128px") if "gradient" not in name}
    size = system.settings.size
    for direction, images in zip(DIRECTIONS, (torch.rand(2, 3, size, size), torch.rand(2, 1, size, size))):
        translated = system.translate(direction, images)
        assert translated.shape == (2, 3, size, size) and translated.abs().max() <= 1
        attention = system.attention_map(direction, images)
        assert attention.shape == (2, 1, size // 4, size // 4) and attention.min() >= 0
    assert set(system.diagnostics()) == {f"{direction}/rho" for direction in DIRECTIONS}


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(StudyError, match="needs 6"):
        u_gat_it.networks(dataclasses.replace(SMALL, size=4))
    with pytest.raises(StudyError, match="form.*crop-flip.*28 of 32"):
        u_gat_it.networks(UGatItSettings.at("tiny", form="full", augmentation="crop-flip"))


def test_a_resumed_run_ends_in_the_same_bits(tmp_path):
    whole, _ = run(UGatItSettings.at("tiny"), steps=4)
    broken, _ = run(UGatItSettings.at("tiny"), steps=2)
    torch.save(broken.state(), tmp_path / "state.pt")
    resumed, _ = run(UGatItSettings.at("tiny"), steps=1)  # elsewhere in its weights, vectors and draws
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    go_on(resumed, range(2, 4))
    for ours, theirs in zip((*whole.generators.state_dict().items(), *whole.discriminators.state_dict().items()),
                            (*resumed.generators.state_dict().items(), *resumed.discriminators.state_dict().items()),
                            strict=True):
        assert ours[0] == theirs[0] and torch.equal(ours[1], theirs[1]), ours[0]


def test_a_translator_needs_no_discriminators():
    trained, _ = run(UGatItSettings.at("tiny"))
    translator = UGatIt(trained.settings, CPU, training=False)
    translator.load_state(trained.state(training=False))
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(translator.translate(PHOTO_TO_SKETCH, image), trained.translate(PHOTO_TO_SKETCH, image))


def test_steps_in_bf16_are_finite_and_near_those_in_fp32():
    _, exact = run(UGatItSettings.at("tiny"))
    torch.manual_seed(0)
    system = UGatIt(UGatItSettings.at("tiny", precision="bf16"), CPU)
    size = system.settings.load_size
    system.prepare(torch.rand(3, 3, size, size) * 2 - 1, torch.rand(3, 1, size, size) * 2 - 1)
    losses = go_on(system, range(1))
    assert all(value.dtype == torch.float32 for value in losses.values())
    assert {n: v.item() for n, v in losses.items()} == pytest.approx({n: v.item() for n, v in exact.items()}, rel=0.05)
    assert all(losses[name] != exact[name] for name in exact)
    assert all(torch.isfinite(value) for value in go_on(system, range(1, 3)).values())
