"""What every run can be told, whatever it trains, and how settings are declared, read and restored.

A *setting* is a field of a frozen dataclass with its reason beside it: a named choice with its alternatives
(``choice``) or a number with its least value (``number``).  ``RunSettings`` holds what all trained systems share;
each system's class extends it with its own (``lib.model.settings``, ``lib.rivals.deep``).  A *profile* changes some
of them for a purpose: ``tiny`` (tests), ``quick`` (the default of run_all.sh), ``probe`` (deciding about choices on
held-out training pairs), ``cpu`` (real data without a GPU), ``paper``.

A run's record stores every setting.  A setting that came later is declared with the value that the code had
``before`` it existed, so that old records stay complete, and a changed default rewrites no history.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import ClassVar, Self

from lib.base.errors import StudyError, unknown_name

_MISSING = object()


def choice(default: str, alternatives: tuple[str, ...], why: str, *, before: object = _MISSING):
    """Declare a named choice; ``before``: the value in records from before the setting existed."""
    return _setting(default, {"choices": (default, *alternatives), "why": why}, before)


def number(default: float | bool | None, why: str, *, least: float = 0, multiple: int = 1, before: object = _MISSING):
    """Declare a number or switch, at least ``least`` and, if whole, a multiple of ``multiple``."""
    return _setting(default, {"why": why, "least": least, "multiple": multiple}, before)


def _setting(default, metadata: dict, before: object):
    return field(default=default, metadata=metadata if before is _MISSING else {**metadata, "before": before})


@dataclass(frozen=True)
class RunSettings:
    """Everything that determines a training run besides the data, the seed and the system's own settings."""

    # Images
    size: int = number(256, "paper: images are resized to 256×256", least=16, multiple=8)
    resampling: str = choice("bicubic", ("bilinear", "lanczos", "area"), "not said; the field's habit (notebook 01)")
    output_resampling: str = choice("bicubic", ("bilinear", "lanczos", "area"),
                                    "filter from the network's size to 200×250; not said; as on the way in",
                                    before="bicubic")
    fit: str = choice("resize", ("pad",), "paper: resized, which changes the aspect ratio; others pad")
    train_pairs: int | None = number(None, "None: the whole training split", least=1)
    test_pairs: int | None = number(None, "None: the whole test split", least=1)
    holdout: int = number(0, "if not 0: so many of the last *training* pairs are tested instead of the test split, "
                             "for deciding about choices without looking at the test identities")
    augmentation: str = choice("none", ("enlarge-crop-flip", "crop-flip"),
                               "the paper mentions none; 'enlarge-crop-flip' (286 to 256 px, pix2pix, CycleGAN) and "
                               "'crop-flip' (216 of 256 px, DRIT) are the rivals' own", before="none")
    pairing: str = choice("paired", ("unpaired",), "whether a step sees a photo with its own sketch or with any",
                          before="paired")

    # The run
    width: int = number(64, "channels at full resolution; not said, 64 is the cited work's habit", least=1)
    epochs: int = number(400, "paper", least=1)
    batch: int = number(1, "paper", least=1)
    features: str = choice("vgg19", ("vgg16-hed",), "paper: VGG-19; the stand-in has its own name")
    precision: str = choice("auto", ("bf16", "fp32"), "not said; 'auto' takes bf16 where the hardware multiplies it "
                            "faster than fp32 (lib.training.devices); weights, logits, softmax and losses stay in fp32")

    IN_PROFILE: ClassVar[dict[str, dict]] = {}  # a system's own settings that depend on the profile

    @classmethod
    def at(cls, profile: str, **changes) -> Self:
        """The settings of a profile, with ``changes``; raises StudyError for an unknown profile."""
        if profile not in PROFILES:
            raise unknown_name("profile", profile, PROFILES)
        return cls(**{**PROFILES[profile], **cls.IN_PROFILE.get(profile, {}), **changes})

    @classmethod
    def restore(cls, recorded: dict) -> Self:
        """Settings of a record or checkpoint, a missing one as it was before it existed.

        Raises StudyError naming settings that are unknown today, and those that are missing without such a value.
        """
        fields = {f.name: f for f in dataclasses.fields(cls)}
        lost = [name for name, f in fields.items() if name not in recorded and "before" not in f.metadata]
        if strange := sorted(lost + [name for name in recorded if name not in fields]):
            raise StudyError(f"written by another version of the study (settings: {', '.join(strange)})")
        return cls(**{name: recorded[name] if name in recorded else f.metadata["before"] for name, f in fields.items()})

    @property
    def load_size(self) -> int:
        """Pixels of the square that images are resized to before augmentation crops ``crop_size`` out of it."""
        return round(self.size * 286 / 256) if self.augmentation == "enlarge-crop-flip" else self.size

    @property
    def crop_size(self) -> int:
        """Pixels of the square that a training step sees; a multiple of 4 where only part of the image is seen."""
        return round(self.size * 216 / 256 / 4) * 4 if self.augmentation == "crop-flip" else self.size

    def learning_rate_at(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """Learning rate of a step: epoch and step of it from 0, steps in an epoch.  Every system has its own."""
        raise NotImplementedError


PROFILES: dict[str, dict] = {  # what each changes
    "tiny": dict(size=32, width=8, epochs=1, features="vgg16-hed", train_pairs=8, test_pairs=24),
    "quick": dict(size=64, width=16, epochs=8, features="vgg16-hed"),
    "probe": dict(size=64, width=32, epochs=3, features="vgg16-hed", holdout=16),
    "cpu": dict(size=128, width=32, epochs=24, features="vgg16-hed"),
    "paper": dict(),
}

# Settings that act on a finished network's images alone: a system that differs in these shares the network.
AFTER_TRAINING = ("output_resampling",)


def parse(settings: type[RunSettings], name: str, text: str) -> object:
    """Convert the text of ``name=text`` to that setting's type; raises StudyError saying what is possible."""
    known = {f.name: f for f in dataclasses.fields(settings)}
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
    whole = chosen.default is None or isinstance(chosen.default, int)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise StudyError(f"Setting {name}: '{text}' is not a {'whole ' * whole}number.") from None
    least, multiple = chosen.metadata["least"], chosen.metadata["multiple"]
    if not least <= value < math.inf or (whole and value % multiple):
        raise StudyError(f"Setting {name}: {text} is not possible; give "
                         + (f"a multiple of {multiple}, " if multiple > 1 else "") + f"at least {least}.")
    return value
