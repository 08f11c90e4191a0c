"""Scoot: co-occurrence texture of two sketches, block by block.

Source: D.-P. Fan et al., "Scoot: a perceptual metric for facial sketches", ICCV 2019, with the
constants of the authors' program: 4 × 4 blocks; grey levels counted in 6 classes as MATLAB's
graycomatrix does; pairs of neighbours in 4 directions, averaged and rounded; per block the contrast
and the energy of these counts; Scoot = 1 / (1 + Euclidean distance of the two 32 numbers).

Deviation: the program refuses constant images; they have contrast 0 and energy 1 and are scored.
"""

from __future__ import annotations

import numpy as np

from lib.base.images import to_grey
from lib.metrics.inputs import check_pair

BLOCKS = 4
LEVELS = 6
# 4 × 4 pixels have 42 pairs of neighbours for 36 cells, so that some count is 2 and does not round to 0; smaller
# blocks may be left without any count.
_LEAST_BLOCK = 4
_SQUARED_DIFFERENCE = (np.arange(LEVELS)[:, None] - np.arange(LEVELS)) ** 2


def scoot(reference: np.ndarray, image: np.ndarray) -> float:
    """Scoot of two uint8 sketches (H, W) or (H, W, 3) of one size, sides ≥ 16; colour is greyed.

    Returns a value in (0, 1]; 1 for equal images.  Raises StudyError for another dtype, shape or unequal sizes.
    """
    check_pair(reference, image, smallest=_LEAST_BLOCK * BLOCKS)
    return float(1 / (1 + np.linalg.norm(_texture(to_grey(reference)) - _texture(to_grey(image)))))


def _texture(grey: np.ndarray) -> np.ndarray:
    """Contrast and energy of every block, (2 · BLOCKS²,)."""
    rows, columns = (np.searchsorted([size * i // BLOCKS for i in range(1, BLOCKS)], np.arange(size), side="right")
                     for size in grey.shape)
    block = rows[:, None] * BLOCKS + columns  # number of the block of every pixel, (H, W)
    classes = np.minimum(grey.astype(np.intp) * LEVELS // 255, LEVELS - 1)
    code = (block * LEVELS + classes) * LEVELS
    # A pixel and its neighbour right, up right, up and up left, if both lie in one block.
    here = (np.s_[:, :-1], np.s_[1:, :-1], np.s_[1:], np.s_[1:, 1:])
    there = (np.s_[:, 1:], np.s_[:-1, 1:], np.s_[:-1], np.s_[:-1, :-1])
    counts = np.zeros(BLOCKS**2 * LEVELS**2)
    for pixel, neighbour in zip(here, there, strict=True):
        pairs = (code[pixel] + classes[neighbour])[block[pixel] == block[neighbour]]
        counts += np.bincount(pairs, minlength=counts.size)
    counts = np.floor(counts / len(here) + 0.5).reshape(-1, LEVELS, LEVELS)
    share = counts / counts.sum(axis=(1, 2), keepdims=True)
    return np.concatenate([(_SQUARED_DIFFERENCE * share).sum(axis=(1, 2)), (share**2).sum(axis=(1, 2))])
