"""``python -m lib score``: two folders of images from any program, or every run of a study."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lib.base import files
from lib.base.statistics import bootstrap_interval, student_interval
from lib.evaluation.scoring import IMAGE_METRICS, SET_METRICS

FEW = 10  # pairs: below it the bootstrap's "95 %" intervals hold the truth in 50 (2 pairs) to 92 % (9)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", nargs="?", type=Path, metavar="REFERENCE_DIR", help="real images")
    parser.add_argument("synthesised", nargs="?", type=Path, metavar="SYNTHESISED_DIR",
                        help="images to score, by the same names (suffixes may differ)")
    parser.add_argument("--metrics", nargs="+", metavar="NAME",
                        help=f"of each image: {', '.join(IMAGE_METRICS)}; of whole sets, with a feature network: "
                             f"{', '.join(SET_METRICS)} (default: ssim fsim)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row (image, metric, value) per score")
    study = parser.add_argument_group("instead of folders")
    study.add_argument("--profile", help="score all runs of a study into its scores.csv and set_scores.csv")
    study.add_argument("--database", metavar="NAME", help="the study's database")
    study.add_argument("--data", type=Path, metavar="DIR", help="folder that holds the databases")
    study.add_argument("--force", action="store_true", help="score again what is unchanged")


def run(options: argparse.Namespace) -> int:
    from lib.base.errors import StudyError

    if options.profile or options.database:
        if not (options.profile and options.database) or options.reference or options.csv or options.metrics:
            raise StudyError("To score a study give --profile and --database, without folders, --csv and --metrics "
                             "(a study has its own).")
        return _study(options)
    if not (options.reference and options.synthesised) and options.metrics and not _known(options.metrics[-1]):
        raise StudyError("--metrics takes all words that follow it, folders too. Give it last: "
                         "`python -m lib score REFERENCE_DIR SYNTHESISED_DIR --metrics ssim fsim`.")
    if not (options.reference and options.synthesised):
        raise StudyError("Give REFERENCE_DIR and SYNTHESISED_DIR, or --profile and --database to score a study.")
    return _folders(options)


def _known(metric: str) -> bool:
    return metric in (*IMAGE_METRICS, *SET_METRICS)


def _folders(options: argparse.Namespace) -> int:
    from lib.base.errors import StudyError, unknown_name
    from lib.evaluation import scoring

    metrics = options.metrics or ["ssim", "fsim"]
    for metric in metrics:
        if not _known(metric):
            raise unknown_name("metric", metric, (*IMAGE_METRICS, *SET_METRICS))
    per_image = [metric for metric in IMAGE_METRICS if metric in metrics]
    of_sets = [metric for metric in SET_METRICS if metric in metrics]
    if options.csv and not per_image:
        raise StudyError(f"--csv holds scores of images; add one of {', '.join(IMAGE_METRICS)} to --metrics.")
    count = len(scoring.pair_folders(options.reference, options.synthesised))
    print(f"{count} pair{'s' * (count > 1)}: {options.synthesised} against {options.reference}")
    if per_image:
        scores = scoring.score_folders(options.reference, options.synthesised, per_image)
        for metric in per_image:
            values = scores.value[scores.metric == metric].to_numpy()
            print(f"  {metric:<18} {values.mean():9.4f}   {_limits(values)}")
        if options.csv:
            # Bytes of a file name that are no text, from a system of another encoding, are written as \udc….
            files.write_csv(options.csv, scores, "%.7g", errors="backslashreplace")
            print(f"  written to {options.csv}")
    results = scoring.score_folder_sets(options.reference, options.synthesised, of_sets) if of_sets else {}
    for metric, result in results.items():
        if isinstance(result, str):
            print(f"  {metric:<18} not computed: {result}")
        else:
            low = result.low if metric.startswith("kid") else max(result.low, 0.0)  # a Fréchet distance is not negative
            print(f"  {metric:<18} {result.estimate:9.4f}   95 % interval {low:.4f} to {result.high:.4f}")
    return 0


def _limits(values: np.ndarray) -> str:
    """The interval of the mean as it is printed: bootstrap, for few pairs Student's t, which is honest there."""
    if len(values) < 2:
        return "no interval: one pair"
    few = len(values) < FEW
    _, low, high = student_interval(values) if few else bootstrap_interval(values)
    return f"95 % interval {low:.4f} to {high:.4f}" + (" (Student's t: few pairs)" if few else "")


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
    for run in scores.absent:
        print(f"  {run}: no images on this machine; its rows stay as they are")
    for metric, reason in scores.not_computed.items():
        print(f"  {metric}: not computed: {reason}")
    return 0
