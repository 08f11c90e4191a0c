"""Networks that CycleGAN, pix2pix and PS2MAN have in common: layers, the residual trunk, the patch discriminator.

Facts from the authors' programs (junyanz/pytorch-CycleGAN-and-pix2pix and lidan1/PhotoSketchMAN, whose networks descend
from the former).  Parameters enumerate in their order with their shapes.  Letters in shapes: B images, w width, H
image size.

Two things are done otherwise without changing a result.  A convolution's bias before a normalisation has no effect,
for the normalisation subtracts it again; it is listed, as the authors list it, but neither added nor trained.  Of a
single image instance normalisation is batch normalisation by the image's own statistics, which torch computes in any
memory layout.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base.errors import StudyError
from lib.model.reflection import reflect


def at_least_single(x: Tensor) -> Tensor:
    """bf16 → fp32; fp32 and double stay."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def channels_last(images: Tensor) -> Tensor:
    """The memory layout of all networks here: the quickest on both devices."""
    return images.contiguous(memory_format=torch.channels_last)


class Conv(nn.Conv2d):
    """Convolution that pads by half its kernel, or by ``border``.

    ``normalised``: a normalisation follows, so that the bias, if there is one, has no effect.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, border: int | None = None,
                 padding: str = "zeros", bias: bool = True, normalised: bool = False):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if border is None else border, bias=bias,
                         padding_mode=padding)
        self.normalised = normalised

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.normalised else self.bias
        if self.padding_mode == "reflect":
            return F.conv2d(reflect(x, self.padding[0]), self.weight, bias, self.stride)
        return F.conv2d(x, self.weight, bias, self.stride, self.padding)


class Doubling(nn.ConvTranspose2d):
    """Transposed convolution (B, C, h, w) → (B, outputs, 2h, 2w), kernel 3 or 4; ``normalised`` as in ``Conv``."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True, normalised: bool = False):
        super().__init__(inputs, outputs, kernel, stride=2, padding=1, output_padding=4 - kernel, bias=bias)
        self.normalised = normalised

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.normalised else self.bias
        return F.conv_transpose2d(x, self.weight, bias, self.stride, self.padding, self.output_padding)


class InstanceNorm(nn.InstanceNorm2d):
    """Every channel of every image to mean 0 and variance 1; with ``affine`` then scaled and shifted."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            return F.batch_norm(x, None, None, self.weight, self.bias, training=True)
        return super().forward(x)


Norm = Callable[[int], nn.Module]  # channels → normalisation


class Tanh(nn.Module):
    """tanh in at least single precision: what ends a generator."""

    def forward(self, x: Tensor) -> Tensor:
        return at_least_single(x).tanh()


class ResidualBlock(nn.Module):
    """x + norm(conv(ReLU(norm(conv(x))))), 3×3 with reflected borders."""

    def __init__(self, channels: int, norm: Norm, bias: bool):
        super().__init__()
        self.body = nn.Sequential(
            Conv(channels, channels, 3, padding="reflect", bias=bias, normalised=True), norm(channels), nn.ReLU(True),
            Conv(channels, channels, 3, padding="reflect", bias=bias, normalised=True), norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def residual_trunk(width: int, norm: Norm, *, bias: bool, blocks: int = 9) -> nn.Sequential:
    """Image (B, 3, H, H) → features (B, 4w, H/4, H/4): 7×7, two halvings, residual blocks."""
    halvings = [layer for multiple in (1, 2) for layer in (
        Conv(multiple * width, 2 * multiple * width, 3, stride=2, bias=bias, normalised=True),
        norm(2 * multiple * width), nn.ReLU(True))]
    return nn.Sequential(
        Conv(3, width, 7, padding="reflect", bias=bias, normalised=True), norm(width), nn.ReLU(True), *halvings,
        *(ResidualBlock(4 * width, norm, bias) for _ in range(blocks)))


def doubling(inputs: int, norm: Norm) -> nn.Sequential:
    """(B, inputs, h, w) → (B, inputs/2, 2h, 2w), normalised and rectified; the convolution always has a bias."""
    return nn.Sequential(Doubling(inputs, inputs // 2, 3, normalised=True), norm(inputs // 2), nn.ReLU(True))


class PatchDiscriminator(nn.Sequential):
    """Judge overlapping patches: (B, channels, H, H) → (B, 1, ·, ·) in at least single precision.

    4×4 convolutions of doubling width (w, 2w, … at most 8w): ``layers`` of them halve the size, one more keeps it but
    for a pixel, and so does the last, which judges.  Three layers see 70×70 patches, one layer 16×16.  The smallest
    image has ``least_pixels(layers)``.
    """

    def __init__(self, channels: int, width: int, layers: int, norm: Norm, *, bias: bool):
        widths = [width * min(2 ** i, 8) for i in range(layers + 1)]
        normalised = [layer for i in range(layers) for layer in (
            Conv(widths[i], widths[i + 1], 4, stride=2 if i + 1 < layers else 1, border=1, bias=bias, normalised=True),
            norm(widths[i + 1]), nn.LeakyReLU(0.2, True))]
        super().__init__(Conv(channels, width, 4, stride=2, border=1), nn.LeakyReLU(0.2, True), *normalised,
                         Conv(widths[-1], 1, 4, border=1))

    def forward(self, x: Tensor) -> Tensor:
        return at_least_single(super().forward(x))

    @staticmethod
    def least_pixels(layers: int) -> int:
        return 3 * 2 ** layers


def require_pixels(system: str, pixels: int, least: int, part: str) -> None:
    """Refuse a training view that some network cannot take; raises StudyError."""
    if pixels < least:
        raise StudyError(f"{system}: steps that see {pixels}×{pixels} pixels are not possible, {part} needs {least}. "
                         f"Set size to at least {least}, more if the augmentation crops.")
