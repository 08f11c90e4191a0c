"""Between the field's 200×250 faces and the square a network sees.

Section IV.D of the paper: training images are *resized* to 256×256, which changes the aspect ratio,
and results are saved at 200×250; the interpolation is not said.  Here it is a named choice
(``lib.base.images.RESAMPLING``).  The default is bicubic, the habit of the field's public code (PS2MAN, SCG);
Lanczos loses a little less on the way there and back, and at 256 px, where every side only grows,
``nearest`` and ``area`` lose nothing at all (notebook 01 measures it).
Others pad instead (white in SC-Lmser, zeros in CA-GAN); ``fit="pad"`` does that: the longer side is
scaled to the square, the rest is filled with the border's own colour, so that no edge is invented.
"""

from __future__ import annotations

import numpy as np

from lib.base import images
from lib.base.errors import StudyError, unknown_name
from lib.base.images import HEIGHT, WIDTH

FITS = ("resize", "pad")


def to_square(faces: np.ndarray, size: int, resampling: str = "bicubic", fit: str = "resize") -> np.ndarray:
    """Turn uint8 faces (n, H, W[, 3]) into (n, size, size[, 3]).

    Raises StudyError for an unknown ``resampling`` or ``fit``, or an array that is not a uint8 batch.
    """
    _check(faces, resampling, fit)
    if fit == "resize":
        return _resized(faces, size, size, resampling)
    height, width = _inner(faces.shape[1], faces.shape[2], size)
    top, left = (size - height) // 2, (size - width) // 2
    margins = [(0, 0), (top, size - height - top), (left, size - width - left)]
    margins += [(0, 0)] * (faces.ndim - 3)
    return np.pad(_resized(faces, height, width, resampling), margins, mode="edge")


def from_square(faces: np.ndarray, resampling: str = "bicubic", fit: str = "resize", *,
                height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Turn uint8 squares (n, S, S[, 3]) back into (n, 250, 200[, 3]); inverse of ``to_square``.

    Raises StudyError as ``to_square`` does.
    """
    _check(faces, resampling, fit)
    if fit == "pad":
        size = faces.shape[1]
        inner_height, inner_width = _inner(height, width, size)
        top, left = (size - inner_height) // 2, (size - inner_width) // 2
        faces = faces[:, top:top + inner_height, left:left + inner_width]
    return _resized(faces, height, width, resampling)


def through_square(faces: np.ndarray, size: int, resampling: str = "bicubic", fit: str = "resize") -> np.ndarray:
    """Send faces (n, 250, 200[, 3]) through the network's size and back.

    What a network of that size would score that painted every pixel right: the *ceiling* row of the tables.
    """
    return from_square(to_square(faces, size, resampling, fit), resampling, fit,
                       height=faces.shape[1], width=faces.shape[2])


def _inner(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of the face inside a padded square."""
    scale = size / max(height, width)
    return round(height * scale), round(width * scale)


def _resized(faces: np.ndarray, height: int, width: int, resampling: str) -> np.ndarray:
    if not len(faces):
        return np.empty((0, height, width, *faces.shape[3:]), np.uint8)
    return np.stack([images.resize(face, height, width, resampling) for face in faces])


def _check(faces: np.ndarray, resampling: str, fit: str) -> None:
    if resampling not in images.RESAMPLING:
        raise unknown_name("interpolation", resampling, images.RESAMPLING)
    if fit not in FITS:
        raise unknown_name("way of fitting a square", fit, FITS)
    if faces.dtype != np.uint8 or faces.ndim not in (3, 4) or (faces.ndim == 4 and faces.shape[3] != 3):
        raise StudyError(f"expected uint8 faces (n, H, W) or (n, H, W, 3), got {faces.dtype} {faces.shape}.")
