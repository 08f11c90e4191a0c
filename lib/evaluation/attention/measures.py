"""Numbers of attention weights: how spread they are, whether they depend on the position, what two softmaxes allow.

Weights are arrays (…, n) ≥ 0 whose rows sum to one.  Shannon's entropy H(w) = -Σ w log w, in bits; the
effective number of positions is 2^H (Hill's number of order 1); how much rows differ is their
generalised Jensen-Shannon divergence (Lin, IEEE Trans. Inf. Theory 37, 1991).
"""

from __future__ import annotations

from typing import NamedTuple

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


class Limits(NamedTuple):
    """What no weights after two softmaxes can pass; see ``double_softmax_limits``."""

    ratio: float  # largest over smallest weight, at most
    largest: float  # weight, at most
    entropy: float  # normalised, at least


def double_softmax_limits(n: int) -> Limits:
    """Bounds on softmax(p) for p = softmax(anything) of length n at least 2: Eq. 7 after Eq. 6, whatever was learnt.

    p lies in [0, 1], so weights differ by the factor e at most, and the largest is reached by one-hot p.
    The entropy falls short of log n by the divergence of softmax(p) from uniform, ∫_0^1 s·Var_s(p) ds,
    Var_s under softmax(s·p).  Var_s(p) ≤ E_s(p²) ≤ E_s(p) = Σ p e^{sp} / Σ e^{sp} ≤ e^s/n, as p sums to
    one; ∫ s e^s ds = 1.  So at most 1/n nats are missing.
    """
    return Limits(ratio=np.e, largest=np.e / (np.e + n - 1), entropy=1 - 1 / (n * np.log(n)))
