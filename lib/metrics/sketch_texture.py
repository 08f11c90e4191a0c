"""Scoot: co-occurrence texture of two sketches, block by block.

Source: D.-P. Fan et al., "Scoot: a perceptual metric for facial sketches", ICCV 2019, with the
constants of the authors' program: 4 × 4 blocks; grey levels counted in 6 classes as MATLAB's
graycomatrix does; pairs of neighbours in 4 directions, averaged and rounded; per block the contrast
and the energy of these counts; Scoot = 1 / (1 + Euclidean distance of the two 32 numbers).

Deviation: the program refuses constant images; they have contrast 0 and energy 1 and are scored.
"""

from __future__ import annotations

import numpy as np

from lib.images import to_grey
from lib.metrics.inputs import check_pair

BLOCKS = 4
LEVELS = 6
_SQUARED_DIFFERENCE = (np.arange(LEVELS)[:, None] - np.arange(LEVELS)) ** 2


def scoot(reference: np.ndarray, image: np.ndarray) -> float:
    """Scoot of two uint8 sketches (H, W) or (H, W, 3) of one size; colour is greyed.

    Returns a value in (0, 1]; 1 for equal images.  Raises StudyError for another dtype, shape or unequal sizes.
    """
    check_pair(reference, image, smallest=2 * BLOCKS)
    return float(1 / (1 + np.linalg.norm(_texture(to_grey(reference)) - _texture(to_grey(image)))))


def _texture(grey: np.ndarray) -> np.ndarray:
    """Contrast and energy of every block, (2 · BLOCKS²,)."""
    classes = np.minimum((grey.astype(np.int64) * LEVELS) // 255, LEVELS - 1)
    rows, columns = ([size * i // BLOCKS for i in range(BLOCKS + 1)] for size in grey.shape)
    values = []
    for i in range(BLOCKS):
        for j in range(BLOCKS):
            counts = _co_occurrences(classes[rows[i]:rows[i + 1], columns[j]:columns[j + 1]])
            share = counts / counts.sum()
            values += [np.sum(_SQUARED_DIFFERENCE * share), np.sum(share**2)]
    return np.array(values)


def _co_occurrences(block: np.ndarray) -> np.ndarray:
    """Counts (LEVELS, LEVELS) of a class and its neighbour right, up right, up and up left, averaged and rounded."""
    neighbours = [(block[:, :-1], block[:, 1:]), (block[1:, :-1], block[:-1, 1:]),
                  (block[1:], block[:-1]), (block[1:, 1:], block[:-1, :-1])]
    total = sum(np.bincount((here * LEVELS + there).ravel(), minlength=LEVELS**2) for here, there in neighbours)
    return np.floor(total / len(neighbours) + 0.5).reshape(LEVELS, LEVELS)
