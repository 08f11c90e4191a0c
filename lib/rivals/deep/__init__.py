"""The deep rivals of Tables IV-VII, one file each, equal to their authors' programs at the authors' sizes."""

from __future__ import annotations

import importlib
from numbers import Integral

from torch import nn

from lib.base import settings as reading
from lib.base import systems
from lib.base.errors import StudyError, unknown_name

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

    system: as in the tables, with changed settings (``u-gat-it+form=full``) or the form's name (``u-gat-it-full``)
    behind it; width: channels at full resolution, 64 in the authors' programs; size: pixels of the images that they
    translate, 256; form: of systems that have several (default: the one that the name says, or the settings' own);
    ``settings``: more of the system's settings.  Without a word of augmentation, training sees the images whole.
    Draws from torch's global generator.  Raises StudyError for an unknown system, setting or value, for one setting
    that is said twice and differently, and for widths and sizes that its networks cannot take.
    """
    name = systems.base_name(system)
    if name not in _SYSTEMS:
        raise unknown_name("deep rival", name, _SYSTEMS)
    _require_whole(width=(width, 1), size=(size, 4))  # every network but FCN's halves twice
    file, settings_class, named_form = _SYSTEMS[name]
    module = importlib.import_module(f"{__name__}.{file}")  # only when asked for: one file knows nothing of the others
    settings_class = getattr(module, settings_class)
    arguments = {"form": form, **settings}
    chosen = {"width": width, "size": size}
    for said in ({"form": named_form}, systems.changes_of(system), arguments):
        for key, value in said.items():
            if value is None:
                continue
            value = reading.parse(settings_class, key, str(value).lower() if isinstance(value, bool) else str(value))
            if chosen.setdefault(key, value) != value:
                raise StudyError(f"Deep rival '{system}': {key} is to be {chosen[key]} and {value}. Say it once, in "
                                 "the name or as an argument.")
    return module.networks(settings_class(**{"augmentation": "none", **chosen}))


def _require_whole(**numbers: tuple[object, int]) -> None:
    """Each a number and what it must be a positive multiple of; raises StudyError for another, or for no number."""
    for name, (value, multiple) in numbers.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1 or value % multiple:
            raise StudyError(f"Networks of a deep rival: {name} {value!r} is not possible. Give a whole number, at "
                             f"least {multiple}{f' and a multiple of {multiple}' * (multiple > 1)}.")
