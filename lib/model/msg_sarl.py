"""MSG-SARL as something that trains: two generators, two discriminators, one step (Eq. 12-16).

The same class is all eight rows of the ablation tables: ``settings.msg``, ``settings.attention`` and
``settings.cycle`` switch the three parts.  Without the cycle the two directions share nothing; they
are trained side by side as two networks.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.model import features, losses
from lib.model.discriminator import Discriminator, pyramid
from lib.model.generator import Generator
from lib.model.initialisation import initialise
from lib.model.settings import MsgSarlSettings
from lib.model.trainable import Trainable

P2S, S2P = DIRECTIONS
# Channels of (source, target) images.
CHANNELS = {P2S: (3, 1), S2P: (1, 3)}


class MsgSarl(Trainable):
    """Networks, optimisers and the training step.

    Everything lives on ``device`` and the step never waits for it, so that a GPU can record it as a graph
    (``lib.training.recorded_step``).
    """

    settings: MsgSarlSettings
    recordable = True

    def __init__(self, settings: MsgSarlSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        if settings.augmentation != "none" or settings.pairing != "paired":
            raise StudyError("MSG-SARL trains on whole pairs, whose target features are computed once: "
                             "leave augmentation=none and pairing=paired.")
        self.generators = nn.ModuleDict({  # G_ps and G_sp
            direction: initialise(Generator(*CHANNELS[direction], settings), settings.initialisation)
            for direction in DIRECTIONS})
        self.generators.to(device, memory_format=torch.channels_last)
        if not training:
            self.generators.eval().requires_grad_(False)
            return
        self.discriminators = nn.ModuleDict({  # D_s and D_p, by the direction whose results they judge
            direction: initialise(Discriminator(CHANNELS[direction][1], settings), settings.initialisation)
            for direction in DIRECTIONS})
        self.discriminators.to(device, memory_format=torch.channels_last)
        # Frozen, so autocast would convert its weights anew in every call.
        self.features = features.load(settings.features).to(
            device, torch.bfloat16 if settings.precision == "bf16" else torch.float32,
            memory_format=torch.channels_last)
        self.pools = tuple(int(pool) for pool in settings.perceptual_pools.split("-"))
        betas = settings.beta1, settings.beta2
        self.optimisers = [self.adam(self.generators.parameters(), betas),
                           self.adam(self.discriminators.parameters(), betas, share=settings.discriminator_rate)]

    @torch.no_grad()
    def prepare(self, photos: Tensor, sketches: Tensor) -> None:
        """Take the training set in: images, and the features of the targets, which no step changes."""
        self.images = {P2S: photos.to(self.device), S2P: sketches.to(self.device)}  # by the direction they enter
        with self.autocast():
            self.target_features = {
                d: [torch.cat(maps) for maps in zip(*(self.features(image[None], self.pools) for image in images))]
                for d, images in ((P2S, self.images[S2P]), (S2P, self.images[P2S]))}

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        rows = photo_rows  # those of the sketches are the same: this system trains on pairs
        source = {d: self.images[d].index_select(0, rows) for d in DIRECTIONS}
        target = {P2S: source[S2P], S2P: source[P2S]}
        target_features = {d: [maps.index_select(0, rows) for maps in self.target_features[d]] for d in DIRECTIONS}
        with self.autocast():
            scales = {d: self.generators[d](source[d]) for d in DIRECTIONS}  # images at H/8, H/4, H/2, H
            synthesised = {d: scales[d][-1] for d in DIRECTIONS}
            # One pass serves both players: nothing is updated between their losses, as in CycleGAN.
            judged_fake = {d: self.discriminators[d](scales[d] if self.settings.msg else
                                                     pyramid(synthesised[d], self.settings)) for d in DIRECTIONS}
            judged_real = {d: self.discriminators[d](pyramid(target[d], self.settings)) for d in DIRECTIONS}

            # Both directions in one batch: small images leave the feature network waiting for its weights.
            seen = self.features(torch.cat([synthesised[d].expand(-1, 3, -1, -1) for d in DIRECTIONS]), self.pools)
            seen = dict(zip(DIRECTIONS, zip(*(maps.chunk(2) for maps in seen))))

            terms = {}
            for d in DIRECTIONS:
                terms[d, "adversarial"] = losses.adversarial_loss(judged_fake[d])
                terms[d, "perceptual"] = losses.perceptual_loss(seen[d], target_features[d])
                terms[d, "tv"] = losses.total_variation_loss(synthesised[d], self.settings.tv_reduction)
                terms[d, "discriminator"] = losses.discriminator_loss(judged_real[d], judged_fake[d])
            if self.settings.cycle:
                for d, back in ((P2S, S2P), (S2P, P2S)):
                    reconstructed = self.generators[back](synthesised[d])[-1]
                    terms[d, "cycle"] = losses.cycle_loss(reconstructed, source[d])

        s = self.settings
        generator_loss = sum(  # Eq. 16
            s.adversarial_weight * terms[d, "adversarial"]
            + s.perceptual_weight * terms[d, "perceptual"]
            + s.tv_weight * terms[d, "tv"]
            + (s.cycle_weight * terms[d, "cycle"] if s.cycle else 0)
            for d in DIRECTIONS)
        discriminator_loss = sum(terms[d, "discriminator"] for d in DIRECTIONS)

        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        # ``inputs`` keeps each loss's gradient out of the other player's weights.
        generator_loss.backward(inputs=list(self.generators.parameters()), retain_graph=True)
        discriminator_loss.backward(inputs=list(self.discriminators.parameters()))
        for player, networks in (("generator", self.generators), ("discriminator", self.discriminators)):
            for d in DIRECTIONS:
                terms[d, f"{player}_gradient"] = nn.utils.get_total_norm([p.grad for p in networks[d].parameters()])
        for optimiser in self.optimisers:
            optimiser.step()
        return {f"{d}/{name}": term.detach() for (d, name), term in terms.items()}

    @torch.no_grad()
    def translate(self, direction: str, images: Tensor, name: str = "") -> Tensor:
        """Images (B, C, H, H) in [-1, 1] of the source domain → (B, C', H, H) of the target domain, in fp32.

        The networks have one mode only: they normalise each image by itself and drop nothing out.
        """
        return self.generators[direction](images)[-1]

    def compile(self) -> None:
        """Pass the networks through torch's compiler: slower to start, faster to step."""
        for network in (*self.generators.values(), *self.discriminators.values(), self.features):
            network.compile()

    def diagnostics(self) -> dict[str, float]:
        """The learned attention scales α and β of every SARB, which start at 0 (Eq. 8, 10)."""
        return dict(self._attention_scales())

    def _attention_scales(self) -> Iterator[tuple[str, float]]:
        if self.settings.attention:
            for direction in DIRECTIONS:
                for i, block in enumerate(self.generators[direction].sarm, start=1):
                    yield f"{direction}/alpha{i}", block.attention.position.alpha.item()
                    yield f"{direction}/beta{i}", block.attention.channel.beta.item()
