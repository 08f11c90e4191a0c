"""Numbers of attention weights: how spread they are, whether they depend on the position.

Weights are arrays (…, n) ≥ 0 whose rows sum to one.  Shannon's entropy H(w) = -Σ w log w, in bits; the
effective number of positions is 2^H (Hill's number of order 1); how much rows differ is their
generalised Jensen-Shannon divergence (Lin, IEEE Trans. Inf. Theory 37, 1991).
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr


def entropy(weights: np.ndarray) -> np.ndarray:
    """(…, n) → (…): H of each row in bits, 0 (one-hot) to log2 n (uniform)."""
    return entr(np.asarray(weights, dtype=float)).sum(axis=-1) / np.log(2)


def normalised_entropy(weights: np.ndarray) -> np.ndarray:
    """(…, n) → (…): H / log2 n, 1 for uniform and 0 for one-hot rows; n at least 2."""
    return entropy(weights) / np.log2(np.shape(weights)[-1])


def effective_number(weights: np.ndarray) -> np.ndarray:
    """(…, n) → (…): 2^H, how many equally weighted positions have this entropy; 1 to n."""
    return 2 ** entropy(weights)


def dependence(weights: np.ndarray) -> float:
    """(m, n) → (H(mean row) - mean H(row)) / log2 n: 0 when all m rows are equal, 1 when each names another position.

    With 0 every position receives the same sum, however sharp the rows are: pooling, not attention.
    """
    weights = np.asarray(weights, dtype=float)
    divergence = entropy(weights.mean(axis=0)) - entropy(weights).mean()
    return float(max(divergence, 0.0) / np.log2(weights.shape[1]))
