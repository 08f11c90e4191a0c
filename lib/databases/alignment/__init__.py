"""Any portrait in the field's geometry: find the face and its eyes, turn, scale and shift it to 200×250.

``align_photo`` is all that commands need.  Inside: the published models (``dlib_models``), finding faces and refusing
what will not do (``faces``), the similarity transform and its border (``warp``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.databases.alignment import faces, warp
from lib.databases.alignment.warp import Eyes

__all__ = ["Aligned", "Eyes", "align_photo"]

_MUCH_INVENTED = 0.2  # people are told where more than this share of the result lies outside the photo
_ENLARGED = 1.5  # people are told where a photo is enlarged by more than this


@dataclass(frozen=True)
class Aligned:
    """A face in the field's geometry, and how it came there.

    face: (250, 200[, 3]) uint8.  eyes: where they are in the photo.  remarks: what a viewer should know.
    """

    face: np.ndarray
    eyes: Eyes
    remarks: tuple[str, ...]


def align_photo(photo: np.ndarray, name: str, eyes: Eyes | None = None) -> Aligned:
    """Align the one face of a photo (H, W[, 3]) uint8; ``eyes`` as somebody measured them, or else found.

    name: what messages call the photo.  Raises StudyError for no face, several, one turned aside or too small, eyes
    that are impossible, and where the models that find faces cannot be had.
    """
    if eyes is None:
        eyes = faces.the_face(photo, name).eyes
    warp.check(eyes, photo.shape[:2], name)
    remarks = []
    if (outside := warp.share_outside(eyes, photo.shape[:2])) > _MUCH_INVENTED:
        remarks.append(f"{name}: {outside:.0%} of the aligned picture lies outside the photo and is filled with the "
                       "colours of its border; a photo with more around the head does better")
    if (scale := warp.scale_of(eyes)) > _ENLARGED:
        remarks.append(f"{name}: enlarged {scale:.1f} times; a larger photo does better")
    return Aligned(warp.align(photo, eyes), eyes, tuple(remarks))
