"""``python -m lib train``: make one or several runs complete, trained and translated; or a grid, scored too."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from lib import databases
from lib.base import paths, systems
from lib.base.errors import StudyError, counted
from lib.base.labels import duration
from lib.base.settings import PROFILES
from lib.commands import arguments
from lib.evaluation import grids, scoring
from lib.evaluation.cluster import standing, submission
from lib.findings import ledger, tables
from lib.training import make_run, plans, side_by_side

GRIDS: dict[str, Callable[[str], tuple[str, ...]]] = {  # name → systems at a profile
    "ablations": lambda profile: systems.ABLATIONS,
    "ledger": lambda profile: ("msg-sarl", *ledger.tested_systems(profile)),
    "rivals": lambda profile: systems.of_kind("deep"),
}


_MORE = f"""\
Systems
  MSG-SARL and its ablations   {', '.join(systems.ABLATIONS[:4])},
                               {', '.join(systems.ABLATIONS[4:])}
  deep rivals                  {', '.join(systems.of_kind("deep"))}
  exemplar rivals              {', '.join(systems.of_kind("exemplar"))}
A choice that the paper leaves open and that is worth trying otherwise is a setting, named in results/ledger.md. A
system with changed settings has a folder of its own:
  msg-sarl+position_softmax=double         the double softmax that Eqs 6 and 7 print
  msg-sarl+holdout=16                      keeps 16 training pairs out and scores them (curve.csv)
  ps2man+form=described                    other forms of the rivals;
                                           also u-gat-it+form=full, cyclegan+pairing=paired
  backbone+without_msg=own-pyramid         controls that tell a part from its size; also
                                           backbone+without_attention=residual,
                                           backbone+discriminator_rate=0.2

A grid measures first how long it will take on this machine. On a processor it makes several runs side by side, one
thread each; on a GPU start the command several times, and the processes share the runs out. It may be interrupted and
started again.

On a cluster every missing run is a task of one job array. A job that is preempted or reaches its time limit goes back
into the queue and goes on from its last checkpoint, at most two minutes old (MSGSARL_CHECKPOINT_SECONDS). Runs write
into their own folders only, so the shared file system needs no locks; the environment must be on it too. The same
command hands over again what failed or was killed. With --per-job 8 eight runs share one GPU: at 128 px an H100 with
NVIDIA's MPS then takes three times as many steps a second as with one. --dry-run forecasts GPUs from trainings on
record."""

# Options that mean something to a launcher alone; but for the last, fields of ``submission.Resources``.
_OF_LAUNCHER = ("per_job", "gpus", "cpus", "memory", "hours", "at_most", "partition", "account", "sbatch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.set_epilog(parser, _MORE)
    parser.add_argument("--database", required=True, metavar="NAME", help=", ".join(databases.NAMES))
    parser.add_argument("--grid", choices=tuple(GRIDS),
                        help="instead of --system: every run that is missing of the eight ablation cells, of the "
                             "ledger's alternatives or of the deep rivals, with a forecast, and their scores")
    parser.add_argument("--system", action="append", metavar="SYSTEM",
                        help="a row of the tables, e.g. msg-sarl, fast-rslcr; with changed choices as "
                             "msg-sarl+position_softmax=double; may be given several times")
    parser.add_argument("--profile", default="quick", metavar="NAME", help=f"{', '.join(PROFILES)} (default: quick)")
    parser.add_argument("--seed", type=arguments.from_zero, action="append", metavar="N",
                        help="may be given several times (default: 0; of a grid 0, 1 and 2)")
    parser.add_argument("--jobs", type=arguments.positive, metavar="N",
                        help="of a grid: how many runs at once (default: one per core, or one with a graphics card)")
    parser.add_argument("--data", type=paths.given, metavar="DIR",
                        help="folder that holds the databases (default: data/)")
    parser.add_argument("--force", action="store_true",
                        help="make the run again from the start, e.g. where only its scores came with the repository; "
                             "without it an unfinished run goes on where it was")
    parser.add_argument("--dry-run", action="store_true",
                        help="of a grid: say what would run and for how long, and make nothing")
    cluster = parser.add_argument_group("on a cluster (of a grid; `python -m lib jobs` says how far it is)")
    cluster.add_argument("--launcher", choices=submission.LAUNCHERS,
                         help="slurm: hand the missing runs over as a job array; local: one job in the background here")
    cluster.add_argument("--per-job", type=arguments.positive, metavar="N",
                         help="runs that share a job and its resources, side by side (default: 1; local: all)")
    cluster.add_argument("--gpus", type=int, choices=(0, 1), help="GPUs of a job (default: 0)")
    cluster.add_argument("--cpus", type=arguments.positive, metavar="N",
                         help="cores of a job (default: 1 a run, with a GPU 4)")
    cluster.add_argument("--memory", type=arguments.above_zero, metavar="GB",
                         help="memory of a job in GB (default: the cluster's)")
    cluster.add_argument("--hours", type=arguments.above_zero, metavar="H",
                         help="time limit of a job in hours, after which it goes back into the queue (default: 24)")
    cluster.add_argument("--at-most", type=arguments.positive, metavar="N",
                         help="jobs that run at the same time (default: as many as the cluster lets)")
    cluster.add_argument("--partition", metavar="NAME", help="as of sbatch (default: the cluster's)")
    cluster.add_argument("--account", metavar="NAME", help="as of sbatch (default: the cluster's)")
    cluster.add_argument("--sbatch", action="append", metavar="NAME[=VALUE]", default=[],
                         help="any other option of sbatch, e.g. qos=low; may be given several times")


def run(options: argparse.Namespace) -> int:
    arguments.require_known(options.profile, options.database)
    if bool(options.grid) == bool(options.system):
        raise StudyError("Give --system (once or several times) or --grid.")
    if asked := _only_elsewhere(options):
        raise StudyError(f"{', '.join(asked)}: for a grid that is handed over; give --grid and --launcher too."
                         if asked != ["--dry-run"] else "--dry-run: give --grid too.")
    if not options.grid:
        arguments.refuse_unused(options, ["jobs"], "For a grid only: give --grid instead of --system.")
    if options.launcher == "local":
        arguments.refuse_unused(options, (name for name in _OF_LAUNCHER if name not in ("per_job", "gpus")),
                                "For a cluster only: give --launcher slurm.")
    paths.use_data(options.data)
    if options.grid:
        return _grid(options)
    for system in options.system:
        plans.plan(options.profile, system)  # a misspelt name is reported before hours of work
    for seed in options.seed or [0]:
        for system in options.system:
            folder = make_run.synthesise(options.database, system, options.profile, seed, force=options.force)
            print(f"{system}, seed {seed}: complete in {folder}")
    return 0


def _only_elsewhere(options: argparse.Namespace) -> list[str]:
    """Options given that mean nothing without a grid, or without a launcher."""
    given = [f"--{name.replace('_', '-')}" for name in _OF_LAUNCHER if getattr(options, name) not in (None, [])]
    if options.grid:
        return [] if options.launcher else given
    return ["--launcher"] * bool(options.launcher) + given + ["--dry-run"] * options.dry_run


def _grid(options: argparse.Namespace) -> int:
    cells = grids.cells(GRIDS[options.grid](options.profile), options.database, options.profile,
                        options.seed or grids.SEEDS)
    if options.launcher:
        return _hand_over(options, cells)
    if options.dry_run:
        waiting = cells if options.force else grids.missing(cells)
        grids.require_faces(waiting)
        print(f"{counted(len(cells), 'run')}, {len(cells) - len(waiting)} of them complete")
        if not waiting:
            print("nothing left to do")
            return 0
        _forecast(waiting, card=False)
        at_once = options.jobs or side_by_side.jobs_here(len(waiting))
        if seconds := grids.forecast(waiting, at_once):
            print(f"about {duration(seconds)}, {at_once} at a time")
        return 0
    try:
        for cell in grids.fill(cells, force=options.force, jobs=options.jobs):
            print(f"{cell}: left to the process that makes it or its networks; start the command again when that has "
                  "ended")
    finally:  # runs that failed leave the scores of the others
        publish(options.profile, options.database, with_ledger=options.grid == "ledger")
    return 0


def publish(profile: str, database: str, *, with_ledger: bool) -> None:
    """Bring the tables of a study up to date, if it has scores, and the ledger if asked for or if it rests on it."""
    if (paths.study_folder(profile, database) / "scores.csv").exists():
        print(f"tables: {tables.write_tables(profile, database)[0].parent}")
        if with_ledger or (profile, database) == ledger.STUDY:
            print(f"ledger: {ledger.write(profile, database)}")


def _hand_over(options: argparse.Namespace, cells: list[make_run.Cell]) -> int:
    """Give the runs of a grid that are missing, and that no job is going to make, to a launcher."""
    if options.force:
        raise StudyError("--force begins anew whenever a job is queued again. Remove the checkpoints of the runs that "
                         "are to be made again instead.")
    if not options.dry_run:
        scoring.gather(options.profile, options.database)
    standings = standing.standing(options.profile, options.database)
    made = {one.cell for one in standings if one.state == "made" and options.dry_run}  # complete once gathered
    live = {one.cell for one in standings if one.is_live}
    missing = [cell for cell in grids.missing(cells) if cell not in made]
    free = [cell for cell in missing if cell not in live]
    grids.require_faces(free)  # jobs would all fail for want of them
    print(f"{counted(len(cells), 'run')}, {len(cells) - len(missing)} of them complete, "
          f"{len(missing) - len(free)} waiting or running in jobs")
    networks = {cell.network for cell in live}
    waiting = [cell for cell in free if cell.network not in networks]
    if len(waiting) < len(free):
        print(f"{len(free) - len(waiting)} use networks that a job is to train: start this again when it has ended")
    if not waiting:
        print("nothing left to hand over")
        return 0
    resources = _resources(options, len(waiting))
    shares = submission.jobs_of(waiting, resources.per_job)
    print(f"{'one job' if len(shares) == 1 else f'{len(shares)} jobs'} of {options.launcher}"
          + (f", each: {resources}" if options.launcher == "slurm" else ""))
    if options.dry_run:
        _forecast(waiting, card=resources.gpus > 0)
        return 0
    jobs = submission.submit(options.launcher, waiting, resources, options.jobs)
    print(f"handed over as {jobs[0]}" + f" to {jobs[-1]}" * (len(jobs) > 1))
    print(f"how far they are: python -m lib jobs --profile {options.profile} --database {options.database}; when they "
          "have ended, the same with --gather")
    return 0


def _resources(options: argparse.Namespace, count: int) -> submission.Resources:
    more = dict(entry.partition("=")[::2] for entry in options.sbatch)
    given = {name: getattr(options, name) for name in _OF_LAUNCHER if name != "sbatch"}
    chosen = {name: value for name, value in given.items() if value is not None}
    return submission.Resources(**{"per_job": count if options.launcher == "local" else 1, **chosen}, more=more)


def _forecast(waiting: list[make_run.Cell], *, card: bool) -> None:
    """A line for each run that would be made, and their sum."""
    expected = submission.expected_seconds(waiting, card=card)
    for cell, (seconds, source) in zip(waiting, expected, strict=True):
        print(f"  {cell}: {_in_words(seconds, source)}")
    known = [seconds for seconds, _ in expected if seconds is not None]
    unknown = len(expected) - len(known)
    if not known:
        print("one after the other: unknown")
    elif sum(known):
        print(f"one after the other about {duration(sum(known))}"
              + f", {counted(unknown, 'run')} not counted" * bool(unknown))


def _in_words(seconds: float | None, source: str) -> str:
    if seconds is None:
        return f"unknown ({source})"
    return f"about {duration(seconds)} ({source})" if seconds else "trained already; faces and scores are missing"
