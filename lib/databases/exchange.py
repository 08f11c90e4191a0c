"""Are photos and sketches exchanged, in ``pairs.csv`` or in the folders?  Asked of the colours.

A sketch has no colour as a rule and a photo has.  So a pair looks *exchanged* when its photo has none and its sketch
has plenty.  Where more than half of the pairs of a sub-database look so, in one split, that is an error; where fewer
do, they are counted and named.  Two grey images (CUFSF's photos) or two coloured ones say nothing and are let pass.

Colour is how much the differences R−G and B−G vary over an image, in grey levels: yellowed paper or a toned print has
nearly the same difference everywhere.  On CUHK Student photos have 41 to 67 and sketches at most 2.2; the limits lie
far from both, and between them nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lib.base import images
from lib.base.errors import StudyError, listed, some_of
from lib.databases.pairs import Index, Pair, shown

WITHOUT, WITH = 5.0, 20.0  # at most so much colour has an image without any, at least so much one with plenty


def colour(image: np.ndarray) -> float:
    """How much the differences between the channels of a uint8 image, (H, W) or (H, W, 3), vary: 0 to 255.

    It is the standard deviation of R−G or of B−G, whichever is larger.
    """
    if image.ndim == 2:
        return 0.0
    red, green, blue = np.moveaxis(image.astype(np.int16), -1, 0)
    return float(max((red - green).std(), (blue - green).std()))


def looking_exchanged(pairs: Sequence[Pair], photos: np.ndarray) -> list[Pair]:
    """The pairs whose photo, (n, H, W, 3) uint8 in their order, has no colour, and whose sketch has plenty.

    Of a pair with a coloured photo the sketch is not opened.  A file that cannot be read counts as without colour:
    whoever reads its split is told.
    """
    return [pair for pair, photo in zip(pairs, photos, strict=True)
            if colour(photo) <= WITHOUT and _colour_of(pair) >= WITH]


def _colour_of(pair: Pair) -> float:
    try:
        return colour(images.read_image(pair.sketch))
    except StudyError:
        return 0.0


def require_order(index: Index, split: str, pairs: Sequence[Pair], photos: np.ndarray) -> None:
    """Raise StudyError when more than half of the pairs of a sub-database look exchanged."""
    found = [pair for group in _by_group(pairs, photos) for pair in group.found if group.most]
    if found:
        groups = dict.fromkeys(pair.group for pair in found)
        raise StudyError(
            f"{index.folder}: photos and sketches of {', '.join(groups)} seem to be exchanged in the {split} split: of "
            f"{some_of(len(found), sum(pair.group in groups for pair in pairs), 'pair')} the photo has no "
            f"colour and the sketch has:\n{_lines(index, found)}\nExchange the columns photo and sketch of "
            f"{index.folder / 'pairs.csv'}, or where there is none the folders. If you have looked and they are right: "
            f"`python -m lib prepare --database {index.database} --data {index.folder} --accept-pairing`.")


def remarks(index: Index, split: str, pairs: Sequence[Pair], photos: np.ndarray) -> list[str]:
    """A remark that names the pairs which look exchanged among others that do not; empty without any."""
    found = [pair for group in _by_group(pairs, photos) for pair in group.found if not group.most]
    return [f"of {some_of(len(found), len(pairs), 'pair')}, {split} split, the photo has no colour and the sketch "
            f"has. Are they exchanged?\n{_lines(index, found)}"] if found else []


class _Group(NamedTuple):
    found: list[Pair]  # those of a sub-database that look exchanged
    most: bool  # whether they are more than half of it


def _by_group(pairs: Sequence[Pair], photos: np.ndarray) -> list[_Group]:
    found = looking_exchanged(pairs, photos)
    groups = []
    for name in dict.fromkeys(pair.group for pair in found):
        members = [pair for pair in found if pair.group == name]
        groups.append(_Group(members, 2 * len(members) > sum(pair.group == name for pair in pairs)))
    return groups


def _lines(index: Index, pairs: Sequence[Pair]) -> str:
    return listed([f"{pair.name}: photo {shown(pair.photo, index.folder)}, sketch {shown(pair.sketch, index.folder)}"
                   for pair in pairs])
