"""How directions, metrics, systems and numbers are written for people: in tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lib.base import systems
from lib.base.directions import DIRECTIONS

DIRECTION = dict(zip(DIRECTIONS, ("photo to sketch", "sketch to photo")))
TASK = dict(zip(DIRECTIONS, ("FP2S", "FS2P")))  # the paper's names of the directions
METRIC = {"ssim": "SSIM", "fsim": "FSIM", "fsimc": "FSIMc", "scoot": "Scoot", "fid": "FID",
          "frechet-vgg16-hed": "Fréchet (VGG16-HED)", "kid-vgg16-hed": "KID (VGG16-HED)"}

# Deep rivals in another form, or trained on.
FORM = {"ps2man+form=described": "PS2MAN as its paper has it", "cyclegan+pairing=paired": "CycleGAN shown pairs",
        "cyclegan+pairing=paired+perceptual_weight=10": "CycleGAN shown pairs, perceptual loss",
        "drit+mode_seeking=false": "DRIT without mode seeking", "drit+epochs=132": "DRIT, 132 epochs",
        "u-gat-it+form=full": "U-GAT-IT, full form"}


def label_of(system: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """The name that people read; what is no system stays as it is.

    names: other names for some systems, or for some with exactly these changes.

    >>> label_of("msg-sarl+fusion=shared"), label_of("grey-input@hair")
    ('MSG-SARL, fusion=shared', 'input, grey: hair only')
    """
    name, _, region = system.partition("@")
    base, *changes = name.split("+")
    label = names.get(base) or (systems.SYSTEMS[base].label if base in systems.SYSTEMS else base)
    label = names.get(name) or FORM.get(name) or ", ".join([label, *changes])
    return label + (f": {region} only" if region else "")


def signed(value: float, digits: int = 2) -> str:
    """A difference: ``+0.99``, ``−0.68`` with a true minus sign, and no sign before what rounds to zero.

    >>> signed(-0.004), signed(-0.68)
    ('0.00', '−0.68')
    """
    text = f"{value:+.{digits}f}"
    return text[1:] if not float(text) else text.replace("-", "−")


def with_limits(estimate: float, low: float, high: float, digits: int = 2) -> str:
    """A difference with its limits: ``−0.68 [−0.91, −0.44]``."""
    return f"{signed(estimate, digits)} [{signed(low, digits)}, {signed(high, digits)}]"


def p_value(p: float) -> str:
    """``0.034``, or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """``0.3 s``, ``45 s``, ``12 min`` or ``2.5 h``; of what takes any time at least 0.1 s."""
    if 0 < seconds < 0.95:
        return f"{max(seconds, 0.1):.1f} s"
    return (f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400
            else f"{seconds / 3600:.1f} h")
