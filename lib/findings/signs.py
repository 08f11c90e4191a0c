"""How a finding is worded: a full verdict at the paper's own setting only, elsewhere the sign that an effect has here.

The paper trains 400 epochs at 256 px, 64 channels wide, on VGG-19's features.  An effect measured with fewer pixels,
epochs or channels, or with the stand-in features, can say which sign it has under these conditions; whether it supports
or contradicts the paper takes a run at its setting.
"""

from __future__ import annotations

from lib.base.settings import RunSettings

SUPPORTED, CONTRADICTED = "supported", "contradicted"
SAME, OPPOSITE = "same sign here", "opposite sign here"
UNDECIDED = "undecided"


def is_the_papers(profile: str) -> bool:
    """Whether a profile trains as the paper does: size, width, epochs, batch and feature network."""
    return RunSettings.at(profile) == RunSettings()


def verdict(estimate: float, clear: bool, profile: str) -> str:
    """The verdict on a claim that ``estimate`` is positive; clear: whether it is told apart from zero."""
    if not clear:
        return UNDECIDED
    agrees = estimate > 0
    if is_the_papers(profile):
        return SUPPORTED if agrees else CONTRADICTED
    return SAME if agrees else OPPOSITE


def conditions(profile: str) -> str:
    """What a verdict speaks of, to stand beside it: ``128 px, 24 epochs, width 32, vgg16-hed features``.

    >>> conditions("paper")
    '256 px, 400 epochs, width 64, vgg19 features'
    """
    settings = RunSettings.at(profile)
    return f"{settings.size} px, {settings.epochs} epochs, width {settings.width}, {settings.features} features"
