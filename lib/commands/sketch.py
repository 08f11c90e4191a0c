"""``python -m lib sketch``: a sketch of anybody's photo, or a photo of a drawing, with one command."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lib.base import paths
from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH
from lib.commands import arguments

_ENDS_OF_FOLDERS = tuple(filter(None, ("/", os.sep, os.altsep)))
MORE = """\
A photo shows one frontal face; it is turned as its EXIF says. Refused with the reason are: no face, several, one turned
aside or too small, a drawing taken for a photo, more than 100 million pixels. dlib finds the eyes, with models (CC0, a
wheel of 100 MB) that are fetched once. Nothing leaves this machine. pretrained/README.md says what the network was
trained on and whom it serves badly."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.set_epilog(parser, MORE)
    parser.add_argument("photo", type=paths.given, metavar="PHOTO", help="a frontal portrait, or a folder of them")
    parser.add_argument("output", type=os.path.expanduser, metavar="OUT", nargs="?",
                        help="image to write, in the format of its ending (.png, .jpg, .tif, .bmp), or folder to write "
                             "PNGs into; a folder that is not there yet ends in / (default: PHOTO-sketch.png here, of "
                             "a folder of photos the folder PHOTO-sketches here; -photo, -photos of drawings, "
                             "-strip, -strips with --strip)")
    parser.add_argument("--direction", choices=DIRECTIONS,
                        help="sketch-to-photo makes a photo of a drawing (default: photo-to-sketch; with --strip by "
                             "the look of the picture)")
    parser.add_argument("--eyes", metavar="x,y,x,y",
                        help="where the eyes are, in pixels from the upper left corner, instead of finding them")
    parser.add_argument("--strip", action="store_true",
                        help="write the aligned photo, the sketch and the photo made from that sketch in one picture")
    add_network_arguments(parser)


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Which network draws; shared with ``try``."""
    parser.add_argument("--checkpoint", type=paths.given, metavar="FILE",
                        help="a network of your own: checkpoint.pt, or what `export` wrote (default: the one that "
                             "comes along)")
    parser.add_argument("--system", metavar="SYSTEM", help="instead: a system trained here, e.g. msg-sarl")
    parser.add_argument("--database", default="cuhk-student", metavar="NAME",
                        help="of that system (default: cuhk-student)")
    parser.add_argument("--profile", default="cpu", metavar="NAME", help="of that system (default: cpu)")
    parser.add_argument("--seed", type=arguments.from_zero, default=0, metavar="N", help="of that system (default: 0)")


def network_of(options: argparse.Namespace):
    """The translator that the options ask for; raises StudyError where both or none of its files are there."""
    from lib.base import systems
    from lib.base.errors import StudyError
    from lib.training import checkpoints, plans
    from lib.training.translate import Translator

    if options.checkpoint and options.system:
        raise StudyError("Give --checkpoint or --system, not both.")
    if not options.system:
        arguments.refuse_unused(options, ("database", "profile", "seed"),
                                "For a system trained here only: give --system, too.")
        return Translator(options.checkpoint or checkpoints.PRETRAINED)
    arguments.require_known(options.profile, options.database)
    if not systems.get(systems.base_name(options.system)).trains:
        raise StudyError(f"--system {options.system}: has no network, so it cannot draw your own photo; `train` lets "
                         "it make a database's test faces. Give a system that trains: "
                         f"{', '.join(systems.of_kind(*systems.TRAINED_KINDS))}.")
    file = plans.plan(options.profile, options.system).folder(options.database, options.seed) / "checkpoint.pt"
    if not file.exists():
        raise StudyError(f"{file}: not trained here. Train it with `python -m lib train --database {options.database} "
                         f"--system {options.system} --profile {options.profile} --seed {options.seed} --force`.")
    return Translator(file)


def run(options: argparse.Namespace) -> int:
    from lib.base.errors import StudyError
    from lib.databases.alignment import photos
    from lib.training import own_photo

    if options.eyes and options.photo.is_dir():
        raise StudyError("--eyes goes with one photo, not with a folder.")
    eyes = photos.parse_eyes(options.eyes) if options.eyes else None
    translator = network_of(options)

    def make(photo, name):
        if options.strip:
            _, shown, remarks = own_photo.there_and_back(translator, photo, name, options.direction, eyes)
            return own_photo.side_by_side([picture for _, picture in shown]), remarks
        drawn = own_photo.draw(translator, photo, name, options.direction, eyes)
        return drawn.picture, drawn.aligned.remarks

    report = photos.make_each(_outputs(options), make)
    for remark in report.remarks:
        print(remark, file=sys.stderr)
    for file in report.written:
        print(file)
    report.raise_failures()
    return 0


def _outputs(options: argparse.Namespace) -> dict[Path, Path]:
    """Photo → picture to write."""
    from lib.databases.alignment import photos

    output = Path(options.output) if options.output else None
    # The look of the picture, which decides about a strip, is not known yet.
    one, several = (("strip", "strips") if options.strip else ("sketch", "sketches")
                    if options.direction in (None, PHOTO_TO_SKETCH) else ("photo", "photos"))
    if options.photo.is_dir():
        return photos.outputs_in(output or Path(f"{options.photo.resolve().name}-{several}"), options.photo)
    if output and (output.is_dir() or options.output.endswith(_ENDS_OF_FOLDERS)):
        return photos.outputs_in(output, options.photo)
    return {options.photo: output or Path(f"{options.photo.stem}-{one}.png")}
