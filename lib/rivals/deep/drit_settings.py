"""Settings of DRIT; sources and deviations are in ``drit``.  "Program" is the authors' HsinYingLee/DRIT."""

from __future__ import annotations

from dataclasses import dataclass

from lib.base.settings import RunSettings, choice, number


@dataclass(frozen=True)
class DritSettings(RunSettings):
    """Everything that determines a run of DRIT besides data and seed."""

    augmentation: str = choice("crop-flip", ("none", "enlarge-crop-flip"), "program: 216 of 256 pixels, mirrored")
    pairing: str = choice("unpaired", ("paired",), "program: dataset_unpair")
    batch: int = number(2, "program: one pair encoded, one for random attributes", least=2, multiple=2)

    mode_seeking: bool = number(True, "program's default since 2019; false: the ECCV paper")
    content_period: int = number(3, "program: d_iter, batches from one full update to the next", least=1)
    test_attribute: str = choice("zero", ("random",), "program: random, another picture each time; zero, its prior's "
                                                      "mean, gives one; 'random' is seeded by the image's name")

    # Losses: weights as in the paper and the program
    adversarial_weight: float = number(1.0, "pictures pass for real, with encoded and with random attributes")
    content_adversarial_weight: float = number(1.0, "content codes do not tell their domain")
    cross_cycle_weight: float = number(10.0, "L1 after exchanging attributes twice")
    self_reconstruction_weight: float = number(10.0, "L1 of a picture from its own content and attribute")
    kl_weight: float = number(0.01, "attributes follow N(0, 1)")
    l2_content_weight: float = number(0.01, "mean square of the content code")
    latent_regression_weight: float = number(10.0, "L1 of a random attribute and what is read from its picture")
    mode_seeking_weight: float = number(1.0, "different attributes make different pictures")

    # Optimisation
    learning_rate: float = number(1e-4, "program")
    content_rate_share: float = number(0.4, "program: the content discriminator learns at 1e-4 / 2.5")
    clip_norm: float = number(5.0, "program: of the content discriminator's gradient")
    beta1: float = number(0.5, "program")
    beta2: float = number(0.999, "program")
    weight_decay: float = number(1e-4, "program: added to the gradient, not decoupled")

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """Constant for half of the epochs, then in equal steps towards 0.

        Epochs count from 0.  With 1200 epochs: rate up to epoch 600, rate · 600/601 in epoch 601, rate · 2/601 in
        the last.
        """
        constant = self.epochs // 2
        return self.learning_rate * (1 - max(0, epoch - constant) / (self.epochs - constant + 1))
