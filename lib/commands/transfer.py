"""``python -m lib transfer``: how a system does on the test faces of a database that it was not trained on."""

from __future__ import annotations

import argparse

from lib import databases
from lib.base import paths
from lib.base.errors import counted
from lib.base.settings import PROFILES
from lib.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(databases.NAMES)
    parser.add_argument("--trained-on", required=True, metavar="NAME", help=f"train on this one: {names}")
    parser.add_argument("--database", required=True, metavar="NAME", help="score on the test faces of this one")
    parser.add_argument("--system", default="msg-sarl", metavar="SYSTEM", help="what is trained (default: msg-sarl)")
    parser.add_argument("--profile", default="quick", metavar="NAME", help=f"{', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--seed", type=arguments.from_zero, default=0, metavar="N", help="of the training (default: 0)")
    parser.add_argument("--data", type=paths.given, metavar="DIR",
                        help="folder that holds the databases (default: data/)")


def run(options: argparse.Namespace) -> int:
    from lib.base import labels
    from lib.evaluation.transfer import file, transfer

    arguments.require_known(options.profile, options.trained_on, options.database)
    paths.use_data(options.data)
    found = transfer(options.trained_on, options.database, options.system, options.profile, options.seed)
    for (direction, metric), part in found.groupby(["direction", "metric"], sort=False):
        print(f"{labels.TASK[direction]} {labels.METRIC[metric]}: {100 * part.value.mean():.2f} % on "
              f"{counted(len(part), 'face')}")
    print(f"{file(options.profile)}: trained on {options.trained_on}, scored on {options.database}")
    return 0
