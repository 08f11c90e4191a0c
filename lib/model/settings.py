"""Settings of MSG-SARL: every hyper-parameter and every choice the paper leaves open, in one place.

The paper's values where the paper gives them; where it is silent or cannot be meant literally, a *named
choice* with its alternatives and the reason for the default.  This module knows nothing of torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from lib.base.errors import StudyError
from lib.base.settings import RunSettings, choice, number

# Smooth decay: compressed to so few epochs, the stepped reading spends half of them at 1e-5.
_COMPRESSED = {"schedule": "smooth"}


@dataclass(frozen=True)
class MsgSarlSettings(RunSettings):
    """Everything that determines a training run of MSG-SARL or one of its ablations, besides data and seed."""

    # What the system consists of (the three ablated parts)
    msg: bool = number(True, "multi-scale outputs O_0..O_2 reach the discriminators (Eq. 1-4)")
    attention: bool = number(True, "self-attention units inside the SARBs (Eq. 6-11)")
    cycle: bool = number(True, "cycle-consistency loss couples the two directions (Eq. 14)")

    # What takes the place of an ablated part: nothing, as the paper's rows read, or something of equal size
    without_msg: str = choice("final-image", ("own-pyramid",), "what the discriminators see without MSG: the final "
                              "image alone, or that image at all four sizes, with the layers that MSG has",
                              before="final-image")
    without_attention: str = choice("nothing", ("residual",), "what a SARB has without attention: nothing, or the "
                                    "unit's convolutions, every position and channel attending to itself",
                                    before="nothing")

    # Generator
    widths: str = choice("1-2-4-8", ("1-2-4-4",), "channel multiples at H, H/2, H/4, H/8; not said")
    padding: str = choice("reflect", ("zeros",), "not said; the cited CycleGAN reflects, zeros darken borders")
    upsampling: str = choice("nearest", ("bilinear",), "'up-sampling + convolution' in the text; not said which")
    tap: str = choice("after-skip", ("before-skip",), "where γ reads the features of O_i; not said")
    norm_after_5x5: bool = number(True, "whether the SARB's 5×5 convolution is followed by normalisation and PReLU; "
                                        "not said; keeps attention's input at unit scale, whatever the weights")
    initialisation: str = choice("normal-0.02", ("kaiming", "pytorch"),
                                 "not said; the cited CycleGAN draws N(0, 0.02)")

    # Self-attention unit
    position_softmax: str = choice("single", ("double",),
                                   "Eq. 6 and 7 print two softmaxes; two make it nearly uniform")
    channel_logits: str = choice("scaled", ("raw", "danet"), "Eq. 9 sums over N pixels; 'scaled' divides by N so that "
                                                           "the softmax neither saturates nor depends on the size")
    attention_precision: str = choice("fp32-logits", ("fp32", "bf16"), "under bf16: logits, the whole unit, or "
                                                                       "nothing is kept in fp32 (notebook 03)")
    fusion: str = choice("separate", ("shared",), "Eq. 11 writes one ε for both branches; DANet has one each")

    # Discriminator
    real_pyramid: str = choice("area", ("bilinear", "bicubic"),
                               "filter that down-samples real images (Eq. 4); not said")

    # Losses (Eq. 12-16)
    perceptual_pools: str = choice("2-5", ("1-2",), "Eq. 13 says i = 2, 5; the text once says pool1 and pool2")
    tv_reduction: str = choice("sum", ("mean",), "Eq. 15 prints a sum; as a mean it would vanish beside the others")
    adversarial_weight: float = number(1.0, "λ1")
    perceptual_weight: float = number(10.0, "λ2")
    tv_weight: float = number(1e-4, "λ3")
    cycle_weight: float = number(10.0, "λ4")

    # Optimisation
    learning_rate: float = number(1e-3, "paper")
    discriminator_rate: float = number(1.0, "learning rate of the discriminators as a share of the generators'; the "
                                            "paper gives one rate", before=1.0)
    final_rate: float = number(1e-5, "paper")
    schedule: str = choice("steps", ("smooth", "constant"), "'after 100 epochs decreases with the coefficient 1e-1 "
                           "until 1e-5': ×0.1 after every quarter, or an exponential decay from the first quarter on")
    warmup_steps: int = number(0, "steps over which the learning rate rises linearly from 0; not in the paper")
    beta1: float = number(0.5, "paper")
    beta2: float = number(0.999, "paper")

    IN_PROFILE: ClassVar[dict[str, dict]] = {"quick": _COMPRESSED, "cpu": _COMPRESSED}

    def __post_init__(self):
        for part in ("msg", "attention"):
            name = f"without_{part}"
            default = next(f.default for f in dataclasses.fields(self) if f.name == name)
            if getattr(self, part) and getattr(self, name) != default:
                raise StudyError(f"{name}={getattr(self, name)} changes nothing where {part} is on. Choose a system "
                                 f"without it, such as backbone+{name}={getattr(self, name)}.")

    @property
    def judges_scales(self) -> bool:
        """Whether the discriminators see an image at four sizes: the generator's own, or made of the final one."""
        return self.msg or self.without_msg == "own-pyramid"

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """The published schedule at 400 epochs, its shape at fewer; constant within an epoch but for a warm-up."""
        warm = min(1.0, (epoch * steps + step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        progress = epoch / self.epochs
        if self.schedule == "constant" or progress < 0.25:
            return warm * self.learning_rate
        if self.schedule == "steps":
            return warm * max(self.learning_rate * 0.1 ** int(4 * progress), self.final_rate)
        fraction = (progress - 0.25) / 0.75
        return warm * self.learning_rate * (self.final_rate / self.learning_rate) ** fraction
