"""Self-attention: position and channel attention, their fusion, and the residual blocks around them.

Section III-C, Eq. 5-11, Fig. 3 and 4.  Letters in shapes: B images, C channels, N = H·W positions.

Deviations and choices, all options of ``lib.model.settings.MsgSarlSettings``:
- Eq. 6 and 7 apply a softmax to what a softmax has already normalised; since those weights lie in
  [0, 1], the second leaves them almost uniform (largest over smallest at most e).  The default takes
  Eq. 6 as the raw product, as the cited DANet does; ``position_softmax="double"`` is the literal form.
- Eq. 9's logits are sums over N products, so they grow with the image and saturate the softmax; the
  default divides by N.  ``raw`` is the printed form, ``danet`` subtracts from the row's maximum.
- Eq. 10 prints a sum to N where only C fits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.model.reflection import reflect


def full_precision(x: Tensor) -> torch.autocast:
    """Context in which autocast is off."""
    return torch.autocast(device_type=x.device.type, enabled=False)


def attention_product(left: Tensor, right: Tensor, precision: str) -> Tensor:
    """left (B, R, D) @ right (B, D, S) → logits (B, R, S) for a softmax.

    In fp32 unless ``precision`` is "bf16": a softmax sees differences of logits, and bf16 keeps 8 bits
    of logits that here reach the hundreds.
    """
    if precision == "bf16":
        return left @ right
    with full_precision(left):
        return left.float() @ right.float()


class PositionAttention(nn.Module):
    """Lower half of Fig. 4: every position becomes a weighted sum over all positions.

    (B, C, H, W) → (B, C, H, W); ``weights(M)`` gives μ, (B, N, N), whose rows sum to one.
    """

    reduction = 8  # k: query and key have C/k channels

    def __init__(self, channels: int, softmax: str = "single", precision: str = "fp32-logits"):
        super().__init__()
        inner = max(channels // self.reduction, 1)
        self.query = nn.Conv2d(channels, inner, 1)  # B in the paper
        self.key = nn.Conv2d(channels, inner, 1)  # A
        self.value = nn.Conv2d(channels, channels, 1)  # C'
        self.alpha = nn.Parameter(torch.zeros(()))
        self.double = softmax == "double"
        self.precision = precision

    def weights(self, M: Tensor) -> Tensor:
        A = self.key(M).flatten(2)  # (B, C/k, N)
        B = self.query(M).flatten(2)  # (B, C/k, N)
        p = attention_product(B.transpose(1, 2), A, self.precision)  # (B, N_j, N_i), the product inside Eq. 6
        if self.double:
            p = p.softmax(dim=-1)  # Eq. 6 as printed
        return p.softmax(dim=-1)  # μ_ji, Eq. 7

    def forward(self, M: Tensor) -> Tensor:
        mu = self.weights(M)
        value = self.value(M).flatten(2)  # (B, C, N_i)
        attended = value @ mu.to(value.dtype).transpose(1, 2)  # Σ_i μ_ji C'_i: (B, C, N_j)
        return self.alpha * attended.view_as(M) + M  # E, Eq. 8


class ChannelAttention(nn.Module):
    """Upper half of Fig. 4: every channel becomes a weighted sum over all channels; no convolution.

    (B, C, H, W) → (B, C, H, W); ``weights(M)`` gives x, (B, C, C), whose rows sum to one.
    """

    def __init__(self, logits: str = "scaled", precision: str = "fp32-logits"):
        super().__init__()
        self.logits = logits
        self.precision = precision
        self.beta = nn.Parameter(torch.zeros(()))

    def weights(self, M: Tensor) -> Tensor:
        flat = M.flatten(2)  # (B, C, N)
        product = attention_product(flat, flat.transpose(1, 2), self.precision)  # (B, C_j, C_i), inside Eq. 9
        if self.logits == "scaled":
            product = product / flat.shape[2]
        elif self.logits == "danet":
            product = product.amax(dim=-1, keepdim=True) - product
        return product.softmax(dim=-1)  # x_ji, Eq. 9

    def forward(self, M: Tensor) -> Tensor:
        x = self.weights(M)
        attended = x.to(M.dtype) @ M.flatten(2)  # Σ_i x_ji M_i: (B, C_j, N)
        return self.beta * attended.view_as(M) + M  # H, Eq. 10


class SelfAttention(nn.Module):
    """Self-attention unit: both attentions, fused by Eq. 11.  (B, C, H, W) → (B, C, H, W)."""

    def __init__(self, channels: int, *, position_softmax: str = "single", channel_logits: str = "scaled",
                 fusion: str = "separate", precision: str = "fp32-logits", padding: str = "reflect"):
        super().__init__()
        self.position = PositionAttention(channels, position_softmax, precision)
        self.channel = ChannelAttention(channel_logits, precision)
        self.position_conv = Conv(channels, channels, 3, padding=padding)  # ε for E
        self.channel_conv = (  # ε for H
            self.position_conv if fusion == "shared" else Conv(channels, channels, 3, padding=padding))
        self.fuse = nn.Conv2d(channels, channels, 1)  # γ
        self.precision = precision

    def forward(self, M: Tensor) -> Tensor:
        if self.precision == "fp32":
            with full_precision(M):
                return self._attend(M.float()).to(M.dtype)
        return self._attend(M)

    def _attend(self, M: Tensor) -> Tensor:
        E, H = self.position(M), self.channel(M)
        return self.fuse(self.channel_conv(H) + self.position_conv(E)) + M  # Eq. 11


class PlainUnit(nn.Module):
    """What the self-attention unit is when every position and every channel attends to itself alone.

    A residual unit of the same convolutions but for A and B, 1.2 % of the weights, which only choose where to look:
    a control for what the unit adds besides attention.  (B, C, H, W) → (B, C, H, W).
    """

    def __init__(self, channels: int, *, padding: str = "reflect"):
        super().__init__()
        self.value = nn.Conv2d(channels, channels, 1)
        self.alpha, self.beta = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))
        self.position_conv = Conv(channels, channels, 3, padding=padding)
        self.channel_conv = Conv(channels, channels, 3, padding=padding)
        self.fuse = nn.Conv2d(channels, channels, 1)

    def forward(self, M: Tensor) -> Tensor:
        E = self.alpha * self.value(M) + M  # Eq. 8 with μ = 1
        H = self.beta * M + M  # Eq. 10 with x = 1
        return self.fuse(self.channel_conv(H) + self.position_conv(E)) + M  # Eq. 11


class Conv(nn.Conv2d):
    """Convolution that keeps the size (divided by ``stride``), with reflected or zero borders.

    Without ``bias`` where a normalisation follows, which would subtract it again.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: str = "reflect",
                 bias: bool = True):
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode=padding, bias=bias)

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode == "zeros":
            return super()._conv_forward(x, weight, bias)
        return F.conv2d(reflect(x, self.padding[0]), weight, bias, self.stride)


class InstanceNorm(nn.Module):
    """Instance normalisation without parameters: every channel of every image to mean 0 and variance 1.

    (B, C, H, W) → (B, C, H, W).  Of a single image it is batch normalisation by the batch's own statistics,
    which torch computes in any memory layout; its ``instance_norm`` rearranges the image twice.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, training=True) if len(x) == 1 else F.instance_norm(x)


class ConvNormAct(nn.Sequential):
    """Convolution, instance normalisation, PReLU: the unit of the generator."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: str = "reflect"):
        super().__init__(Conv(inputs, outputs, kernel, stride, padding, bias=False), InstanceNorm(), nn.PReLU())


class ResidualBlock(nn.Module):
    """Basic residual block: x + IN(conv(PReLU(IN(conv(x))))), the local skip of a SARB."""

    def __init__(self, channels: int, padding: str = "reflect"):
        super().__init__()
        self.body = nn.Sequential(
            ConvNormAct(channels, channels, 3, padding=padding),
            Conv(channels, channels, 3, padding=padding, bias=False), InstanceNorm())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SARB(nn.Module):
    """Self-attention residual block (Fig. 3): residual block, 5×5 convolution, attention, global skip.

    Without attention (the ablation) the unit is left out, or a ``PlainUnit`` takes its place, and everything else
    stays.
    """

    def __init__(self, channels: int, *, attention: bool = True, instead: str = "nothing", norm_after_5x5: bool = True,
                 padding: str = "reflect", **unit):
        super().__init__()
        self.block = ResidualBlock(channels, padding)
        self.conv5 = (ConvNormAct if norm_after_5x5 else Conv)(channels, channels, 5, padding=padding)
        if attention:
            self.attention = SelfAttention(channels, padding=padding, **unit)
        else:
            self.attention = PlainUnit(channels, padding=padding) if instead == "residual" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(self.conv5(self.block(x)))


class SARM(nn.Sequential):
    """Self-attention residual module: four SARBs in a row, F_{i+1} = SARB_i(F_i) (Eq. 5)."""

    def __init__(self, channels: int, **options):
        super().__init__(*(SARB(channels, **options) for _ in range(4)))
