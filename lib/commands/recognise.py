"""``python -m lib recognise``: the field's recognition protocol between two folders, from any program."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib.base.directions import DIRECTIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("real", type=Path, metavar="REAL_DIR",
                        help="real images: sketches for photo-to-sketch, photos for sketch-to-photo")
    parser.add_argument("synthesised", type=Path, metavar="SYNTHESISED_DIR",
                        help="synthesised images of the same people, by the same names (suffixes may differ)")
    parser.add_argument("--train-identities", type=int, required=True, metavar="N",
                        help="people who train the classifier, the others are recognised (150 of 338 on CUFS)")
    parser.add_argument("--repeats", type=int, default=20, help="random splits (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the splits (default: 0)")
    parser.add_argument("--direction", choices=DIRECTIONS, default=DIRECTIONS[0],
                        help="photo-to-sketch probes with real images, sketch-to-photo with synthesised ones "
                             "(default: photo-to-sketch)")
    parser.add_argument("--method", choices=("nlda", "eigenface", "fisherface"), default="nlda",
                        help="feature space (default: nlda)")
    parser.add_argument("--pattern", metavar="REGEX",
                        help="the name that counts, as the one group of a regular expression that fits every file's "
                             "name without suffix: '(.+?)(?:_fake_B)?'")
    parser.add_argument("--csv", type=Path, metavar="FILE",
                        help="write direction,system,seed,split,dimension,accuracy for every split and dimension")


def run(options: argparse.Namespace) -> int:
    from lib.base.errors import StudyError
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
          f"{protocol.repeats} random splits (seed {protocol.seed})")
    print(f"  all {result.accuracy.shape[1]} dimensions   {result.last:7.2%}   "
          f"95 % interval over people {interval.low:.2%} to {interval.high:.2%}, "
          f"spread over splits {result.spread[-1]:.2%}")
    print(f"  best of mean        {best:7.2%}   at {dimension} dimensions, chosen on the tested faces")
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
