"""Drawing the two databases, one identity at a time, and keeping them on disk.

An identity is a function of database, number and ``SEED``: the first eight of eight and of three hundred are
the same people, byte for byte.  The cache is keyed by a hash of this package's source, so that whoever
changes a line of it never sees pictures of an earlier version.
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lib.base import cache, images
from lib.base.errors import StudyError, unknown_name
from lib.databases.paired_faces import PairedFaces
from lib.databases.portraits import artists, photo, sketch, wild
from lib.databases.portraits.geometry import Face
from lib.databases.portraits.pencil import Sheet
from lib.databases.portraits.raster import Grid
from lib.databases.portraits.traits import Traits, draw

SEED = 2020
SPLITS = {"portraits": {"train": 88, "test": 100}, "portraits-wild": {"train": 100, "test": 200}}
LETTERS = {"portraits": "p", "portraits-wild": "w"}
EXAGGERATION = 0.45
GRID = Grid(2)  # twice the size of the image, averaged down at the end


def _generator(database: str, number: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([SEED, tuple(SPLITS).index(database), number, purpose])


def identity(database: str, number: int) -> Traits:
    """Traits of person ``number`` (from 1) of a database."""
    return draw(_generator(database, number, 0))


def portrait(database: str, number: int, traits: Traits | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Photo (250, 200, 3) and sketch (250, 200), uint8, of one person.

    traits: another person's, to be shown in the same light and drawn by the same artist.
    """
    face = Face(traits if traits is not None else identity(database, number))
    scene, hand = _generator(database, number, 1), _generator(database, number, 2)
    tame = database == "portraits"
    light = (wild.studio_light if tame else wild.wild_light)(scene)
    backdrop = (wild.studio_backdrop if tame else wild.wild_backdrop)(scene, GRID)
    picture, sitter = photo.take(face, light, backdrop, scene, GRID)
    artist = artists.ARTISTS[hand.integers(len(artists.ARTISTS))]
    bend = artists.misses(hand, artist.error)
    if not tame:
        bend = bend + artists.exaggeration(face, EXAGGERATION)
    return picture, sketch.draw(sitter, artist, Sheet(GRID, hand, bend))


@lru_cache
def version() -> str:
    """Hash of the package's source, twelve hexadecimal digits."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def generate(name: str, split: str, limit: int | None = None) -> PairedFaces:
    """One split of ``portraits`` or ``portraits-wild``, or its first ``limit`` pairs, from the cache if it is there.

    Raises StudyError for an unknown name or split, and for a limit below one.
    """
    if name not in SPLITS:
        raise unknown_name("embedded database", name, SPLITS)
    if split not in SPLITS[name]:
        raise unknown_name("split", split, SPLITS[name])
    size = SPLITS[name][split]
    if limit is not None and limit < 1:
        raise StudyError(f"limit {limit}: at least one pair must be asked for.")
    count = size if limit is None else min(limit, size)
    first = 1 if split == "train" else SPLITS[name]["train"] + 1
    pairs = _cached(name, split, first, count)
    names = tuple(f"{LETTERS[name]}-{number:04d}" for number in range(first, first + count))
    return PairedFaces(name, split, np.ascontiguousarray(pairs[..., :3]), np.ascontiguousarray(pairs[..., 3]), names,
                       (name,) * count)


def _cached(name: str, split: str, first: int, count: int) -> np.ndarray:
    """The first ``count`` pairs as (count, 250, 200, 4), photo and sketch; draws what the cache lacks."""
    file = cache.file("portraits", f"{name}-{split}-{version()}.npy")
    known = _read(file)
    if len(known) >= count:
        return np.array(known[:count])
    pairs = np.empty((count, images.HEIGHT, images.WIDTH, 4), np.uint8)
    pairs[: len(known)] = known
    for k in tqdm(range(len(known), count), desc=f"drawing {name} ({split})", unit="pair", disable=None):
        pairs[k, ..., :3], pairs[k, ..., 3] = portrait(name, first + k)
    del known  # a mapped file cannot be replaced on every system
    cache.keep_arrays(file, pairs)
    with contextlib.suppress(OSError):
        for stale in file.parent.glob(f"{name}-{split}-*.npy"):
            if stale != file:
                stale.unlink(missing_ok=True)
    return pairs


def _read(file: Path) -> np.ndarray:
    """What the cache holds; nothing when it is absent or damaged."""
    try:
        pairs = np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        pairs = np.empty((0,))
    whole = pairs.ndim == 4 and pairs.dtype == np.uint8 and pairs.shape[1:] == (images.HEIGHT, images.WIDTH, 4)
    return pairs if whole else np.empty((0, images.HEIGHT, images.WIDTH, 4), np.uint8)
