"""Distances between two folders as sets, whose images need not be of the same people, nor equally many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lib.base import images
from lib.base.errors import StudyError, counted, listed, unknown_name
from lib.base.statistics import Interval
from lib.evaluation.scoring.sets import FOLDER_SET_METRICS, Embedder, score_two_sets
from lib.metrics.jackknife import LEAST_FACES

_BLOCK = 64  # images in memory at once


@dataclass(frozen=True)
class SetScores:
    """Distances of two sets with limits.

    counts: images of both folders.  sizes: the sizes (height, width) that occur.  not_computed: metric → why not.
    """

    counts: tuple[int, int]
    sizes: tuple[tuple[int, int], ...]
    sets: dict[str, Interval] = field(default_factory=dict)
    not_computed: dict[str, str] = field(default_factory=dict)


def score_sets_only(reference: Path, synthesised: Path, metrics: Iterable[str] = ("fid", "kid")) -> SetScores:
    """Distances between all images of two folders, whatever their names.

    Each image is resized by the network by itself.  Raises StudyError for folders of fewer than ``LEAST_FACES`` images,
    metrics of single images, and listing every image that cannot be read.
    """
    metrics = list(dict.fromkeys(metrics))
    for metric in metrics:
        if metric not in FOLDER_SET_METRICS:
            raise unknown_name("metric of whole sets", metric, FOLDER_SET_METRICS)
    folders = [images.list_images(folder) for folder in (reference, synthesised)]
    for folder, files in zip((reference, synthesised), folders):
        if len(files) < LEAST_FACES:
            raise StudyError(f"{folder}: holds {counted(len(files), 'image')}; distances of sets need {LEAST_FACES} of "
                             "each, and mean little below some hundreds. Add images, or score pairs without "
                             "--sets-only.")
    embed, sizes = Embedder(), {}
    networks = dict.fromkeys(FOLDER_SET_METRICS[metric] for metric in metrics)
    vectors = [_vectors(files, networks, embed, sizes) for files in folders]
    known = {metric: score_two_sets(metric, *(side[FOLDER_SET_METRICS[metric]] for side in vectors))
             for metric in metrics if FOLDER_SET_METRICS[metric] not in embed.unavailable}
    unknown = {metric: embed.unavailable[FOLDER_SET_METRICS[metric]] for metric in metrics if metric not in known}
    return SetScores(tuple(map(len, folders)), tuple(sizes), known, unknown)


def _vectors(files: list[Path], networks: Iterable[str], embed: Embedder,
             sizes: dict[tuple[int, int], None]) -> dict[str, np.ndarray]:
    """Network → features (n, d) of all images, read once and block by block; ``sizes`` gains those that occur."""
    parts: dict[str, list[np.ndarray]] = {network: [] for network in networks}
    problems = []
    for start in range(0, len(files), _BLOCK):
        by_size: dict[tuple[int, int], list[np.ndarray]] = {}
        for file in files[start:start + _BLOCK]:
            try:
                face = images.to_rgb(images.read_image(file))
                by_size.setdefault(face.shape[:2], []).append(face)
            except StudyError as error:
                problems.append(str(error))
        sizes.update(dict.fromkeys(by_size))
        for network in parts if not problems else ():
            for faces in by_size.values():
                if (part := embed(network, np.stack(faces))) is not None:
                    parts[network].append(part)
    if problems:
        raise StudyError(f"{counted(len(problems), 'image')} cannot be scored:\n{listed(problems)}")
    return {network: np.concatenate(part) for network, part in parts.items() if part}
