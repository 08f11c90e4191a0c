"""Reflection padding against torch's own, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lib.model.reflection import _pixels, reflect


@pytest.mark.parametrize("shape, border", [((1, 3, 9, 12), 3), ((2, 5, 4, 4), 1), ((2, 4, 4, 5), 3), ((1, 6, 2, 2), 1),
                                           ((1, 1, 7, 3), 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equal_to_torch_with_its_gradient(shape, border, layout):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.double).contiguous(memory_format=layout).requires_grad_()
    ours, theirs = reflect(x, border), F.pad(x, (border,) * 4, mode="reflect")
    assert torch.equal(ours, theirs)
    weights = torch.randn_like(ours)
    gradients = [torch.autograd.grad(padded, x, weights)[0] for padded in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-14)


def test_both_directions_keep_channels_last():
    """Where a gradient leaves it, everything before pays for the conversion."""
    x = torch.randn(2, 8, 6, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    padded = reflect(x, 1)
    gradient, = torch.autograd.grad(padded, x, torch.randn_like(padded))
    assert padded.is_contiguous(memory_format=torch.channels_last)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_as_one_gather_of_pixels_it_is_the_same():
    """What CUDA does, on a CPU."""
    x = torch.randn(2, 3, 9, 7)
    pixels = x.permute(0, 2, 3, 1).flatten(1, 2)[:, _pixels(9, 7, 3, x.device)]
    assert torch.equal(pixels.unflatten(1, (15, 13)).permute(0, 3, 1, 2), F.pad(x, (3, 3, 3, 3), mode="reflect"))
