"""``python -m lib study build | analyse | simulate``: a user study from pictures to report."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from lib import databases
from lib.base import paths, systems
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, counted, listed, unknown_name
from lib.base.settings import PROFILES
from lib.commands import arguments

PAPER_SYSTEMS = ("u-gat-it", "drit", "cyclegan", "msg-sarl")
EXAMPLE_SYSTEMS = ("msg-sarl", "fast-rslcr", "lle", "pixel-regression")  # of this repository, where the paper's lack
# Section IV-D3: 20 pairs of CUFS and 30 of CUFSF; the embedded databases stand in for them.
PAPER_FACES = {"cufs": 20, "cufsf": 30, "portraits": 20, "portraits-wild": 30}
OTHER_FACES = 20  # of a database the paper's study does not have


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="build|analyse|simulate", required=True)
    build = actions.add_parser("build", help="make the page and the plan", description=(
        "Make one HTML file that raters open anywhere, and the plan that says who sees what. Pictures come from run "
        "folders (--database, --system) or from any folders (--candidate, --photos, --sketches)."))
    _add_sources(build)
    build.add_argument("--direction", choices=DIRECTIONS, default=DIRECTIONS[0],
                       help=f"what is judged (default: {DIRECTIONS[0]})")
    build.add_argument("--raters", type=int, default=30, metavar="N", help="raters planned for (default: 30)")
    build.add_argument("--per-rater", type=int, default=10, metavar="N", help="faces each of them judges (default: 10)")
    build.add_argument("--checks", type=int, default=2, metavar="N", help="attention checks for each (default: 2)")
    build.add_argument("--seed", type=int, default=0, metavar="N",
                       help="of the draw of faces, raters' hands and orders (default: 0)")
    build.add_argument("--plan", type=paths.given, metavar="FILE",
                       help="use this plan.csv instead of drawing one: rebuilds a study; it names faces and systems")
    build.add_argument("--title", default=None, metavar="TEXT", help="heading of the page")
    build.add_argument("--contact", default="", metavar="TEXT",
                       help="whom to ask and send answers to, shown on the page")
    build.add_argument("--output", type=paths.given, metavar="DIR",
                       help="folder of the study (default: a private folder beside the runs)")

    analyse = actions.add_parser("analyse", help="read answers, report", description=(
        "Read the JSON files raters saved, set aside what cannot be trusted, apply the rules, and report."))
    analyse.add_argument("answers", nargs="+", type=paths.given, metavar="ANSWERS",
                         help="JSON files, or folders of them")
    analyse.add_argument("--study", type=paths.given, required=True, metavar="DIR",
                         help="folder that `study build` made")
    analyse.add_argument("--output", type=paths.given, metavar="DIR",
                         help="folder for the report (default: STUDY/report)")
    analyse.add_argument("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")

    simulate = actions.add_parser("simulate", help="make answers by program, to try things out", description=(
        "Write answers of raters whose preferences you set. They are marked as simulated and never count as people's."))
    simulate.add_argument("--study", type=paths.given, required=True, metavar="DIR",
                          help="folder that `study build` made")
    simulate.add_argument("--output", type=paths.given, metavar="DIR",
                          help="folder for the answers (default: STUDY/simulated)")
    simulate.add_argument("--worth", action="append", default=[], metavar="SYSTEM=NUMBER",
                          help="relative worth of a system (others: 1); may be given several times")
    simulate.add_argument("--careless", type=float, default=0.1, metavar="SHARE",
                          help="share of careless raters, 0 to 1 (default: 0.1)")
    simulate.add_argument("--seed", type=int, default=0, metavar="N", help="of the answers (default: 0)")


def _add_sources(build: argparse.ArgumentParser) -> None:
    build.add_argument("--database", action="append", metavar="NAME[=FACES]",
                       help=f"{', '.join(databases.NAMES)}, with the number of faces (default: 20; 30 of cufsf and "
                            "portraits-wild); "
                            "may be given several times")
    build.add_argument("--system", action="append", metavar="SYSTEM",
                       help=f"may be given several times (default: the paper's {', '.join(PAPER_SYSTEMS)})")
    build.add_argument("--profile", default="quick", metavar="NAME", help=f"{', '.join(PROFILES)} (default: quick)")
    build.add_argument("--run-seed", type=arguments.from_zero, default=0, metavar="N",
                       help="which run of each system (default: 0)")
    build.add_argument("--data", type=paths.given, metavar="DIR",
                       help="folder that holds the databases (default: data/)")
    build.add_argument("--candidate", action="append", metavar="NAME=DIR", help="pictures of a system from any folder")
    build.add_argument("--photos", type=paths.given, metavar="DIR",
                       help="photos that go with --candidate (same file names)")
    build.add_argument("--sketches", type=paths.given, metavar="DIR",
                       help="artists' sketches that go with --candidate (same file names)")
    build.add_argument("--faces", type=int, metavar="N",
                       help="how many faces of those folders (default: all, at most 50)")


def run(options: argparse.Namespace) -> int:
    return {"build": _build, "analyse": _analyse, "simulate": _simulate}[options.action](options)


def _build(options: argparse.Namespace) -> int:
    from lib.evaluation.user_study import definition as studies
    from lib.evaluation.user_study import page
    from lib.evaluation.user_study import plan as plans

    if options.plan:
        arguments.refuse_unused(options, ("raters", "per_rater", "checks", "seed"),
                                "--plan says who judges what; leave one of the two out.")
    paths.use_data(options.data)
    stimuli, plan, folder = _from_folders(options) if options.candidate else _from_runs(options)
    title = {} if options.title is None else {"title": options.title}
    study = studies.create(plan, stimuli, contact=options.contact, **title)
    if (folder / "study.json").exists() and studies.read(folder).id != study.id:
        raise StudyError(f"{folder}: holds another study, which its answers need. Choose another --output.")
    studies.write(folder, study)
    size = page.write_page(folder / "study.html", study, stimuli)
    votes = plan[plan.kind == "vote"]
    print(f"Study {study.id}: {counted(len(votes[['database', 'face']].drop_duplicates()), 'face')}, "
          f"{len(study.systems)} systems, {counted(len(study.assignments), 'rater')} × "
          f"{counted(len(votes) // len(study.assignments), 'face')}")
    print(plans.balance(plan).to_string())
    print(f"  page   {folder / 'study.html'} ({size / 1e6:.1f} MB"
          + (", heavy for a phone: fewer faces make it lighter)" if size > 15e6 else ")"))
    print(f"  plan   {folder / 'plan.csv'}\n  links  {folder / 'links.csv'} (one code per rater)")
    print("The page shows the faces in it to whoever has it: share it as the database's licence allows.")
    return 0


def _from_runs(options: argparse.Namespace):
    from lib.evaluation.user_study import plan as plans
    from lib.evaluation.user_study import stimuli as sources

    arguments.refuse_unused(options, ("photos", "sketches", "faces"),
                            "For other folders only: give --candidate NAME=DIR instead of --database and --system.")
    if options.plan:
        arguments.refuse_unused(options, ["system"], "--plan names the systems; leave one of the two out.")
        if numbered := [text for text in options.database or () if "=" in text]:
            raise StudyError(f"--database {', '.join(numbered)}: --plan names the faces, so a number is without effect."
                             f" Give --database {numbered[0].partition('=')[0]}, or leave --plan out.")
    arguments.require_known(options.profile)
    judged = tuple(options.system or PAPER_SYSTEMS)
    counts = _face_counts(options.database or ["portraits", "portraits-wild"])
    loaded = sources.available_in_databases(list(counts), options.profile)
    plan = _plan(options, {name: pairs.names for name, pairs in loaded.items()}, counts, judged)
    if idle := [name for name in counts if options.database and name not in set(plan.database)]:
        raise StudyError(f"--database {', '.join(idle)}: without effect here. {options.plan} names no face of it; "
                         "leave one of the two out.")
    judged = plans.plan_systems(plan) if options.plan else judged
    voted, shown = (list(dict.fromkeys(trial.face for trial in plans.trials(rows)))
                    for rows in (plan[plan.kind == "vote"], plan))
    try:
        stimuli = sources.from_runs(voted, shown, loaded, judged, profile=options.profile, seed=options.run_seed,
                                    direction=options.direction)
    except sources.MissingPictures as error:
        raise StudyError(f"{error}\n{_what_is_here(options, list(counts), judged)}") from None
    folder = options.output or paths.results_root() / options.profile / "private" / f"user-study-{'-'.join(counts)}"
    return stimuli, plan, folder


def _what_is_here(options: argparse.Namespace, names: list[str], wanted: tuple[str, ...]) -> str:
    """Which systems have pictures on this machine, with a command that takes some of them."""
    from lib.training.run_folders import list_runs

    lines, example = [], None
    for name in names:
        here = [run.system for run in list_runs(paths.study_folder(options.profile, name))
                if options.direction in run.directions
                and run.seed == (options.run_seed if systems.is_trained(run.system) else 0)]
        if here:
            lines.append(f"  {name}: {', '.join(here)}")
        if len(here) > 1 and not example:
            here.sort(key=[*wanted, *EXAMPLE_SYSTEMS, *here].index)
            example = (name, here[:len(EXAMPLE_SYSTEMS)])
    if example:
        given = [("--profile", options.profile, "quick"), ("--run-seed", options.run_seed, 0),
                 ("--direction", options.direction, DIRECTIONS[0]), ("--data", options.data, None)]
        words = ["--database", example[0], *(word for system in example[1] for word in ("--system", system)),
                 *(word for option, value, default in given if value != default for word in (option, str(value)))]
        lines.append(f"For example: `python -m lib study build {shlex.join(words)}`")
    none = f"  none; `./run_all.sh --profile {options.profile} --database {names[0]}` makes some"
    text = "\n".join([f"Pictures here (profile {options.profile}, seed {options.run_seed}):", *(lines or [none])])
    return f"{text}\nPictures of any other program: --candidate NAME=DIR --photos DIR --sketches DIR."


def _plan(options: argparse.Namespace, names: dict, counts: dict[str, int], systems: tuple[str, ...]):
    """The plan that --plan names, of these faces by database, or one drawn from so many of them."""
    from lib.evaluation.user_study import plan as plans

    if not options.plan:
        chosen, spare = plans.choose_faces(names, counts, options.seed)
        return plans.assign(chosen, systems, raters=options.raters, per_rater=options.per_rater, checks=options.checks,
                            spare=spare, seed=options.seed)
    plan = plans.read_plan(options.plan)
    unknown = [f"{face} ({database})" for database, face in dict.fromkeys(trial.face for trial in plans.trials(plan))
               if face not in names.get(database, ())]
    if unknown:
        raise StudyError(f"{options.plan}: names faces that are not at hand:\n" + listed(unknown))
    return plan


def _face_counts(wanted: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for text in wanted:
        name, _, number = text.partition("=")
        if name not in databases.NAMES:
            raise unknown_name("database", name, databases.NAMES)
        if number and not (number.isdecimal() and 0 < int(number) < 10_000):
            raise StudyError(f"--database {text}: '{number}' is not a number of faces.")
        count = int(number) if number else PAPER_FACES.get(name, OTHER_FACES)
        if counts.setdefault(name, count) != count:
            raise StudyError(f"--database {name}: {counts[name]} faces and {count}. Give it once.")
    return counts


def _from_folders(options: argparse.Namespace):
    from lib.evaluation.user_study import stimuli as sources

    clash = [name for name in ("database", "system") if getattr(options, name)]
    if clash or not (options.photos and options.sketches):
        raise StudyError("--candidate NAME=DIR needs --photos DIR and --sketches DIR, "
                         "and neither --database nor --system.")
    arguments.refuse_unused(options, ("profile", "run_seed", "data"), "For run folders only: leave --candidate out.")
    if options.plan:
        arguments.refuse_unused(options, ["faces"], "--plan names the faces; leave one of the two out.")
    if options.faces is not None and options.faces < 1:
        raise StudyError(f"--faces {options.faces}: a study needs at least one.")
    folders = dict(_assignment(text, "--candidate", "NAME=DIR") for text in options.candidate)
    if len(folders) < len(options.candidate):
        raise StudyError("--candidate: a name is given twice.")
    stimuli = sources.from_folders({name: paths.given(folder) for name, folder in folders.items()}, options.photos,
                                   options.sketches, options.direction)
    names = [name for _, name in stimuli.targets]
    count = min(50, len(names)) if options.faces is None else options.faces
    plan = _plan(options, {"folder": names}, {"folder": count}, tuple(folders))
    return stimuli, plan, options.output or Path("user-study")


def _assignment(text: str, option: str, form: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise StudyError(f"{option} {text}: write it as {form}.")
    return name, value


def _analyse(options: argparse.Namespace) -> int:
    from lib.evaluation.user_study import analysis, written_report
    from lib.evaluation.user_study import answers as readers
    from lib.evaluation.user_study import definition as studies

    study = studies.read(options.study)
    answers = readers.read_answers(options.answers, study)
    aside = answers.set_aside
    print(f"Study {study.id}: {counted(answers.files, 'file')} read, "
          f"{counted(answers.votes.rater.nunique(), 'rater')} counted, "
          f"{counted((aside.kind == 'quarantined').sum(), 'file')} quarantined, "
          f"{counted((aside.kind == 'excluded').sum(), 'rater')} excluded")
    for row in aside.itertuples(index=False):
        print(f"  {row.kind:<11} {row.file}: {row.reason}")
    if answers.simulated:
        print(written_report.SIMULATED)
    result = analysis.analyse(answers.votes, study.systems, repeats=options.resamples)
    written = written_report.write_report(options.output or options.study / "report", study, answers, result)
    print(result.shares.to_string(index=False, float_format="%.3f"))
    print(f"Report: {written[0]}")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from lib.evaluation.user_study import definition as studies
    from lib.evaluation.user_study import simulation

    if options.seed < 0:
        raise StudyError(f"--seed {options.seed}: give a number from 0 on.")
    worth = {}
    for text in options.worth:
        name, value = _assignment(text, "--worth", "SYSTEM=NUMBER")
        try:
            worth[name] = float(value)
        except ValueError:
            raise StudyError(f"--worth {text}: '{value}' is not a number.") from None
    study = studies.read(options.study)
    records = simulation.simulate(study, simulation.Taste(worth, careless=options.careless, seed=options.seed))
    folder = options.output or options.study / "simulated"
    simulation.write_answers(folder, study, records)
    print(f"{len(records)} SIMULATED raters in {folder}; analyse them with\n"
          f"  python -m lib study analyse {folder} --study {options.study}")
    return 0
