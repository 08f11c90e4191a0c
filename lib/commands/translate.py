"""``python -m lib translate``: images into the other domain with a trained checkpoint."""

from __future__ import annotations

import argparse

from lib.base import paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=paths.given, help="checkpoint.pt of a run folder, or what `export` wrote")
    parser.add_argument("input", type=paths.given,
                        help="an image or a folder of images; they are taken as they are: `align` brings portraits "
                             "to the field's geometry first")
    parser.add_argument("output", type=paths.given, metavar="output_dir", help="folder for the PNGs, made if need be")
    parser.add_argument("--direction", required=True, choices=DIRECTIONS,
                        help="what the images are, and what they are to become")


def run(options: argparse.Namespace) -> int:
    from lib.training.translate import translate_folder

    count = translate_folder(options.checkpoint, options.input, options.output, options.direction)
    print(f"{counted(count, 'image')} written to {options.output}")
    return 0
