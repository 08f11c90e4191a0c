"""``python -m lib gallery``: keep small pictures that may be shown, for notebooks on machines without networks."""

from __future__ import annotations

import argparse

from lib.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", metavar="NAME", help="of the runs (default: quick)")
    parser.add_argument("--database", default="portraits", metavar="NAME",
                        help="an embedded one, any with --astronaut (default: portraits)")
    parser.add_argument("--system", action="append", metavar="SYSTEM",
                        help="may be given several times (default: all trained systems with faces here)")
    parser.add_argument("--seed", type=arguments.from_zero, default=0, metavar="N",
                        help="which run of each (default: 0)")
    parser.add_argument("--film", action="store_true", help="keep training faces after 1, 2, 4, … epochs, too")
    parser.add_argument("--astronaut", action="store_true", help="instead of the embedded people: a public-domain "
                        "portrait, by networks trained on any database, real faces included")


def run(options: argparse.Namespace) -> int:
    from lib.base.errors import StudyError
    from lib.evaluation import gallery, sitter

    study = options.profile, options.database, options.system or (), options.seed
    if options.astronaut and options.film:
        raise StudyError("--film shows training faces; the astronaut is none. Leave one of the two out.")
    arguments.require_known(options.profile, options.database)
    written = sitter.keep(*study) if options.astronaut else gallery.keep(*study, options.film)
    print(f"{written[0].parent}: {len(written)} strips, {sum(file.stat().st_size for file in written) / 1e3:.0f} kB")
    return 0
