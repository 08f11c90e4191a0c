"""``python -m lib align``: anybody's portraits in the field's geometry, 200×250 with the eyes at fixed places."""

from __future__ import annotations

import argparse
import sys

from lib.base import paths
from lib.base.errors import StudyError, counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=paths.given, metavar="PHOTO_OR_FOLDER", help="a portrait, or a folder of them")
    parser.add_argument("output", type=paths.given, metavar="OUT", help="folder for the PNGs")
    parser.add_argument("--eyes", metavar="x,y,x,y",
                        help="where the eyes of the one photo are, in pixels from the upper left corner, instead of "
                             "finding them; nothing is fetched then")


def run(options: argparse.Namespace) -> int:
    from lib.databases.alignment import align_photo, photos

    if options.eyes and options.photo.is_dir():
        raise StudyError("--eyes goes with one photo, not with a folder.")
    eyes = photos.parse_eyes(options.eyes) if options.eyes else None

    def make(photo, name):
        aligned = align_photo(photo, name, eyes)
        print("{}: eyes at ({:.0f}, {:.0f}) and ({:.0f}, {:.0f})".format(name, *aligned.eyes))
        return aligned.face, aligned.remarks

    report = photos.make_each(photos.outputs_in(options.output, options.photo), make)
    for remark in report.remarks:
        print(remark, file=sys.stderr)
    if report.written:
        print(f"{counted(len(report.written), 'face')} written to {options.output}")
    report.raise_failures()
    return 0
