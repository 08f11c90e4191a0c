"""FCN: six plain convolutions from image to image (Zhang, Lin, Wu, Ding, Zhang, ICMR 2015). A reconstruction.

Paper: End-to-end photo-sketch generation via fully convolutional representation learning, arXiv 1501.07180.  No
program of the authors is known.  What is certain: the whole photo goes in and the whole sketch comes out, through
convolutions with very small kernels alone; the objective joins a generative part, the distance to the person's own
sketch, and a discriminative one, which pushes the result away from other persons' sketches.  MSG-SARL's authors call
the loss mean squared error.

Ours, for want of the paper's table:
- Layers, for width 64: 3→64 (5×5), 64→64 (3×3), 64→64 (3×3), 64→32 (1×1), 32→32 (3×3), 32→1 (5×5), each at full
  resolution over reflected borders, with ReLU in between and no normalisation.  An output pixel sees 15×15 pixels.
- The discriminative part is −α times the mean squared distance to one random other person's target.  It moves the
  best answer from the own target t to t + α / (1 − α) · (t − mean of the others): an exaggeration of what
  distinguishes.  Tried on 16 of CUHK student's 88 training pairs, held out, with 64 pixels, width 16, 20 epochs and
  two seeds up to α = 0.1, one above: from α = 0 to 0.1 the error of sketches relative to the distance from other
  persons' falls from 0.24 to 0.23 and nothing else changes beyond the seeds' differences; at 0.2 photos begin to
  suffer.  So α = 0.1.
- First weights by He's rule, which keeps the scale through ReLUs; Adam, whose rate falls geometrically.
- Both directions, as two networks that share nothing.  The paper's is photo to sketch.

A sketch goes in as three equal channels, like every rival's here, so that both directions have the same first layer:
it acts on one channel by the sum of its weights.  It comes out as one channel, as listed; a photo as three.  No
function bounds the output: images are in [-1, 1], and what lies outside is clamped only where an image is saved.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base.errors import StudyError
from lib.base.settings import RunSettings, choice, number
from lib.rivals.deep.blocks import Conv, at_least_single, channels_last
from lib.rivals.deep.deep_rival import DeepRival
from lib.rivals.deep.losses import DIRECTIONS, P2S, S2P, UNDERSCORED, detached


@dataclass(frozen=True)
class FcnSettings(RunSettings):
    """Everything that determines a training run of FCN, besides data and seed."""

    pairing: str = choice("paired", (), "a regression on the person's own sketch")
    discriminative_weight: float = number(
        0.1, "α of −α · distance to another person's target, less than 1; see above; 0 leaves it out")

    learning_rate: float = number(1e-3, "at the first step; not known, MSG-SARL's")
    final_rate: float = number(1e-5, "at the last step, after a geometric fall; not known, MSG-SARL's", least=1e-12)
    beta1: float = number(0.9, "not known; Adam's usual value")
    beta2: float = number(0.999, "not known; Adam's usual value")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """A geometric sequence over all steps, from ``learning_rate`` to ``final_rate``."""
        fraction = (epoch * steps + step) / max(self.epochs * steps - 1, 1)
        return self.learning_rate * (self.final_rate / self.learning_rate) ** fraction


class Network(nn.Sequential):
    """(B, 3, S, S) in [-1, 1] → (B, outputs, S, S), aimed at [-1, 1] but unbounded; S at least 3."""

    def __init__(self, width: int, outputs: int):
        half = max(width // 2, 1)
        super().__init__(
            conv(3, width, 5), nn.ReLU(inplace=True),
            conv(width, width, 3), nn.ReLU(inplace=True),
            conv(width, width, 3), nn.ReLU(inplace=True),
            conv(width, half, 1), nn.ReLU(inplace=True),
            conv(half, half, 3), nn.ReLU(inplace=True),
            conv(half, outputs, 5, then="linear"))

    def forward(self, x: Tensor) -> Tensor:
        return at_least_single(super().forward(x))


def conv(inputs: int, outputs: int, kernel: int, then: str = "relu") -> Conv:
    """A convolution with first weights for what follows it."""
    made = Conv(inputs, outputs, kernel, padding="reflect")
    nn.init.kaiming_normal_(made.weight, nonlinearity=then)
    nn.init.zeros_(made.bias)
    return made


def networks(settings: FcnSettings) -> dict[str, nn.Module]:
    """Both networks on the CPU, with first weights from torch's global generator."""
    return {"G_photo_to_sketch": Network(settings.width, 1), "G_sketch_to_photo": Network(settings.width, 3)}


class Fcn(DeepRival):
    """Networks, optimiser and the training step.

    Raises StudyError for a discriminative weight of 1 or more: the objective would have no minimum.
    """

    settings: FcnSettings

    def __init__(self, settings: FcnSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        if settings.discriminative_weight >= 1:
            raise StudyError(f"Setting discriminative_weight: {settings.discriminative_weight} rewards distance from "
                             "others at least as much as it punishes distance from the target. Give less than 1.")
        made = networks(settings)
        self.generators = nn.ModuleDict({d: made[f"G_{UNDERSCORED[d]}"] for d in DIRECTIONS})
        self.discriminators = nn.ModuleDict()
        self.place(training=training)
        if training:
            # Which other person is compared with is drawn on the CPU.
            self.recordable = settings.augmentation == "none" and not settings.discriminative_weight
            self.optimisers = [self.adam(self.generators.parameters(), (settings.beta1, settings.beta2))]

    def prepare(self, photos: Tensor, sketches: Tensor) -> None:
        """Raises StudyError where the discriminative part finds no other person."""
        if self.settings.discriminative_weight and len(photos) < 2:
            raise StudyError("FCN compares its results with another person's, and there is but one training pair. "
                             "Train on more, or set discriminative_weight to 0.")
        super().prepare(photos, sketches)

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        photos, sketches = map(channels_last, self.pairs.draw(photo_rows, sketch_rows))
        with self.autocast():
            made = {P2S: self.generators[P2S](photos), S2P: self.generators[S2P](sketches)}
        other = None
        if self.settings.discriminative_weight:
            rows = self.other_rows(photo_rows)
            other = dict(zip((S2P, P2S), self.pairs.draw(rows, rows)))
        losses = self.losses(made, {P2S: sketches, S2P: photos}, other)
        self.optimisers[0].zero_grad()
        losses["total"].backward()
        self.optimisers[0].step()
        return detached(losses)

    def losses(self, made: dict[str, Tensor], target: dict[str, Tensor], other: dict[str, Tensor] | None
               ) -> dict[str, Tensor]:
        """Mean squared distances to the own and to the ``other`` person's targets, by direction, and their total.

        Targets have three channels; a sketch's are equal, and the first counts.
        """
        terms = {f"{d}/own": F.mse_loss(image, target[d][:, :image.shape[1]]) for d, image in made.items()}
        total = sum(terms.values())
        if other is not None:
            away = {f"{d}/other": F.mse_loss(image, other[d][:, :image.shape[1]]) for d, image in made.items()}
            total = total - self.settings.discriminative_weight * sum(away.values())
            terms |= away
        return {**terms, "total": total}

    def other_rows(self, rows: Tensor) -> Tensor:
        """For each row of the training set one that is not it, all others equally likely."""
        count = len(self.pairs.photos)
        ahead = torch.randint(1, count, rows.shape, generator=self.pairs.generator)
        return (rows + ahead.to(rows.device)) % count
