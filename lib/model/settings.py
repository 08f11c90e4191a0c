"""Settings of the study: every hyper-parameter and every choice the paper leaves open, in one place.

``Settings`` holds the paper's values where the paper gives them; where it is silent or cannot be meant
literally, a *named choice* with its alternatives and the reason for the default.  Profiles are settings
for a purpose: ``tiny`` (tests), ``quick`` (the default of run_all.sh), ``probe`` (deciding about
choices on held-out training pairs), ``cpu`` (real data without a GPU), ``paper``.  This module knows nothing of torch.

A *system name* may carry overrides: ``msg-sarl+position_softmax=double`` is MSG-SARL with one choice
changed, and has a run folder of its own.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from lib.base import systems
from lib.base.errors import StudyError, unknown_name


def _choice(default: str, alternatives: tuple[str, ...], why: str):
    return field(default=default, metadata={"choices": (default, *alternatives), "why": why})


def _number(default: float, why: str):
    return field(default=default, metadata={"why": why})


@dataclass(frozen=True)
class Settings:
    """Everything that determines a training run besides the data, the system and the seed."""

    # Images
    size: int = _number(256, "paper: images are resized to 256×256")
    resampling: str = _choice("bicubic", ("bilinear", "lanczos", "area"), "not said; the field's habit (notebook 01)")
    output_resampling: str = _choice("bicubic", ("bilinear", "lanczos", "area"),
                                     "filter from the network's size to 200×250; not said; as on the way in")
    fit: str = _choice("resize", ("pad",), "paper: resized, which changes the aspect ratio; others pad")
    train_pairs: int | None = _number(None, "None: the whole training split")
    test_pairs: int | None = _number(None, "None: the whole test split")
    holdout: int = _number(0, "if not 0: so many of the last *training* pairs are tested instead of the test split, "
                              "for deciding about choices without looking at the test identities")

    # What the system consists of (the three ablated parts)
    msg: bool = _number(True, "multi-scale outputs O_0..O_2 reach the discriminators (Eq. 1-4)")
    attention: bool = _number(True, "self-attention units inside the SARBs (Eq. 6-11)")
    cycle: bool = _number(True, "cycle-consistency loss couples the two directions (Eq. 14)")

    # Generator
    width: int = _number(64, "channels at full resolution; not said, 64 is the cited work's habit")
    widths: str = _choice("1-2-4-8", ("1-2-4-4",), "channel multiples at H, H/2, H/4, H/8; not said")
    padding: str = _choice("reflect", ("zeros",), "not said; the cited CycleGAN reflects, zeros darken borders")
    upsampling: str = _choice("nearest", ("bilinear",), "'up-sampling + convolution' in the text; not said which")
    tap: str = _choice("after-skip", ("before-skip",), "where γ reads the features of O_i; not said")
    norm_after_5x5: bool = _number(True, "whether the SARB's 5×5 convolution is followed by normalisation and PReLU; "
                                         "not said; keeps attention's input at unit scale, whatever the weights")
    initialisation: str = _choice("normal-0.02", ("kaiming", "pytorch"),
                                  "not said; the cited CycleGAN draws N(0, 0.02)")

    # Self-attention unit
    position_softmax: str = _choice("single", ("double",),
                                    "Eq. 6 and 7 print two softmaxes; two make it nearly uniform")
    channel_logits: str = _choice("scaled", ("raw", "danet"), "Eq. 9 sums over N pixels; 'scaled' divides by N so that "
                                                            "the softmax neither saturates nor depends on the size")
    attention_precision: str = _choice("fp32-logits", ("fp32", "bf16"), "under bf16: logits, the whole unit, or "
                                                                        "nothing is kept in fp32 (notebook 03)")
    fusion: str = _choice("separate", ("shared",), "Eq. 11 writes one ε for both branches; DANet has one each")

    # Discriminator
    real_pyramid: str = _choice("area", ("bilinear", "bicubic"),
                                "filter that down-samples real images (Eq. 4); not said")

    # Losses (Eq. 12-16)
    features: str = _choice("vgg19", ("vgg16-hed",), "paper: VGG-19; the stand-in has its own name")
    perceptual_pools: str = _choice("2-5", ("1-2",), "Eq. 13 says i = 2, 5; the text once says pool1 and pool2")
    tv_reduction: str = _choice("sum", ("mean",), "Eq. 15 prints a sum; as a mean it would vanish beside the others")
    adversarial_weight: float = _number(1.0, "λ1")
    perceptual_weight: float = _number(10.0, "λ2")
    tv_weight: float = _number(1e-4, "λ3")
    cycle_weight: float = _number(10.0, "λ4")

    # Optimisation
    epochs: int = _number(400, "paper")
    learning_rate: float = _number(1e-3, "paper")
    final_rate: float = _number(1e-5, "paper")
    schedule: str = _choice("steps", ("smooth", "constant"), "'after 100 epochs decreases with the coefficient 1e-1 "
                            "until 1e-5': ×0.1 after every quarter, or an exponential decay from the first quarter on")
    warmup_steps: int = _number(0, "steps over which the learning rate rises linearly from 0; not in the paper")
    beta1: float = _number(0.5, "paper")
    beta2: float = _number(0.999, "paper")
    batch: int = _number(1, "paper")
    precision: str = _choice("bf16", ("fp32",), "not said; bf16 matrix products are several times faster where the "
                                               "processor has them; weights, logits, softmax and losses stay in fp32")

    def learning_rate_at(self, epoch: int) -> float:
        """Learning rate of an epoch (from 0): the published schedule at 400 epochs, its shape at fewer."""
        progress = epoch / self.epochs
        if self.schedule == "constant" or progress < 0.25:
            return self.learning_rate
        if self.schedule == "steps":
            return max(self.learning_rate * 0.1 ** int(4 * progress), self.final_rate)
        fraction = (progress - 0.25) / 0.75
        return self.learning_rate * (self.final_rate / self.learning_rate) ** fraction


PROFILES: dict[str, Settings] = {
    "tiny": Settings(size=32, width=8, epochs=1, features="vgg16-hed", train_pairs=8, test_pairs=24),
    # Smooth decay: compressed to so few epochs, the stepped reading spends half of them at 1e-5.
    "quick": Settings(size=64, width=16, epochs=8, schedule="smooth", features="vgg16-hed"),
    "probe": Settings(size=64, width=32, epochs=3, features="vgg16-hed", holdout=16),
    "cpu": Settings(size=128, width=32, epochs=24, schedule="smooth", features="vgg16-hed"),
    "paper": Settings(),
}

# Settings that act on a finished network's images alone: a system that differs in these shares the network.
AFTER_TRAINING = ("output_resampling",)

_MAY_BE_ZERO = ("holdout", "warmup_steps")  # of the whole numbers

# Rows of Tables I-III as switches (MSG, self-attention, cycle): all eight cells of the 2×2×2 design.
_SWITCHES = {
    "backbone": (False, False, False),
    "backbone-msg": (True, False, False),
    "backbone-attention": (False, True, False),
    "backbone-cycle": (False, False, True),
    "msg-sarl-no-msg": (False, True, True),
    "msg-sarl-no-cycle": (True, True, False),
    "msg-sarl-no-attention": (True, False, True),
    "msg-sarl": (True, True, True),
}


def get(profile: str) -> Settings:
    """Return the settings of a profile; raises StudyError suggesting near names."""
    if profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    return PROFILES[profile]


def settings_for(profile: str, system: str) -> Settings:
    """Settings of one system in one profile: its switches and its ``+name=value`` overrides applied.

    >>> settings_for("quick", "backbone-msg").attention
    False
    >>> settings_for("quick", "msg-sarl+position_softmax=double").position_softmax
    'double'
    """
    base, overrides = split_system(system)
    settings = get(profile)
    if overrides and systems.get(base).kind != "trained":
        raise StudyError(f"System '{system}': settings belong to trained systems; {base} has none"
                         + (" here, its options are in lib/rivals/exemplar/settings.py."
                            if systems.get(base).kind == "exemplar" else "."))
    if base in _SWITCHES:
        settings = dataclasses.replace(settings, **dict(zip(("msg", "attention", "cycle"), _SWITCHES[base])))
    return dataclasses.replace(settings, **{name: _parse(name, text) for name, text in overrides.items()})


def split_system(system: str) -> tuple[str, dict[str, str]]:
    """Split ``base+name=value+…`` into the base system's name and its overrides.

    Raises StudyError for an unknown base, an override without value, or an unknown setting.
    """
    base, *parts = system.split("+")
    systems.get(base)
    overrides = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals:
            raise StudyError(f"System '{system}': '{part}' is not of the form name=value.")
        overrides[name] = value
    return base, overrides


def training_system(system: str) -> str:
    """The system whose networks ``system`` uses: itself without the settings that act after training.

    >>> training_system("msg-sarl+output_resampling=area+fusion=shared")
    'msg-sarl+fusion=shared'
    """
    base, overrides = split_system(system)
    kept = [f"{name}={text}" for name, text in overrides.items() if name not in AFTER_TRAINING]
    return "+".join([base, *kept])


def _parse(name: str, text: str):
    """Convert an override's text to its setting's type, checking named choices."""
    known = {f.name: f for f in dataclasses.fields(Settings)}
    if name not in known:
        raise unknown_name("setting", name, known)
    chosen = known[name]
    if "choices" in chosen.metadata:
        if text not in chosen.metadata["choices"]:
            raise unknown_name(f"value of {name}", text, chosen.metadata["choices"])
        return text
    if isinstance(chosen.default, bool):
        if text not in ("true", "false"):
            raise StudyError(f"Setting {name}: '{text}' is neither true nor false.")
        return text == "true"
    try:
        value = int(text) if "int" in str(chosen.type) else float(text)
    except ValueError:
        raise StudyError(f"Setting {name}: '{text}' is not a number.") from None
    least = 16 if name == "size" else 1 if isinstance(value, int) and name not in _MAY_BE_ZERO else 0
    if not least <= value < math.inf or (name == "size" and value % 8):
        raise StudyError(f"Setting {name}: {text} is not possible; give "
                         + ("a multiple of 8, at least 16." if name == "size" else f"at least {least}."))
    return value
