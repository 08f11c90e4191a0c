"""The rows of every table: systems, controls and ceilings, with the names people read, in the order of the tables.

Kinds: ``ablation`` (MSG-SARL and the cells of Tables I-III), ``deep`` (the deep rivals of Tables IV-VII), both of
which train; ``exemplar`` (patch-based rivals, ``lib.rivals.exemplar``); ``control`` (floors and ceilings,
``lib.rivals.controls``).  What trains has its constructor in ``lib.training.plans``.

A *system name* may carry settings: ``msg-sarl+position_softmax=double`` is MSG-SARL with one choice changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, unknown_name


@dataclass(frozen=True)
class System:
    """One row: ``name`` in files and commands, ``label`` in tables and figures."""

    name: str
    label: str
    kind: str  # "ablation", "deep", "exemplar" or "control"
    directions: tuple[str, ...] = DIRECTIONS

    @property
    def trains(self) -> bool:
        """Whether several trainings of it differ by luck."""
        return self.kind in TRAINED_KINDS


TRAINED_KINDS = ("ablation", "deep")
SYSTEMS: dict[str, System] = {system.name: system for system in (
    System("backbone", "backbone", "ablation"),
    System("backbone-msg", "backbone w/ MSG", "ablation"),
    System("backbone-attention", "backbone w/ Self-Attention", "ablation"),
    System("backbone-cycle", "backbone w/ Cycle", "ablation"),  # the eighth cell, absent from the paper
    System("msg-sarl-no-msg", "MSG-SARL w/o MSG", "ablation"),
    System("msg-sarl-no-cycle", "MSG-SARL w/o Cycle", "ablation"),
    System("msg-sarl-no-attention", "MSG-SARL w/o Self-Attention", "ablation"),
    System("msg-sarl", "MSG-SARL", "ablation"),
    System("fcn", "FCN", "deep"),
    System("ps2man", "PS2MAN", "deep"),
    System("pix2pix", "pix2pix", "deep"),
    System("cyclegan", "CycleGAN", "deep"),
    System("drit", "DRIT", "deep"),
    System("u-gat-it", "U-GAT-IT", "deep"),
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
)}


def get(name: str) -> System:
    """Return the system called ``name``; raises StudyError suggesting near names."""
    if name not in SYSTEMS:
        raise unknown_name("system", name, SYSTEMS)
    return SYSTEMS[name]


def named(label: str) -> str:
    """The name of the system that bears this label in tables, in any case; what is no system of ours keeps its label.

    >>> named("MSG-SARL w/o Cycle"), named("Pix2Pix+")
    ('msg-sarl-no-cycle', 'Pix2Pix+')
    """
    return next((name for name, system in SYSTEMS.items() if system.label.lower() == label.lower()), label)


def of_kind(*kinds: str) -> tuple[str, ...]:
    """Names of all systems of these kinds, in table order."""
    return tuple(system.name for system in SYSTEMS.values() if system.kind in kinds)


ABLATIONS = of_kind("ablation")


def base_name(system: str) -> str:
    """A system's name without its settings, and without the region it is judged from.

    Raises StudyError for what is no text.

    >>> base_name("msg-sarl+fusion=shared"), base_name("grey-input@hair")
    ('msg-sarl', 'grey-input')
    """
    if not isinstance(system, str):
        raise unknown_name("system", system, SYSTEMS)
    return system.partition("@")[0].partition("+")[0]


def changes_of(system: str) -> dict[str, str]:
    """The settings that a system's name changes, as text.

    Raises StudyError for a part that is not ``name=value``, and for a setting that has two values.

    >>> changes_of("msg-sarl+fusion=shared")
    {'fusion': 'shared'}
    """
    changes = {}
    for part in system.split("+")[1:]:
        name, equals, value = part.partition("=")
        if not equals:
            raise StudyError(f"System '{system}': '{part}' is not of the form name=value.")
        if changes.setdefault(name, value) != value:
            raise StudyError(f"System '{system}': {name} is to be {changes[name]} and {value}. Say it once.")
    return changes


def kind_of(system: str) -> str | None:
    """The kind of a system with or without settings or region; None for what is no system of this study."""
    base = base_name(system)
    return SYSTEMS[base].kind if base in SYSTEMS else None


def is_trained(system: str) -> bool:
    """Whether several trainings of this system, with or without settings, differ by luck."""
    return kind_of(system) in TRAINED_KINDS
