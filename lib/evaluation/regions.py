"""Parts of an aligned face, to ask where recognition comes from (after Choi et al., CVPR Workshops 2012), where a
network looks, and which part of a face a system makes well.

Fixed ellipses in the field's geometry (250×200, eyes at (75, 125) and (125, 125)), drawn around the mean
of CUHK Student's *training* photos; the same for every face and database, because a mask fitted to each
face would itself carry the person's outline.
- ``face``: brows to chin, between the ears.
- ``hair``: above eye level around the face: hair, its outline, the top of the head.
- ``background``: beside and above the head, higher than any shoulder: backdrop and paper, and the tips of
  the most voluminous hair.
These do not overlap; neck, shoulders and clothes belong to none.

``FEATURES`` are smaller and do not overlap each other.  They are drawn around what the mean training photo and sketch
show, with a few pixels to spare for faces that differ:
- ``chin``: the lower border of the face, from the corners of the mouth down.  The gradients of the training faces
  (Gaussian of 2 px, mean over faces) peak on the ellipse of ``face`` down the middle, and on one 1.12 times as large
  towards the jaw; the ring from 0.92 to 1.20 times its size holds these peaks, and ends below the mouth.
- ``eyes``: lids, lashes and irises, without the brows, whose lower edge is at row 113.
- ``mouth``: both lips and their corners.
"""

from __future__ import annotations

import numpy as np

from lib.base.errors import StudyError, unknown_name
from lib.base.images import HEIGHT, WIDTH

_FACE = (145, 100, 66, 50)  # centre row and column, half height, half width, in pixels
_HEAD = (125, 100, 118, 85)
_EYE_LEVEL, _ABOVE_SHOULDERS = 125, 110
_CHIN, _BELOW_MOUTH_CORNERS = (0.92, 1.20), 175  # sizes of two ellipses around the face's centre, and the first row
_EYES = ((125, 75, 11, 20), (125, 125, 11, 20))
_MOUTH = (180, 100, 14, 28)

REGIONS = ("face", "hair", "background")
FEATURES = ("chin", "eyes", "mouth")


def mask(region: str) -> np.ndarray:
    """Boolean mask (250, 200) of one of ``REGIONS`` or ``FEATURES``; raises StudyError for another name."""
    rows = np.arange(HEIGHT)[:, None]
    face, head = _inside(*_FACE), _inside(*_HEAD)
    within, beyond = (_inside(*_FACE, size) for size in _CHIN)
    masks = {"face": face, "hair": head & ~face & (rows < _EYE_LEVEL), "background": ~head & (rows < _ABOVE_SHOULDERS),
             "chin": beyond & ~within & (rows >= _BELOW_MOUTH_CORNERS),
             "eyes": np.logical_or(*(_inside(*eye) for eye in _EYES)), "mouth": _inside(*_MOUTH)}
    if region not in masks:
        raise unknown_name("region", region, masks)
    return masks[region]


def pixels_of(faces: np.ndarray, region: str) -> np.ndarray:
    """Pixels of one region: faces (n, 250, 200) → (n, pixels); raises StudyError for another size."""
    if faces.shape[1:] != (HEIGHT, WIDTH):
        raise StudyError(f"Regions are defined for faces of {WIDTH}×{HEIGHT} (width×height), "
                         f"got an array {faces.shape}.")
    return faces[:, mask(region)]


def _inside(row: float, column: float, half_height: float, half_width: float, size: float = 1) -> np.ndarray:
    """Mask of an ellipse, ``size`` times as large."""
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    return ((rows - row) / half_height)**2 + ((columns - column) / half_width)**2 <= size**2
