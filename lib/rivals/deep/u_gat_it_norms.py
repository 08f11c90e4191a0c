"""U-GAT-IT's norms: instance norm, and the mixture of instance and layer norm that adapts to every image (AdaILN).

Each maps x to a·x + b, with one a and b for a channel of an image.  Two small functions with gradients of their own,
because torch's are slow on channels-last images (its variance 20 times) and its instance norm rearranges a batch.
Letters in shapes: B images, C channels, H × W positions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-5  # inside the root of every norm


class Moments(torch.autograd.Function):
    """x (B, C, H, W) → mean and variance over its positions, (B, C, 1, 1) each; the variance divides by H·W − 1."""

    @staticmethod
    def forward(ctx, x: Tensor) -> tuple[Tensor, Tensor]:
        count = x[0, 0].numel()
        mean = x.mean((2, 3), keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
        variance = (x - mean).square().mean((2, 3), keepdim=True) * (count / (count - 1))
        ctx.save_for_backward(x, mean)
        return mean, variance

    @staticmethod
    def backward(ctx, of_mean: Tensor, of_variance: Tensor) -> Tensor:
        x, mean = ctx.saved_tensors
        count = x[0, 0].numel()
        slope = of_variance * (2 / (count - 1))
        return _scaled(x, slope, of_mean / count - mean * slope)


class Affine(torch.autograd.Function):
    """a·x + b for x (B, C, H, W) and a, b (B, C, 1, 1); computed in the precision of a, returned in that of x."""

    @staticmethod
    def forward(ctx, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, a)
        return _scaled(x, a, b)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, a = ctx.saved_tensors
        of_a, of_b = ((g.mean((2, 3), keepdim=True, dtype=a.dtype) * x[0, 0].numel()) for g in (gradient * x, gradient))
        return (gradient * a).to(x.dtype), of_a, of_b


def _scaled(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.addcmul(b, x, a) if x.dtype == a.dtype else (x * a + b).to(x.dtype)


class InstanceNorm(nn.Module):
    """Every channel of every image to mean 0 and variance 1 (over H·W, as torch's); (B, C, H, W) → (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        count = x[0, 0].numel()
        mean, variance = Moments.apply(x)
        a = (variance * ((count - 1) / count) + EPS).rsqrt()
        return Affine.apply(x, a, -mean * a)


def instance_layer_norm(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """γ·(ρ·instance norm(x) + (1 − ρ)·layer norm(x)) + β, the paper's Eq. 1, for x (B, C, H, W).

    rho (1, C, 1, 1) in [0, 1]; gamma and beta (B, C, 1, 1) or (1, C, 1, 1).  Both variances divide by one less than
    the number of their values, as the authors' program does.
    """
    count, channels = x[0, 0].numel(), x.shape[1]
    mean, variance = Moments.apply(x)
    layer_mean = mean.mean(1, keepdim=True)  # (B, 1, 1, 1)
    squares = (count - 1) * variance + count * (mean - layer_mean).square()  # Σ (x − layer mean)², for each channel
    layer_variance = squares.sum(1, keepdim=True) / (count * channels - 1)
    instance_gain = rho * (variance + EPS).rsqrt()
    layer_gain = (1 - rho) * (layer_variance + EPS).rsqrt()
    a = gamma * (instance_gain + layer_gain)
    return Affine.apply(x, a, beta - gamma * (instance_gain * mean + layer_gain * layer_mean))


class Mixture(nn.Module):
    """ρ of an AdaILN, whose γ and β come with every image; ρ starts at 0.9, near instance norm."""

    def __init__(self, channels: int, start: float = 0.9):
        super().__init__()
        self.rho = nn.Parameter(torch.full((1, channels, 1, 1), start))

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return instance_layer_norm(x, self.rho, gamma, beta)


class InstanceLayerNorm(Mixture):
    """ILN: γ and β are parameters; ρ starts at 0, layer norm alone."""

    def __init__(self, channels: int):
        super().__init__(channels, start=0.0)
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return instance_layer_norm(x, self.rho, self.gamma, self.beta)
