"""The eight networks of DRIT: content encoder, attribute encoder, generator, four image discriminators, a content one.

H.-Y. Lee et al., "Diverse Image-to-Image Translation via Disentangled Representations", ECCV 2018; the authors'
program is HsinYingLee/DRIT, in its default form (attributes concatenated, three scales, no spectral norm).

As theirs: every layer, its order, its first weights (``draw_weights``), slopes, paddings, and that neither kind of
discriminator is normalised: the program means to, but compares two strings that are never equal.

Same numbers in fewer operations:
- ``Generator.features`` needs no attribute.  The attribute enters the residual blocks as constant channels; reflected
  borders keep them constant, a convolution makes of them a constant for each channel, and instance normalisation takes
  that away.  So they pass through the identities alone, and one pass serves every attribute of a picture.
- ``AttributeBlock`` joins a 3×3 convolution and the average of 2×2 that follows it to one 4×4 convolution.
- Layer normalisation with a scale for each channel is group normalisation with one group.
- Biases before an instance normalisation are listed, but neither added nor trained (``blocks``).

Not as theirs, at small sizes only: the content discriminator needs a code of 53×53, the third scale of an image
discriminator 61 pixels; below, both lose strided layers (``strided_layers``).  From 212 pixels on nothing differs.
``width`` scales all channels (64: the authors'); the attribute keeps its 8 numbers.

Letters in shapes: B images, w width, S pixels.  Images are (B, 3, S, S) in [-1, 1], S a multiple of 4, at least 16.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.model.reflection import reflect
from lib.rivals.deep.blocks import Conv, Doubling, InstanceNorm, ResidualBlock, Tanh, at_least_single

DOMAINS = ("photo", "sketch")  # A and B in the authors' program
ATTRIBUTE = 8  # numbers in an attribute code
SCALES = 3  # of an image discriminator
ENCODER_SLOPE, SLOPE = 0.2, 0.01  # of the leaky ReLUs: attribute encoder, everything else


class LayerNorm(nn.Module):
    """Every image to mean 0 and variance 1 over all its channels and pixels, then a scale and shift a channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, 1, self.weight.flatten(), self.bias.flatten())


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, *, border: int, normalised: bool = False) -> Conv:
    """Convolution with ``border`` pixels reflected on every side."""
    return Conv(inputs, outputs, kernel, stride, border=border, padding="reflect", normalised=normalised)


def residual(channels: int) -> ResidualBlock:
    return ResidualBlock(channels, InstanceNorm, bias=True)


# Encoders

class ContentEncoder(nn.Module):
    """``forward(domain, image)``: (B, 3, S, S) → content code (B, 4w, S/4, S/4), without the noise of training.

    The last block is shared by the domains.
    """

    def __init__(self, width: int):
        super().__init__()
        w = width
        self.shared = residual(4 * w)
        self.own = nn.ModuleDict({domain: nn.Sequential(
            conv(3, w, 7, border=3), nn.LeakyReLU(SLOPE, True),
            conv(w, 2 * w, 3, stride=2, border=1, normalised=True), InstanceNorm(2 * w), nn.ReLU(True),
            conv(2 * w, 4 * w, 3, stride=2, border=1, normalised=True), InstanceNorm(4 * w), nn.ReLU(True),
            *(residual(4 * w) for _ in range(3))) for domain in DOMAINS})

    def forward(self, domain: str, image: Tensor) -> Tensor:
        return self.shared(self.own[domain](image))


class AttributeBlock(nn.Module):
    """Residual block that halves the size: lReLU, conv3, lReLU, conv3, mean of 2×2; beside it mean of 2×2, conv1."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first, self.second = conv(inputs, inputs, 3, border=1), conv(inputs, outputs, 3, border=1)
        self.shortcut = Conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.leaky_relu(self.first(F.leaky_relu(x, ENCODER_SLOPE)), ENCODER_SLOPE)
        # The mean of four neighbouring 3×3 sums is one 4×4 sum, by the mean of the four shifted kernels.
        kernel = F.avg_pool2d(self.second.weight, 2, stride=1, padding=1)
        inner = F.conv2d(reflect(inner, 1), kernel, self.second.bias, stride=2)
        return inner + self.shortcut(F.avg_pool2d(x, 2))


class AttributeBranch(nn.Module):
    """(B, 3, S, S) → mean and logarithm of the variance of the attribute, (B, 8) each."""

    def __init__(self, width: int):
        super().__init__()
        w = width
        self.mean, self.logvar = nn.Linear(4 * w, ATTRIBUTE), nn.Linear(4 * w, ATTRIBUTE)
        self.layers = nn.Sequential(
            conv(3, w, 4, stride=2, border=1), AttributeBlock(w, 2 * w), AttributeBlock(2 * w, 3 * w),
            AttributeBlock(3 * w, 4 * w), nn.LeakyReLU(ENCODER_SLOPE))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self.layers(image).mean(dim=(2, 3))  # (B, 4w)
        return at_least_single(self.mean(pooled)), at_least_single(self.logvar(pooled))


class AttributeEncoder(nn.Module):
    """``forward(domain, image)``: see ``AttributeBranch``; the domains share nothing."""

    def __init__(self, width: int):
        super().__init__()
        self.own = nn.ModuleDict({domain: AttributeBranch(width) for domain in DOMAINS})

    def forward(self, domain: str, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.own[domain](image)


# Generator

class Decoder(nn.Module):
    """The part of the generator that one domain has for itself; ``Generator`` says what it computes."""

    def __init__(self, width: int):
        super().__init__()
        channels = 4 * width + ATTRIBUTE
        self.blocks = nn.Sequential(*(residual(channels) for _ in range(3)))
        halved = (channels + ATTRIBUTE) // 2
        self.up1 = nn.Sequential(Doubling(channels + ATTRIBUTE, halved, 3), LayerNorm(halved), nn.ReLU(True))
        quartered = (halved + ATTRIBUTE) // 2
        self.up2 = nn.Sequential(Doubling(halved + ATTRIBUTE, quartered, 3), LayerNorm(quartered), nn.ReLU(True))
        self.exit = nn.Sequential(nn.ConvTranspose2d(quartered + ATTRIBUTE, 3, 1), Tanh())

    def paint(self, features: Tensor, attribute: Tensor) -> Tensor:
        z = attribute[:, :, None, None].to(features.dtype)  # (B, 8, 1, 1)
        x = torch.cat((features[:, :-ATTRIBUTE], features[:, -ATTRIBUTE:] + z), dim=1)
        for layer in (self.up1, self.up2, self.exit):
            x = layer(torch.cat((x, z.expand(-1, -1, *x.shape[2:])), dim=1))
        return x


class Generator(nn.Module):
    """Content code and attribute → image of a domain.

    ``forward(domain, code, attribute)``: (B, 4w, S/4, S/4) and (B, 8) → (B, 3, S, S), in three parts:
    ``shared(code)`` is the same for both domains, ``features(domain, shared)`` (B, 4w + 8, S/4, S/4) the same for all
    attributes, ``paint(domain, features, attribute)`` adds the attribute and doubles the size twice.
    """

    def __init__(self, width: int):
        super().__init__()
        self.shared = residual(4 * width)
        self.own = nn.ModuleDict({domain: Decoder(width) for domain in DOMAINS})

    def features(self, domain: str, shared: Tensor) -> Tensor:
        return self.own[domain].blocks(F.pad(shared, (0, 0, 0, 0, 0, ATTRIBUTE)))

    def paint(self, domain: str, features: Tensor, attribute: Tensor) -> Tensor:
        return self.own[domain].paint(features, attribute)

    def forward(self, domain: str, code: Tensor, attribute: Tensor) -> Tensor:
        return self.paint(domain, self.features(domain, self.shared(code)), attribute)


# Discriminators

def strided_layers(size: int) -> tuple[list[int], int]:
    """Strided layers for images of ``size`` pixels: at each scale of an image discriminator, and in the content one.

    The authors': 4 at each of three scales, and 3.  An image discriminator keeps as many as see at least 2 pixels,
    which a border of 1 needs to be reflected; the content discriminator as many as leave 4×4 for its next layer.
    """
    scales, pixels = [], size
    for _ in range(SCALES):
        scales.append(min(4, pixels.bit_length() - 1))
        pixels = (pixels + 1) // 2
    content, code = 0, size // 4
    while content < 3 and (code - 3) // 2 >= 4:
        content, code = content + 1, (code - 3) // 2
    return scales, content


class ImageDiscriminator(nn.Module):
    """(B, 3, S, S) → three patch maps of logits (B, 1, ·, ·), of the image, its half and its quarter."""

    def __init__(self, width: int, size: int):
        super().__init__()
        self.scales = nn.ModuleList(self._scale(width, layers) for layers in strided_layers(size)[0])

    @staticmethod
    def _scale(width: int, layers: int) -> nn.Sequential:
        widths = [3, *(width * 2 ** i for i in range(layers))]
        strided = [layer for i in range(layers) for layer in (
            conv(widths[i], widths[i + 1], 4, stride=2, border=1), nn.LeakyReLU(SLOPE, True))]
        return nn.Sequential(*strided, Conv(widths[-1], 1, 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = []
        for scale in self.scales:
            maps.append(at_least_single(scale(image)))
            image = F.avg_pool2d(image, 3, 2, padding=1, count_include_pad=False)
        return maps


class ContentDiscriminator(nn.Sequential):
    """Content code (B, 4w, S/4, S/4) → logits (B, 1, ·, ·), above 0: of a sketch.  One at 212 and 216 pixels."""

    def __init__(self, width: int, size: int):
        w = 4 * width
        strided = [layer for _ in range(strided_layers(size)[1]) for layer in (
            conv(w, w, 7, stride=2, border=1), nn.LeakyReLU(SLOPE, True))]
        super().__init__(*strided, Conv(w, w, 4, border=0), nn.LeakyReLU(SLOPE, True), Conv(w, 1, 1))

    def forward(self, code: Tensor) -> Tensor:
        return at_least_single(super().forward(code))


def draw_weights(network: nn.Module) -> nn.Module:
    """First weights as theirs: convolutions N(0, 0.02), all else, their biases too, as torch draws it."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
    return network
