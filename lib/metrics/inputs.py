"""What every image metric accepts, checked once and said in one voice."""

from __future__ import annotations

import numpy as np

from lib.base.errors import StudyError, counted


def check_pair(reference: np.ndarray, image: np.ndarray, smallest: int = 3) -> None:
    """Raise StudyError unless both are uint8 (H, W) or (H, W, 3) of one size, H and W ≥ ``smallest``."""
    for name, array in (("reference", reference), ("image", image)):
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
            raise StudyError(f"The {name} must be uint8, (H, W) or (H, W, 3), but is {array.dtype} {array.shape}. "
                             "Scores are defined on 8-bit images: round and clip to 0-255 first.")
    _check_sizes(reference.shape[:2], image.shape[:2], smallest)


def check_stacks(references: np.ndarray, images: np.ndarray, smallest: int = 3) -> None:
    """Raise StudyError unless both are uint8 (n, H, W) or (n, H, W, 3) of one length and size."""
    for name, array in (("references", references), ("images", images)):
        if array.dtype != np.uint8 or array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3):
            raise StudyError(f"The {name} must be uint8, (n, H, W) or (n, H, W, 3), but are {array.dtype} "
                             f"{array.shape}.")
    if len(references) != len(images):
        raise StudyError(f"{counted(len(references), 'reference')} but {counted(len(images), 'image')}: row i of "
                         "both must be a pair.")
    _check_sizes(references.shape[1:3], images.shape[1:3], smallest)


def _check_sizes(reference: tuple[int, ...], image: tuple[int, ...], smallest: int) -> None:
    if reference != image:
        raise StudyError(f"The reference is {reference[1]}×{reference[0]} pixels but the image {image[1]}×{image[0]}. "
                         "Resize or crop them alike first; a score of resized images is another score.")
    if min(reference) < smallest:
        raise StudyError(f"Images of {reference[1]}×{reference[0]} pixels are too small; {smallest} is the least side. "
                         "Score larger ones, or leave the metric out.")
