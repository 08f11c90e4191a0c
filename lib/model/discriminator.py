"""Discriminator: PatchGAN with max-pooling that reads the whole pyramid (Eq. 2-4, Fig. 2).

    image H ── stage 1 ── pool ─┬─ stage 2 ── pool ─┬─ stage 3 ── pool ─┬─ stage 4 ── conv → patch map, H/8
                     O_2, H/2 ──┘        O_1, H/4 ──┘        O_0, H/8 ──┘

Eq. 2: a_{j+1} = δ_j(ϑ(O_i, a_j)), i + j = 4, j = 2, 3, 4, where ϑ joins along channels after a 1×1
convolution of the smaller image to half the stage's input width (as the cited MSG-GAN does).  Unconditional, as
Eq. 3, 4 and 12 show only images of the target domain.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.model.attention import Conv, InstanceNorm
from lib.model.settings import MsgSarlSettings

STAGES = 4


class Discriminator(nn.Module):
    """Judge patches of an image and, with MSG, of its smaller versions.

    ``forward(pyramid)``: list of (B, channels, ·, ·) in [-1, 1] at H/8, H/4, H/2, H (only H where
    ``settings.judges_scales`` is off) → (B, 1, H/8, H/8), near 1 for real patches.
    """

    def __init__(self, channels: int, settings: MsgSarlSettings):
        super().__init__()
        w = settings.width
        widths = [w * 2 ** j for j in range(STAGES)]  # outputs of stages 1..4
        # Channels of ϑ' before stages 2..4.
        joined = [widths[j] // 2 if settings.judges_scales else 0 for j in range(STAGES - 1)]
        self.from_image = nn.ModuleList(nn.Conv2d(channels, extra, 1) for extra in joined if extra)
        inputs = [channels, *(widths[j] + joined[j] for j in range(STAGES - 1))]
        self.stages = nn.ModuleList(
            nn.Sequential(
                Conv(inputs[j], widths[j], 3, padding=settings.padding, bias=not j),
                # The first stage is not normalised: that would hide the image's contrast (PatchGAN's habit).
                InstanceNorm() if j else nn.Identity(),
                nn.LeakyReLU(0.2))
            for j in range(STAGES))
        self.judge = Conv(widths[-1], 1, 3, padding=settings.padding)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        smaller, a = pyramid[:-1], pyramid[-1]
        for j, stage in enumerate(self.stages):
            if j:
                a = F.max_pool2d(a, 2)
                if self.from_image:
                    image = self.from_image[j - 1](smaller[-j])  # O_2 at stage 2, O_1 at 3, O_0 at 4
                    a = torch.cat((image, a), dim=1)  # ϑ of Eq. 2
            a = stage(a)
        return self.judge(a).float()


def pyramid(image: Tensor, settings: MsgSarlSettings) -> list[Tensor]:
    """Image (B, C, H, H) → its versions at H/8, H/4, H/2, H (Eq. 4), or itself alone where nobody judges those."""
    if not settings.judges_scales:
        return [image]
    if settings.real_pyramid == "area":
        smaller = [F.avg_pool2d(image, factor) for factor in (8, 4, 2)]
    else:
        smaller = [F.interpolate(image, scale_factor=1 / factor, mode=settings.real_pyramid, antialias=True)
                   for factor in (8, 4, 2)]
    return [*smaller, image]
