"""What the arguments of all commands share: which were given, which mean nothing beside others, long texts of help."""

from __future__ import annotations

import argparse
import math
import shutil
import textwrap
from collections.abc import Iterable, Sequence

from lib.base.errors import StudyError, unknown_name
from lib.base.settings import PROFILES

_WIDEST = 100  # columns of help; narrower on a narrower terminal


class Parser(argparse.ArgumentParser):
    """A parser whose result says in ``given`` which options stood on the command line, with whatever values."""

    def __init__(self, *arguments, **named):
        self.may_be_absent: list[argparse.Action] = []
        super().__init__(*arguments, **named)

    def add_argument(self, *arguments, **named) -> argparse.Action:
        action = super().add_argument(*arguments, **named)
        if not action.option_strings and action.nargs == "?":
            self.may_be_absent.append(action)
        return action

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None):
        found, rest = self._parsed(args, namespace)
        if "given" not in found:  # of a command within this one it has been noted
            blank = argparse.Namespace(**dict.fromkeys(vars(found)))  # where a name is there, no default is set
            second, _ = self._parsed(args, blank)
            found.given = frozenset(name for name, value in vars(second).items() if value is not None)
        return found, rest

    def _parsed(self, args: Sequence[str] | None, namespace: argparse.Namespace | None):
        """As argparse, which before Python 3.13 takes ``OUT`` of ``PHOTO --strip OUT`` for absent when it may be."""
        found, rest = super().parse_known_args(args, namespace)
        if not any(word.startswith("-") for word in rest):
            for action in self.may_be_absent:
                if rest and getattr(found, action.dest) is None:
                    self._take(action, rest.pop(0), found)
        return found, rest

    def _take(self, action: argparse.Action, word: str, found: argparse.Namespace) -> None:
        """Let a parser that knows this argument alone read the word."""
        alone = argparse.ArgumentParser(add_help=False, exit_on_error=False)
        alone.add_argument(action.dest, nargs="?", type=action.type, choices=action.choices, metavar=action.metavar)
        try:
            alone.parse_args([word], found)
        except argparse.ArgumentError as error:
            self.error(str(error))


def refuse_unused(options: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Raise StudyError where options were given that would have no effect.

    names: attributes of ``options`` that are not looked at.  why: a sentence with the remedy.
    """
    if unused := [f"--{name.replace('_', '-')}" for name in names if name in options.given]:
        raise StudyError(f"{', '.join(unused)}: without effect here. {why}")


def positive(text: str) -> int:
    """The type of an option: a whole number of at least one."""
    return _whole(text, 1)


def from_zero(text: str) -> int:
    """The type of an option, such as a seed: a whole number of at least zero."""
    return _whole(text, 0)


def above_zero(text: str) -> float:
    """The type of an option: a number above zero, not infinite."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above zero")
    return value


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {('zero', 'one')[least]}")
    return int(text)


def require_known(profile: str | None, *names: str | None) -> None:
    """Raise StudyError, with what may be meant, for a profile or database that there is not; None is passed over."""
    if profile is not None and profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    if given := [name for name in names if name is not None]:
        from lib import databases  # takes long to load, for which folders alone do not wait

        for name in given:
            if name not in databases.NAMES:
                raise unknown_name("database", name, databases.NAMES)


def set_epilog(parser: argparse.ArgumentParser, text: str) -> None:
    """Put a text below a command's help: paragraphs filled to the terminal's width, indented lines left as they are."""
    width = max(min(shutil.get_terminal_size().columns - 2, _WIDEST), 20)
    blocks: list[list[str]] = []
    for line in text.splitlines():
        goes_on = blocks and line and not line.startswith(" ") and blocks[-1][-1] and not blocks[-1][-1].startswith(" ")
        if goes_on:
            blocks[-1].append(line)
        else:
            blocks.append([line])
    filled = [block[0] if block[0].startswith(" ") else textwrap.fill(" ".join(block), width)
              for block in blocks]
    parser.epilog, parser.formatter_class = "\n".join(filled), argparse.RawDescriptionHelpFormatter
    parser.description = textwrap.fill(parser.description or "", width)  # that formatter leaves it as it is, too
