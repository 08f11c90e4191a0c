"""Two folders of images from any program, paired by name and scored in one pass.

Every image is read once.  Only a few are in memory at a time, however many there are: scores and, for distances of
sets, feature vectors are all that is kept of them.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lib.base import files, images
from lib.base.errors import StudyError, counted, listed, unknown_name
from lib.base.hardware import available_cores
from lib.base.pairing import Partners, pair_by_name
from lib.base.statistics import Interval
from lib.evaluation.scoring.measure import IMAGE_METRICS, score_pair
from lib.evaluation.scoring.sets import FOLDER_SET_METRICS, Embedder, score_set
from lib.metrics.jackknife import LEAST_FACES

_BLOCK = 64  # pairs whose images are kept until a network has seen them; a multiple of the networks' batch of 16
_MANY = 200  # from this many pairs on a progress bar is shown


@dataclass(frozen=True)
class FolderScores:
    """What two folders scored.

    names: of the pairs, sorted.  values: image metric → (n,), in their order.  sets: distances of whole sets, with
    limits.  not_computed: metric → why it has no value.  identical: pairs that are equal pixel by pixel.  repeated:
    images of each folder that are equal to another of theirs.  coloured: whether most of the real images are in colour.
    """

    names: tuple[str, ...]
    values: dict[str, np.ndarray]
    sets: dict[str, Interval] = field(default_factory=dict)
    not_computed: dict[str, str] = field(default_factory=dict)
    identical: int = 0
    repeated: tuple[int, int] = (0, 0)
    coloured: bool = False

    def rows(self) -> Iterator[tuple[str, str, float]]:
        """(image, metric, value), by image, then metric."""
        for row, name in enumerate(self.names):
            for metric, values in self.values.items():
                yield name, metric, float(values[row])

    def write(self, file: Path) -> None:
        """Write ``image,metric,value`` with 7 significant digits.

        Bytes of a file name that are no text, from a system of another encoding, are written as \\udc….
        """
        with (files.atomic_file(file) as temporary,
              temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out):
            table = csv.writer(out, lineterminator="\n")
            table.writerow(("image", "metric", "value"))
            table.writerows((name, metric, f"{value:.7g}") for name, metric, value in self.rows())


def check_names(metrics: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split metrics into those of images and those of sets, each in its table's order; raises StudyError for others."""
    metrics = list(metrics)
    for metric in metrics:
        if metric not in IMAGE_METRICS and metric not in FOLDER_SET_METRICS:
            raise unknown_name("metric", metric, (*IMAGE_METRICS, *FOLDER_SET_METRICS))
    return ([name for name in IMAGE_METRICS if name in metrics],
            [name for name in FOLDER_SET_METRICS if name in metrics])


def score_folders(reference: Path, synthesised: Path, metrics: Iterable[str] = ("ssim", "fsim"),
                  pattern: str | None = None) -> FolderScores:
    """Score every image of ``synthesised`` against its namesake, and the folders as sets.

    pattern: picks the name out of a file's (``lib.base.pairing``).  Sizes may differ from pair to pair, but not within
    one, nor at all for distances of sets.  Raises StudyError listing all images that lack a partner, cannot be read,
    differ in size, or are refused by a metric.
    """
    pairs = pair_by_name([reference, synthesised], pattern=pattern)
    of_images, of_sets = check_names(metrics)
    scores, not_computed = _loaded(of_images)
    if len(pairs) < LEAST_FACES:
        reason = f"needs at least {LEAST_FACES} pairs, not {len(pairs)}"
        not_computed |= dict.fromkeys(of_sets, reason)
        of_sets = []
    sets, seen = _Sets(of_sets), []
    for block in _measured(pairs, scores, keep=bool(of_sets)):
        seen += [pair._replace(faces=None) for pair in block]
        if of_sets and not any(pair.problems for pair in seen):
            sets.add(block)
    if problems := [problem for pair in seen for problem in pair.problems]:
        raise StudyError(f"{counted(len(problems), 'image')} cannot be scored:\n{listed(problems)}")
    distances, unavailable = sets.distances()
    return FolderScores(
        tuple(pair.name for pair in pairs),
        {metric: np.array([pair.values[metric] for pair in seen]) for metric in scores},
        distances, not_computed | unavailable, sum(pair.identical for pair in seen),
        tuple(_repeated(pair.hashes[side] for pair in seen) for side in (0, 1)),
        2 * sum(pair.coloured for pair in seen) > len(seen))


def _repeated(hashes: Iterable[bytes]) -> int:
    return sum(count for count in Counter(hashes).values() if count > 1)


def _loaded(metrics: list[str]) -> tuple[dict[str, Callable[[Any, Any], float]], dict[str, str]]:
    """Functions of the metrics that can be computed here, and why the others cannot."""
    scores, not_computed = {}, {}
    for name in metrics:
        try:
            scores[name] = IMAGE_METRICS[name].load()
        except (StudyError, ImportError) as error:
            not_computed[name] = str(error)
    return scores, not_computed


class _Seen(NamedTuple):
    """What is known of a pair once its images were read."""

    problems: list[str]
    values: dict[str, float]
    identical: bool = False
    hashes: tuple[bytes, bytes] = (b"", b"")
    coloured: bool = False
    size: tuple[int, ...] = ()
    faces: tuple[np.ndarray, np.ndarray] | None = None


def _measured(pairs: list[Partners], scores: dict[str, Callable[[Any, Any], float]],
              keep: bool) -> Iterator[list[_Seen]]:
    """Read and score all pairs on all cores, block by block; with ``keep`` their images come along, as RGB.

    After the first image that cannot be scored the others are only read, so that all of these are told soon.
    """
    failed = False

    def see(pair: Partners) -> _Seen:
        nonlocal failed
        faces, problems = _read(pair)
        failed = failed or bool(problems)
        if failed:
            return _Seen(problems, {})
        try:
            values = score_pair(*faces, scores)
        except StudyError as error:
            return _Seen([f"{pair.files[1]}: {error}"], {})
        kept = tuple(map(images.to_rgb, faces)) if keep else None
        hashes = tuple(hashlib.sha256(images.to_rgb(face).tobytes()).digest() for face in faces)
        return _Seen([], values, hashes[0] == hashes[1], hashes, _is_coloured(faces[0]), faces[0].shape[:2], kept)

    size = _BLOCK if keep else len(pairs)
    with ThreadPoolExecutor(available_cores()) as pool, _progress(len(pairs)) as bar:
        for start in range(0, len(pairs), size):
            block = []
            for seen in pool.map(see, pairs[start:start + size]):
                block.append(seen)
                bar.update()
            yield block


def _read(pair: Partners) -> tuple[list[np.ndarray], list[str]]:
    """The images of a pair, and why they cannot be scored."""
    faces, problems = [], []
    for file in pair.files:
        try:
            faces.append(images.read_image(file))
        except StudyError as error:
            problems.append(str(error))
    if not problems and faces[0].shape[:2] != faces[1].shape[:2]:
        expected, found = (f"{face.shape[1]}×{face.shape[0]}" for face in faces)
        problems.append(f"{pair.files[1]}: {found}, but its reference {pair.files[0].name} is {expected} "
                        "(width×height). Resize it first; a score of resized images is another score.")
    return faces, problems


def _is_coloured(image: np.ndarray) -> bool:
    """Whether an image has colours: JPEG leaves some in grey ones, of few levels."""
    return image.ndim == 3 and float(np.ptp(image.astype(np.int16), axis=2).mean()) > 3


class _Sets:
    """Feature vectors of both folders, gathered block by block, and the distances between them."""

    def __init__(self, metrics: list[str]):
        self.metrics = metrics
        self.embed = Embedder()
        networks = dict.fromkeys(FOLDER_SET_METRICS[metric] for metric in metrics)
        self.vectors: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {network: [] for network in networks}
        self.size: tuple[int, ...] = ()

    def add(self, block: list[_Seen]) -> None:
        """Embed the images of some more pairs; raises StudyError unless all have the size of the first."""
        self.size = self.size or block[0].size
        if {pair.size for pair in block} != {self.size}:
            raise StudyError("Distances of sets need images of one size throughout; score them per image or resize "
                             "them.")
        for network, vectors in self.vectors.items():
            pair = tuple(self.embed(network, np.stack(faces)) for faces in zip(*(seen.faces for seen in block)))
            if network not in self.embed.unavailable:
                vectors.append(pair)

    def distances(self) -> tuple[dict[str, Interval], dict[str, str]]:
        """Distance with limits of every metric whose network can be had, and why the others' cannot."""
        known, unavailable = {}, {}
        for metric in self.metrics:
            network = FOLDER_SET_METRICS[metric]
            if network in self.embed.unavailable:
                unavailable[metric] = self.embed.unavailable[network]
            else:
                known[metric] = score_set(metric, *map(np.concatenate, zip(*self.vectors[network])))
        return known, unavailable


class _NoBar:
    """Stands in for a progress bar where none is shown."""

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self) -> None:
        pass


def _progress(total: int):
    """A progress bar for many pairs on a terminal; tqdm is loaded only then."""
    if total < _MANY or not sys.stderr.isatty():
        return _NoBar()
    from tqdm import tqdm

    return tqdm(total=total, desc="scoring", unit="pair", leave=False)
