"""``python -m lib attention``: measure the self-attention of every trained run of a study, and where it looks."""

from __future__ import annotations

import argparse

from lib import databases
from lib.base import paths
from lib.base.errors import counted
from lib.base.settings import PROFILES
from lib.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", metavar="NAME", help=f"{', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--database", required=True, metavar="NAME", help=", ".join(databases.NAMES))
    parser.add_argument("--faces", type=int, metavar="N", help="the first N test faces (default: 20)")
    parser.add_argument("--data", type=paths.given, metavar="DIR",
                        help="folder that holds the databases (default: data/)")
    parser.add_argument("--force", action="store_true", help="measure again what is unchanged")


def run(options: argparse.Namespace) -> int:
    from lib.evaluation.attention import looking, measure_study, overview
    from lib.evaluation.attention.attend_runs import FACES

    arguments.require_known(options.profile, options.database)
    paths.use_data(options.data)
    faces = FACES if options.faces is None else options.faces
    result = measure_study(options.profile, options.database, faces, options.force)
    shown = ["alpha", "beta", "position_entropy", "channel_entropy", "position_share", "channel_share", "off"]
    print(overview(result.rows, shown).to_string(float_format="%.3f", na_rep=""))
    print("entropy: 1 uniform, 0 one-hot; share: what attention adds beside its input; "
          "off: grey levels by which the output changes without it")
    print(f"{paths.study_folder(options.profile, options.database) / 'attention.csv'}: "
          f"{counted(len(result.rows), 'row')}; runs measured now: {len(result.measured)}")
    where = looking.write(options.profile, options.database, faces)
    if len(where):
        shares = where.pivot_table(index=["system", "seed", "direction"], columns="region", values="ratio", sort=False)
        print("where they look, beside the image's mean (looking.csv):")
        print(shares.to_string(float_format="%.2f"))
    for name, reason in result.left_out.items():
        print(f"  {name}: left out, any earlier rows stay: {reason}")
    return 0
