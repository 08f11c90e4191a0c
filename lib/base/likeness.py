"""Whether two files show one picture: the same pixels, or a copy that was compressed again, resized or brightened.

The signature of an image is its fine structure at 50×40 pixels: what a blur of three pixels takes away there, scaled
to unit length.  Two pictures count as one where their signatures correlate by 0.95 or more (``LEAST``).  Measured on
all 188 photos and sketches of CUHK Student and on the embedded portraits (188 and 300): the lowest correlation of a
picture with a copy of itself, and the highest of two people, whose aligned faces have much in common.

=====================================  ============  ============  ==============
                                       CUHK Student  portraits     portraits-wild
=====================================  ============  ============  ==============
JPEG of quality 30                     0.997, 0.998  0.993, 0.997  0.991, 0.996
JPEG of quality 10                     0.982, 0.987  0.960, 0.989  0.949, 0.986
half the size                          0.977, 0.977  0.966, 0.970  0.970, 0.971
a third of the size                    0.977, 0.974  0.965, 0.964  0.952, 0.965
64×80 pixels                           0.978, 0.977  0.968, 0.968  0.963, 0.969
30 % darker                            1.000, 1.000  1.000, 1.000  1.000, 1.000
two people at most                     0.749, 0.707  0.914, 0.857  0.795, 0.866
=====================================  ============  ============  ==============

(Photos, sketches.  Sizes by Pillow's bicubic filter; the copies stay small.)  One of the 300 wild photos is missed at
JPEG quality 10; a lower limit would come nearer to two people, and other sizes (32×26 to 83×67), blurs, clipped values
and deviations from the mean face are not clearly safer on both sides.  A copy that was cropped, turned, mirrored or
moved by two pixels is not found, nor is another photo of the same person.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

from lib.base import images

HEIGHT, WIDTH = 50, 40
COARSER = 3  # the blur that is taken away: means over this many pixels, interpolated
LEAST = 0.95


def signatures(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Signatures (n, 2000) float32 of uint8 images (H, W[, 3]) of any sizes; a blank image's is zero.

    pictures: may be made one by one; none is kept.
    """
    rows = [_signature(picture) for picture in pictures]
    return np.stack(rows) if rows else np.zeros((0, HEIGHT * WIDTH), np.float32)


def _signature(picture: np.ndarray) -> np.ndarray:
    small = Image.fromarray(images.to_grey(picture)).convert("F").resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    coarse = small.resize((WIDTH // COARSER, HEIGHT // COARSER), Image.Resampling.BOX)
    fine = np.asarray(small) - np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    fine = (fine - fine.mean()).ravel()
    length = np.linalg.norm(fine)
    return fine / length if length > 1e-3 else np.zeros_like(fine)


def across(first: np.ndarray, second: np.ndarray) -> list[tuple[int, int]]:
    """Index pairs (i, j) whose signatures, (n, d) and (m, d), are of one picture."""
    return [(int(i), int(j)) for i, j in np.argwhere(first @ second.T >= LEAST)]


def within(signed: np.ndarray) -> list[tuple[int, int]]:
    """Index pairs i < j of one set, (n, d), that show one picture."""
    return [(i, j) for i, j in across(signed, signed) if i < j]


def remark(what: str, names: list[str], alike: list[tuple[int, int]]) -> str:
    """A sentence that counts the pictures of a set which show what another of them shows; empty without any."""
    if not alike:
        return ""
    first, second = alike[0]
    count = len({index for pair in alike for index in pair})
    return (f"{count} of {len(names)} {what} show what another of them shows, "
            f"pixel by pixel or nearly, e.g. {names[first]} and {names[second]}")
