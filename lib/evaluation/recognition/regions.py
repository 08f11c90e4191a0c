"""Parts of an aligned face, to ask where recognition comes from (after Choi et al., CVPR Workshops 2012).

Fixed ellipses in the field's geometry (250×200, eyes at (75, 125) and (125, 125)), drawn around the mean
of CUHK Student's *training* photos; the same for every face and database, because a mask fitted to each
face would itself carry the person's outline.
- ``face``: brows to chin, between the ears.
- ``hair``: above eye level around the face: hair, its outline, the top of the head.
- ``background``: beside and above the head, higher than any shoulder: backdrop and paper, and the tips of
  the most voluminous hair.
The regions do not overlap; neck, shoulders and clothes belong to none.
"""

from __future__ import annotations

import numpy as np

from lib.base.errors import StudyError, unknown_name
from lib.base.images import HEIGHT, WIDTH

_FACE = (145, 100, 66, 50)  # centre row and column, half height, half width, in pixels
_HEAD = (125, 100, 118, 85)
_EYE_LEVEL, _ABOVE_SHOULDERS = 125, 110

REGIONS = ("face", "hair", "background")


def mask(region: str) -> np.ndarray:
    """Boolean mask (250, 200) of one of ``REGIONS``; raises StudyError for another name."""
    rows = np.arange(HEIGHT)[:, None]
    face, head = _inside(*_FACE), _inside(*_HEAD)
    masks = {"face": face, "hair": head & ~face & (rows < _EYE_LEVEL), "background": ~head & (rows < _ABOVE_SHOULDERS)}
    if region not in masks:
        raise unknown_name("region", region, REGIONS)
    return masks[region]


def pixels_of(faces: np.ndarray, region: str) -> np.ndarray:
    """Pixels of one region: faces (n, 250, 200) → (n, pixels); raises StudyError for another size."""
    if faces.shape[1:] != (HEIGHT, WIDTH):
        raise StudyError(f"Regions are defined for faces of {WIDTH}×{HEIGHT} (width×height), "
                         f"got an array {faces.shape}.")
    return faces[:, mask(region)]


def _inside(row: float, column: float, half_height: float, half_width: float) -> np.ndarray:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    return ((rows - row) / half_height)**2 + ((columns - column) / half_width)**2 <= 1
