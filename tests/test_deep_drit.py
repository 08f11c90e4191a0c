"""DRIT against the numbers of its authors' program, and what the trainable promises beside them."""

from __future__ import annotations

import dataclasses

import deep_checks as checks
import oracle_networks as oracle
import pytest
import torch
from torch import nn

from lib.base.errors import StudyError
from lib.rivals.deep import drit_losses
from lib.rivals.deep.drit import Drit, DritSettings, networks
from lib.rivals.deep.drit_networks import DOMAINS, ContentDiscriminator, ImageDiscriminator, strided_layers

CPU = torch.device("cpu")
ROWS = torch.tensor([0, 1])
OFFICIAL = DritSettings(size=212, augmentation="none", precision="fp32")


# Numbers of the authors' program

@pytest.mark.parametrize("configuration, settings", [("full", DritSettings()), ("small", OFFICIAL)])
def test_official_shapes_and_sizes(configuration, settings):
    with torch.device("meta"):
        made = networks(settings)
    oracle.check_shapes(made, "drit")
    oracle.check_sizes(made, "drit", configuration)


@pytest.fixture(scope="module")
def filled():
    """The eight networks, filled; at 212 pixels all have the official layers."""
    return nn.ModuleDict({name: oracle.fill(network, "drit", name) for name, network in networks(OFFICIAL).items()})


def attribute(j: int) -> torch.Tensor:
    return torch.sin(1 + torch.arange(8, dtype=torch.float64) + 1.7 * j).float().double()[None]


def pictures(filled: nn.ModuleDict, size: int, mode_seeking: bool):
    """The oracle's images, the images beside the random pictures, and what encoders and generator make."""
    images, others = ({"photo": oracle.photo(size, pair), "sketch": oracle.sketch(size, pair)} for pair in (1, 2))
    draws = drit_losses.Draws({"photo": attribute(0), "sketch": attribute(1)},
                              [attribute(2), attribute(3)][:1 + mode_seeking],
                              {"photo": attribute(4), "sketch": attribute(5)})
    return images, others, drit_losses.make(filled, images, draws, noise=False)


def check_pictures(filled: nn.ModuleDict, made: drit_losses.Made, system: str) -> set[str]:
    """Compare all that is made with the oracle's arrays; returns their keys."""
    found = {}
    for domain, other in drit_losses.OTHER.items():
        found |= {f"content_encoder/{domain}": made.code[domain], f"attribute_encoder/{domain}_mean": made.mean[domain],
                  f"attribute_encoder/{domain}_logvar": made.logvar[domain],
                  f"attribute_encoder/random_{domain}_mean": made.random_mean[domain],
                  f"generator/{domain}_from_{other}_encoded": made.encoded[domain],
                  f"generator/{domain}_self": made.reconstructed[domain],
                  f"generator/{domain}_cross_cycle": made.cross_cycled[domain],
                  f"generator/{domain}_from_{other}_random": made.random[domain][0],
                  f"generator/{domain}_from_{other}_random2": made.random[domain][1]}
        with torch.no_grad():
            mean, _ = filled["attribute_encoder"](domain, made.encoded[domain])
        found[f"attribute_encoder/fake_{domain}_mean"] = mean
    for key, array in found.items():
        oracle.check_output(array, f"{system}/{key}")
    return {f"{system}/{key}" for key in found}


def test_outputs_at_64_pixels(filled):
    with torch.no_grad():
        images, others, made = pictures(filled, 64, True)
    keys = check_pictures(filled, made, "drit")
    for domain, (of_encoded, of_random) in drit_losses.DISCRIMINATORS.items():
        for key, image in {f"{of_encoded}/real": images[domain], f"{of_random}/real": others[domain],
                           f"{of_encoded}/fake_encoded": made.encoded[domain],
                           f"{of_random}/fake_random": made.random[domain][0]}.items():
            for scale, logits in enumerate(filled[key.split("/")[0]](image)):
                oracle.check_output(logits, f"drit/{key}_scale{scale}")
                keys.add(f"drit/{key}_scale{scale}")
    for size in (53, 64):
        place, channel = (torch.arange(count, dtype=torch.float64) for count in (size, 256))
        code = (0.05 * place + 0.11 * place[:, None] + 0.9 * channel[:, None, None]).sin().float().double()
        oracle.check_output(filled["disContent"](code[None]).flatten(), f"drit/disContent/formula_code_{size}")
        keys.add(f"drit/disContent/formula_code_{size}")
    assert keys == oracle.output_keys("drit")


def gradient_norms(filled: nn.ModuleDict, names: tuple[str, ...], total: torch.Tensor, prefix: str) -> dict[str, float]:
    weights = [list(filled[name].parameters()) for name in names]
    gradients = iter(torch.autograd.grad(total, sum(weights, []), retain_graph=True, allow_unused=True))
    norms = {}
    for name, of_network in zip(names, weights):
        squares = [gradient.square().sum() for _, gradient in zip(of_network, gradients) if gradient is not None]
        norms[f"{prefix}/{name}"] = float(sum(squares).sqrt())
    return norms


def check_numbers(found: dict, expected: dict[str, float]) -> None:
    found = {name: value for name, value in oracle.numbers(found).items() if name in expected}
    assert found == pytest.approx(expected, rel=1e-9)


GENERATING = ("content_encoder", "attribute_encoder", "generator")


@pytest.mark.parametrize("mode_seeking", [True, False])
def test_losses_and_gradients_without_content_adversary(filled, mode_seeking):
    settings = dataclasses.replace(OFFICIAL, size=64, mode_seeking=mode_seeking, content_adversarial_weight=0.0)
    judges = nn.ModuleDict({**filled, "disContent": ContentDiscriminator(64, 64).double()})  # weighs nothing
    images, others, made = pictures(filled, 64, mode_seeking)
    found = drit_losses.image_discriminators(judges, images, others, made)
    pass1, pass2 = drit_losses.pass1(settings, judges, images, made), drit_losses.pass2(settings, judges, made)
    found |= {**pass1, **pass2}
    for name in ("disA", "disB", "disA2", "disB2"):
        found |= gradient_norms(filled, (name,), found[f"discriminator/{name}_total"], "gradient_norm")
    found |= gradient_norms(filled, GENERATING, pass1["generator_pass1/total"], "gradient_norm_pass1")
    found |= gradient_norms(filled, GENERATING, pass2["generator_pass2/total"], "gradient_norm_pass2")
    expected = oracle.losses("drit", f"64px_no_content_adversary_ms_{'on' if mode_seeking else 'off'}")
    check_numbers(found, expected)


def test_content_adversary_at_212_pixels(filled):
    """All that the 64-pixel losses lack: pass 1 with its content terms, the content discriminator and its clipping."""
    images, others, made = pictures(filled, 212, True)
    keys = check_pictures(filled, made, "drit-212px_ms_on")
    for domain in DOMAINS:
        key = f"drit-212px_ms_on/disContent/{domain}_logit"
        oracle.check_output(filled["disContent"](made.code[domain]).flatten(), key)
        keys.add(key)
    assert keys == oracle.output_keys("drit-212px_ms_on")

    found = drit_losses.content_discriminator(filled["disContent"], made.code)
    weights = list(filled["disContent"].parameters())
    found["discriminator/disContent_total"].backward(inputs=weights)
    found["gradient_norm/disContent_before_clipping"] = nn.utils.clip_grad_norm_(weights, OFFICIAL.clip_norm)
    found["gradient_norm/disContent_after_clipping_at_5"] = oracle.gradient_norm(filled["disContent"])
    with torch.no_grad():
        found |= drit_losses.image_discriminators(filled, images, others, made)
        found |= drit_losses.pass2(OFFICIAL, filled, made)
    found |= drit_losses.pass1(OFFICIAL, filled, images, made)
    found |= gradient_norms(filled, GENERATING, found["generator_pass1/total"], "gradient_norm_pass1")
    # Gradients through the other discriminators and of pass 2 know nothing of the content discriminator: 64 pixels do.
    expected = {name: value for name, value in oracle.losses("drit", "212px_ms_on").items()
                if not name.startswith(("gradient_norm/dis", "gradient_norm_pass2")) or "disContent" in name}
    check_numbers(found, expected)


def test_first_weights():
    torch.manual_seed(0)
    for name, network in networks(dataclasses.replace(OFFICIAL, width=16)).items():
        for layer in network.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) and layer.weight.numel() > 2000:
                weights = layer.weight.detach()
                assert abs(weights.mean()) < 0.002 and abs(weights.std() - 0.02) < 0.002, name
                assert layer.bias.abs().max() > 0, name  # torch's own: uniform, not 0


# Runs

def make(profile: str = "tiny", **changes) -> Drit:
    return Drit(DritSettings.at(profile, **{"precision": "fp32", **changes}), CPU)


def test_a_resumed_run_ends_in_the_same_bits():
    checks.check_resuming(make, content_period=2)  # so that what is saved has moments of every network
    checks.check_resuming(make, mode_seeking=False, augmentation="none", pairing="paired")


def test_the_place_in_the_epoch_is_saved():
    first, second = checks.prepared(make(width=1)), checks.prepared(make(width=1))
    for _ in range(2):
        assert "generator_pass1/total" not in first.step(ROWS, ROWS)
    second.load_state(first.state())
    assert "generator_pass1/total" in second.step(ROWS, ROWS)


@pytest.mark.parametrize("profile, changes", [
    ("tiny", {}), ("quick", {}), ("tiny", {"augmentation": "none", "pairing": "paired"}),
    ("tiny", {"augmentation": "enlarge-crop-flip", "mode_seeking": False})])
def test_profiles_train_and_translate(profile, changes):
    checks.check_step_and_translation(make(profile, content_period=1, **changes))


def test_bf16_is_near_fp32():
    checks.check_bf16(make, content_period=1)


@pytest.mark.parametrize("mode_seeking", [True, False])
def test_a_step_reports_every_loss_of_the_oracle(mode_seeking):
    expected = oracle.losses("drit", f"212px_ms_{'on' if mode_seeking else 'off'}")
    losses = checks.take_steps(checks.prepared(make(mode_seeking=mode_seeking)), 2, 3)
    assert set(losses) == {name for name in expected if not name.startswith("gradient_norm")}


@pytest.mark.parametrize("profile", ["tiny", "quick", "probe", "cpu", "paper"])
def test_every_profile_has_discriminators_that_fit(profile):
    settings = DritSettings.at(profile, width=1)
    made = networks(settings)
    assert all(logits.numel() for logits in made["disA"](torch.zeros(1, 3, settings.crop_size, settings.crop_size)))
    assert made["disContent"](torch.zeros(1, 4, settings.crop_size // 4, settings.crop_size // 4)).numel()


def test_layers_of_discriminators_at_small_sizes():
    assert strided_layers(28) == ([4, 3, 2], 0)  # tiny: 32 pixels, cropped to 28
    assert strided_layers(56) == ([4, 4, 3], 1)  # quick
    assert strided_layers(108) == ([4, 4, 4], 2)  # cpu
    assert all(strided_layers(size) == ([4, 4, 4], 3) for size in range(212, 513, 4))
    for size in range(16, 212, 4):  # as many as fit: one more fails
        assert all(logits.numel() for logits in ImageDiscriminator(1, size)(torch.zeros(1, 3, size, size)))
        assert ContentDiscriminator(1, size)(torch.zeros(1, 4, size // 4, size // 4)).numel()
        scales, content = strided_layers(size)
        pixels = [size, (size + 1) // 2, ((size + 1) // 2 + 1) // 2]
        assert all(layers == 4 or side >> layers == 1 for layers, side in zip(scales, pixels))
        code = size // 4
        for _ in range(content):
            code = (code - 3) // 2
        assert content == 3 or (code - 3) // 2 < 4 <= code


def test_settings_that_cannot_be():
    with pytest.raises(StudyError, match="halves"):
        make(batch=3)
    with pytest.raises(StudyError, match="12×12 pixels"):
        networks(DritSettings(size=16))
