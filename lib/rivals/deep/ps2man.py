"""PS2MAN: two residual generators that make each image at three sizes, each size judged by a discriminator of its own.

Wang, Sindagi, Patel: High-quality facial photo-sketch synthesis using multi-adversarial networks, FG 2018,
arXiv 1710.10182.  Authors' program: github.com/lidan1/PhotoSketchMAN (checked against commit 25c98440).

What the authors released differs from what they describe, so there are two forms (``form``).  "released" is the program
as it is.  "described" mends it:
- Their generators get no gradient from the discriminators: they are judged by images that come detached out of the
  pools.  Described: the images themselves are judged.
- Those images are shown to the discriminator of the other domain.  Described: to that of their own.
- A quarter-size synthesised sketch is paired with the real sketch.  Described: with the photo, as at the other sizes.
- They normalise by batch; the option for instance normalisation is never passed on.  Described: by instance.

As theirs besides: networks, losses and weights, image pools, order of updates, Adam at a constant rate (the program
reads a schedule and uses none), batch 1, 400 epochs, no augmentation, translating as in training, so that batch
normalisation takes each image's own statistics.  Not as theirs:
- A sketch has three equal channels, going in and as a target, as their program reads a grey file.
- Their program passes an image through a generator three times, once for each size; here one pass makes all three.
- Batch normalisation gathers no running statistics.  Their program does, and never reads them.
- Biases start at 0, theirs at torch's random draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base.images import resize
from lib.base.settings import RunSettings, choice, number
from lib.rivals.deep.blocks import (
    Conv,
    InstanceNorm,
    Norm,
    PatchDiscriminator,
    Tanh,
    channels_last,
    doubling,
    require_pixels,
    residual_trunk,
)
from lib.rivals.deep.deep_rival import DeepRival, draw_normal
from lib.rivals.deep.image_pool import ImagePool
from lib.rivals.deep.losses import (
    BACK,
    DIRECTIONS,
    SOURCE,
    TARGET,
    UNDERSCORED,
    detached,
    least_squares,
    weighted_sum,
)

P2S, S2P = DIRECTIONS
SIZES = {"full": 1, "half": 2, "quarter": 4}  # and what they divide the image's size by
DISCRIMINATOR_LAYERS = 1  # 16×16 patches

Scales = dict[str, Tensor]  # an image at each of SIZES


@dataclass(frozen=True)
class Ps2manSettings(RunSettings):
    """Settings of PS2MAN; the authors' values."""

    form: str = choice("released", ("described",), "the program as it is, which is what others can run, or mended")
    augmentation: str = choice("none", ("enlarge-crop-flip", "crop-flip"), "the authors': none in the program")
    pairing: str = choice("paired", (), "the synthesis loss compares with the photo's own sketch")

    adversarial_weight: float = number(1.0, "the program's η")
    synthesis_weight: float = number(10.0, "the program's λ: L1 to the target, both directions, every size")
    cycle_weight: float = number(0.7, "the program's μ, both directions, every size")
    pool: int = number(50, "pairs that each discriminator's history holds; 0: none")

    learning_rate: float = number(2e-4, "the authors'; the program never changes it")
    beta1: float = number(0.5, "the authors'")
    beta2: float = number(0.999, "the authors'")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        return self.learning_rate


class Generator(nn.Module):
    """CycleGAN's residual generator with two more exits: (B, 3, H, H) → (B, 3, H, H), H a multiple of 4.

    Only the convolution that leaves at full size pads with zeros, and both doublings have scales and shifts whatever
    the normalisation: the program's own.
    """

    def __init__(self, width: int, norm: Norm, affine_norm: Norm, bias: bool):
        super().__init__()
        self.trunk = residual_trunk(width, norm, bias=bias)  # (B, 4w, H/4, H/4)
        self.to_half = doubling(4 * width, affine_norm)  # (B, 2w, H/2, H/2)
        self.to_full = doubling(2 * width, affine_norm)  # (B, w, H, H)
        self.full_image = nn.Sequential(Conv(width, 3, 7), Tanh())
        self.quarter_image = nn.Sequential(Conv(4 * width, 3, 3), Tanh())
        self.half_image = nn.Sequential(Conv(2 * width, 3, 3), Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.full_image(self.to_full(self.to_half(self.trunk(x))))

    def at_all_sizes(self, x: Tensor) -> Scales:
        """The translation at full, half and quarter size."""
        quarter = self.trunk(x)
        half = self.to_half(quarter)
        return {"full": self.full_image(self.to_full(half)), "half": self.half_image(half),
                "quarter": self.quarter_image(quarter)}


def networks(settings: Ps2manSettings) -> dict[str, nn.Module]:
    """The networks with their first weights, named and ordered as in ``tests/data/rivals``.

    Raises StudyError where the smallest discriminator would see less than the 6 pixels that it needs.
    """
    require_pixels("PS2MAN", settings.crop_size, 4 * PatchDiscriminator.least_pixels(DISCRIMINATOR_LAYERS),
                   "the discriminator of a quarter of them")
    released = settings.form == "released"
    # The program never leaves training mode, so no statistics are gathered.
    norm = partial(nn.BatchNorm2d, track_running_stats=False) if released else InstanceNorm
    affine = norm if released else partial(InstanceNorm, affine=True)
    made = {f"G_{UNDERSCORED[d]}": Generator(settings.width, norm, affine, not released) for d in DIRECTIONS}
    made |= {f"D_{TARGET[d]}_{size}":
             PatchDiscriminator(6, settings.width, DISCRIMINATOR_LAYERS, norm, bias=not released)
             for d in (S2P, P2S) for size in SIZES}
    return {name: draw_normal(network) for name, network in made.items()}


def smaller(images: Tensor, divisor: int) -> Tensor:
    """Images (n, 3, H, H) in [-1, 1] → (n, 3, H/divisor, H/divisor) float32, as the program makes its targets.

    Eight bits, cut off, then Pillow's bicubic filter.
    """
    pixels = ((images.float() + 1) / 2 * 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    size = images.shape[-1] // divisor
    small = np.stack([resize(np.ascontiguousarray(image), size, size) for image in pixels])
    return (torch.from_numpy(small).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


class Ps2man(DeepRival):
    """The trainable.  ``discriminators`` by direction and size, "photo-to-sketch full", which they judge."""

    def __init__(self, settings: Ps2manSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        self.recordable = settings.augmentation == "none" and not settings.pool
        made = networks(settings)
        self.generators = nn.ModuleDict({d: made[f"G_{UNDERSCORED[d]}"] for d in DIRECTIONS})
        self.discriminators = nn.ModuleDict(
            {f"{d} {size}": made[f"D_{TARGET[d]}_{size}"] for d in (S2P, P2S) for size in SIZES})
        self.place(training=training)
        if training:
            betas = (settings.beta1, settings.beta2)
            self.optimisers = [self.adam(part.parameters(), betas) for part in (self.generators, self.discriminators)]
            self.pools = {name: ImagePool(settings.pool, number) for number, name in enumerate(self.discriminators)}

    def prepare(self, photos: Tensor, sketches: Tensor) -> None:
        super().prepare(photos, sketches)
        if self.settings.augmentation == "none":  # every step sees the same views, so their targets are made once
            self.targets = {size: tuple(smaller(images, divisor).to(self.device, images.dtype)
                                        for images in (self.pairs.photos, self.pairs.sketches))
                            for size, divisor in SIZES.items() if divisor > 1}

    def views(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Scales]:
        """Photo and sketch, at every size, that a step sees of these rows."""
        drawn = self.pairs.draw(photo_rows, sketch_rows)
        scales = {"full": drawn}
        for size, divisor in SIZES.items():
            if divisor == 1:
                continue
            if self.settings.augmentation == "none":
                scales[size] = tuple(images.index_select(0, rows) for images, rows in
                                     zip(self.targets[size], (photo_rows, sketch_rows)))
            else:
                scales[size] = tuple(smaller(images, divisor).to(images) for images in drawn)
        return {domain: {size: channels_last(scales[size][i]) for size in SIZES}
                for i, domain in enumerate(("photo", "sketch"))}

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        """One step: translate there and back, update the discriminators, then the generators."""
        real = self.views(photo_rows, sketch_rows)
        generators, discriminators = self.optimisers

        fakes, cycles = self.translations(real)
        shown = {name: self.pools[name].exchange(pair) for name, pair in self.fake_pairs(real, fakes).items()}
        losses = self.discriminator_losses(real, shown)
        discriminators.zero_grad()
        sum(value for name, value in losses.items() if name.endswith("_total")).backward()
        discriminators.step()

        losses |= self.generator_losses(real, fakes, cycles, shown)
        generators.zero_grad()
        # ``inputs``: no gradient for the discriminators' weights.
        losses["generator/total"].backward(inputs=list(self.generators.parameters()))
        generators.step()
        return detached(losses)

    def translations(self, real: dict[str, Scales]) -> tuple[dict[str, Scales], dict[str, Scales]]:
        """What the generators make of the real images, and what they make of that at full size, by first direction."""
        with self.autocast():
            fakes = {d: self.generators[d].at_all_sizes(real[SOURCE[d]]["full"]) for d in DIRECTIONS}
            cycles = {d: self.generators[BACK[d]].at_all_sizes(fakes[d]["full"]) for d in DIRECTIONS}
        return fakes, cycles

    def fake_pairs(self, real: dict[str, Scales], fakes: dict[str, Scales]) -> dict[str, Tensor]:
        """What the discriminators are shown beside real pairs: (B, 6, ·, ·), source and synthesised, no gradient."""
        pairs = {}
        for d in DIRECTIONS:
            for size in SIZES:
                released_fault = self.settings.form == "released" and (d, size) == (P2S, "quarter")
                beside = real["sketch" if released_fault else SOURCE[d]][size]
                pairs[f"{d} {size}"] = torch.cat((beside, fakes[d][size].detach()), dim=1)
        return pairs

    def discriminator_losses(self, real: dict[str, Scales], shown: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms and totals of the six discriminators."""
        losses = {}
        for d in DIRECTIONS:
            for size in SIZES:
                judge = self.discriminators[f"{d} {size}"]
                with self.autocast():
                    judged_fake = judge(shown[f"{d} {size}"])
                    judged_real = judge(torch.cat((real[SOURCE[d]][size], real[TARGET[d]][size]), dim=1))
                name = f"discriminator/D_{TARGET[d]}_{size}"
                losses[f"{name}_real"] = least_squares(judged_real, 1)
                losses[f"{name}_fake"] = least_squares(judged_fake, 0)
                losses[f"{name}_total"] = 0.5 * (losses[f"{name}_real"] + losses[f"{name}_fake"])
        return losses

    def generator_losses(self, real: dict[str, Scales], fakes: dict[str, Scales], cycles: dict[str, Scales],
                         shown: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms and total of both generators.  In the released form the adversarial terms are numbers for the log."""
        s, terms = self.settings, {}
        for d in DIRECTIONS:
            for size in SIZES:
                if s.form == "released":
                    with torch.no_grad(), self.autocast():
                        judged = self.discriminators[f"{BACK[d]} {size}"](shown[f"{d} {size}"])
                else:
                    with self.autocast():
                        judged = self.discriminators[f"{d} {size}"](
                            torch.cat((real[SOURCE[d]][size], fakes[d][size]), dim=1))
                terms[f"generator/adversarial_{UNDERSCORED[d]}_{size}"] = least_squares(judged, 1)
                terms[f"generator/synthesis_{TARGET[d]}_{size}"] = F.l1_loss(fakes[d][size], real[TARGET[d]][size])
                terms[f"generator/cycle_{SOURCE[d]}_{size}"] = F.l1_loss(cycles[d][size], real[SOURCE[d]][size])
        terms["generator/total"] = weighted_sum(
            terms, {"adversarial": s.adversarial_weight, "synthesis": s.synthesis_weight, "cycle": s.cycle_weight})
        return terms

    def translate(self, direction: str, images: Tensor, name: str = "") -> Tensor:
        """Images (B, 3 or 1, S, S) → (B, 3, S, S), each by itself and normalised by its own statistics."""
        return torch.cat([super(Ps2man, self).translate(direction, image) for image in images.split(1)])

    def state(self, *, training: bool = True) -> dict:
        state = super().state(training=training)
        if training:
            state["pools"] = {name: pool.state() for name, pool in self.pools.items()}
        return state

    def load_state(self, state: dict) -> None:
        super().load_state(state)
        for name, pool in state.get("pools", {}).items():
            self.pools[name].load_state(pool, self.device)
