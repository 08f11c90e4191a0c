"""The losses, Eq. 12-15, one function each; ``lib.model.msg_sarl`` weighs and sums them (Eq. 16).

All images are (B, C, H, W) in [-1, 1]; every loss is a scalar in fp32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(judged_real: Tensor, judged_fake: Tensor) -> Tensor:
    """Least-squares GAN, the discriminator's side: real patches to 1, synthesised ones to 0 (Eq. 12).

    Eq. 12 is printed with the labels exchanged, the real image twice and a maximum over squares, which has
    none; this is the form of LSGAN and CycleGAN, which the paper cites.  Halved as in CycleGAN, which Adam,
    blind to constant factors, hardly notices.
    """
    return 0.5 * ((judged_real - 1).square().mean() + judged_fake.square().mean())


def adversarial_loss(judged_fake: Tensor) -> Tensor:
    """Least-squares GAN, the generator's side: its patches should be judged 1 (Eq. 12)."""
    return (judged_fake - 1).square().mean()


def perceptual_loss(synthesised: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Mean squared difference of feature maps, summed over the chosen pooling layers (Eq. 13)."""
    return torch.stack([F.mse_loss(s.float(), t.float()) for s, t in zip(synthesised, target, strict=True)]).sum()


def cycle_loss(reconstructed: Tensor, image: Tensor) -> Tensor:
    """L1 distance between an image and its translation there and back (Eq. 14)."""
    return F.l1_loss(reconstructed, image)


def total_variation_loss(image: Tensor, reduction: str = "sum") -> Tensor:
    """Squared differences of neighbouring pixels, summed over the image and averaged over the batch (Eq. 15)."""
    down = (image[:, :, 1:, :] - image[:, :, :-1, :]).square()
    right = (image[:, :, :, 1:] - image[:, :, :, :-1]).square()
    if reduction == "mean":
        return down.mean() + right.mean()
    return (down.sum() + right.sum()) / image.shape[0]
