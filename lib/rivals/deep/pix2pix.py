"""pix2pix: paired translation by a U-Net whose results are judged together with what they were made from.

Isola, Zhu, Zhou, Efros: Image-to-image translation with conditional adversarial networks, CVPR 2017.
Authors' program: github.com/junyanz/pytorch-CycleGAN-and-pix2pix (checked against commit 032e8843).

As theirs: networks, losses and weights, order of updates, Adam, the schedule's shape, batch 1, pairs enlarged to 286
and cropped to 256 pixels and mirrored alike, and translating as in training, with dropout and each image's own
statistics.  Not as theirs:
- Both directions are trained side by side, as two pairs of networks that share nothing.
- Dropout in translating is seeded by the image's name, so that the same image gives the same bytes.
- Length: as many epochs as every system here, half of them at the constant rate.  Their default is 200.
- A sketch has three equal channels, going in and as a target, as their program reads a grey file.
- Their U-Net halves 256 pixels eight times; other sizes are halved as often as they can be (``halvings``).
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base.errors import StudyError
from lib.base.settings import RunSettings, choice, number
from lib.rivals.deep.blocks import Conv, Doubling, PatchDiscriminator, Tanh, require_pixels
from lib.rivals.deep.deep_rival import DeepRival, constant_then_linear, draw_normal
from lib.rivals.deep.losses import DIRECTIONS, TARGET, cross_entropy, detached, weighted_sum

P2S, S2P = DIRECTIONS
DISCRIMINATOR_LAYERS = 3  # 70×70 patches


@dataclass(frozen=True)
class Pix2PixSettings(RunSettings):
    """Settings of pix2pix; the authors' values."""

    # DRIT's crop of 216 pixels is no alternative: a U-Net could halve it three times only.
    augmentation: str = choice("enlarge-crop-flip", ("none",), "the authors': 286 to 256 px and mirrored")
    pairing: str = choice("paired", (), "the L1 loss compares with the photo's own sketch")

    adversarial_weight: float = number(1.0, "the authors' objective")
    l1_weight: float = number(100.0, "the authors' λ")
    dropout: float = number(0.5, "the authors'; on the way up, after three layers of eight-fold width at 256 px")
    testing: str = choice("training-mode", ("evaluation-mode",),
                          "how it translates: the authors keep dropout and normalise each image by its own statistics; "
                          "or without dropout and by the statistics gathered in training")

    learning_rate: float = number(2e-4, "the authors', constant for half of the epochs, then in equal steps to 0")
    beta1: float = number(0.5, "the authors'")
    beta2: float = number(0.999, "the authors'")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """The authors' shape over the run's epochs; constant within an epoch."""
        return constant_then_linear(self.learning_rate, epoch, self.epochs)


def halvings(size: int) -> int:
    """How often the U-Net halves the image: down to one pixel where the size is a power of 2, but at most 8 times.

    256 px: 8, as theirs; 128 px: 7; 64 px: 6; 32 px: 5; 96 px: 5, down to 3×3 pixels.
    """
    times = 0
    while times < 8 and size % 2 == 0:
        size, times = size // 2, times + 1
    return times


class UNet(nn.Module):
    """(B, 3, H, H) → (B, 3, H, H): halvings and doublings, each doubling also reading what its halving read.

    Level i has min(2^i, 8)·w channels at H/2^(i+1).  Convolutions are 4×4; leaky ReLU before those that halve, ReLU
    before those that double; batch normalisation after all but the outermost and the innermost halving.
    """

    def __init__(self, width: int, levels: int, dropout: float):
        super().__init__()
        widths = [width * min(2 ** i, 8) for i in range(levels)]
        self.down = nn.ModuleList([Conv(3, width, 4, stride=2, border=1, bias=False)])
        for i in range(1, levels):
            halve = Conv(widths[i - 1], widths[i], 4, stride=2, border=1, bias=False)
            norm = [nn.BatchNorm2d(widths[i])] if i < levels - 1 else []
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), halve, *norm))
        self.up = nn.ModuleList()
        for i in reversed(range(1, levels)):
            inputs = widths[i] if i == levels - 1 else 2 * widths[i]
            # Between two levels of eight-fold width, but for the innermost.
            drop = [nn.Dropout(dropout)] if 4 <= i < levels - 1 else []
            self.up.append(nn.Sequential(nn.ReLU(True), Doubling(inputs, widths[i - 1], 4, bias=False),
                                         nn.BatchNorm2d(widths[i - 1]), *drop))
        self.exit = nn.Sequential(nn.ReLU(True), Doubling(2 * width, 3, 4), Tanh())

    def forward(self, x: Tensor) -> Tensor:
        features = []
        for down in self.down:
            features.append(x := down(x))
        x = features.pop()
        for up in self.up:
            x = torch.cat((features.pop(), up(x)), dim=1)
        return self.exit(x)


def generator(settings: Pix2PixSettings) -> UNet:
    """Raises StudyError for a dropout that is no probability."""
    if settings.dropout > 1:
        raise StudyError(f"Setting dropout: {settings.dropout} is no probability. Give at most 1.")
    return draw_normal(UNet(settings.width, halvings(settings.crop_size), settings.dropout))


def discriminator(settings: Pix2PixSettings) -> PatchDiscriminator:
    """Judge 70×70 patches of a source image and its translation, six channels.

    Raises StudyError where a step sees less than the 24 pixels that it needs.
    """
    require_pixels("pix2pix", settings.crop_size, PatchDiscriminator.least_pixels(DISCRIMINATOR_LAYERS),
                   "its discriminator")
    return draw_normal(PatchDiscriminator(6, settings.width, DISCRIMINATOR_LAYERS, nn.BatchNorm2d, bias=False))


def networks(settings: Pix2PixSettings) -> dict[str, nn.Module]:
    """The networks of one direction with their first weights, named and ordered as in ``tests/data/rivals``."""
    return {"G_photo_to_sketch": generator(settings), "D_sketch": discriminator(settings)}


class Pix2Pix(DeepRival):
    """The trainable: two directions side by side, their losses named ``<direction>/<term>``."""

    def __init__(self, settings: Pix2PixSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        self.recordable = settings.augmentation == "none"
        # On a CPU half of the weights meet a few pixels only, and torch's fused Adam copies what is channels-last.
        self.layout = torch.contiguous_format if device.type == "cpu" else torch.channels_last
        self.generators = nn.ModuleDict({d: generator(settings) for d in DIRECTIONS})
        self.discriminators = nn.ModuleDict({d: discriminator(settings) for d in DIRECTIONS})
        self.place(training=training)
        if training:
            betas = (settings.beta1, settings.beta2)
            self.optimisers = [self.adam(part.parameters(), betas) for part in (self.generators, self.discriminators)]

    def place(self, *, training: bool) -> None:
        super().place(training=training)
        for part in (self.generators, self.discriminators):
            part.to(memory_format=self.layout)

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        """One step: translate, update the discriminators, then the generators by the new discriminators."""
        photos, sketches = (images.contiguous(memory_format=self.layout)
                            for images in self.pairs.draw(photo_rows, sketch_rows))
        source, target = {P2S: photos, S2P: sketches}, {P2S: sketches, S2P: photos}
        generators, discriminators = self.optimisers

        with self.autocast():
            fakes = {d: self.generators[d](source[d]) for d in DIRECTIONS}
        losses = self.discriminator_losses(source, target, fakes)
        discriminators.zero_grad()
        sum(losses[f"{d}/discriminator/D_{TARGET[d]}_total"] for d in DIRECTIONS).backward()
        discriminators.step()

        losses |= self.generator_losses(source, target, fakes)
        generators.zero_grad()
        # ``inputs``: no gradient for the discriminators' weights.
        sum(losses[f"{d}/generator/total"] for d in DIRECTIONS).backward(inputs=list(self.generators.parameters()))
        generators.step()
        return detached(losses)

    def discriminator_losses(self, source: dict[str, Tensor], target: dict[str, Tensor], fakes: dict[str, Tensor]
                             ) -> dict[str, Tensor]:
        """Terms and totals of the discriminators; ``fakes`` may carry a gradient, which ends here."""
        losses = {}
        for d in DIRECTIONS:
            with self.autocast():
                judged_fake = self.discriminators[d](torch.cat((source[d], fakes[d].detach()), dim=1))
                judged_real = self.discriminators[d](torch.cat((source[d], target[d]), dim=1))
            name = f"{d}/discriminator/D_{TARGET[d]}"
            losses[f"{name}_real"] = cross_entropy(judged_real, True)
            losses[f"{name}_fake"] = cross_entropy(judged_fake, False)
            losses[f"{name}_total"] = 0.5 * (losses[f"{name}_real"] + losses[f"{name}_fake"])
        return losses

    def generator_losses(self, source: dict[str, Tensor], target: dict[str, Tensor], fakes: dict[str, Tensor]
                         ) -> dict[str, Tensor]:
        """Terms and totals of the generators that made ``fakes``."""
        losses = {}
        for d in DIRECTIONS:
            with self.autocast():
                judged = self.discriminators[d](torch.cat((source[d], fakes[d]), dim=1))
            terms = {f"{d}/generator/adversarial": cross_entropy(judged, True),
                     f"{d}/generator/l1": F.l1_loss(fakes[d], target[d])}
            losses |= terms
            losses[f"{d}/generator/total"] = weighted_sum(
                terms, {"adversarial": self.settings.adversarial_weight, "l1": self.settings.l1_weight})
        return losses

    @torch.no_grad()
    def translate(self, direction: str, images: Tensor, name: str = "") -> Tensor:
        """Images (B, 3 or 1, S, S) → (B, 3, S, S), each by itself.

        Unless ``testing`` is "evaluation-mode", as the authors test: in training mode, which normalises by the image's
        own statistics and draws dropout, here from a generator that ``name`` seeds.
        """
        network = self.generators[direction]
        images = images.expand(-1, 3, -1, -1).split(1)
        if self.settings.testing == "evaluation-mode":
            return torch.cat([super(Pix2Pix, self).translate(direction, image) for image in images])
        with _as_in_training(network), torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(zlib.crc32(name.encode()))
            return torch.cat([network(image) for image in images])


@contextlib.contextmanager
def _as_in_training(network: nn.Module) -> Iterator[None]:
    """Training mode that gathers no statistics; what was before comes back afterwards."""
    training = network.training
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    network.train()
    try:
        yield
    finally:
        network.train(training)
        for norm in norms:
            norm.track_running_stats = True
