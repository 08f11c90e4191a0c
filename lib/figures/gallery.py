"""Galleries of drawn faces: what systems made of them, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure

from lib.base import images, labels, systems
from lib.base.errors import StudyError
from lib.evaluation import gallery, sitter
from lib.figures.style import TEXT_WIDTH, face_grid
from lib.training.plans import plan

Place = tuple[str, str, str]  # profile, database, system


def side_by_side(places: Sequence[Place], direction: str, count: int = gallery.PEOPLE,
                 crop: tuple[slice, slice] = (slice(None), slice(None))) -> Figure:
    """A row per test face: input, target, and what each system made of it, as far as its faces or pictures are here.

    places: of one database.  crop: rows and columns of the face that are shown.  A column's head says the size where
    the profiles differ.  Raises StudyError where no system's faces are at hand.
    """
    source, target = gallery.people(*places[0][:2]).sources_and_targets(direction)
    columns = {"input": source, "target": target}
    for place in places:
        if (made := gallery.faces_of(*place, direction)) is not None:
            columns[_head(place, places)] = made
    if len(columns) == 2:
        raise StudyError(f"No faces of {', '.join(place[2] for place in places)} are here: `./run_all.sh` makes them.")
    return faces_in_rows({label: faces[:, crop[0], crop[1]] for label, faces in columns.items()}, count)


def sitter_by(places: Sequence[tuple[str, str]], names: Sequence[str],
              heads: Mapping[str, str] = MappingProxyType({})) -> Figure:
    """The astronaut by networks trained on real faces: above her photo and the sketches made of it, below the photos
    made back from those sketches.

    places: (profile, database), in the order of preference for each system of ``names``; systems of which nothing is
    kept are left out.  heads: how to call some of the systems.  Raises StudyError where nothing is kept.
    """
    found = {name: next((kept[name] for place in places if name in (kept := sitter.kept(*place))), None)
             for name in names}
    found = {name: made for name, made in found.items() if made}
    if not found:
        raise StudyError(f"No pictures of {', '.join(names)} are kept: `python -m lib gallery --astronaut` does.")
    photo = sitter.photo()
    rows = [[photo, *(sketch for sketch, *_ in found.values())],
            [np.full_like(photo, 255), *(back for *_, back in found.values())]]
    width = min(1.4, TEXT_WIDTH / len(rows[0]))
    titles = [textwrap.fill(labels.label_of(name, heads), int(11 * width), break_long_words=False) for name in found]
    return face_grid(rows, column_labels=["photo", *titles], cell_width=width)


def faces_in_rows(columns: dict[str, np.ndarray], count: int) -> Figure:
    """A row per person, a column per label; uint8 stacks (n, H, W[, 3])."""
    width = min(1.4, TEXT_WIDTH / len(columns))
    rows = [[images.to_rgb(faces[i]) for faces in columns.values()] for i in range(min(count, len(columns["input"])))]
    heads = [textwrap.fill(label, max(9, int(9 * width)), break_long_words=False) for label in columns]
    return face_grid(rows, column_labels=heads, cell_width=width)


def _head(place: Place, places: Sequence[Place]) -> str:
    profile, _, system = place
    label = labels.label_of(systems.base_name(system))
    return label if len({other[0] for other in places}) == 1 else f"{label}, {plan(profile, system).settings.size} px"
