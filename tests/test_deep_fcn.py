"""FCN against loops over pixels, sums by hand and closed forms: no program of its authors is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH, SKETCH_TO_PHOTO
from lib.base.errors import StudyError
from lib.base.settings import parse
from lib.rivals.deep import fcn
from lib.rivals.deep.fcn import Fcn, FcnSettings

CPU = torch.device("cpu")
TINY = FcnSettings.at("tiny", precision="fp32")


def made(pairs: int = 4, **changes) -> Fcn:
    torch.manual_seed(0)
    system = Fcn(dataclasses.replace(TINY, **changes), CPU)
    size = system.settings.load_size
    system.prepare(torch.rand(pairs, 3, size, size) * 2 - 1, torch.rand(pairs, 1, size, size) * 2 - 1)
    return system


def go_on(system: Fcn, steps: range, batch: int = 1) -> dict:
    for step in steps:
        system.set_progress(0, step, 8)
        rows = (torch.arange(batch) + step) % len(system.pairs.photos)
        losses = system.step(rows, rows)
    return losses


# Networks

@pytest.mark.parametrize(("width", "expected"), [
    # Weights and biases, layer by layer: 5·5·3·64 + 64, 3·3·64·64 + 64 twice, 64·32 + 32, 3·3·32·32 + 32, 5·5·32·n + n.
    (64, {"G_photo_to_sketch": 4864 + 2 * 36928 + 2080 + 9248 + 801,
          "G_sketch_to_photo": 4864 + 2 * 36928 + 2080 + 9248 + 2403}),
    (8, {"G_photo_to_sketch": 608 + 2 * 584 + 36 + 148 + 101, "G_sketch_to_photo": 608 + 2 * 584 + 36 + 148 + 303})])
def test_parameters_are_those_of_the_listed_layers(width, expected):
    networks = fcn.networks(FcnSettings(width=width))
    assert {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()} == expected
    kernels = [tuple(layer.weight.shape) for layer in networks["G_photo_to_sketch"] if hasattr(layer, "weight")]
    assert kernels == [(width, 3, 5, 5), (width, width, 3, 3), (width, width, 3, 3), (width // 2, width, 1, 1),
                       (width // 2, width // 2, 3, 3), (1, width // 2, 5, 5)]


def convolved(image: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(C, H, W), over borders that are mirrored without repeating the outermost pixel."""
    border = weight.shape[-1] // 2
    padded = np.pad(image, ((0, 0), (border, border), (border, border)), mode="reflect")
    result = np.empty((len(weight), *image.shape[1:]))
    for y, x in np.ndindex(*image.shape[1:]):
        patch = padded[:, y:y + 2 * border + 1, x:x + 2 * border + 1]
        result[:, y, x] = [(patch * kernel).sum() for kernel in weight] + bias
    return result


@torch.no_grad()
def test_network_is_six_convolutions_with_relu_in_between():
    torch.manual_seed(0)
    network = fcn.Network(4, 3).double()
    for parameter in network.parameters():  # biases too, which start at 0
        parameter.add_(0.1 * torch.randn_like(parameter))
    image = torch.rand(1, 3, 7, 9, dtype=torch.float64) * 2 - 1
    parameters = [parameter.numpy() for parameter in network.parameters()]
    expected = image[0].numpy()
    for layer in range(6):
        expected = convolved(expected, *parameters[2 * layer:2 * layer + 2])
        if layer < 5:
            expected = expected.clip(0)
    np.testing.assert_allclose(network(image)[0].numpy(), expected, atol=1e-12)
    assert expected.min() < 0  # nothing after the last layer rectifies


def test_an_output_pixel_sees_15_by_15_pixels():
    torch.manual_seed(0)
    network = fcn.Network(16, 1)
    image = torch.rand(1, 3, 40, 40, requires_grad=True)
    network(image)[0, 0, 20, 21].backward()
    rows, columns = image.grad.abs().sum((0, 1)).nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20 - 7, 20 + 7, 21 - 7, 21 + 7)


def test_first_weights_keep_the_scale_and_differ_between_directions():
    torch.manual_seed(0)
    networks = fcn.networks(FcnSettings())
    image = torch.randn(1, 3, 64, 64)
    for network in networks.values():
        assert 1 / 3 < network(image).std() < 3  # torch's own first weights: 0.004
    assert not torch.equal(*(network[0].weight for network in networks.values()))


# Losses

def test_losses_by_hand():
    system = made(discriminative_weight=0.25)
    shape = (1, 1, 2, 2)
    image = {PHOTO_TO_SKETCH: torch.full(shape, 0.5), SKETCH_TO_PHOTO: torch.full((1, 3, 2, 2), -1.0)}
    target = {PHOTO_TO_SKETCH: torch.full((1, 3, 2, 2), 0.0),
              SKETCH_TO_PHOTO: torch.tensor([0.0, 1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)}
    other = {PHOTO_TO_SKETCH: torch.full((1, 3, 2, 2), -0.5), SKETCH_TO_PHOTO: torch.full((1, 3, 2, 2), 1.0)}
    found = {name: value.item() for name, value in system.losses(image, target, other).items()}
    assert found == pytest.approx({
        "photo-to-sketch/own": 0.25, "photo-to-sketch/other": 1.0,
        "sketch-to-photo/own": (1 + 4 + 0) / 3, "sketch-to-photo/other": 4.0,
        "total": 0.25 + 5 / 3 - 0.25 * (1.0 + 4.0)})
    alone = {name: value.item() for name, value in system.losses(image, target, None).items()}
    assert alone == pytest.approx({"photo-to-sketch/own": 0.25, "sketch-to-photo/own": 5 / 3, "total": 0.25 + 5 / 3})


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_a_step_is_adams_on_these_losses(weight):
    """With betas 0 and rate r, Adam moves every weight by r · sign(gradient)."""
    system = made(pairs=2, discriminative_weight=weight, beta1=0.0, beta2=0.0)
    before = [parameter.detach().clone() for parameter in system.generators.parameters()]
    photos, sketches = (images.clone() for images in (system.pairs.photos, system.pairs.sketches))
    loss = sum(((system.generators[direction](source[:1]) - target[:1]).square().mean()
                - weight * (system.generators[direction](source[:1]) - target[1:]).square().mean())
               for direction, source, target in ((PHOTO_TO_SKETCH, photos, sketches[:, :1]),
                                                 (SKETCH_TO_PHOTO, sketches, photos)))
    gradients = torch.autograd.grad(loss, list(system.generators.parameters()))
    system.set_progress(0, 0, 8)
    found = system.step(torch.tensor([0]), torch.tensor([0]))
    assert found["total"].item() == pytest.approx(loss.item(), rel=1e-5)
    for old, new, gradient in zip(before, system.generators.parameters(), gradients):
        clear = gradient.abs() > 1e-5
        torch.testing.assert_close((new - old)[clear], -1e-3 * gradient[clear].sign(), atol=1e-5, rtol=0)


def test_another_person_is_never_oneself_and_all_others_are_equally_likely():
    system = made(pairs=5)
    rows = torch.arange(5).repeat(2000)
    others = system.other_rows(rows)
    counts = torch.zeros(5, 5).index_put_((rows, others), torch.ones(len(rows)), accumulate=True)
    assert (counts.diagonal() == 0).all()
    assert (counts[~torch.eye(5, dtype=bool)] - 500).abs().max() < 5 * (2000 * 0.25 * 0.75) ** 0.5  # 5 deviations


def test_the_discriminative_part_exaggerates_what_distinguishes():
    """Minimising (x − own)² − α (x − other)² over x gives own + α / (1 − α) · (own − other)."""
    system = made(discriminative_weight=0.2)
    own, other = torch.tensor(0.3), torch.tensor(-0.1)
    x = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.SGD([x], 0.5)
    for _ in range(100):
        optimiser.zero_grad()
        images = ({PHOTO_TO_SKETCH: value.expand(1, 1, 1, 1)} for value in (x, own, other))
        system.losses(*images)["total"].backward()
        optimiser.step()
    assert x.item() == pytest.approx(0.3 + 0.25 * 0.4, abs=1e-5)


# Settings and runs

def test_learning_rate_is_a_geometric_sequence():
    settings = FcnSettings(epochs=3)
    rates = np.array([settings.learning_rate_at(epoch, step, 5) for epoch in range(3) for step in range(5)])
    np.testing.assert_allclose(rates, np.geomspace(1e-3, 1e-5, 15), rtol=1e-12)
    assert FcnSettings(epochs=1).learning_rate_at(0) == 1e-3


@pytest.mark.parametrize(("profile", "changes"), [
    ("tiny", {}), ("quick", {}), ("tiny", {"augmentation": "enlarge-crop-flip"}),
    ("tiny", {"augmentation": "crop-flip"}), ("tiny", {"discriminative_weight": 0.0}), ("tiny", {"width": 1})])
def test_profiles_and_options_train_and_translate(profile, changes):
    settings = FcnSettings.at(profile, precision="fp32", **changes)
    system = made(**dataclasses.asdict(settings))
    losses = go_on(system, range(2), batch=2)
    assert all(torch.isfinite(value) and value.dim() == 0 and not value.requires_grad for value in losses.values())
    assert ("photo-to-sketch/other" in losses) == bool(settings.discriminative_weight)
    for direction, images, channels in zip(DIRECTIONS, (torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32)), (1, 3)):
        assert system.translate(direction, images).shape == (2, channels, 32, 32)


def test_it_learns():
    """The sketch is the inverted brightness of a smooth photo: a function of the pixel that a few steps find."""
    torch.manual_seed(0)
    system = Fcn(dataclasses.replace(TINY, epochs=40), CPU)
    photos = F.interpolate(torch.rand(4, 3, 4, 4) * 2 - 1, size=32, mode="bicubic")
    sketches = -photos.mean(1, keepdim=True)
    system.prepare(photos, sketches)
    for epoch in range(40):
        for row in range(4):
            system.set_progress(epoch, row, 4)
            system.step(torch.tensor([row]), torch.tensor([row]))
    error = (system.translate(PHOTO_TO_SKETCH, photos) - sketches).square().mean()
    assert error < 0.1 * sketches.var()


def test_a_resumed_run_ends_in_the_same_bits(tmp_path):
    whole, broken, resumed = made(), made(), made()
    go_on(whole, range(4))
    go_on(broken, range(2))
    torch.save(broken.state(), tmp_path / "state.pt")
    go_on(resumed, range(3))  # elsewhere in its weights and draws
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    go_on(resumed, range(2, 4))
    for ours, theirs in zip(whole.generators.parameters(), resumed.generators.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_steps_in_bf16_are_finite_and_near_those_in_fp32():
    exact, rough = (go_on(made(precision=precision), range(1)) for precision in ("fp32", "bf16"))
    assert all(value.dtype == torch.float32 for value in rough.values())
    assert {n: v.item() for n, v in rough.items()} == pytest.approx({n: v.item() for n, v in exact.items()}, rel=0.05)
    assert all(rough[name] != exact[name] for name in exact)


def test_what_cannot_be_minimised_is_refused():
    with pytest.raises(StudyError, match="discriminative_weight: 1.0"):
        made(discriminative_weight=1.0)
    with pytest.raises(StudyError, match="one training pair"):
        made(pairs=1)
    made(pairs=1, discriminative_weight=0.0)
    with pytest.raises(StudyError, match="unpaired"):
        parse(FcnSettings, "pairing", "unpaired")
