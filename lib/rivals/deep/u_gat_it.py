"""U-GAT-IT: two adaptive generators steered by class activation maps, four discriminators (Kim et al., ICLR 2020).

Paper: arXiv 1907.10830.  Authors' program: github.com/znxlwm/UGATIT-pytorch (checked against commit b8c42518).

As theirs: networks, losses and their weights, Adam with its weight decay, the order of updates, spectral norms that
iterate in every pass, ρ clipped to [0, 1], images resized to 286 and cropped to 256 pixels, mirrored, unpaired.

Not as theirs:
- The light form by default.  In the full one a single layer has 268 million weights at 256 pixels, and weights,
  gradients and Adam's moments of two such layers take 8.6 GB: more than MSG-SARL's authors can have had on a card of
  11 GB beside the rest.  ``form=full`` is the other.
- A run is counted in epochs, the authors count 1,000,000 steps of one image.  The learning rate falls as theirs, in
  equal steps over the second half of all steps.
- Images are resized by the study's filter, bicubic.  Theirs is torchvision's bilinear.
- Below 96 pixels the authors' global discriminator of 7 layers does not fit.  It gets as many as do; the local one
  keeps two fewer (``layers``).
- Their step makes the fake images twice and sends the discriminators' loss back into the generators, where nobody
  reads it.  Here a fake image made once serves both players, as no generator changes in between; images that go
  through the same network go together.  The numbers are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base.directions import PHOTO_TO_SKETCH, SKETCH_TO_PHOTO
from lib.base.errors import StudyError
from lib.base.settings import RunSettings, choice, number
from lib.rivals.deep.blocks import channels_last, require_pixels
from lib.rivals.deep.deep_rival import DeepRival
from lib.rivals.deep.losses import cross_entropy, detached, least_squares
from lib.rivals.deep.u_gat_it_blocks import Discriminator, Generator

DIRECTION_TO = {"photo": SKETCH_TO_PHOTO, "sketch": PHOTO_TO_SKETCH}  # by the domain of the result
OTHER = {"photo": "sketch", "sketch": "photo"}


@dataclass(frozen=True)
class UGatItSettings(RunSettings):
    """Everything that determines a training run of U-GAT-IT, besides data and seed."""

    augmentation: str = choice("enlarge-crop-flip", ("none", "crop-flip"), "theirs: 286 to 256 pixels, mirrored")
    pairing: str = choice("unpaired", ("paired",), "theirs: photos and sketches are drawn independently")
    form: str = choice("light", ("full",), "paper: full; their program's --light; the full one cannot have fitted the "
                                           "card of MSG-SARL's authors")

    adversarial_weight: float = number(1.0, "λ1 (paper)")
    cycle_weight: float = number(10.0, "λ2 (paper)")
    identity_weight: float = number(10.0, "λ3 (paper)")
    cam_weight: float = number(1000.0, "λ4 (paper)")

    learning_rate: float = number(1e-4, "paper")
    beta1: float = number(0.5, "paper")
    beta2: float = number(0.999, "paper")
    weight_decay: float = number(1e-4, "paper; added to the gradient")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """Constant for half of all steps, then in equal steps down to 0 in the last; never below."""
        half = self.epochs * steps // 2
        late = max(0, epoch * steps + step + 1 - half)
        return self.learning_rate * max(0.0, 1 - late / half) if half else self.learning_rate


def layers(size: int) -> dict[str, int]:
    """Layers of the two discriminators for images of ``size`` pixels: 7 and 5 from 96 on, fewer below, at least 3.

    A discriminator of n layers halves the image n − 2 times and needs 3 pixels after that.  The local one has two
    layers fewer, so that it looks at patches a quarter as wide.  64 pixels: 6 and 4; 32: 5 and 3; 16: 4 and 3.
    """
    halvings = max(n for n in range(1, 6) if size // 2 ** n >= 3)
    return {"global": halvings + 2, "local": max(halvings, 3)}


def _generators(settings: UGatItSettings) -> dict[str, nn.Module]:
    if settings.form == "full" and settings.crop_size != settings.size:
        raise StudyError("Setting form: 'full' translates images of the size it was trained on alone, and augmentation "
                         f"'{settings.augmentation}' trains on {settings.crop_size} of {settings.size} pixels. "
                         "Use form=light or augmentation=enlarge-crop-flip.")
    bottleneck = settings.size // 4 if settings.form == "full" else None
    return {f"G_{name}": Generator(settings.width, bottleneck) for name in ("photo_to_sketch", "sketch_to_photo")}


def _discriminators(settings: UGatItSettings) -> dict[str, nn.Module]:
    require_pixels("U-GAT-IT", settings.crop_size, 6, "the smallest discriminator")
    return {f"D_{reach}_{domain}": Discriminator(settings.width, count)
            for reach, count in layers(settings.crop_size).items() for domain in ("photo", "sketch")}


def networks(settings: UGatItSettings) -> dict[str, nn.Module]:
    """All networks on the CPU, with first weights from torch's global generator.

    Raises StudyError for the full form with an augmentation that trains on smaller images than are translated, and
    where a step sees less than 6 pixels.
    """
    return {**_generators(settings), **_discriminators(settings)}


class UGatIt(DeepRival):
    """Networks, optimisers and the training step.

    Losses are named ``<player>/<term>_<domain>``, the domain being that of the judged or resulting image.
    """

    settings: UGatItSettings

    def __init__(self, settings: UGatItSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        translators = _generators(settings)
        self.generators = nn.ModuleDict({PHOTO_TO_SKETCH: translators["G_photo_to_sketch"],
                                         SKETCH_TO_PHOTO: translators["G_sketch_to_photo"]})
        if training:
            self.discriminators = nn.ModuleDict(_discriminators(settings))
        self.place(training=training)
        if training:
            self.recordable = settings.augmentation == "none"
            self.optimisers = [self.adam(network.parameters(), (settings.beta1, settings.beta2),
                                         weight_decay=settings.weight_decay)
                               for network in (self.generators, self.discriminators)]

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        photos, sketches = map(channels_last, self.pairs.draw(photo_rows, sketch_rows))
        real = {"photo": photos, "sketch": sketches}
        on_generators, on_discriminators = self.optimisers
        with self.autocast():
            made = {domain: self.translate_to(domain, real) for domain in real}
            fake = {domain: images for domain, (images, _, _) in made.items()}
            terms = self.discriminator_terms(real, {domain: images.detach() for domain, images in fake.items()})
        _update(on_discriminators, terms["discriminator/total"])
        with self.autocast():
            terms |= self.adversarial_terms(fake) | self.reconstruction_terms(real, made)
            terms |= self.generator_totals(terms)
        _update(on_generators, terms["generator/total"])
        for generator in self.generators.values():
            generator.clip_mixtures()
        return detached(terms)

    def translate_to(self, domain: str, real: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """One pass of the generator into ``domain`` over the other domain's images and over its own.

        Returns fakes and identities (B, 3, S, S), and the class activation map's logits (2B, 2) in this order.
        """
        images, logits, _ = self.generators[DIRECTION_TO[domain]].attend(torch.cat((real[OTHER[domain]], real[domain])))
        return *images.chunk(2), logits

    def discriminator_terms(self, real: dict[str, Tensor], fake: dict[str, Tensor]) -> dict[str, Tensor]:
        """Least squares of judgements and of the logits of their class activation maps: real to 1, fake to 0."""
        terms = {}
        for domain in real:
            for reach in ("global", "local"):
                judged, logits, _ = self.discriminators[f"D_{reach}_{domain}"](
                    torch.cat((real[domain], fake[domain])), passes=2)
                for name, values in (("adversarial", judged), ("attention_adversarial", logits)):
                    of_real, of_fake = values.chunk(2)
                    terms[f"discriminator/{name}_{reach}_{domain}"] = (
                        least_squares(of_real, 1) + least_squares(of_fake, 0))
        for domain in real:
            terms[f"discriminator/total_{domain}"] = self.settings.adversarial_weight * sum(
                term for name, term in terms.items() if name.endswith(domain))
        terms["discriminator/total"] = sum(terms[f"discriminator/total_{domain}"] for domain in real)
        return terms

    def adversarial_terms(self, fake: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same judgements of fakes towards 1."""
        terms = {}
        for domain, images in fake.items():
            for reach in ("global", "local"):
                judged, logits, _ = self.discriminators[f"D_{reach}_{domain}"](images)
                terms[f"generator/adversarial_{reach}_{domain}"] = least_squares(judged, 1)
                terms[f"generator/attention_adversarial_{reach}_{domain}"] = least_squares(logits, 1)
        return terms

    def reconstruction_terms(self, real: dict[str, Tensor], made: dict[str, tuple[Tensor, Tensor, Tensor]]
                             ) -> dict[str, Tensor]:
        """L1 after going there and back and of images that already are of the domain; and the generators' logits.

        These should be above 0 for images to be translated and below for those of the domain itself (cross entropy).
        """
        terms = {}
        for domain, (_, identity, logits) in made.items():
            back = self.generators[DIRECTION_TO[domain]](made[OTHER[domain]][0])
            foreign, own = logits.chunk(2)
            terms[f"generator/cycle_{domain}"] = F.l1_loss(back, real[domain])
            terms[f"generator/identity_{domain}"] = F.l1_loss(identity, real[domain])
            terms[f"generator/cam_{domain}"] = cross_entropy(foreign, True) + cross_entropy(own, False)
        return terms

    def generator_totals(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        s = self.settings
        weights = {"cycle": s.cycle_weight, "identity": s.identity_weight, "cam": s.cam_weight}
        weights |= {f"{name}_{reach}": s.adversarial_weight for name in ("adversarial", "attention_adversarial")
                    for reach in ("global", "local")}
        totals = {f"generator/total_{domain}": sum(weight * terms[f"generator/{name}_{domain}"]
                                                   for name, weight in weights.items()) for domain in OTHER}
        return {**totals, "generator/total": sum(totals.values())}

    def diagnostics(self) -> dict[str, float]:
        """Mean ρ of the adaptive blocks: 1 is instance norm alone, 0 layer norm alone."""
        return {f"{direction}/rho": torch.stack([norm.rho.mean() for block in generator.adaptive
                                                 for norm in (block.norm1, block.norm2)]).mean().item()
                for direction, generator in self.generators.items()}

    @torch.no_grad()
    def attention_map(self, direction: str, images: Tensor) -> Tensor:
        """Images (B, 3 or 1, S, S) in [-1, 1] → where the generator looks: its heat map (B, 1, S/4, S/4), from 0 up."""
        return self.generators[direction].attend(images.expand(-1, 3, -1, -1))[2]


def _update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step against the gradient of ``loss`` by this optimiser's own parameters; nobody else gets a gradient."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward(inputs=[parameter for group in optimiser.param_groups for parameter in group["params"]])
    optimiser.step()
