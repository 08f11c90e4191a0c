"""Two folders of images from any program, paired by name and scored image by image."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from lib.base import images
from lib.base.errors import StudyError, listed, unknown_name
from lib.base.statistics import Interval
from lib.evaluation.scoring.measure import check_metrics, score_pair, workers
from lib.evaluation.scoring.sets import SET_METRICS, Embedder, score_set

Pair = tuple[str, Path, Path]  # name, reference, synthesised


def pair_folders(reference: Path, synthesised: Path) -> list[Pair]:
    """Pair images that have the same name, whatever their suffixes: (name, reference, synthesised), by name.

    Raises StudyError listing every image without partner and every name met twice in a folder.
    """
    first, second = images.by_stem(Path(reference)), images.by_stem(Path(synthesised))
    lonely = [f"{first[name]}: no partner in {synthesised}" for name in sorted(first.keys() - second)]
    lonely += [f"{second[name]}: no partner in {reference}" for name in sorted(second.keys() - first)]
    if lonely:
        raise StudyError(f"{len(lonely)} of {len(first) + len(second)} images have no partner of the same name "
                         f"(suffixes may differ):\n{listed(lonely)}\nRename, add or remove them.")
    return [(name, first[name], second[name]) for name in sorted(first)]


def score_folders(reference: Path, synthesised: Path, metrics: Iterable[str] = ("ssim", "fsim")) -> pd.DataFrame:
    """Score every image of ``synthesised`` against its namesake: columns image, metric, value; by image, then metric.

    Sizes may differ from pair to pair, not within one.  Raises StudyError, before anything is scored,
    listing all images that lack a partner, cannot be read, or differ in size from their reference.
    """
    metrics = check_metrics(metrics)
    pairs = pair_folders(reference, synthesised)
    _check(pairs)

    def rows(pair: Pair) -> list[tuple[str, str, float]]:
        reference, image = (images.read_image(file) for file in pair[1:])
        return [(pair[0], metric, _score(pair[2], reference, image, metric)) for metric in metrics]

    with ThreadPoolExecutor(workers()) as pool:
        table = [row for part in pool.map(rows, pairs) for row in part]
    return pd.DataFrame(table, columns=["image", "metric", "value"])


def _score(file: Path, reference: np.ndarray, image: np.ndarray, metric: str) -> float:
    """One score; whatever one metric cannot score is named, so that the others can be asked for alone."""
    try:
        value = score_pair(reference, image, [metric])[metric]
    except StudyError as error:
        raise StudyError(f"{file}: no {metric}: {error}") from None
    if not np.isfinite(value):
        raise StudyError(f"{file}: {metric} is not defined for this image ({value}). Leave the image or the metric "
                         "out.")
    return value


def score_folder_sets(reference: Path, synthesised: Path, metrics: Iterable[str]) -> dict[str, Interval | str]:
    """Distances of two folders as sets: metric → value with limits, or the reason why it is not computed.

    Raises StudyError as ``score_folders`` does, and when the images are not all of one size.
    """
    pairs = pair_folders(reference, synthesised)
    _check(pairs)
    first, second = (_stack([images.to_rgb(images.read_image(pair[side])) for pair in pairs]) for side in (1, 2))
    embed, results = Embedder(), {}
    for metric in metrics:
        if metric not in SET_METRICS:
            raise unknown_name("metric", metric, SET_METRICS)
        vectors = [embed(SET_METRICS[metric], faces) for faces in (first, second)]
        known = all(v is not None for v in vectors)
        results[metric] = score_set(metric, *vectors) if known else embed.unavailable[SET_METRICS[metric]]
    return results


def _stack(faces: list[np.ndarray]) -> np.ndarray:
    if len({face.shape for face in faces}) > 1:
        raise StudyError("Distances of sets need images of one size throughout; score them per image or resize them.")
    return np.stack(faces)


def _check(pairs: list[Pair]) -> None:
    """Read every image once, so that all faults are told together and nothing is half scored."""
    problems = []
    for _, *files in pairs:
        sizes = []
        for file in files:
            try:
                height, width = images.read_image(file).shape[:2]
                sizes.append(f"{width}×{height}")
            except StudyError as error:
                problems.append(str(error))
        if len(set(sizes)) == 2:
            problems.append(f"{files[1]}: {sizes[1]}, but its reference {files[0].name} is {sizes[0]} (width×height). "
                            "Resize it first; a score of resized images is another score.")
    if problems:
        raise StudyError(f"{len(problems)} images cannot be scored:\n{listed(problems)}")
