"""The similarity transform that brings two eyes to (75, 125) and (125, 125) of 200×250, the field's geometry.

Coordinates are (x, y) in pixels from the middle of the upper left one.  What lies outside the photo takes the colour
of the nearest border pixel, so that no edge is invented; what is made smaller is averaged first.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from lib.base.errors import StudyError
from lib.base.images import HEIGHT, WIDTH

Eyes = tuple[float, float, float, float]  # x, y of the eye on the picture's left, x, y of the one on its right

EYES: Eyes = (75.0, 125.0, 125.0, 125.0)


def to_photo(eyes: Eyes) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (2, 2) and shift (2,) that take (x, y) of the aligned picture to (x, y) of the photo."""
    first, second = complex(*eyes[:2]), complex(*eyes[2:])
    there, here = second - first, complex(EYES[2] - EYES[0], EYES[3] - EYES[1])
    turn = there / here  # rotation and scale as one complex number
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return matrix, np.array(eyes[:2]) - matrix @ np.array(EYES[:2])


def scale_of(eyes: Eyes) -> float:
    """How many times larger the aligned face is than in the photo."""
    return (EYES[2] - EYES[0]) / float(np.hypot(eyes[2] - eyes[0], eyes[3] - eyes[1]))


def check(eyes: Eyes, size: tuple[int, int], name: str) -> None:
    """Raise StudyError for eyes outside a photo of ``size`` (height, width), in one place, or in the wrong order."""
    height, width = size
    if not all(0 <= x < width and 0 <= y < height for x, y in (eyes[:2], eyes[2:])):
        raise StudyError(f"{name}: eyes at {_places(eyes)} lie outside the photo of {width}×{height} pixels. "
                         "Count x and y in pixels from its upper left corner.")
    if np.hypot(eyes[2] - eyes[0], eyes[3] - eyes[1]) < 4:
        raise StudyError(f"{name}: eyes at {_places(eyes)} are less than 4 pixels apart. Give both eyes, or a "
                         "larger photo.")
    if eyes[2] <= eyes[0]:
        raise StudyError(f"{name}: eyes at {_places(eyes)}: give the one on the picture's left first. If the face lies "
                         "on its side or upside down, turn the photo.")


def align(photo: np.ndarray, eyes: Eyes) -> np.ndarray:
    """Bring a photo (H, W[, 3]) uint8 to (250, 200[, 3]) uint8."""
    matrix, shift = to_photo(eyes)
    fold = max(1, int(np.floor(np.hypot(*matrix[0]))))  # photo pixels in a pixel of the result
    photo, corner = _needed(photo, matrix, shift)
    smaller = _averaged(photo, fold)
    matrix, shift = matrix / fold, (shift - corner + 0.5) / fold - 0.5
    backwards = matrix[::-1, ::-1]  # SciPy counts (row, column)
    layers = smaller[..., None] if smaller.ndim == 2 else smaller
    made = [ndimage.affine_transform(layers[..., channel], backwards, shift[::-1], (HEIGHT, WIDTH), order=3,
                                     mode="nearest") for channel in range(layers.shape[2])]
    face = np.stack(made, axis=-1).round().clip(0, 255).astype(np.uint8)
    return face[..., 0] if photo.ndim == 2 else face


def share_outside(eyes: Eyes, size: tuple[int, int]) -> float:
    """Share of the aligned picture's pixels that lie outside a photo of ``size`` (height, width)."""
    matrix, shift = to_photo(eyes)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    x, y = np.tensordot(matrix, np.stack([columns, rows]), axes=1) + shift[:, None, None]
    inside = (x > -0.5) & (x < size[1] - 0.5) & (y > -0.5) & (y < size[0] - 0.5)
    return float(1 - inside.mean())


def _needed(photo: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of a photo that the result shows, with a margin for the interpolation, and (x, y) of its corner."""
    corners = np.array([(x, y) for x in (0, WIDTH - 1) for y in (0, HEIGHT - 1)]) @ matrix.T + shift
    margin = 16 * np.hypot(*matrix[0]) + 16
    low = np.floor(corners.min(axis=0) - margin).astype(int).clip(0)
    right, lower = np.ceil(corners.max(axis=0) + margin).astype(int)
    return photo[low[1]:lower, low[0]:right], low


def _averaged(photo: np.ndarray, fold: int) -> np.ndarray:
    """Means of fold × fold pixels, float64; a rest at the right and lower edge is filled up with its last pixel."""
    if fold == 1:
        return photo.astype(float)
    height, width = photo.shape[:2]
    margins = [(0, -height % fold), (0, -width % fold), *[(0, 0)] * (photo.ndim - 2)]
    padded = np.pad(photo, margins, mode="edge")
    blocks = padded.reshape(padded.shape[0] // fold, fold, padded.shape[1] // fold, fold, *photo.shape[2:])
    return blocks.mean(axis=(1, 3))


def _places(eyes: Eyes) -> str:
    return f"({eyes[0]:g}, {eyes[1]:g}) and ({eyes[2]:g}, {eyes[3]:g})"
