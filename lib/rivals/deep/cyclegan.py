"""CycleGAN: unpaired translation by two generators that undo each other.

Zhu, Park, Isola, Efros: Unpaired image-to-image translation using cycle-consistent adversarial networks, ICCV 2017.
Authors' program: github.com/junyanz/pytorch-CycleGAN-and-pix2pix (checked against commit 032e8843).

As theirs: networks, losses and weights, image pools, order of updates, Adam, the schedule's shape, batch 1, images
enlarged to 286 and cropped to 256 pixels and mirrored, photos and sketches drawn independently.  Not as theirs:
- An epoch shows every sketch once, in an order of its own.  Theirs draws any sketch beside each photo.
- Length: as many epochs as every system here, half of them at the constant rate.  Their default is 200.
- A sketch has three equal channels, going in and as a target, as their program reads a grey file.
- ``pairing`` "paired" shows a step a photo with its own sketch, cut alike.
- ``perceptual_weight`` adds MSG-SARL's perceptual loss, which needs pairs: the control for comparing an unpaired system
  with a paired one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base.errors import StudyError
from lib.base.settings import RunSettings, choice, number
from lib.model import features
from lib.model.losses import perceptual_loss
from lib.rivals.deep.blocks import (
    Conv,
    InstanceNorm,
    PatchDiscriminator,
    Tanh,
    channels_last,
    doubling,
    require_pixels,
    residual_trunk,
)
from lib.rivals.deep.deep_rival import DeepRival, constant_then_linear, draw_normal
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
DISCRIMINATOR_LAYERS = 3  # 70×70 patches
PERCEPTUAL_POOLS = (2, 5)  # MSG-SARL's


@dataclass(frozen=True)
class CycleGanSettings(RunSettings):
    """Settings of CycleGAN; the authors' values."""

    augmentation: str = choice("enlarge-crop-flip", ("none", "crop-flip"), "the authors': 286 to 256 px and mirrored")
    pairing: str = choice("unpaired", ("paired",), "the authors': a photo with any sketch")

    adversarial_weight: float = number(1.0, "the authors' objective")
    cycle_weight: float = number(10.0, "the authors' λ, both directions")
    identity_share: float = number(0.5, "weight of the identity loss as a share of the cycle's; the program's default")
    perceptual_weight: float = number(0.0, "not theirs: MSG-SARL's perceptual loss added, 10 there; needs paired")
    pool: int = number(50, "synthesised images that each discriminator's history holds; 0: none")

    learning_rate: float = number(2e-4, "the authors', constant for half of the epochs, then in equal steps to 0")
    beta1: float = number(0.5, "the authors'")
    beta2: float = number(0.999, "the authors'")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """The authors' shape over the run's epochs; constant within an epoch."""
        return constant_then_linear(self.learning_rate, epoch, self.epochs)


def networks(settings: CycleGanSettings) -> dict[str, nn.Module]:
    """The networks with their first weights, named and ordered as in ``tests/data/rivals``.

    Raises StudyError where a step sees less than the 24 pixels that a discriminator needs.
    """
    require_pixels("CycleGAN", settings.crop_size, PatchDiscriminator.least_pixels(DISCRIMINATOR_LAYERS),
                   "its discriminator")
    return {"G_photo_to_sketch": draw_normal(generator(settings.width)),
            "G_sketch_to_photo": draw_normal(generator(settings.width)),
            "D_sketch": draw_normal(discriminator(settings.width)),
            "D_photo": draw_normal(discriminator(settings.width))}


def generator(width: int) -> nn.Sequential:
    """Residual network of nine blocks: (B, 3, H, H) → (B, 3, H, H), H a multiple of 4."""
    return nn.Sequential(
        residual_trunk(width, InstanceNorm, bias=True),  # (B, 4w, H/4, H/4)
        doubling(4 * width, InstanceNorm), doubling(2 * width, InstanceNorm),  # (B, w, H, H)
        Conv(width, 3, 7, padding="reflect"), Tanh())


def discriminator(width: int) -> PatchDiscriminator:
    """Judge 70×70 patches of images of one domain, without seeing what they were made from."""
    return PatchDiscriminator(3, width, DISCRIMINATOR_LAYERS, InstanceNorm, bias=True)


class CycleGan(DeepRival):
    """The trainable.  ``generators`` and ``discriminators`` by direction: D judges what G of that direction makes."""

    def __init__(self, settings: CycleGanSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        self.recordable = settings.augmentation == "none" and not settings.pool
        made = networks(settings)
        self.generators = nn.ModuleDict({d: made[f"G_{UNDERSCORED[d]}"] for d in DIRECTIONS})
        self.discriminators = nn.ModuleDict({d: made[f"D_{TARGET[d]}"] for d in DIRECTIONS})
        self.place(training=training)
        if not training:
            return
        if settings.perceptual_weight:
            if settings.pairing != "paired":
                raise StudyError("CycleGAN: a perceptual loss compares with the photo's own sketch. "
                                 "Set pairing to 'paired' or perceptual_weight to 0.")
            self.features = features.load(settings.features).to(
                device, torch.bfloat16 if settings.precision == "bf16" else torch.float32,
                memory_format=torch.channels_last)
        betas = (settings.beta1, settings.beta2)
        self.optimisers = [self.adam(part.parameters(), betas) for part in (self.generators, self.discriminators)]
        self.pools = {d: ImagePool(settings.pool, number) for number, d in enumerate(DIRECTIONS)}

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        """One step: the generators, then the discriminators on images made before that update."""
        photos, sketches = map(channels_last, self.pairs.draw(photo_rows, sketch_rows))
        source, target = {P2S: photos, S2P: sketches}, {P2S: sketches, S2P: photos}
        generators, discriminators = self.optimisers

        losses, fakes = self.generator_losses(source, target)
        generators.zero_grad()
        # ``inputs``: no gradient for the discriminators' weights.
        losses["generator/total"].backward(inputs=list(self.generators.parameters()))
        generators.step()

        shown = {d: self.pools[d].exchange(fakes[d].detach()) for d in DIRECTIONS}
        losses |= self.discriminator_losses(target, shown)
        discriminators.zero_grad()
        sum(losses[f"discriminator/D_{TARGET[d]}_total"] for d in DIRECTIONS).backward()
        discriminators.step()
        return detached(losses)

    def generator_losses(self, source: dict[str, Tensor], target: dict[str, Tensor]
                         ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Terms and total of both generators, and the images they made, by direction."""
        s = self.settings
        with self.autocast():
            fakes = {d: self.generators[d](source[d]) for d in DIRECTIONS}
            cycles = {d: self.generators[BACK[d]](fakes[d]) for d in DIRECTIONS}
            # A generator should leave alone what is already of its target domain.
            identities = {d: self.generators[d](target[d]) for d in DIRECTIONS} if s.identity_share else {}
            judged = {d: self.discriminators[d](fakes[d]) for d in DIRECTIONS}
        terms = {f"generator/adversarial_{UNDERSCORED[d]}": least_squares(judged[d], 1) for d in DIRECTIONS}
        terms |= {f"generator/cycle_{SOURCE[d]}": F.l1_loss(cycles[d], source[d]) for d in DIRECTIONS}
        terms |= {f"generator/identity_{TARGET[d]}": F.l1_loss(image, target[d]) for d, image in identities.items()}
        if s.perceptual_weight:
            terms |= {f"generator/perceptual_{UNDERSCORED[d]}": self._perceptual(fakes[d], target[d])
                      for d in DIRECTIONS}
        terms["generator/total"] = weighted_sum(terms, {
            "adversarial": s.adversarial_weight, "cycle": s.cycle_weight,
            "identity": s.identity_share * s.cycle_weight, "perceptual": s.perceptual_weight})
        return terms, fakes

    def _perceptual(self, fake: Tensor, target: Tensor) -> Tensor:
        with self.autocast():
            with torch.no_grad():
                wanted = self.features(target, PERCEPTUAL_POOLS)
            return perceptual_loss(self.features(fake, PERCEPTUAL_POOLS), wanted)

    def discriminator_losses(self, real: dict[str, Tensor], fake: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms and totals of both discriminators, by the direction whose results they judge."""
        losses = {}
        for d in DIRECTIONS:
            with self.autocast():
                judged_real, judged_fake = self.discriminators[d](real[d]), self.discriminators[d](fake[d])
            name = f"discriminator/D_{TARGET[d]}"
            losses[f"{name}_real"] = least_squares(judged_real, 1)
            losses[f"{name}_fake"] = least_squares(judged_fake, 0)
            losses[f"{name}_total"] = 0.5 * (losses[f"{name}_real"] + losses[f"{name}_fake"])
        return losses

    def state(self, *, training: bool = True) -> dict:
        state = super().state(training=training)
        if training:
            state["pools"] = {d: pool.state() for d, pool in self.pools.items()}
        return state

    def load_state(self, state: dict) -> None:
        super().load_state(state)
        for d, pool in state.get("pools", {}).items():
            self.pools[d].load_state(pool, self.device)
