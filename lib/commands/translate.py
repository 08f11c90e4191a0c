"""``python -m lib translate``: images into the other domain with a trained checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib.base.directions import DIRECTIONS
from lib.base.errors import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="checkpoint.pt of a run folder")
    parser.add_argument("input", type=Path, help="an image or a folder of images")
    parser.add_argument("output", type=Path, metavar="output_dir", help="folder for the PNGs")
    parser.add_argument("--direction", required=True, choices=DIRECTIONS)


def run(options: argparse.Namespace) -> int:
    from lib.training.translate import translate_folder

    count = translate_folder(options.checkpoint, options.input, options.output, options.direction)
    print(f"{counted(count, 'image')} written to {options.output}")
    return 0
