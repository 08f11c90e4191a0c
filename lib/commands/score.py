"""``python -m lib score``: two folders of images from any program, alone or beside a study; or every run of a study."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lib.base import images, pairing, paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, counted, listed, some_of
from lib.base.statistics import Interval, student_interval
from lib.commands import arguments
from lib.evaluation.scoring.folders import FolderScores, check_names, score_folders
from lib.evaluation.scoring.measure import IMAGE_METRICS
from lib.evaluation.scoring.sets import FOLDER_SET_METRICS
from lib.metrics.jackknife import LEAST_FACES

if TYPE_CHECKING:
    from lib.findings.outside import Outside

_MORE = f"""\
{pairing.RULES}

Limits that would leave a metric's range are refused, and images that come twice are counted. lpips, dists, fid and kid
say `not computed` where their weights cannot be had. Images are read once and forgotten: 1,000 pairs take no more
memory than 300. Where the names are those of a study's test faces, the floors of that study stand beside the scores.

--as NAME scores the folder as the study scores its own runs, adds it to the study's tables, recognition and figures in
results/<profile>/<database>/outside/NAME, which git ignores, and tests it against every system there, paired face by
face, with Holm's correction. The real images must be the study's own, pixel by pixel."""
_OF_STUDY = "attributes", "regions", "colours"  # further tables of a study's own runs
_MANY_IMAGES = 2048  # as many as FID has features


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.set_epilog(parser, _MORE)
    parser.add_argument("reference", nargs="?", type=paths.given, metavar="REFERENCE_DIR", help="real images")
    parser.add_argument("synthesised", nargs="?", type=paths.given, metavar="SYNTHESISED_DIR",
                        help="images to score, by the same names (suffixes may differ)")
    parser.add_argument("--metrics", nargs="+", metavar="NAME",
                        help=f"of each image: {', '.join(IMAGE_METRICS)}; of whole sets, with a feature network: "
                             f"{', '.join(FOLDER_SET_METRICS)} (default: ssim fsim)")
    parser.add_argument("--pattern", metavar="REGEX",
                        help="the name that counts, as the one group of a regular expression that fits every file's "
                             "name without suffix: '(.+?)(?:_fake_B)?'")
    parser.add_argument("--csv", type=images.table_file, metavar="FILE",
                        help="write one row (image, metric, value) per score of an image")
    parser.add_argument("--sets-only", action="store_true",
                        help="distances between the folders as sets, of any number of images each and whatever their "
                             "names (default metrics: fid kid)")
    parser.add_argument("--as", dest="name", metavar="NAME",
                        help="with --database: compare the folder with every system of that study, in its own tables "
                             "and figures under results/…/outside/NAME; the study's tables stay as they are")
    study = parser.add_argument_group("instead of folders, or with --as")
    study.add_argument("--profile", metavar="NAME",
                       help="score all runs of a study into its scores.csv and set_scores.csv; with --as "
                            "the study to compare with (default: that of the largest images)")
    study.add_argument("--database", metavar="NAME", help="the study's database")
    study.add_argument("--data", type=paths.given, metavar="DIR",
                       help="folder that holds the databases (default: data/)")
    study.add_argument("--attributes", action="store_true",
                       help="score DRIT with random attributes, too, into attribute_spread.csv")
    study.add_argument("--regions", action="store_true",
                       help="score the backbone with and without MSG, self-attention and their controls at chin, eyes, "
                            "mouth and in smooth places, too, into region_scores.csv")
    study.add_argument("--colours", action="store_true",
                       help="compare the colours of synthesised photos with both domains', too, into colours.csv")
    study.add_argument("--force", action="store_true", help="score again what is unchanged")


def run(options: argparse.Namespace) -> int:
    arguments.require_known(options.profile, options.database)
    if options.name:
        return _beside(options)
    if options.profile or options.database:
        if not (options.profile and options.database) or any(
                (options.reference, options.csv, options.metrics, options.pattern, options.sets_only)):
            raise StudyError("To score a study give --profile and --database, without folders, --csv, --pattern, "
                             "--sets-only and --metrics (a study has its own). To compare folders with a study add "
                             "--as NAME.")
        return _study(options)
    if not (options.reference and options.synthesised) and options.metrics and not _known(options.metrics[-1]):
        raise StudyError("--metrics takes all words that follow it, folders too. Give it last: "
                         "`python -m lib score REFERENCE_DIR SYNTHESISED_DIR --metrics ssim fsim`.")
    if not (options.reference and options.synthesised):
        raise StudyError("Give REFERENCE_DIR and SYNTHESISED_DIR, or --profile and --database to score a study.")
    arguments.refuse_unused(options, (*_OF_STUDY, "data", "force"),
                            "For a study only: give --profile and --database instead of folders.")
    return _sets_only(options) if options.sets_only else _folders(options)


def _known(metric: str) -> bool:
    return metric in IMAGE_METRICS or metric in FOLDER_SET_METRICS


def _folders(options: argparse.Namespace) -> int:
    of_images, of_sets = check_names(options.metrics or ["ssim", "fsim"])
    if options.csv and not of_images:
        raise StudyError(f"--csv holds scores of images; add one of {', '.join(IMAGE_METRICS)} to --metrics.")
    print(f"{options.synthesised} against {options.reference}: " + ", ".join(map(_what_is_needed, of_images + of_sets)),
          flush=True)
    scores = score_folders(options.reference, options.synthesised, of_images + of_sets, options.pattern)
    print(counted(len(scores.names), "pair"))
    for metric in of_images + of_sets:
        if metric in scores.not_computed:
            print(f"  {metric:<18} not computed: {scores.not_computed[metric]}")
        elif metric in scores.values:
            values = scores.values[metric]
            print(f"  {metric:<18} {values.mean():9.4f}   {_limits(metric, values)}")
        else:
            print(f"  {metric:<18} {_distance(metric, scores.sets[metric])}")
    _warn_of_few(len(scores.names), scores.sets)
    _remark(scores)
    _floors(scores)
    if options.csv and scores.values:
        scores.write(options.csv)
        print(f"  written to {options.csv}" + f", but for {', '.join(scores.sets)}: no score of an image"
              * bool(scores.sets))
    return 0


def _what_is_needed(metric: str) -> str:
    """What a metric looks at, and of how many images at least."""
    if metric in FOLDER_SET_METRICS:
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
        print(f"  {some_of(scores.identical, len(scores.names), 'pair', 'is/are')} equal pixel by pixel.")
    for kind, count in zip(("real", "synthesised"), scores.repeated):
        if count:
            print(f"  {some_of(count, len(scores.names), f'{kind} image', 'is/are')} equal to another of "
                  "theirs under another name; intervals count each as a face of its own.")


def _floors(scores: FolderScores) -> None:
    """What the field's floors are worth on these faces, where a study here has the same."""
    from lib.evaluation.scoring.floors import floors

    direction = DIRECTIONS[scores.coloured]  # real photos are in colour, real sketches are not
    found = floors(scores.names, direction)
    if not found or not (shown := [metric for metric in scores.values if metric in found.values]):
        return
    from lib.base import labels  # pandas is needed from here on only

    print(f"  By their names these are the test faces of {found.database}; there, {labels.DIRECTION[direction]}, "
          f"profile {found.profile}, in per cent:")
    for metric in shown:
        print(f"  {metric:<18} " + ", ".join(f"{label} {value:.1f}" for label, value in found.values[metric]))
    print(f"  `--database {found.database} --as NAME` compares these images with every system there.")


def _warn_of_few(count: int, metrics: Iterable[str]) -> None:
    if count < _MANY_IMAGES and any(metric.startswith(("fid", "frechet")) for metric in metrics):
        print(f"  Fréchet distances of fewer than {_MANY_IMAGES} images are too large: compare values of equal numbers "
              "only.")


def _sets_only(options: argparse.Namespace) -> int:
    from lib.evaluation.scoring.unpaired import score_sets_only

    if options.csv or options.pattern:
        raise StudyError("--sets-only looks at no names and scores no single image; leave --csv and --pattern out.")
    scores = score_sets_only(options.reference, options.synthesised, options.metrics or ["fid", "kid"])
    first, second = scores.counts
    print(f"{options.synthesised} ({counted(second, 'image')}) against {options.reference} ({first}), as sets, in "
          "colour")
    for metric, result in scores.sets.items():
        print(f"  {metric:<18} {_distance(metric, result)}")
    for metric, reason in scores.not_computed.items():
        print(f"  {metric:<18} not computed: {reason}")
    _warn_of_few(min(scores.counts), scores.sets)
    if len(scores.sizes) > 1:
        print(f"  The images have {len(scores.sizes)} sizes; the network resizes each, and sharpness shows in the "
              "distance.")
    return 0


def _beside(options: argparse.Namespace) -> int:
    """A folder in the tables of a study, marked as brought."""
    if not (options.reference and options.synthesised and options.database):
        raise StudyError("--as NAME needs REFERENCE_DIR, SYNTHESISED_DIR and --database.")
    arguments.refuse_unused(options, (*_OF_STUDY, "force"),
                            "For a study's own runs only: give --profile and --database, without folders and --as.")
    if options.csv or options.metrics or options.sets_only:
        raise StudyError("--as NAME takes the study's own metrics and writes its own tables; leave --csv, --metrics "
                         "and --sets-only out.")
    from lib.base import labels
    from lib.findings import outside, tables

    paths.use_data(options.data)
    brought = outside.bring(options.reference, options.synthesised, options.database, options.name, options.profile,
                            options.pattern, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"{brought.name}, {labels.DIRECTION[brought.direction]}, beside the study of {brought.database}, profile "
          f"{brought.profile} ({outside.MARK}):")
    print(tables.as_text(brought.table).to_string())
    shown = brought.comparisons.assign(system=brought.comparisons.system.map(labels.label_of))
    for metric, part in shown.groupby("metric", sort=False):
        print(f"\n{labels.METRIC[metric]}: {brought.name} minus …, in points, p after Holm's correction over "
              f"{len(part)} systems; limits and p hold for other faces, not for other trainings")
        for row in part.itertuples():
            print(f"  {row.system:<32} {labels.with_limits(row.difference, row.low, row.high)}   "
                  f"p {labels.p_value(row.p_holm)}")
    if brought.recognised is not None:
        print(f"\nNLDA rank-1 accuracy: {brought.name} minus …, in points, p after Holm's correction")
        for row in brought.recognised.itertuples():
            limits = labels.with_limits(*(100 * value for value in (row.difference, row.low, row.high)), digits=1)
            print(f"  {row.label:<32} {limits}   p {labels.p_value(row.holm)}")
    if brought.left:
        print(f"\nLeft out of {options.synthesised}: {counted(brought.left, 'image', 'shows/show')} no test face of "
              "this study.")
    written = outside.write(brought) + _figures(brought)
    print(f"\nwritten to {written[0].parent}: {', '.join(file.name for file in written)}")
    return 0


def _figures(brought: Outside) -> list[Path]:
    """The study's figures with the brought folder in them."""
    import matplotlib

    matplotlib.use("Agg")
    from lib.base import files
    from lib.figures import quality, recognition, style

    style.use_style()
    drawn = {"scores": quality.standing({brought.direction: brought.table})}
    if brought.recognition is not None:
        drawn["recognition"] = recognition.accuracy_curves(brought.recognition, reference=brought.name)
    written = []
    for name, figure in drawn.items():
        written.append(brought.folder / f"{name}_{brought.direction}.png")
        with files.atomic_file(written[-1]) as temporary:
            figure.savefig(temporary, format="png")
    return written


def _study(options: argparse.Namespace) -> int:
    from lib.evaluation import scoring
    from lib.findings import ledger, tables

    paths.use_data(options.data)
    print(f"scoring the runs of {options.database}, profile {options.profile}, that have changed, then writing tables",
          file=sys.stderr, flush=True)
    scores = scoring.score_study(options.profile, options.database, force=options.force)
    folder = paths.study_folder(options.profile, options.database)
    print(f"{folder / 'scores.csv'}: {counted(len(scores.images), 'row')}; "
          f"scored now: {len(scores.scored)} (runs × directions)")
    print(f"tables: {tables.write_tables(options.profile, options.database)[0].parent}")
    if (options.profile, options.database) == ledger.STUDY:
        print(f"ledger: {ledger.write()}")
    if options.attributes:
        from lib.evaluation import attribute_spread

        spread = attribute_spread.write(options.profile, options.database)
        print(f"{folder / attribute_spread.NAME}:\n{spread.to_string(index=False, float_format='%.2f')}")
    if options.regions:
        from lib.evaluation import region_scores
        from lib.findings import region_effects

        table = region_scores.summary(region_scores.write(options.profile, options.database, region_effects.SYSTEMS))
        means = table.drop(columns="faces").groupby(["direction", "system"], sort=False).mean()
        print(f"By region, means over faces and trainings:\n{means.to_string(float_format='%.3f')}\n"
              f"all rows: {folder / region_scores.NAME}")
    if options.colours:
        from lib.findings import colours

        table = colours.overview(colours.write(options.profile, options.database))
        print("Colours of synthesised photos: chroma as a share of the real photo's, and the way from the sketch's "
              "mean colour (0) to the photo's (1);\nin between: measures whose 95 % limits lie between "
              f"{colours.BETWEEN[0]:g} and {colours.BETWEEN[1]:g}\n{table.to_string(float_format='%.2f')}\n"
              f"all rows, with limits, hair and background: {folder / colours.NAME}")
    if scores.absent:
        print(f"no images on this machine, their rows stay as they are:\n{listed(scores.absent, limit=10)}")
    if scores.unfinished:
        print(f"no images and no rows, as these runs are not finished (`python -m lib train` goes on with them):\n"
              f"{listed(scores.unfinished, limit=10)}")
    for metric, reason in scores.not_computed.items():
        print(f"  {metric}: not computed: {reason}")
    return 0
