"""The rows of every table: systems, controls and ceilings, with the names people read.

Kinds: ``trained`` (networks, through ``lib.training.loop``), ``exemplar`` (patch-based rivals, through
``lib.rivals.exemplar``), ``control`` (floors and ceilings, through ``lib.rivals.controls``).
"""

from __future__ import annotations

from dataclasses import dataclass

from lib.base.directions import DIRECTIONS
from lib.base.errors import unknown_name


@dataclass(frozen=True)
class System:
    """One row: ``name`` in files and commands, ``label`` in tables and figures."""

    name: str
    label: str
    kind: str  # "trained", "exemplar" or "control"
    directions: tuple[str, ...] = DIRECTIONS


_ALL = [
    System("backbone", "backbone", "trained"),
    System("backbone-msg", "backbone w/ MSG", "trained"),
    System("backbone-attention", "backbone w/ Self-Attention", "trained"),
    System("backbone-cycle", "backbone w/ Cycle", "trained"),  # the eighth cell, absent from the paper
    System("msg-sarl-no-msg", "MSG-SARL w/o MSG", "trained"),
    System("msg-sarl-no-cycle", "MSG-SARL w/o Cycle", "trained"),
    System("msg-sarl-no-attention", "MSG-SARL w/o Self-Attention", "trained"),
    System("msg-sarl", "MSG-SARL", "trained"),
    System("lle", "LLE", "exemplar"),
    System("mrf", "MRF", "exemplar"),
    System("mwf", "MWF", "exemplar"),
    System("ssd", "SSD", "exemplar"),
    System("rslcr", "RSLCR", "exemplar"),
    System("fast-rslcr", "Fast-RSLCR", "exemplar"),
    System("grey-input", "input, grey", "control"),
    System("mean-face", "mean training face", "control"),
    System("pixel-regression", "per-pixel regression", "control"),
    System("wrong-person", "another person's target", "control"),
    System("resized-target", "target through the network's size", "control"),
]
SYSTEMS: dict[str, System] = {system.name: system for system in _ALL}
ABLATIONS = tuple(system.name for system in _ALL[:8])


def get(name: str) -> System:
    """Return the system called ``name``; raises StudyError suggesting near names."""
    if name not in SYSTEMS:
        raise unknown_name("system", name, SYSTEMS)
    return SYSTEMS[name]


def of_kind(kind: str) -> tuple[str, ...]:
    """Names of all systems of one kind, in table order."""
    return tuple(s.name for s in _ALL if s.kind == kind)
