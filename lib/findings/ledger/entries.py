"""Entries of ``ledger.yaml``, checked, and the alternatives among them as systems to run.

Where an entry is a switch of ``lib.model.settings.MsgSarlSettings``, its default and its options are read from there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from lib.base.errors import StudyError, listed, unknown_name
from lib.base.settings import PROFILES
from lib.model.settings import MsgSarlSettings
from lib.training.plans import plan

FILE = Path(__file__).with_name("ledger.yaml")
PARTS = ("architecture", "attention", "discriminator", "losses", "training", "data", "evaluation", "claims")
KINDS = ("choice", "error", "claim")
_SETTINGS = {field.name: field for field in dataclasses.fields(MsgSarlSettings)}
_REQUIRED = ("id", "part", "kind", "where", "open", "chosen")
_LISTS = ("readings", "alternatives")


@dataclass(frozen=True)
class Entry:
    """One open choice, error or claim; the head of ``ledger.yaml`` explains the fields."""

    id: str
    part: str
    kind: str
    where: str
    open: str
    chosen: str
    reason: str
    readings: tuple[str, ...] = ()
    setting: str | None = None
    alternatives: tuple[str, ...] = ()
    priority: int | None = None
    consequence: str = ""

    @property
    def setting_text(self) -> str:
        """The setting with its default, its other options and the profiles that differ; empty without a setting."""
        if not self.setting:
            return ""
        default = _SETTINGS[self.setting].default
        others = [option for option in _SETTINGS[self.setting].metadata.get("choices", ()) if option != default]
        values = {name: getattr(MsgSarlSettings.at(name), self.setting) for name in PROFILES}
        different = [f"{name} {_spelt(value)}" for name, value in values.items() if value != default]
        return (f"`{self.setting}={_spelt(default)}`" + (f" (or {', '.join(others)})" if others else "")
                + (f"; profiles: {', '.join(different)}" if different else ""))


@cache
def entries(file: Path = FILE) -> tuple[Entry, ...]:
    """The ledger in the paper's order; raises StudyError naming entry and field of everything that is wrong."""
    try:
        records = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StudyError(f"{file}: cannot be read ({error}). Correct or restore it.") from None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise StudyError(f"{file}: must be a list of entries, each beginning with '- id: …'.")
    problems = [f"entry {record.get('id') or f'number {place}'}, field {field}: {cause}"
                for place, record in enumerate(records, 1) for field, cause in _problems(record)]
    for field in ("id", "priority"):
        values = [record[field] for record in records if record.get(field) is not None]
        problems += [f"field {field}: {value!r} is in {values.count(value)} entries"
                     for place, value in enumerate(values) if values.index(value) == place and values.count(value) > 1]
    if problems:
        raise StudyError(f"{file}: wrong entries:\n{listed(problems)}\nThe head of the file explains the fields.")
    return tuple(_entry(record) for record in records)


def alternatives(profile: str = "cpu", base: str = "msg-sarl") -> dict[str, Entry]:
    """Alternatives by priority, with their entries; those that ``profile`` does anyway are left out."""
    own = plan(profile, base).settings
    ordered = sorted((entry for entry in entries() if entry.alternatives), key=lambda entry: entry.priority)
    return {alternative: entry for entry in ordered for alternative in entry.alternatives
            if plan(profile, f"{base}+{alternative}").settings != own}


def tested_systems(profile: str = "cpu", base: str = "msg-sarl") -> tuple[str, ...]:
    """Systems to run for the ledger, the most telling first.

    >>> tested_systems()[0]
    'msg-sarl+position_softmax=double'
    """
    return tuple(f"{base}+{alternative}" for alternative in alternatives(profile, base))


def _entry(record: dict) -> Entry:
    if "reason" not in record:  # the short one beside the setting
        record = {**record, "reason": _SETTINGS[record["setting"]].metadata["why"]}
    return Entry(**{key: tuple(value) if isinstance(value, list) else value for key, value in record.items()})


def _problems(record: dict) -> list[tuple[str, str]]:
    """What is wrong with one entry, as (field, cause)."""
    known = [field.name for field in dataclasses.fields(Entry)]
    required = _REQUIRED if record.get("setting") else (*_REQUIRED, "reason")
    found = [(key, f"no such field; known are {', '.join(known)}") for key in record if key not in known]
    found += [(key, "missing") for key in required if key not in record]
    for key in set(record) & set(_LISTS):
        if not (isinstance(record[key], list) and record[key] and all(map(_is_text, record[key]))):
            found.append((key, "must be a list of texts"))
    found += [(key, "must be a text") for key in record
              if key in known and key not in (*_LISTS, "priority") and not _is_text(record[key])]
    return found or [*_word_problems(record), *_switch_problems(record)]


def _word_problems(record: dict) -> Iterator[tuple[str, str]]:
    for key, options in (("part", PARTS), ("kind", KINDS)):
        if record[key] not in options:
            yield key, f"'{record[key]}' is none of {', '.join(options)}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", record["id"]):
        yield "id", "must be lower-case words joined by hyphens"


def _switch_problems(record: dict) -> Iterator[tuple[str, str]]:
    setting, listed_alternatives = record.get("setting"), record.get("alternatives", [])
    if setting and setting not in _SETTINGS:
        yield "setting", str(unknown_name("setting", setting, _SETTINGS))
        return
    has_options = bool(setting) and "choices" in _SETTINGS[setting].metadata
    if record["kind"] == "choice" and len(record.get("readings", [])) < 2 and not has_options:
        yield "readings", "a choice has at least two"
    if bool(listed_alternatives) != (type(record.get("priority")) is int):
        yield "priority", "must be a whole number where there are alternatives, and absent elsewhere"
    for alternative in listed_alternatives:
        if not setting or not alternative.startswith(f"{setting}="):
            yield "alternatives", f"'{alternative}' does not change the entry's own setting"
            continue
        try:
            plan("cpu", f"msg-sarl+{alternative}")
        except StudyError as error:
            yield "alternatives", str(error)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _spelt(value: object) -> str:
    """A setting's value as an override writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
