"""DRIT: content and attribute taken apart, pictures made of one image's content and another's attribute; unpaired.

H.-Y. Lee, H.-Y. Tseng, J.-B. Huang, M. Singh, M.-H. Yang, "Diverse Image-to-Image Translation via Disentangled
Representations", ECCV 2018; the authors' program is HsinYingLee/DRIT (at f19f50a8), since 2019 with mode seeking
(Q. Mao et al., CVPR 2019), the default there and here; ``mode_seeking=false`` is the ECCV paper.

As theirs: networks and first weights (``drit_networks``), losses and their weights (``drit_losses``), optimisers,
rates and the order of updates; a batch of two whose first half is encoded and whose second half stands beside pictures
with random attributes; of every three batches two train the content discriminator alone, but the last two of an epoch
train everything; an epoch's last batch is left out if it is incomplete.

Not as theirs:
- Content encoder and generator take two Adam steps in a row.  The program runs the second backward pass after the
  first step, through the graph of the old weights.  Torch up to 1.4 let it: old activations met new weights, which
  gives no gradient of anything; later versions refuse.  Here both gradients are taken at the old weights, then both
  steps: losses and the first step are the program's and no pass is added.  The second gradient is 0.3 % from that of
  old torch; from another forward pass with the new weights it would be 9 % (small networks, from their first weights).
- An epoch shows every sketch once, in an order of its own.  Theirs draws any sketch beside each photo.  Where a last
  batch is left out, theirs counts it as one of the last two.
- Test: the authors crop the middle 216 of 256 pixels, which cuts faces, and draw the attribute at random.  Here the
  frame is whole and the attribute zero, the mean of its prior (``test_attribute``).
- Their 1200 epochs are "400 × 3", for three batches an update; here ``epochs`` counts as for every system.  In as many
  epochs DRIT updates its generator a sixth as often as CycleGAN: half for the batch, a third for the schedule.  Their
  limit of 500,000 updates is out of reach.
- Small sizes: below 212 pixels a step's discriminators have fewer layers (``drit_networks``).
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from lib.base.errors import StudyError
from lib.rivals.deep import drit_losses as losses
from lib.rivals.deep.blocks import channels_last, require_pixels
from lib.rivals.deep.deep_rival import DeepRival
from lib.rivals.deep.drit_networks import (
    ATTRIBUTE,
    DOMAINS,
    AttributeEncoder,
    ContentDiscriminator,
    ContentEncoder,
    Generator,
    ImageDiscriminator,
    draw_weights,
)
from lib.rivals.deep.drit_settings import DritSettings
from lib.rivals.deep.losses import SOURCE, detached

LEAST_SIZE = 16  # pixels that the attribute encoder halves four times


def networks(settings: DritSettings) -> dict[str, nn.Module]:
    """The eight networks by the authors' names, first weights drawn from torch's global generator, on the CPU.

    Discriminators are built for images of the settings' ``crop_size``; StudyError if that is below 16 pixels.
    """
    width, size = settings.width, settings.crop_size
    require_pixels("DRIT", size, LEAST_SIZE, "its attribute encoder")
    made = {"content_encoder": ContentEncoder(width), "attribute_encoder": AttributeEncoder(width),
            "generator": Generator(width)}
    made |= {name: ImageDiscriminator(width, size) for name in ("disA", "disB", "disA2", "disB2")}
    made["disContent"] = ContentDiscriminator(width, size)
    return {name: draw_weights(network) for name, network in made.items()}


def parameters(*modules: nn.Module) -> list[nn.Parameter]:
    return [parameter for module in modules for parameter in module.parameters()]


class Drit(DeepRival):
    """``generators`` holds what translates both ways: content encoder, attribute encoder, generator.

    A step returns the losses of what it updated.  Random numbers come from torch's global generators.
    """

    whole_batches = True

    def __init__(self, settings: DritSettings, device: torch.device, *, training: bool = True):
        super().__init__(settings, device)
        if settings.batch % 2:
            raise StudyError(f"DRIT: a batch of {settings.batch} has no two halves. Give an even one.")
        made = networks(settings)
        self.discriminators = nn.ModuleDict({name: made.pop(name) for name in list(made) if name.startswith("dis")})
        self.generators = nn.ModuleDict(made)
        self.place(training=training)
        if not training:
            return
        self.period = settings.content_period
        self.batch_of_epoch, self.batches_of_epoch = 0, 0  # 0: nobody has said yet how many an epoch has
        self.image_weights = parameters(*(self.discriminators[name] for name in ("disA", "disA2", "disB", "disB2")))
        self.content_weights = parameters(self.discriminators["disContent"])
        self.attribute_weights = parameters(self.generators["attribute_encoder"])
        self.other_weights = parameters(self.generators["content_encoder"], self.generators["generator"])
        # One Adam for weights that always step together: it takes each by itself.
        groups = ((self.image_weights, 1.0), (self.content_weights, settings.content_rate_share),
                  (self.attribute_weights, 1.0), (self.other_weights, 1.0))
        self.optimisers = [self.adam(weights, (settings.beta1, settings.beta2), share=share,
                                     weight_decay=settings.weight_decay) for weights, share in groups]

    # Training

    def set_progress(self, epoch: int, step: int, steps: int) -> float:
        self.batch_of_epoch, self.batches_of_epoch = step, steps
        return super().set_progress(epoch, step, steps)

    def updates_everything(self) -> bool:
        """Whether the coming batch does."""
        return self._is_full(self.batch_of_epoch, self.batches_of_epoch)

    def _is_full(self, place: int, count: int) -> bool:
        """Every third batch of an epoch, and its last two."""
        return (place + 1) % self.settings.content_period == 0 or 0 < count <= place + 2

    def generator_updates(self, steps: int) -> int:
        return sum(self._is_full(place, steps) for place in range(steps))

    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        drawn = zip(DOMAINS, self.pairs.draw(photo_rows, sketch_rows))
        halves = {d: channels_last(images).chunk(2) for d, images in drawn}
        images, others = ({d: halves[d][half] for d in DOMAINS} for half in (0, 1))
        everything = self.updates_everything()
        self.batch_of_epoch += 1
        return detached(self._update_everything(images, others) if everything else
                        self._update_content_discriminator(images))

    def _update_content_discriminator(self, images: dict[str, Tensor]) -> losses.Losses:
        with torch.no_grad(), self.autocast():
            code = {d: losses.content(self.generators["content_encoder"], d, images[d], noise=True) for d in DOMAINS}
        with self.autocast():
            found = losses.content_discriminator(self.discriminators["disContent"], code)
        self._step_content_discriminator(found)
        return found

    def _update_everything(self, images: dict[str, Tensor], others: dict[str, Tensor]) -> losses.Losses:
        """The discriminators, then encoders and generator against what these have become."""
        settings, discriminators = self.settings, self.discriminators
        with self.autocast():
            draws = losses.Draws.new(images["photo"], random=1 + settings.mode_seeking)
            made = losses.make(self.generators, images, draws)
        # An autocast of its own for each state of the discriminators: it converts a weight once.
        with self.autocast():
            of_images = losses.image_discriminators(discriminators, images, others, made)
            of_content = losses.content_discriminator(discriminators["disContent"], made.code)
        self.optimisers[0].zero_grad(set_to_none=True)
        sum(loss for name, loss in of_images.items() if name.endswith("_total")).backward(inputs=self.image_weights)
        self.optimisers[0].step()
        self._step_content_discriminator(of_content)
        with self.autocast():
            pass1 = losses.pass1(settings, discriminators, images, made)
            pass2 = losses.pass2(settings, discriminators, made)
        self._step_generators(pass1["generator_pass1/total"], pass2["generator_pass2/total"])
        return {**of_images, **of_content, **pass1, **pass2}

    def _step_content_discriminator(self, found: losses.Losses) -> None:
        self.optimisers[1].zero_grad(set_to_none=True)
        found["discriminator/disContent_total"].backward(inputs=self.content_weights)
        nn.utils.clip_grad_norm_(self.content_weights, self.settings.clip_norm)
        self.optimisers[1].step()

    def _step_generators(self, pass1: Tensor, pass2: Tensor) -> None:
        """Two Adam steps in a row, both gradients of the present weights; the attribute encoder takes the first."""
        gradients = []
        for total, inputs in ((pass1, self.attribute_weights + self.other_weights), (pass2, self.other_weights)):
            for weight in inputs:
                weight.grad = None
            total.backward(inputs=inputs, retain_graph=total is pass1)
            gradients.append([weight.grad for weight in self.other_weights])
        self.optimisers[2].step()
        for of_pass in gradients:
            for weight, gradient in zip(self.other_weights, of_pass):
                weight.grad = gradient
            self.optimisers[3].step()

    def state(self, *, training: bool = True) -> dict:
        state = super().state(training=training)
        if training:
            state["batches"] = [self.batch_of_epoch, self.batches_of_epoch]
        return state

    def load_state(self, state: dict) -> None:
        super().load_state(state)
        if "batches" in state:
            self.batch_of_epoch, self.batches_of_epoch = state["batches"]

    # Using

    def translate(self, direction: str, images: Tensor, name: str = "") -> Tensor:
        """Images (B, 3 or 1, S, S), S a multiple of 4 → (B, 3, S, S), all with one attribute (``test_attribute``)."""
        if self.settings.test_attribute == "zero":
            attributes = images.new_zeros(1, ATTRIBUTE)
        else:
            attributes = self.random_attributes(name, 1)
        return self.translate_with_attributes(direction, images, attributes)[0]

    @torch.no_grad()
    def translate_with_attributes(self, direction: str, images: Tensor, attributes: Tensor) -> Tensor:
        """Images (B, 3 or 1, S, S) and attributes (K, 8) → (K, B, 3, S, S): each image with each attribute.

        The same in training and evaluation mode; content codes are without noise.
        """
        source = SOURCE[direction]
        target, generator = losses.OTHER[source], self.generators["generator"]
        code = self.generators["content_encoder"](source, images.expand(-1, 3, -1, -1))
        features = generator.features(target, generator.shared(code))
        return torch.stack([generator.paint(target, features, attribute.expand(len(images), -1))
                            for attribute in attributes])

    def random_attributes(self, name: str, count: int) -> Tensor:
        """(count, 8) from N(0, 1): always the same for an image's name, fewer being the first of more."""
        generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:7]))
        return torch.stack([torch.randn(ATTRIBUTE, generator=generator) for _ in range(count)]).to(self.device)
