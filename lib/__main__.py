"""The command line: ``python -m lib COMMAND …``; one file per command in ``lib/commands``."""

from __future__ import annotations

import argparse
import codecs
import errno
import importlib
import os
import sys

from lib.base.errors import StudyError, visible  # what takes time to import is imported where Ctrl-C is answered

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
    "try": "draw photos on a page in the browser: drop one or take one; it stays on this machine",
    "score": "compare two folders of images from any program: SSIM, FSIM, Fréchet distances",
    "attention": "measure what the self-attention of every trained run of a study does",
    "recognise": "face recognition between two folders of images, by NLDA or by a network that trained on neither",
    "transfer": "train on one database and score on another's test faces",
    "claims": "write what the results say of each claim: results/claims.md, README's opening; --check looks for drift",
    "ledger": "write results/ledger.md: the paper's open choices, ours, and what alternatives change",
    "benchmark": "how fast this machine trains, beside what it can multiply",
    "records": "which numbers rest on which machine; bring old run records to today's form",
    "gallery": "keep small pictures of the embedded people, for machines without networks",
    "site": "the essay as a static site, from the outputs stored in the notebooks",
    "study": "build a user study as one HTML file, or analyse its answers",
}

# How the typography of messages is written where the terminal or file has no such characters.
_PLAIN = str.maketrans({"…": "...", "→": "->", "×": "x", "−": "-", "–": "-", "—": "-", "±": "+/-", "’": "'"})


# What no program can mend: a full disk or share, a file of somebody else, a medium that is read-only or breaks.
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 2 input that cannot be used, 130 interrupted)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _print_anything()
    try:  # from here on: a command may import for seconds
        if any(word == "" or word.startswith("--") and word.find("=") == len(word) - 1 for word in arguments):
            raise StudyError("One of the arguments is empty, as of a variable that is not set. Fill it, or leave it "
                             "out.")
        options = _parsed(arguments)
        return options.run(options) or 0
    except StudyError as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _print_no_more()  # the reader (head, less) closed the pipe: nothing is wrong
        return 0
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        if error.filename is None:
            _print_no_more()
        print(f"error: {error.filename or 'output'}: cannot be written or read ({error.strerror}). Free space, or "
              "choose a place that is yours.", file=sys.stderr)
        return 2


def _parsed(arguments: list[str]) -> argparse.Namespace:
    """The options of a command, whose module alone is imported; ``run`` is what runs it."""
    from lib.commands import arguments as command_line

    parser = command_line.Parser(prog="python -m lib", description=__doc__.split(";")[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if arguments and arguments[0] == name:
            module = importlib.import_module(f"lib.commands.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser.parse_args(arguments)


def _print_no_more() -> None:
    """Let what is still in the buffer of standard output go nowhere, or it would fail once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
