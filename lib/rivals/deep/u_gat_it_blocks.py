"""U-GAT-IT's two kinds of network: generators with class activation maps and AdaILN, spectrally normalised judges.

Letters in shapes: B images, C channels, H × W positions, S the image size, w the width (64 in the paper).
Convolutions reflect at borders.  Parameters are registered in the order of the authors' program.  First weights are
torch's own, as theirs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.model.attention import full_precision
from lib.rivals.deep.blocks import Conv, Tanh, at_least_single, reflect
from lib.rivals.deep.u_gat_it_norms import InstanceLayerNorm, InstanceNorm, Mixture

BLOCKS = 4  # residual blocks before the bottleneck, and as many adaptive ones after it


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Conv:
    return Conv(inputs, outputs, kernel, stride, padding="reflect", bias=False)


# The generator

class ClassActivation(nn.Module):
    """Class activation map: how much each channel tells of the domain weighs it (the paper's attention).

    Two linear classifiers read the mean and the maximum of every channel; their weights α and μ multiply the
    features, and a 1×1 convolution joins both versions.  ``forward(x, gains)``: x (B, C, H, W), ``gains`` by which
    the two logits are multiplied, (B,) each → logits (B, 2) and joined features (B, C, H, W) before the activation.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.average, self.maximum = (nn.Linear(channels, 1, bias=False) for _ in range(2))
        self.join = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor, gains: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        pooled = at_least_single(x).mean((2, 3)), F.adaptive_max_pool2d(x, 1).flatten(1)
        weights = self.average.weight, self.maximum.weight  # α and μ, (1, C)
        logits = torch.stack([(part * weight).sum(1) for part, weight in zip(pooled, weights)], dim=1)
        if gains:
            logits = logits * torch.stack(gains, dim=1)
        # M [α·x, μ·x] = (M_α·α + M_μ·μ) x: half the products, and neither α·x nor μ·x is ever stored.
        of_average, of_maximum = self.join.weight.chunk(2, dim=1)  # (C, C, 1, 1)
        alpha, mu = (weight[:, :, None, None] for weight in weights)
        return logits, F.conv2d(x, of_average * alpha + of_maximum * mu, self.join.bias)


class EnlargedConv(nn.Conv2d):
    """3×3 convolution, with reflected borders, of the image enlarged twice by repeating pixels; it has no bias.

    (B, inputs, h, w) → (B, outputs, 2h, 2w), computed as a transposed convolution of the small image: repeated pixels
    share sums of weights, so that 16 products take the place of 36.  Reflecting the enlarged border repeats it.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.flip(2, 3).transpose(0, 1)
        kernel = F.pad(kernel, (0, 1)) + F.pad(kernel, (1, 0))  # two columns that repeat a pixel
        kernel = F.pad(kernel, (0, 0, 0, 1)) + F.pad(kernel, (0, 0, 1, 0))  # two rows
        for dim in (2, 3):
            x = torch.cat((x.narrow(dim, 0, 1), x, x.narrow(dim, -1, 1)), dim)
        return F.conv_transpose2d(x, kernel, stride=2, padding=3)


class ResidualBlock(nn.Sequential):
    """x + IN(conv(ReLU(IN(conv(x)))))."""

    def __init__(self, channels: int):
        super().__init__(*conv_norm_relu(channels, channels, 3), conv(channels, channels, 3),
                         InstanceNorm())

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


def conv_norm_relu(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [conv(inputs, outputs, kernel, stride), InstanceNorm(), nn.ReLU(inplace=True)]


class AdaptiveBlock(nn.Module):
    """x + AdaILN(conv(ReLU(AdaILN(conv(x))))), γ and β the same in both."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1, self.norm1 = conv(channels, channels, 3), Mixture(channels)
        self.conv2, self.norm2 = conv(channels, channels, 3), Mixture(channels)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        inner = F.relu_(self.norm1(self.conv1(x), gamma, beta))
        return x + self.norm2(self.conv2(inner), gamma, beta)


class Generator(nn.Module):
    """Translate images of one domain into the other; in between, tell the two domains apart.

    ``forward(x)``: x (B, 3, S, S) in [-1, 1], S a multiple of 4 → (B, 3, S, S) in [-1, 1].  ``attend(x)`` also gives
    the two classifiers' logits (B, 2), above 0 where x is of the domain to be translated, and the heat map
    (B, 1, S/4, S/4), the sum over channels of the features after the class activation map; it is at least 0 and has
    no upper end.

    ``bottleneck``: S/4 for the paper's full form, whose γ and β read every position of the features and which takes
    images of this size alone; None for the light one, where they read the channels' means.
    """

    def __init__(self, width: int, bottleneck: int | None = None):
        super().__init__()
        w, c = width, 4 * width
        self.activation = ClassActivation(c)
        self.gamma, self.beta = (nn.Linear(c, c, bias=False) for _ in range(2))
        self.adaptive = nn.ModuleList(AdaptiveBlock(c) for _ in range(BLOCKS))
        self.enter = nn.Sequential(
            *conv_norm_relu(3, w, 7),
            *conv_norm_relu(w, 2 * w, 3, stride=2),
            *conv_norm_relu(2 * w, c, 3, stride=2),
            *(ResidualBlock(c) for _ in range(BLOCKS)))
        self.read = nn.Sequential(
            nn.Linear(c * bottleneck ** 2 if bottleneck else c, c, bias=False), nn.ReLU(),
            nn.Linear(c, c, bias=False), nn.ReLU())
        self.leave = nn.Sequential(
            EnlargedConv(c, 2 * w), InstanceLayerNorm(2 * w), nn.ReLU(inplace=True),
            EnlargedConv(2 * w, w), InstanceLayerNorm(w), nn.ReLU(inplace=True),
            conv(w, 3, 7), Tanh())
        self.full = bottleneck is not None

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x)[0]

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, features = self.activation(self.enter(x))
        features = F.relu(features)  # (B, 4w, S/4, S/4)
        style = self.read(features.flatten(1) if self.full else features.mean((2, 3)))  # (B, 4w)
        gamma, beta = (at_least_single(layer(style))[:, :, None, None] for layer in (self.gamma, self.beta))
        heat = at_least_single(features).sum(1, keepdim=True)
        for block in self.adaptive:
            features = block(features, gamma, beta)
        return self.leave(features), logits, heat

    @torch.no_grad()
    def clip_mixtures(self) -> None:
        """Every ρ back into [0, 1]."""
        for module in self.modules():
            if isinstance(module, Mixture):
                module.rho.clamp_(0, 1)


# The discriminator

class SpectralNorm(nn.Module):
    """u and v of one weight, approximations of the singular vectors of its largest singular value σ.

    ``forward(weight, passes)`` → 1/σ in every pass of the authors' program, (passes,).  In training mode every pass
    first takes one step of the power iteration.  u and v are constants in the gradient.  v is in the order of torch's
    spectral norm: channels, rows, columns.
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(len(weight)), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(weight[0].numel()), dim=0))

    def forward(self, weight: Tensor, passes: int) -> Tensor:
        with full_precision(weight):
            rows = _rows(weight)  # (outputs, inputs)
            left, right = zip(*(self._iterate(rows.detach(), weight.shape[1:]) for _ in range(passes)))
            return 1 / (torch.stack(left) * (torch.stack(right) @ rows.t())).sum(1)  # σ = u' W v

    @torch.no_grad()
    def _iterate(self, rows: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
        stored = self.v.view(shape).movedim(0, -1)  # v in the order of ``rows``
        if not self.training:
            return self.u.clone(), stored.flatten().clone()
        v = F.normalize(rows.t() @ self.u, dim=0)
        self.u.copy_(F.normalize(rows @ v, dim=0))
        stored.copy_(v.view(stored.shape))
        return self.u.clone(), v


def _rows(weight: Tensor) -> Tensor:
    """A weight as a matrix, outputs × rows, columns and channels, without a copy if it is channels-last."""
    return weight.permute(0, 2, 3, 1).flatten(1) if weight.dim() == 4 else weight


def correlate(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """x (B, C, H, W) convolved with ``weight`` (outputs, C, k, k), without padding.

    Where the weight is far larger than the image, torch's convolution spends its time on rearranging the weight; a
    matrix product with the few patches reads it once.
    """
    if weight.numel() < 16 * x.numel():
        return F.conv2d(x, weight, stride=stride)
    k = weight.shape[2]
    patches = x.permute(0, 2, 3, 1).unfold(1, k, stride).unfold(2, k, stride)  # (B, h, w, C, k, k)
    judged = F.linear(patches.permute(0, 1, 2, 4, 5, 3).flatten(3), _rows(weight))  # (B, h, w, outputs)
    return judged.permute(0, 3, 1, 2)


class Discriminator(nn.Module):
    """Judge patches of an image, and by a class activation map the whole image.

    ``forward(x, passes)``: x (B, 3, S, S) in [-1, 1], consecutive groups of B / passes images, each a pass of the
    authors' program → judgements (B, 1, ·, ·), logits (B, 2), both near 1 for real images, and the heat map
    (B, 1, ·, ·).  ``layers`` − 2 convolutions halve the image; S at least 3 · 2^(layers − 2).

    Every weight W but the 1×1 convolution's acts as W/σ.  As a convolution is linear, its result is divided by σ
    instead: images of passes with different σ share one convolution, and no W/σ is ever stored.
    """

    def __init__(self, width: int, layers: int):
        super().__init__()
        halving = layers - 2
        c = width * 2 ** halving
        self.activation = ClassActivation(c)
        self.judge = nn.Conv2d(c, 1, 4, bias=False)
        widths = [3, *(width * 2 ** i for i in range(halving + 1))]
        self.body = nn.ModuleList(bias_first(nn.Conv2d(widths[i], widths[i + 1], 4, stride=2 if i < halving else 1))
                                  for i in range(halving + 1))
        self.norms = nn.ModuleList(SpectralNorm(weight) for weight in self._normalised())

    def _normalised(self) -> list[Tensor]:
        return [layer.weight for layer in (self.activation.average, self.activation.maximum, self.judge, *self.body)]

    def forward(self, x: Tensor, passes: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        average, maximum, judge, *body = (norm(weight, passes).repeat_interleave(len(x) // passes)
                                          for norm, weight in zip(self.norms, self._normalised()))  # (B,) each
        for conv, gain in zip(self.body, body):
            x = correlate(reflect(x, 1), conv.weight, conv.stride[0]) * gain[:, None, None, None]
            x = F.leaky_relu_(x + conv.bias[:, None, None], 0.2)
        logits, x = self.activation(x, (average, maximum))  # features are weighted by W itself, as the authors do
        x = F.leaky_relu(x, 0.2)
        heat = at_least_single(x).sum(1, keepdim=True)
        return correlate(reflect(x, 1), self.judge.weight, 1) * judge[:, None, None, None], logits, heat


def bias_first(conv: nn.Conv2d) -> nn.Conv2d:
    """List the bias before the weight, as torch's spectral norm leaves them."""
    weight = conv.weight
    del conv.weight
    conv.weight = weight
    return conv
