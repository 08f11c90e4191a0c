"""The parts of U-GAT-IT's networks against torch's own operators and plain formulas, with their gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lib.rivals.deep.u_gat_it_blocks import Discriminator, EnlargedConv, Generator, SpectralNorm, correlate
from lib.rivals.deep.u_gat_it_norms import Affine, InstanceLayerNorm, InstanceNorm, Moments, instance_layer_norm


def same_with_gradients(ours, plain, *inputs):
    """Both functions of the same inputs give the same value and the same gradients."""
    values, gradients = [], []
    for function in (ours, plain):
        value = function(*inputs)
        weight = torch.linspace(-1, 1, value.numel(), dtype=value.dtype).view(value.shape)
        values.append(value)
        gradients.append(torch.autograd.grad((value * weight).sum(), inputs))
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*gradients)


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def test_norms_are_the_plain_formulas():
    torch.manual_seed(0)
    x, rho, gamma, beta = drawn(2, 5, 4, 6), drawn(1, 5, 1, 1), drawn(2, 5, 1, 1), drawn(2, 5, 1, 1)

    def plain(x, rho, gamma, beta):
        instance, layer = ((x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True) + 1e-5).sqrt()
                           for dims in ((2, 3), (1, 2, 3)))
        return gamma * (rho * instance + (1 - rho) * layer) + beta

    same_with_gradients(instance_layer_norm, plain, x, rho, gamma, beta)
    same_with_gradients(InstanceNorm(), F.instance_norm, x)
    assert torch.autograd.gradcheck(Moments.apply, x)
    assert torch.autograd.gradcheck(Affine.apply, (x, gamma, beta))


def test_enlarged_convolution_is_a_convolution_of_the_enlarged_image():
    torch.manual_seed(0)
    layer = EnlargedConv(3, 4).double()

    def plain(x, weight):
        return F.conv2d(F.pad(F.interpolate(x, scale_factor=2), (1, 1, 1, 1), mode="reflect"), weight)

    def ours(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    same_with_gradients(ours, plain, drawn(2, 3, 5, 4), drawn(4, 3, 3, 3))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("outputs", [2, 200])  # a small weight, and one far larger than the image
def test_correlation_is_torchs(outputs, stride):
    torch.manual_seed(0)
    same_with_gradients(lambda x, weight: correlate(x, weight, stride),
                        lambda x, weight: F.conv2d(x, weight, stride=stride),
                        drawn(2, 3, 8, 6), drawn(outputs, 3, 4, 4))


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 5, 4), nn.Linear(7, 1)])
def test_spectral_norm_is_torchs(layer):
    """Three passes in training mode and one in evaluation mode, and the gradient of 1/σ."""
    torch.manual_seed(0)
    theirs = nn.utils.spectral_norm(copy.deepcopy(layer))
    norm = SpectralNorm(layer.weight)
    norm.u.copy_(theirs.weight_u)
    for training, ours in zip((True, True, True, False), (*norm(layer.weight, 3), *norm.eval()(layer.weight, 1))):
        theirs.train(training)(torch.zeros(1, 3, 4, 4) if isinstance(layer, nn.Conv2d) else torch.zeros(1, 7))
        scale = (theirs.weight / theirs.weight_orig).flatten()[0]  # torch keeps W/σ, not σ
        torch.testing.assert_close(ours, scale)
        # d(W/σ)_00 / dW = ∂W_00/∂W · 1/σ + W_00 · d(1/σ)/dW
        of_ours, = torch.autograd.grad(ours * layer.weight.flatten()[0], layer.weight, retain_graph=True)
        of_theirs, = torch.autograd.grad(theirs.weight.flatten()[0], theirs.weight_orig, retain_graph=True)
        torch.testing.assert_close(of_ours, of_theirs)
    torch.testing.assert_close(norm.u, theirs.weight_u)
    torch.testing.assert_close(norm.v, theirs.weight_v)


def test_passes_that_go_together_are_passes_one_after_the_other():
    torch.manual_seed(0)
    together = Discriminator(4, 4).double()
    alone = copy.deepcopy(together)
    first, second = torch.randn(2, 2, 3, 24, 24, dtype=torch.float64)
    found = together(torch.cat((first, second)), passes=2)
    expected = [torch.cat(parts) for parts in zip(alone(first), alone(second))]
    torch.testing.assert_close(found, tuple(expected))
    for ours, theirs in zip(together.buffers(), alone.buffers()):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bottleneck", [None, 4])
@torch.no_grad()
def test_images_of_a_batch_do_not_meet_in_a_generator(bottleneck):
    torch.manual_seed(0)
    generator = Generator(4, bottleneck).double()
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    for together, *alone in zip(generator.attend(images), *(generator.attend(image[None]) for image in images)):
        torch.testing.assert_close(together, torch.cat(alone))


def test_mixtures_start_near_instance_norm_and_end_within_their_limits():
    generator = Generator(4)
    adaptive = [norm for block in generator.adaptive for norm in (block.norm1, block.norm2)]
    assert all((norm.rho == 0.9).all() for norm in adaptive)
    last = [layer for layer in generator.leave if isinstance(layer, InstanceLayerNorm)]
    assert [(norm.rho.unique().item(), norm.gamma.unique().item(), norm.beta.unique().item()) for norm in last] == [
        (0, 1, 0)] * 2
    for norm, value in zip((*adaptive, *last), torch.linspace(-1, 2, 10)):
        norm.rho.data.fill_(value)
    generator.clip_mixtures()
    assert [norm.rho.unique().item() for norm in (*adaptive, *last)] == pytest.approx(
        [0, 0, 0, 0, 1 / 3, 2 / 3, 1, 1, 1, 1], abs=1e-6)
