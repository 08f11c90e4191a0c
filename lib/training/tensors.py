"""Faces in and out of networks: from 8-bit images to tensors in [-1, 1], and back.

The loop's samples and the published faces go through the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lib.base.directions import PHOTO_TO_SKETCH
from lib.base.images import to_grey
from lib.base.settings import RunSettings
from lib.databases.geometry import from_square, to_square
from lib.model.trainable import Trainable


def to_tensor(faces: np.ndarray, settings: RunSettings, size: int | None = None) -> Tensor:
    """uint8 faces (n, H, W[, 3]) → (n, C, S, S) float32 in [-1, 1], S = ``size``, by default the settings' size."""
    square = torch.from_numpy(to_square(faces, size or settings.size, settings.resampling, settings.fit).copy())
    square = square[..., None] if square.ndim == 3 else square
    return square.permute(0, 3, 1, 2).float() / 127.5 - 1  # stays channels-last in memory


def to_face(image: Tensor, settings: RunSettings, height: int, width: int) -> np.ndarray:
    """(1, C, S, S) in [-1, 1] → uint8 (height, width) or (height, width, 3), rounded and clamped."""
    square = ((image.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    square = square[..., 0] if square.shape[3] == 1 else square
    return from_square(square, settings.output_resampling, settings.fit, height=height, width=width)[0]


def translate_faces(trainable: Trainable, settings: RunSettings, direction: str, faces: np.ndarray,
                    names: Sequence[str] | None = None) -> np.ndarray:
    """Translate uint8 faces (n, H, W[, 3]) one at a time, in fp32: neither batch nor order changes a pixel.

    names: of the faces, for systems that draw random numbers while they translate.  A sketch that comes out in colour
    is made grey as scores see it.
    """
    made = []
    for name, face in zip(names or [""] * len(faces), faces, strict=True):
        image = to_tensor(face[None], settings).to(trainable.device)
        output = to_face(trainable.translate(direction, image, name), settings, *face.shape[:2])
        made.append(to_grey(output) if direction == PHOTO_TO_SKETCH else output)
    return np.stack(made)
