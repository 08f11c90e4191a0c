"""The deep rivals of Tables IV-VII, one file each, equal to their authors' programs at the authors' sizes."""

from __future__ import annotations

import importlib

from torch import nn

from lib.base.errors import unknown_name

# Name: module, its settings class, and the form that the name says.
_SYSTEMS: dict[str, tuple[str, str, str | None]] = {
    "fcn": ("fcn", "FcnSettings", None),
    "ps2man": ("ps2man", "Ps2manSettings", None),
    "ps2man-released": ("ps2man", "Ps2manSettings", "released"),
    "ps2man-described": ("ps2man", "Ps2manSettings", "described"),
    "pix2pix": ("pix2pix", "Pix2PixSettings", None),
    "cyclegan": ("cyclegan", "CycleGanSettings", None),
    "drit": ("drit", "DritSettings", None),
    "u-gat-it": ("u_gat_it", "UGatItSettings", None),
    "u-gat-it-full": ("u_gat_it", "UGatItSettings", "full"),
}


def networks(system: str, *, width: int, size: int, form: str | None = None, **settings) -> dict[str, nn.Module]:
    """The networks of a deep rival with their first weights, on the CPU, by their authors' order and names.

    width: channels at full resolution, 64 in the authors' programs; size: pixels of the images that they see, 256;
    form: of systems that have several (default: the one that the name says, or the settings' own); ``settings``: more
    of the system's settings.  Draws from torch's global generator.  Raises StudyError for an unknown system and for
    sizes that its networks cannot take.
    """
    if system not in _SYSTEMS:
        raise unknown_name("deep rival", system, _SYSTEMS)
    file, settings_class, named_form = _SYSTEMS[system]
    module = importlib.import_module(f"{__name__}.{file}")  # only when asked for: one file knows nothing of the others
    if chosen := form or named_form:
        settings["form"] = chosen
    return module.networks(getattr(module, settings_class)(size=size, width=width, augmentation="none", **settings))
