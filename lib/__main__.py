"""The command line: ``python -m lib COMMAND …``; one file per command in ``lib/commands``."""

from __future__ import annotations

import argparse
import codecs
import importlib
import os
import sys

from lib.base.errors import StudyError

# Listed by hand and imported when called: `score` must not wait for torch.
COMMANDS = {
    "run": "run the notebooks in order: the whole study",
    "prepare": "check and index a database; report what was found and what is missing",
    "train": "train a system (or fit an exemplar rival) and synthesise the test faces",
    "jobs": "how far the runs are that were handed to a cluster, what failed; gather their scores",
    "translate": "turn images into sketches or photos with a trained checkpoint",
    "export": "write a finished network as a small file to pass on",
    "align": "bring portraits to the field's geometry: find the eyes, turn, scale, shift",
    "sketch": "draw anybody's photo, or make a photo of a drawing, with the network that comes along",
    "try": "the same on a local page: drop a photo or take one",
    "score": "compare two folders of images from any program: SSIM, FSIM, Fréchet distances",
    "attention": "measure what the self-attention of every trained run of a study does",
    "recognise": "face recognition between two folders of images, by NLDA or by a network that trained on neither",
    "transfer": "train on one database and score on another's test faces",
    "claims": "write results/claims.md and README's opening: what the results say of each claim, or --check them",
    "ledger": "write results/ledger.md: the paper's open choices, ours, and what alternatives change",
    "benchmark": "how fast this machine trains, beside what it can multiply",
    "records": "which numbers rest on which machine; bring old run records to today's form",
    "gallery": "keep small pictures of the embedded people, for machines without networks",
    "site": "the essay as a static site, from the outputs stored in the notebooks",
    "study": "build a user study as one HTML file, or analyse its answers",
}

# How the typography of messages is written where the terminal or file has no such characters.
_PLAIN = str.maketrans({"…": "...", "→": "->", "×": "x", "−": "-", "–": "-", "—": "-", "±": "+/-", "’": "'"})


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 2 input that cannot be used, 130 interrupted)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _print_anything()
    parser = argparse.ArgumentParser(prog="python -m lib", description=__doc__.split(";")[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if arguments and arguments[0] == name:
            module = importlib.import_module(f"lib.commands.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) closed the pipe: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _print_anything() -> None:
    """Let no character end a command, whatever the output can show: typography becomes plain, the rest escaped."""
    codecs.register_error("plain", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    text = error.object[error.start:error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def _read_names_as_utf8() -> None:
    """Start again where Python takes file names for another encoding (``LC_ALL=C`` without its UTF-8 mode).

    One copy of a database then has the same names, and one study the same scores, under every locale.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1" and sys.executable:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})


if __name__ == "__main__":
    _read_names_as_utf8()
    sys.exit(main())
