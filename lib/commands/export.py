"""``python -m lib export``: a finished network as a small file to pass on."""

from __future__ import annotations

import argparse

from lib.base import paths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=paths.given, help="checkpoint.pt of a run folder, its training finished")
    parser.add_argument("output", type=paths.given, metavar="OUT.safetensors",
                        help="file to write; `translate` and `sketch` read it like a checkpoint")


def run(options: argparse.Namespace) -> int:
    from lib.base.errors import StudyError
    from lib.training import checkpoints

    if options.output.suffix != ".safetensors":
        raise StudyError(f"{options.output}: give a name that ends in .safetensors.")
    size = checkpoints.export(options.checkpoint, options.output)
    print(f"{options.output}: {size / 1e6:.2f} MB, half precision")
    return 0
