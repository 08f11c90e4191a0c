"""What the deep rivals share: three channels on either side, first weights, rates, and what a checkpoint keeps.

Their authors translate colour images; a sketch is an image of three equal channels, going in and as a target.  What
comes out as a sketch is made grey where it is saved, by the conversion that is scored (``lib.base.images.to_grey``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lib.model.trainable import Trainable
from lib.model.training_pairs import TrainingPairs


class DeepRival(Trainable):
    """A rival that trains.  Its ``step`` begins with ``photos, sketches = self.pairs.draw(photo_rows, sketch_rows)``.

    ``translate`` of this class serves systems whose ``generators`` hold one network for each direction, under the
    direction's name, that takes images to images.
    """

    pairs: TrainingPairs

    def place(self, *, training: bool) -> None:
        """Put the networks on the device; without ``training`` they are ready to translate and nothing else."""
        for networks in (self.generators, self.discriminators) if training else (self.generators,):
            networks.to(self.device, memory_format=torch.channels_last)
        if not training:
            self.generators.eval().requires_grad_(False)

    def prepare(self, photos: Tensor, sketches: Tensor) -> None:
        self.pairs = TrainingPairs(photos, sketches.expand(-1, 3, -1, -1), self.settings, self.device)

    def state(self, *, training: bool = True) -> dict:
        state = super().state(training=training)
        if training:
            state["pairs"] = self.pairs.state()
        return state

    def load_state(self, state: dict) -> None:
        super().load_state(state)
        if "pairs" in state:
            self.pairs.load_state(state["pairs"])

    @torch.no_grad()
    def translate(self, direction: str, images: Tensor, name: str = "") -> Tensor:
        """Images (B, 3 or 1, S, S) → (B, 3, S, S), in evaluation mode."""
        network = self.generators[direction]
        training = network.training
        network.eval()
        try:
            return network(images.expand(-1, 3, -1, -1))
        finally:
            network.train(training)


def draw_normal(network: nn.Module, spread: float = 0.02) -> nn.Module:
    """First weights as CycleGAN, pix2pix and PS2MAN draw them: N(0, 0.02), norm scales N(1, 0.02), biases and shifts 0.

    Uses torch's global generator, in the order of the modules.
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, 0.0, spread)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, spread)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return network


def constant_then_linear(rate: float, epoch: int, epochs: int) -> float:
    """The authors' shape of CycleGAN and pix2pix: constant for half of the epochs, then in equal steps towards 0.

    Epochs count from 0.  With 100 + 100 epochs: rate up to epoch 99, rate · 100/101 in epoch 100, rate · 1/101 in the
    last.
    """
    constant = epochs // 2
    return rate * (1 - max(0, epoch + 1 - constant) / (epochs - constant + 1))
