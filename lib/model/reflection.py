"""Reflection padding that keeps the channels-last layout in both directions, and is fast in both on either device.

torch's own pads as fast as memory allows, but on a CPU its gradient goes pixel by pixel, and on CUDA the gradient
is not reproducible.  So on a CPU the gradient is written out: the inner part plus what the border reflects, added row
by row and column by column.  On CUDA padding is one gather of whole pixels.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F


def reflect(x: Tensor, border: int) -> Tensor:
    """(B, C, H, W) → (B, C, H + 2·border, W + 2·border), equal to ``F.pad(mode="reflect")``; border < H, W."""
    if not x.is_cuda:
        return _Reflect.apply(x, border)
    height, width = x.shape[2:]
    pixels = x.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, _pixels(height, width, border, x.device))
    return pixels.unflatten(1, (height + 2 * border, width + 2 * border)).permute(0, 3, 1, 2)


class _Reflect(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, border: int) -> Tensor:
        ctx.border = border
        return F.pad(x, (border,) * 4, mode="reflect")

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        border = ctx.border
        for dim in (2, 3):
            size = gradient.shape[dim] - 2 * border
            inner = gradient.narrow(dim, border, size).clone(memory_format=torch.channels_last)
            # Pixel i of the first border stands for pixel border - i of the image, and so backwards at the other end.
            inner.narrow(dim, 1, border).add_(gradient.narrow(dim, 0, border).flip(dim))
            inner.narrow(dim, size - 1 - border, border).add_(gradient.narrow(dim, size + border, border).flip(dim))
            gradient = inner
        return gradient, None


@lru_cache(maxsize=None)
def _pixels(height: int, width: int, border: int, device: torch.device) -> Tensor:
    """For every padded pixel, row by row, the number of the pixel that it shows."""
    rows, columns = (size - 1 - (size - 1 - torch.arange(-border, size + border).abs()).abs()
                     for size in (height, width))
    return (rows[:, None] * width + columns).flatten().to(device)
