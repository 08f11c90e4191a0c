"""Two models of votes: how strong each system is, and how far raters agree.

- The choice model of Bradley and Terry (1952) for pairs, in Luce's (1959) and Plackett's (1975) form for the
  best of several: P(system s at position q) ∝ worth_s · pull_q.  The second factor is ours: it separates
  preference from position, exactly where the order was counter-balanced and approximately where not.
- Fleiss' kappa (1971, Psychol. Bull. 76), with the usual extension to faces seen by unequally many raters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lib.base.errors import StudyError

PRIOR_SD = 3.0  # of log worth: lets a factor of 20 pass almost unshrunk, keeps a system without votes finite
_ITERATIONS = 60
_LONGEST_STEP = 3.0  # a Newton step from afar must not leave the region where exp() is sane


class ChoiceFit(NamedTuple):
    """Logarithms of worth (…, systems) and of pull (…, positions), each with mean zero."""

    log_worth: np.ndarray
    log_pull: np.ndarray


def fit_choices(shown: np.ndarray, chosen: np.ndarray, systems: int, weights: np.ndarray | None = None, *,
                with_positions: bool = True, prior_sd: float = PRIOR_SD) -> ChoiceFit:
    """Fit worths (and pulls of positions) by penalised maximum likelihood, Newton's method.

    shown: (n, K) index of the system at each position, 0 ≤ index < ``systems``.  chosen: (n,) position, from 0.
    weights: (n,) or (B, n) counts of each choice (B resamples fitted at once).  prior_sd: normal prior on the
    logarithms; ``inf`` gives plain maximum likelihood.
    Raises StudyError when that has no finite maximum (a system never or always chosen).
    """
    shown, chosen = np.asarray(shown), np.asarray(chosen)
    n, positions = shown.shape
    weights = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    batch = weights.reshape(-1, n)
    of_systems = _contrasts(systems)
    of_positions = _contrasts(positions) if with_positions else np.zeros((positions, 0))
    by_position = np.broadcast_to(of_positions, (n, *of_positions.shape))
    x = np.concatenate([of_systems[shown], by_position], axis=2)  # (n, K, p)
    beta = _newton(x, chosen, batch, 0.0 if np.isinf(prior_sd) else prior_sd**-2)
    log_worth = beta[:, :systems - 1] @ of_systems.T
    log_pull = beta[:, systems - 1:] @ of_positions.T
    lead = weights.shape[:-1]
    return ChoiceFit(log_worth.reshape(*lead, systems), log_pull.reshape(*lead, positions))


def _newton(x: np.ndarray, chosen: np.ndarray, weights: np.ndarray, precision: float) -> np.ndarray:
    """Maximise Σ w·log softmax(x β)[chosen] − precision·|β|²/2 for each row of ``weights``: (B, p)."""
    n, positions, p = x.shape
    picked = x[np.arange(n), chosen]  # (n, p)
    flat = x.reshape(n * positions, p)
    outer = (flat[:, :, None] * flat[:, None, :]).reshape(n * positions, p * p)
    beta = np.zeros((len(weights), p))
    for _ in range(_ITERATIONS):
        utility = (beta @ flat.T).reshape(-1, n, positions)
        share = np.exp(utility - utility.max(axis=2, keepdims=True))
        share *= (weights / share.sum(axis=2))[:, :, None]  # w · probability
        mean = np.einsum("bnk,nkp->bnp", share, x)  # w · E x
        gradient = weights @ picked - mean.sum(axis=1) - precision * beta
        per_vote = np.divide(mean, weights[:, :, None], out=np.zeros_like(mean), where=weights[:, :, None] > 0)
        hessian = (share.reshape(-1, n * positions) @ outer).reshape(-1, p, p)
        hessian -= np.matmul(mean.transpose(0, 2, 1), per_vote)
        hessian += (precision + 1e-12) * np.eye(p)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        beta += step * np.minimum(1.0, _LONGEST_STEP / np.maximum(length, 1e-300))
        if length.max() < 1e-9:
            return beta
    raise StudyError("The choice model has no finite maximum: a system or position was never, or always, chosen. "
                     "Fit with a finite prior_sd.")


def _contrasts(count: int) -> np.ndarray:
    """Orthonormal basis (count, count − 1) of the vectors whose entries sum to zero."""
    return np.linalg.qr(np.eye(count) - 1 / count)[0][:, :count - 1]


def fleiss_kappa(counts: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Agreement beyond chance: 1 when all agree, 0 at chance level, negative below.

    counts: (items, categories), how many raters put an item into a category; items with fewer than two
    raters say nothing about agreement and drop out.  weights: (…, items) multiplicities for a bootstrap.
    Returns (…,); NaN where every vote fell into one category.  With equally many raters per item this is
    Fleiss' (1971) kappa; otherwise items weigh equally in the observed agreement and votes in the expected.
    """
    counts = np.asarray(counts, dtype=float)
    raters = counts.sum(axis=1)
    enough = raters >= 2
    if not enough.any():
        raise StudyError("Agreement needs an item that at least two raters judged.")
    weights = np.ones(len(counts)) if weights is None else np.asarray(weights, dtype=float)
    counts, raters, weights = counts[enough], raters[enough], weights[..., enough]
    agreeing = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (weights @ agreeing) / weights.sum(axis=-1)
        share = (weights @ counts) / (weights @ raters)[..., None]
        expected = (share**2).sum(axis=-1)
        return (observed - expected) / (1 - expected)
