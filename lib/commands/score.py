"""``python -m lib score``: two folders of images from any program, or every run of a study."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lib.base.errors import StudyError
from lib.base.statistics import Interval, student_interval
from lib.evaluation.scoring.folders import FolderScores, check_names, score_folders
from lib.evaluation.scoring.measure import IMAGE_METRICS
from lib.evaluation.scoring.sets import SET_METRICS
from lib.metrics.jackknife import LEAST_FACES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", nargs="?", type=Path, metavar="REFERENCE_DIR", help="real images")
    parser.add_argument("synthesised", nargs="?", type=Path, metavar="SYNTHESISED_DIR",
                        help="images to score, by the same names (suffixes may differ)")
    parser.add_argument("--metrics", nargs="+", metavar="NAME",
                        help=f"of each image: {', '.join(IMAGE_METRICS)}; of whole sets, with a feature network: "
                             f"{', '.join(SET_METRICS)} (default: ssim fsim)")
    parser.add_argument("--pattern", metavar="REGEX",
                        help="the name that counts, as the one group of a regular expression that fits every file's "
                             "name without suffix: '(.+?)(?:_fake_B)?'")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row (image, metric, value) per score")
    study = parser.add_argument_group("instead of folders")
    study.add_argument("--profile", help="score all runs of a study into its scores.csv and set_scores.csv")
    study.add_argument("--database", metavar="NAME", help="the study's database")
    study.add_argument("--data", type=Path, metavar="DIR", help="folder that holds the databases")
    study.add_argument("--attributes", action="store_true",
                       help="score DRIT with random attributes, too, into attribute_spread.csv")
    study.add_argument("--force", action="store_true", help="score again what is unchanged")


def run(options: argparse.Namespace) -> int:
    if options.profile or options.database:
        if not (options.profile and options.database) or any(
                (options.reference, options.csv, options.metrics, options.pattern)):
            raise StudyError("To score a study give --profile and --database, without folders, --csv, --pattern and "
                             "--metrics (a study has its own).")
        return _study(options)
    if not (options.reference and options.synthesised) and options.metrics and not _known(options.metrics[-1]):
        raise StudyError("--metrics takes all words that follow it, folders too. Give it last: "
                         "`python -m lib score REFERENCE_DIR SYNTHESISED_DIR --metrics ssim fsim`.")
    if not (options.reference and options.synthesised):
        raise StudyError("Give REFERENCE_DIR and SYNTHESISED_DIR, or --profile and --database to score a study.")
    return _folders(options)


def _known(metric: str) -> bool:
    return metric in IMAGE_METRICS or metric in SET_METRICS


def _folders(options: argparse.Namespace) -> int:
    of_images, of_sets = check_names(options.metrics or ["ssim", "fsim"])
    if options.csv and not of_images:
        raise StudyError(f"--csv holds scores of images; add one of {', '.join(IMAGE_METRICS)} to --metrics.")
    print(f"{options.synthesised} against {options.reference}: " + ", ".join(map(_what_is_needed, of_images + of_sets)),
          flush=True)
    scores = score_folders(options.reference, options.synthesised, of_images + of_sets, options.pattern)
    print(f"{len(scores.names)} pair{'s' * (len(scores.names) > 1)}")
    for metric in of_images + of_sets:
        if metric in scores.not_computed:
            print(f"  {metric:<18} not computed: {scores.not_computed[metric]}")
        elif metric in scores.values:
            values = scores.values[metric]
            print(f"  {metric:<18} {values.mean():9.4f}   {_limits(metric, values)}")
        else:
            print(f"  {metric:<18} {_distance(metric, scores.sets[metric])}")
    _remark(scores)
    if options.csv and scores.values:
        scores.write(options.csv)
        print(f"  written to {options.csv}")
    return 0


def _what_is_needed(metric: str) -> str:
    """What a metric looks at, and of how many images at least."""
    if metric in SET_METRICS:
        return f"{metric} (colour, at least {LEAST_FACES} pairs)"
    return f"{metric} ({IMAGE_METRICS[metric].channel}, at least 1 pair)"


def _limits(metric: str, values: np.ndarray) -> str:
    """Student's t interval of the mean over pairs, as it is printed.

    The study's tables bootstrap instead; that takes longer to load than 50 pairs to score, and at few pairs its limits
    are too narrow.  An interval that leaves the metric's range is refused: so few pairs do not say where the mean lies.
    """
    if len(values) < 2:
        return "no interval: one pair"
    if not np.isfinite(values).all():
        return f"no interval: infinite for {np.count_nonzero(~np.isfinite(values))} of {len(values)} pairs"
    _, low, high = student_interval(values)
    least, largest = IMAGE_METRICS[metric].limits
    if low < least or high > largest:
        return (f"no interval: {len(values)} pairs are too few (Student's t reaches from {low:.2f} to {high:.2f}, "
                f"{metric} from {least:g} to {largest:g})")
    return f"95 % interval {low:.4f} to {high:.4f}"


def _distance(metric: str, result: Interval) -> str:
    low = result.low if metric.startswith("kid") else max(result.low, 0.0)  # a Fréchet distance is not negative
    text = f"{result.estimate:9.4f}   95 % interval {low:.4f} to {result.high:.4f}"
    if result.high < 0:
        text += (" (below zero for certain: every face has its counterpart in the other set, which makes KID too "
                 "small; only values of equally many pairs compare)")
    return text


def _remark(scores: FolderScores) -> None:
    if scores.identical == len(scores.names):
        print("  All pairs are equal pixel by pixel: these are scores of images against themselves.")
    elif scores.identical:
        print(f"  {scores.identical} of the pairs are equal pixel by pixel.")


def _study(options: argparse.Namespace) -> int:
    from lib.base import paths
    from lib.evaluation import scoring
    from lib.findings import ledger, tables

    paths.use_data(options.data)
    scores = scoring.score_study(options.profile, options.database, force=options.force)
    print(f"{paths.study_folder(options.profile, options.database) / 'scores.csv'}: {len(scores.images)} rows; "
          f"scored now: {len(scores.scored)} (runs × directions)")
    print(f"tables: {tables.write_tables(options.profile, options.database)[0].parent}")
    if (options.profile, options.database) == ledger.STUDY:
        print(f"ledger: {ledger.write()}")
    if options.attributes:
        from lib.evaluation import attribute_spread

        spread = attribute_spread.write(options.profile, options.database)
        print(f"{attribute_spread.NAME}:\n{spread.to_string(index=False, float_format='%.2f')}")
    for run in scores.absent:
        print(f"  {run}: no images on this machine; its rows stay as they are")
    for metric, reason in scores.not_computed.items():
        print(f"  {metric}: not computed: {reason}")
    return 0
