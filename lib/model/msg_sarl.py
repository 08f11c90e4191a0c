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
from lib.model import features, losses
from lib.model.discriminator import Discriminator, pyramid
from lib.model.generator import Generator
from lib.model.initialisation import initialise
from lib.model.settings import Settings

P2S, S2P = DIRECTIONS
# Channels of (source, target) images.
CHANNELS = {P2S: (3, 1), S2P: (1, 3)}


class MsgSarl:
    """Networks, optimisers and the training step.

    ``prepare(photos, sketches)`` takes the whole training set, (n, 3, H, H) and (n, 1, H, H) in [-1, 1];
    ``step(rows)`` takes the rows (B,) int64 of a batch, updates everything once and returns the losses,
    detached.  Everything lives on ``device`` and the step never waits for it, so that a GPU can record
    it as a graph (``lib.training.recorded_step``).
    """

    def __init__(self, settings: Settings, device: torch.device, *, training: bool = True):
        self.settings, self.device = settings, device
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
        # A recorded graph reads the rate from the device's memory; a CPU is faster with a plain number.
        on_gpu = device.type == "cuda"
        self.optimisers = [
            torch.optim.Adam(network.parameters(), torch.tensor(settings.learning_rate, device=device) if on_gpu else
                             settings.learning_rate, (settings.beta1, settings.beta2), fused=True, capturable=on_gpu)
            for network in (self.generators, self.discriminators)]

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    @torch.no_grad()
    def prepare(self, photos: Tensor, sketches: Tensor) -> None:
        """Take the training set in: images, and the features of the targets, which no step changes."""
        self.images = {P2S: photos.to(self.device), S2P: sketches.to(self.device)}  # by the direction they enter
        with self.autocast():
            self.target_features = {
                d: [torch.cat(maps) for maps in zip(*(self.features(image[None], self.pools) for image in images))]
                for d, images in ((P2S, self.images[S2P]), (S2P, self.images[P2S]))}

    def step(self, rows: Tensor) -> dict[str, Tensor]:
        source = {d: self.images[d].index_select(0, rows) for d in DIRECTIONS}
        target = {P2S: source[S2P], S2P: source[P2S]}
        target_features = {d: [maps.index_select(0, rows) for maps in self.target_features[d]] for d in DIRECTIONS}
        with self.autocast():
            scales = {d: self.generators[d](source[d]) for d in DIRECTIONS}  # images at H/8, H/4, H/2, H
            synthesised = {d: scales[d][-1] for d in DIRECTIONS}
            # One pass serves both players: nothing is updated between their losses, as in CycleGAN.
            judged_fake = {d: self.discriminators[d](scales[d]) for d in DIRECTIONS}
            judged_real = {d: self.discriminators[d](pyramid(target[d], self.settings)) for d in DIRECTIONS}

            terms = {}
            for d in DIRECTIONS:
                terms[d, "adversarial"] = losses.adversarial_loss(judged_fake[d])
                terms[d, "perceptual"] = losses.perceptual_loss(
                    self.features(synthesised[d], self.pools), target_features[d])
                terms[d, "tv"] = losses.total_variation_loss(synthesised[d], self.settings.tv_reduction)
                terms[d, "discriminator"] = losses.discriminator_loss(judged_real[d], judged_fake[d])
            if self.settings.cycle:
                for d, back in ((P2S, S2P), (S2P, P2S)):
                    reconstructed = self.generators[back](synthesised[d])[-1]
                    terms[d, "cycle"] = losses.cycle_loss(reconstructed, source[d])

        s = self.settings
        weights = {"adversarial": s.adversarial_weight, "perceptual": s.perceptual_weight,
                   "tv": s.tv_weight, "cycle": s.cycle_weight}
        generator_loss = sum(weights[name] * term for (_, name), term in terms.items() if name in weights)  # Eq. 16
        discriminator_loss = sum(term for (_, name), term in terms.items() if name == "discriminator")

        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        # ``inputs`` keeps each loss's gradient out of the other player's weights.
        generator_loss.backward(inputs=list(self.generators.parameters()), retain_graph=True)
        discriminator_loss.backward(inputs=list(self.discriminators.parameters()))
        for optimiser in self.optimisers:
            optimiser.step()
        return {f"{d}/{name}": term.detach() for (d, name), term in terms.items()}

    @torch.no_grad()
    def translate(self, direction: str, images: Tensor) -> Tensor:
        """Images (B, C, H, H) in [-1, 1] of the source domain → (B, C', H, H) of the target domain, in fp32."""
        return self.generators[direction](images)[-1]

    def compile(self) -> None:
        """Pass the networks through torch's compiler: slower to start, faster to step."""
        for network in (*self.generators.values(), *self.discriminators.values(), self.features):
            network.compile()

    def set_learning_rate(self, rate: float) -> None:
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate

    def diagnostics(self) -> dict[str, float]:
        """The learned attention scales α and β of every SARB, which start at 0 (Eq. 8, 10)."""
        return dict(self._attention_scales())

    def _attention_scales(self) -> Iterator[tuple[str, float]]:
        if self.settings.attention:
            for direction in DIRECTIONS:
                for i, block in enumerate(self.generators[direction].sarm, start=1):
                    yield f"{direction}/alpha{i}", block.attention.position.alpha.item()
                    yield f"{direction}/beta{i}", block.attention.channel.beta.item()

    def state(self, *, training: bool = True) -> dict:
        """Tensors and plain containers only; without ``training`` just what translating needs."""
        state = {"generators": self.generators.state_dict()}
        if training:
            state["discriminators"] = self.discriminators.state_dict()
            state["optimisers"] = [optimiser.state_dict() for optimiser in self.optimisers]
        return state

    def load_state(self, state: dict) -> None:
        self.generators.load_state_dict(state["generators"])
        if "optimisers" in state:
            self.discriminators.load_state_dict(state["discriminators"])
            for optimiser, part in zip(self.optimisers, state["optimisers"], strict=True):
                # Options belong to this device, moments to the run: a run may move from one kind to the other.
                options = [{**ours, "params": theirs["params"]}
                           for ours, theirs in zip(optimiser.param_groups, part["param_groups"], strict=True)]
                optimiser.load_state_dict({**part, "param_groups": options})
