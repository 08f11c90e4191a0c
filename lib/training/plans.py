"""What a run is to be: a system's name read once, at the door, into a value with all its settings.

Everything below passes a ``Plan`` on instead of reading names again.  ``CONSTRUCTORS`` is the table of what trains;
``lib.base.systems`` has the names, and a test holds the two against each other.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lib.base import paths, systems
from lib.base import settings as reading
from lib.base.errors import StudyError, unknown_name
from lib.base.settings import AFTER_TRAINING, RunSettings
from lib.base.systems import System
from lib.model.settings import MsgSarlSettings

if TYPE_CHECKING:
    import torch

    from lib.model.trainable import Trainable


@dataclass(frozen=True)
class Constructor:
    """How a system that trains is made.

    settings, trainable: give its classes, so that torch is imported only where it is needed.  fixed: the settings
    that make it this system and no other.
    """

    settings: Callable[[], type[RunSettings]]
    trainable: Callable[[], type[Trainable]]
    fixed: dict


def _msg_sarl() -> type[Trainable]:
    from lib.model.msg_sarl import MsgSarl
    return MsgSarl


def _deep(module: str, name: str) -> Constructor:
    """A deep rival: its class and its settings' class stand in one file."""
    def found(suffix: str) -> Callable[[], type]:
        return lambda: getattr(importlib.import_module(f"lib.rivals.deep.{module}"), name + suffix)
    return Constructor(found("Settings"), found(""), {})


def _cell(*, msg: bool = False, attention: bool = False, cycle: bool = False) -> Constructor:
    """One cell of the 2×2×2 design of Tables I-III."""
    return Constructor(lambda: MsgSarlSettings, _msg_sarl, {"msg": msg, "attention": attention, "cycle": cycle})


CONSTRUCTORS: dict[str, Constructor] = {
    "backbone": _cell(),
    "backbone-msg": _cell(msg=True),
    "backbone-attention": _cell(attention=True),
    "backbone-cycle": _cell(cycle=True),
    "msg-sarl-no-msg": _cell(attention=True, cycle=True),
    "msg-sarl-no-cycle": _cell(msg=True, attention=True),
    "msg-sarl-no-attention": _cell(msg=True, cycle=True),
    "msg-sarl": _cell(msg=True, attention=True, cycle=True),
    "fcn": _deep("fcn", "Fcn"),
    "ps2man": _deep("ps2man", "Ps2man"),
    "pix2pix": _deep("pix2pix", "Pix2Pix"),
    "cyclegan": _deep("cyclegan", "CycleGan"),
    "drit": _deep("drit", "Drit"),
    "u-gat-it": _deep("u_gat_it", "UGatIt"),
}


@dataclass(frozen=True)
class Plan:
    """A system in a profile: which settings it has, and what a run of it is called and made with.

    changes: the settings that differ from the profile's, as they are written in the system's name, in the order in
    which the settings are declared; two ways of writing the same name are one plan.
    """

    profile: str
    system: System
    changes: tuple[tuple[str, str], ...]
    settings: RunSettings

    @property
    def name(self) -> str:
        """``msg-sarl+fusion=shared``: the ``system`` of every table and record."""
        return "+".join([self.system.name, *(f"{name}={text}" for name, text in self.changes)])

    @property
    def network(self) -> Plan:
        """The plan whose networks this one uses: itself without the settings that act after training."""
        kept = {name: text for name, text in self.changes if name not in AFTER_TRAINING}
        return self if len(kept) == len(self.changes) else _plan(self.profile, self.system.name, tuple(kept.items()))

    def folder(self, database: str, seed: int) -> Path:
        """The run folder of one training."""
        return paths.run_folder(self.profile, database, self.name, seed)

    def restored(self, recorded: dict) -> RunSettings:
        """Settings of a record or checkpoint of this system; raises StudyError where they are of another version."""
        return restore(self.system.name, recorded)

    def accepts(self, settings: RunSettings) -> bool:
        """Whether a run with these settings is a run of this plan; ``auto`` accepts either precision."""
        wanted = self.settings
        if wanted.precision == "auto":
            wanted = dataclasses.replace(wanted, precision=settings.precision)
        return settings == wanted

    def counts(self, record: dict) -> bool:
        """Whether a run's record is of this plan; records of what has no training hold no settings."""
        if "settings" not in record:
            return not self.system.trains
        try:
            return self.accepts(self.restored(record["settings"]))
        except StudyError:
            return False

    def create(self, settings: RunSettings, device: torch.device, *, training: bool = True) -> Trainable:
        """Networks, and optimisers if ``training``, with these settings (``auto`` resolved), on a device."""
        return create(self.system.name, settings, device, training=training)


def restore(system: str, recorded: dict) -> RunSettings:
    """Settings of a record or checkpoint of ``system``; raises StudyError where they are of another version."""
    return _constructor(system).settings().restore(recorded)


def create(system: str, settings: RunSettings, device: torch.device, *, training: bool = True) -> Trainable:
    """Networks of ``system``, and its optimisers if ``training``, on a device."""
    return _constructor(system).trainable()(settings, device, training=training)


def _constructor(system: str) -> Constructor:
    name = systems.base_name(system)
    if name not in CONSTRUCTORS:
        raise unknown_name("trained system", name, CONSTRUCTORS)
    return CONSTRUCTORS[name]


def plan(profile: str, system: str) -> Plan:
    """Read a system's name in a profile.

    >>> plan("quick", "msg-sarl+position_softmax=double").settings.position_softmax
    'double'

    Raises StudyError for unknown names and values, for a setting that the system does not have, and for one that makes
    the system what it is.
    """
    return _plan(profile, systems.base_name(system), tuple(systems.changes_of(system).items()))


@cache
def _plan(profile: str, name: str, changes: tuple[tuple[str, str], ...]) -> Plan:
    system = systems.get(name)
    if not system.trains:
        if changes:
            raise StudyError(f"System '{name}': settings belong to trained systems; {name} has none"
                             + (" here, its options are in lib/rivals/exemplar/settings.py."
                                if system.kind == "exemplar" else "."))
        return Plan(profile, system, (), RunSettings.at(profile))
    constructor = CONSTRUCTORS[name]
    kind = constructor.settings()
    values = {setting: reading.parse(kind, setting, text) for setting, text in changes}
    order = [field.name for field in dataclasses.fields(kind)]
    spelt = tuple((setting, _spelt(values[setting])) for setting in sorted(values, key=order.index))
    return Plan(profile, system, spelt, kind.at(profile, **{**constructor.fixed, **values}))


def _spelt(value: object) -> str:
    """A value as a name carries it: one spelling each, the shortest.

    >>> _spelt(0.0002), _spelt(0.5), _spelt(True)
    ('2e-4', '0.5', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return str(value)
    mantissa, exponent = f"{value:.12e}".split("e")
    return min(f"{value:g}", f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}", key=len)
