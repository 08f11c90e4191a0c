"""Face subspaces from Gram matrices: null-space LDA, Eigenface, Fisherface, every dimension in one pass.

Source: NLDA of Chen et al. (Pattern Recognition 33, 2000) as the face-sketch field runs it: each
training identity has two images, the real and the synthesised one; PCA to the span of the 2n images;
null space of the within-class scatter S_w there; principal directions of the between-class scatter S_b in
it.  Eigenface (Turk and Pentland 1991) stops after PCA; Fisherface (Belhumeur et al. 1997) divides by S_w.

What differs from the published programs is where the work is done, not what is computed:
- No pixel is touched after the inner products between images are known.  Inner products of 8-bit images are
  integers, so they are computed without any rounding, in fast single precision over blocks short
  enough to stay exact.  They do not depend on the order of summation, hence not on machine or threads.
- From there on float64: a Gram matrix squares the condition number of the images, about 1e3 for faces,
  which costs 6 of its 16 digits and would leave nothing of float32's 7.
- With two images per identity S_w = Σ d_i d_iᵀ / 2 with d_i their difference, so its null space
  is the orthogonal complement of n vectors, read off an orthogonal factorisation.  In general position it
  has n − 1 dimensions by counting; a tolerance decides only when images coincide.
- Features are nested: those of dimension k are the first k of dimension k + 1, for all three methods.
  For Fisherface that needs an argument, see ``_fisherface``.

Cost for N images of p pixels and n training identities: N² p / 2 multiplications once, O(n³) per split.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lib.base.errors import unknown_name

# The published programs drop principal components below 1e-10 of the largest eigenvalue.
_RANK_TOLERANCE = 1e-10
# |pixel - 128| ≤ 128, so 1024 products sum to at most 2^24: exact in float32's 24-bit significand.
_EXACT_BLOCK = 1024


def inner_products(first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
    """Inner products between images up to a common offset: (N, p) and (M, p) → (N, M) float64.

    uint8 pixels have 128 subtracted and the result is exact.  Other types must be centred by the caller;
    their products are ordinary float64 sums.  Without ``second``: of ``first`` with itself, at half the cost.
    """
    if first.dtype != np.uint8:
        return first @ (first if second is None else second).T
    total = np.zeros((len(first), len(first if second is None else second)))
    for start in range(0, first.shape[1], _EXACT_BLOCK):
        part = slice(start, start + _EXACT_BLOCK)
        a = first[:, part].astype(np.float32) - 128
        b = a if second is None else second[:, part].astype(np.float32) - 128
        total += a @ b.T  # a @ a.T is recognised as symmetric
    return total


def features(train_gram: np.ndarray, cross: np.ndarray, method: str = "nlda") -> np.ndarray:
    """Nested features of test images from inner products with the training images.

    train_gram: (2n, 2n), rows 0..n-1 the real images of n identities, n..2n-1 their synthesised ones.
    cross: (m, 2n) inner products of m test images with them.  method: a key of ``METHODS``.
    Returns (m, d) float64, at most n − 1 columns for nlda and fisherface, 2n − 1 for eigenface; fewer
    where the images span less.  Raises StudyError for an unknown method.
    """
    if method not in METHODS:
        raise unknown_name("recognition method", method, METHODS)
    train, test, largest = _principal_coordinates(train_gram, cross)
    return METHODS[method](train, test, largest)


def _principal_coordinates(train_gram: np.ndarray, cross: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """PCA to the span: coordinates (2n, r) and (m, r) with r ≤ 2n − 1, and the largest eigenvalue."""
    column = train_gram.mean(axis=0)
    centred = train_gram - column - column[:, None] + column.mean()
    # The training mean is subtracted from the test images too: distances do not change, digits are saved.
    cross = cross - cross.mean(axis=1, keepdims=True) - column + column.mean()
    values, vectors = np.linalg.eigh(centred)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int(np.sum(values > _RANK_TOLERANCE * values[0])) if values[0] > 0 else 0
    rank = min(rank, len(values) - 1)  # centring takes one dimension
    scale = np.sqrt(values[:rank])
    return vectors[:, :rank] * scale, cross @ vectors[:, :rank] / scale, float(values[0])


def _nlda(train: np.ndarray, test: np.ndarray, largest: float) -> np.ndarray:
    """Null space of S_w, then the principal directions of S_b in it."""
    n, span = len(train) // 2, train.shape[1]
    differences, means = train[:n] - train[n:], (train[:n] + train[n:]) / 2
    values, rows = np.linalg.svd(differences, full_matrices=True)[1:]
    # The n means add at most n − 1 dimensions, so at least span − (n − 1) belong to the differences.
    rank = max(int(np.sum(values**2 > _RANK_TOLERANCE * largest)), span - (n - 1))
    null = rows[rank:].T  # (r, n − 1) in general position
    values, directions = np.linalg.svd(means @ null, full_matrices=False)[1:]
    kept = int(np.sum(values**2 > _RANK_TOLERANCE * largest))
    return test @ (null @ directions[:kept].T)


def _eigenface(train: np.ndarray, test: np.ndarray, largest: float) -> np.ndarray:
    """The principal components themselves."""
    return test


def _fisherface(train: np.ndarray, test: np.ndarray, largest: float) -> np.ndarray:
    """PCA to k components, then LDA with all its k directions, as the field plots it against k.

    With every LDA direction kept and within-class scatter scaled to one, S_b only rotates the features, and
    distances are Mahalanobis distances in S_w = Rᵀ R / 2.  The leading k × k block of the triangular
    R factorises the leading block of S_w, so one triangular solve gives the features for every k.
    """
    n = len(train) // 2
    span = min(n - 1, train.shape[1])
    triangle = np.linalg.qr(train[:n, :span] - train[n:, :span], mode="r")  # (n − 1, n − 1)
    pivots = np.abs(np.diag(triangle))
    singular = np.flatnonzero(pivots**2 <= _RANK_TOLERANCE * largest)
    span = int(singular[0]) if len(singular) else span  # beyond, S_w cannot be inverted
    if span == 0:
        return test[:, :0]
    from scipy.linalg import solve_triangular

    return np.sqrt(2) * solve_triangular(triangle[:span, :span], test[:, :span].T, trans="T").T


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "nlda": _nlda, "eigenface": _eigenface, "fisherface": _fisherface}


def dimensions(method: str, identities: int) -> int:
    """Length of the accuracy curve with this many training identities: n − 1, or 2n − 1 for eigenface."""
    if method not in METHODS:
        raise unknown_name("recognition method", method, METHODS)
    return 2 * identities - 1 if method == "eigenface" else identities - 1
