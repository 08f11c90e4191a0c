"""Generator: a U-Net-like network with summed skips, SARM at H/8 and images at four scales (Fig. 2).

Section III-B, Eq. 1.  Widths below are for base width w and multiples 1-2-4-8; H is the image size.

    image ─ conv7 ─ w,H ─ down ─ 2w,H/2 ─ down ─ 4w,H/4 ─ down ─ 8w,H/8 ─ SARM ─┬─ γ_0 → O_0, H/8
              │             │              │                                     up
              │             │              └────────────── + ────────────────────┼─ γ_1 → O_1, H/4
              │             └───────────────────────────── + ──────────────────  up ─ γ_2 → O_2, H/2
              └─────────────────────────────────────────── + ──────────────────  up ─ conv7 → image, H
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lib.model.attention import SARM, Conv, ConvNormAct
from lib.model.settings import MsgSarlSettings

LEVELS = 3  # three halvings, fixed by the sizes H/8, H/4, H/2 of Eq. 1


class Generator(nn.Module):
    """Translate images of one domain into the other, with the smaller images on the way.

    ``forward(x)``: x (B, inputs, H, H) in [-1, 1], H a multiple of 8 and at least 16 → list of
    (B, outputs, ·, ·) in [-1, 1] at H/8, H/4, H/2, H (the last alone when ``settings.msg`` is off).
    """

    def __init__(self, inputs: int, outputs: int, settings: MsgSarlSettings):
        super().__init__()
        pad = settings.padding
        c = [settings.width * int(multiple) for multiple in settings.widths.split("-")]  # at H, H/2, H/4, H/8
        self.enter = ConvNormAct(inputs, c[0], 7, padding=pad)
        self.down = nn.ModuleList(ConvNormAct(c[i], c[i + 1], 3, stride=2, padding=pad) for i in range(LEVELS))
        self.sarm = SARM(
            c[LEVELS], attention=settings.attention, instead=settings.without_attention,
            norm_after_5x5=settings.norm_after_5x5, padding=pad,
            **({"position_softmax": settings.position_softmax, "channel_logits": settings.channel_logits,
                "fusion": settings.fusion, "precision": settings.attention_precision} if settings.attention else {}))
        self.up = nn.ModuleList(ConvNormAct(c[i + 1], c[i], 3, padding=pad) for i in reversed(range(LEVELS)))
        self.exit = Conv(c[0], outputs, 7, padding=pad)
        # γ_i of Eq. 1; without MSG nobody would read their images.
        count = LEVELS if settings.msg else 0
        self.to_image = nn.ModuleList(nn.Conv2d(c[LEVELS - i], outputs, 1) for i in range(count))
        self.tap = settings.tap
        self.upsampling = settings.upsampling

    def forward(self, x: Tensor) -> list[Tensor]:
        skips = [self.enter(x)]  # (B, w, H, H)
        for down in self.down:
            skips.append(down(skips[-1]))  # (B, 2w, H/2), (B, 4w, H/4), (B, 8w, H/8)
        features = self.sarm(skips.pop())  # (B, 8w, H/8, H/8)
        tapped = [features]
        for up in self.up:
            features = up(F.interpolate(features, scale_factor=2, mode=self.upsampling))
            before, features = features, features + skips.pop()  # element-wise sum, not concatenation
            tapped.append(before if self.tap == "before-skip" else features)
        images = [to_image(part) for to_image, part in zip(self.to_image, tapped)]  # O_0, O_1, O_2
        images.append(self.exit(features))
        return [image.float().tanh() for image in images]
