"""From anybody's photo to a sketch, and from a drawing to a photo: aligned, then translated.

The one way for the command and for the page; without another network the one that comes with the project.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.base import images
from lib.base.directions import PHOTO_TO_SKETCH, SKETCH_TO_PHOTO
from lib.base.errors import StudyError
from lib.databases.alignment import Aligned, Eyes, align_photo
from lib.training.translate import Translator

# Of CUHK Student's 88 training pairs sketches have 54 % or more such pixels, photos in grey 26 % or less.
_COLOURLESS, _PAPER, _WHITE = 12, 0.4, 215  # mean spread of channels; share of pixels brighter than the last


@dataclass(frozen=True)
class Drawn:
    """aligned: the input in the field's geometry.  picture: (250, 200) uint8 sketch, or (250, 200, 3) photo."""

    aligned: Aligned
    picture: np.ndarray
    direction: str


def looks_drawn(face: np.ndarray) -> bool:
    """Whether an aligned face (250, 200, 3) is a pencil drawing, by its lack of colour and its share of bare paper."""
    return bool(np.ptp(face.astype(int), axis=2).mean() < _COLOURLESS
                and (images.to_grey(face) > _WHITE).mean() > _PAPER)


def draw(translator: Translator, photo: np.ndarray, name: str, direction: str | None = None,
         eyes: Eyes | None = None) -> Drawn:
    """Align a photo or drawing (H, W, 3) uint8 and translate it.

    direction: None takes it for a photo, and refuses what looks drawn.  Raises StudyError as ``align_photo`` does.
    """
    aligned = align_photo(photo, name, eyes)
    if direction is None and looks_drawn(aligned.face):
        raise StudyError(f"{name}: this looks like a drawing. To make a photo of it, add --direction "
                         f"{SKETCH_TO_PHOTO}; to draw it all the same, --direction {PHOTO_TO_SKETCH}.")
    direction = direction or PHOTO_TO_SKETCH
    return _drawn(translator, aligned, name, direction)


def there_and_back(translator: Translator, photo: np.ndarray, name: str, direction: str | None = None,
                   eyes: Eyes | None = None) -> tuple[str, list[tuple[str, np.ndarray]], tuple[str, ...]]:
    """As ``draw``, with the aligned input beside it, and after a sketch the photo made from that sketch.

    direction: None goes by the look of the picture.  Returns the direction, the pictures with their titles, remarks.
    """
    aligned = align_photo(photo, name, eyes)
    direction = direction or (SKETCH_TO_PHOTO if looks_drawn(aligned.face) else PHOTO_TO_SKETCH)
    made = _drawn(translator, aligned, name, direction).picture
    if direction == SKETCH_TO_PHOTO:
        return direction, [("your drawing, aligned", aligned.face), ("photo made from it", made)], aligned.remarks
    shown = [("your photo, aligned", aligned.face), ("sketch made from it", made)]
    if SKETCH_TO_PHOTO in translator.trainable.directions:
        shown.append(("photo made from that sketch", translator(SKETCH_TO_PHOTO, made[None], [name])[0]))
    return direction, shown, aligned.remarks


def side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures (250, 200[, 3]) in a row, (250, 200·n, 3)."""
    return np.concatenate([images.to_rgb(picture) for picture in pictures], axis=1)


def _drawn(translator: Translator, aligned: Aligned, name: str, direction: str) -> Drawn:
    source = aligned.face if direction == PHOTO_TO_SKETCH else images.to_grey(aligned.face)
    return Drawn(aligned, translator(direction, source[None], [name])[0], direction)
