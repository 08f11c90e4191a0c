"""``python -m lib recognise``: recognition between two folders, from any program, or of a whole study."""

from __future__ import annotations

import argparse

from lib.base import images, pairing, paths
from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH
from lib.base.errors import StudyError, counted
from lib.commands import arguments

_OF_STUDY = "profile", "data", "force"
_OF_PROTOCOL = "train_identities", "repeats", "seed", "method"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.set_epilog(parser, pairing.RULES)
    parser.add_argument("real", type=paths.given, metavar="REAL_DIR", nargs="?",
                        help="real images: sketches for photo-to-sketch, photos for sketch-to-photo")
    parser.add_argument("synthesised", type=paths.given, metavar="SYNTHESISED_DIR", nargs="?",
                        help="synthesised images of the same people, by the same names (suffixes may differ)")
    parser.add_argument("--recogniser", metavar="NAME",
                        help="a network instead of the field's protocol: dlib, or a function of yours from a uint8 "
                             "image to a vector, as module:function; nobody trains, everybody is looked up")
    parser.add_argument("--database", metavar="NAME",
                        help="with --recogniser and without folders: every system of this study, into "
                             "deep_recognition.csv beside its scores")
    parser.add_argument("--profile", default="cpu", metavar="NAME", help="of the study (default: cpu)")
    parser.add_argument("--data", type=paths.given, metavar="DIR",
                        help="folder that holds the databases (default: data/)")
    parser.add_argument("--force", action="store_true", help="of a study: compute again what is there")
    parser.add_argument("--train-identities", type=int, metavar="N",
                        help="people who train the classifier, the others are recognised; needed without --recogniser, "
                             "no default (the field: 150 of 338 on CUFS; the same share is 44 of 100 on CUHK Student)")
    parser.add_argument("--repeats", type=int, default=20, metavar="N", help="random splits (default: 20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the splits (default: 0)")
    parser.add_argument("--direction", choices=DIRECTIONS, default=DIRECTIONS[0],
                        help="photo-to-sketch probes with real images, sketch-to-photo with synthesised ones "
                             "(default: photo-to-sketch)")
    parser.add_argument("--method", choices=("nlda", "eigenface", "fisherface"), default="nlda",
                        help="feature space (default: nlda)")
    parser.add_argument("--pattern", metavar="REGEX",
                        help="the name that counts, as the one group of a regular expression that fits every file's "
                             "name without suffix: '(.+?)(?:_fake_B)?'")
    parser.add_argument("--csv", type=images.table_file, metavar="FILE",
                        help="write direction,system,seed,split,dimension,accuracy for every split and dimension; with "
                             "--recogniser what became of every person")


def run(options: argparse.Namespace) -> int:
    if options.database and (options.real or not options.recogniser):
        raise StudyError("--database goes with --recogniser and without folders. "
                         "The classical protocol of a study is part of `python -m lib run`.")
    if options.database:
        arguments.refuse_unused(options, (*_OF_PROTOCOL, "direction", "pattern", "csv"),
                                "For two folders only: a study is recognised as a whole, into its own tables.")
        return _study(options)
    arguments.refuse_unused(options, _OF_STUDY, "For a study only: give --recogniser and --database, without "
                                                "folders.")
    if not options.synthesised:
        raise StudyError("Give two folders, REAL_DIR and SYNTHESISED_DIR, or --recogniser with --database.")
    if options.recogniser:
        arguments.refuse_unused(options, _OF_PROTOCOL, "For the field's protocol only, in which people train: "
                                                       "leave --recogniser out.")
        return _with_network(options)
    if options.train_identities is None:
        raise StudyError("Give --train-identities N, the people who train the classifier, or --recogniser dlib, which "
                         "needs none.")
    return _classical(options)


def _study(options: argparse.Namespace) -> int:
    from lib.evaluation.recognition import deep_runs, deep_statements, recognisers

    arguments.require_known(options.profile, options.database)
    paths.use_data(options.data)
    tables = deep_runs.recognise_study(options.profile, options.database, recognisers.named(options.recogniser),
                                       options.force)
    print(f"{counted(len(tables.computed), 'run')} computed; {counted(tables.people, 'person')}, one probe and one "
          "gallery face each")
    for _, row in deep_statements.summary(tables).iterrows():
        print(f"  {row.direction}  {row.label:32} rank 1 {row['rank-1']:6.1%} [{row['rank-1_low']:.1%}, "
              f"{row['rank-1_high']:.1%}]   TAR at FAR 1 % {row.tar:6.1%}   EER {row.eer:6.1%}")
    for key in tables.absent:
        direction, system, seed = key.split("/")
        print(f"  {direction}  {system}, seed {seed}: not computed, its faces are not here; make them with `python -m "
              f"lib train --database {options.database} --profile {options.profile} --system {system} --seed {seed} "
              "--force`")
    return 0


def _with_network(options: argparse.Namespace) -> int:
    from lib.base import files
    from lib.evaluation import recognition
    from lib.evaluation.recognition import deep_runs, deep_statements, recognisers

    recogniser = recognisers.named(options.recogniser)
    names, real, made = recognition.read_coloured_pairs(options.real, options.synthesised, options.pattern)
    probes, gallery = (real, made) if options.direction == PHOTO_TO_SKETCH else (made, real)
    outcome = deep_runs.judge_pairs(recogniser, probes, gallery, names)
    table = deep_runs.probe_rows(outcome, names, options.direction, str(options.synthesised))
    row = deep_statements.summary(deep_runs.DeepTables(table, table, len(names))).iloc[0]
    print(f"{options.recogniser}, {options.direction}: {counted(len(names), 'person')}, one probe and one gallery "
          "face each")
    for measure, text in (("rank-1", "rank 1"), ("rank-5", "rank 5"), ("rank-10", "rank 10"),
                          ("tar", "accepted at FAR 1 %"), ("eer", "equal error rate")):
        if measure == "rank-1" or not measure.startswith("rank") or int(measure[5:]) < len(names):
            print(f"  {text:20} {row[measure]:7.2%}   95 % interval over people {row[f'{measure}_low']:.2%} to "
                  f"{row[f'{measure}_high']:.2%}")
    print(f"  guessing             {1 / len(names):7.2%}   at rank 1")
    if options.csv:
        files.write_csv(options.csv, table, "%.6g", errors="backslashreplace")
        print(f"  written to {options.csv}")
    return 0


def _classical(options: argparse.Namespace) -> int:
    from lib.evaluation import recognition
    from lib.evaluation.recognition.statements import accuracy_interval

    if options.seed < 0:
        raise StudyError(f"--seed {options.seed}: give a number from 0 on.")
    names, real, synthesised = recognition.read_pairs(options.real, options.synthesised, options.pattern)
    protocol = recognition.Protocol(len(names), options.train_identities, options.repeats, options.seed)
    result = recognition.recognise(real, synthesised, protocol, options.direction, options.method)
    tested = protocol.identities - protocol.train
    interval = accuracy_interval(result.tests(), result.by_identity())
    best, dimension = result.best_of_mean
    print(f"{options.method}, {options.direction}: {len(names)} people, {protocol.train} train, {tested} recognised, "
          f"{counted(protocol.repeats, 'random split')} (seed {protocol.seed})")
    print(f"  all {counted(result.accuracy.shape[1], 'dimension')}   {result.last:7.2%}   "
          f"95 % interval over people {interval.low:.2%} to {interval.high:.2%}, "
          f"spread over splits {result.spread[-1]:.2%}")
    print(f"  best of mean        {best:7.2%}   at {counted(dimension, 'dimension')}, chosen on the tested faces")
    print(f"  mean of best        {result.mean_of_best:7.2%}   the number papers print; optimistic: "
          "each split chooses its dimension on the tested faces")
    for rank in (5, 10):
        if rank < tested:
            print(f"  among the {rank:2d} nearest {result.cumulative[:, rank - 1].mean():7.2%}   all dimensions")
    print(f"  guessing            {result.chance:7.2%}")
    if options.csv:  # last: what is printed is not lost where nothing can be written
        recognition.write_curves(options.csv, result, direction=options.direction, system=str(options.synthesised))
        print(f"  written to {options.csv}")
    return 0
