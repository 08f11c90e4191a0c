"""Table VIII examined again: what 300 votes do and do not support, and how many raters it would take.

The paper prints shares of first choices among four systems, 30 raters × 10 faces.  Its votes follow from the
shares; who gave which does not, so that every test here treats votes as independent.  Votes of one rater
or on one face usually resemble each other, which ``design_effect`` (> 1) expresses: the variance of a share
relative to independent votes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from lib.base import statistics
from lib.base.errors import StudyError

# Table VIII: "rank 1" in per cent, both databases together.
SHARES = {"U-GAT-IT": 36.33, "MSG-SARL": 28.67, "CycleGAN": 27.33, "DRIT": 7.67}
RATERS, FACES_EACH = 30, 10


def votes_from_shares(shares: Mapping[str, float], total: int, decimals: int = 2) -> dict[str, int]:
    """Return the whole votes that print as ``shares`` (per cent, rounded) of ``total``.

    Raises StudyError when no whole number, or more than one, prints so, or when they do not add up.
    """
    votes = {}
    for name, share in shares.items():
        guess = round(share * total / 100)
        fitting = [count for count in range(max(0, guess - 2), guess + 3)
                   if abs(100 * count / total - share) <= 0.5 * 10**-decimals + 1e-9]
        if len(fitting) != 1:
            raise StudyError(f"{name}: {share} % of {total} votes is {len(fitting)} whole numbers of votes, not one.")
        votes[name] = fitting[0]
    if sum(votes.values()) != total:
        raise StudyError(f"The votes add up to {sum(votes.values())}, not {total}.")
    return votes


def pairs_table(votes: Mapping[str, int], level: float = 0.95) -> pd.DataFrame:
    """Compare every two systems three ways, from totals alone.

    difference of shares with its interval (bootstrap of the 300 votes); p_sign: exact sign test among the votes
    for either; p_wald: difference of two multinomial shares; p_half: Wald with half the information (design
    effect 2); p_holm: p_sign corrected for all pairs.  breaking_effect: the design effect at which p_wald
    would be 0.05: above 1, votes may depend that much and still differ; below 1, not even independent ones do.
    """
    names = sorted(votes, key=lambda name: -votes[name])
    total = sum(votes.values())
    rng = np.random.default_rng(0)
    resampled = dict(zip(names, rng.multinomial(total, [votes[name] / total for name in names], 20_000).T / total))
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for first, second in itertools.combinations(names, 2):
        a, b = votes[first], votes[second]
        z = (a - b) / np.sqrt(a + b)
        low, high = np.quantile(resampled[first] - resampled[second], tails)
        rows.append((first, second, (a - b) / total, low, high, stats.binomtest(a, a + b).pvalue,
                     2 * stats.norm.sf(abs(z)), 2 * stats.norm.sf(abs(z) / np.sqrt(2)),
                     (z / stats.norm.ppf(0.975)) ** 2))
    table = pd.DataFrame(rows, columns=["first", "second", "difference", "low", "high", "p_sign", "p_wald", "p_half",
                                        "breaking_effect"])
    table.insert(8, "p_holm", statistics.holm(table.p_sign.to_numpy()))
    return table


def power(first: float, second: float, votes: float, *, level: float = 0.05, design_effect: float = 1.0) -> float:
    """Chance that a two-sided test at ``level`` finds two shares of one vote different (normal approximation).

    first, second: true shares in [0, 1].  The other direction's tail is left out: it counts for nothing.
    """
    n, gap = votes / design_effect, abs(first - second)
    under_null = np.sqrt(first + second)
    under_gap = np.sqrt(first + second - gap**2)
    return float(stats.norm.cdf((gap * np.sqrt(n) - stats.norm.ppf(1 - level / 2) * under_null) / under_gap))


def raters_needed(first: float, second: float, *, per_rater: int = FACES_EACH, target: float = 0.8,
                  level: float = 0.05, design_effect: float = 1.0) -> int:
    """Raters for a power of ``target`` to tell two shares apart; raises StudyError for equal shares."""
    if first == second:
        raise StudyError("Equal shares cannot be told apart by any number of raters.")
    gap = abs(first - second)
    reach = (stats.norm.ppf(1 - level / 2) * np.sqrt(first + second)
             + stats.norm.ppf(target) * np.sqrt(first + second - gap**2))
    return int(np.ceil(design_effect * (reach / gap) ** 2 / per_rater))


def power_curves(votes: Mapping[str, int], most: int) -> dict[str, pd.Series]:
    """Power to tell each pair of the first three systems apart, by the number of raters (5 to ``most``), votes
    independent: ``first against second`` → series."""
    total, raters = sum(votes.values()), np.unique(np.geomspace(5, most, 200).astype(int))
    return {f"{a} against {b}": pd.Series([power(votes[a] / total, votes[b] / total, FACES_EACH * n) for n in raters],
                                          raters) for a, b in _leaders(votes)}


def raters_for_each_pair(votes: Mapping[str, int], target: float) -> pd.DataFrame:
    """Raters for a power of ``target``, for each pair of the first three: with independent votes, and at a design
    effect of 2 with Bonferroni's correction for the three pairs."""
    total, pairs = sum(votes.values()), _leaders(votes)
    rows = []
    for a, b in pairs:
        shares = votes[a] / total, votes[b] / total
        rows.append((a, b, raters_needed(*shares, target=target),
                     raters_needed(*shares, target=target, design_effect=2, level=0.05 / len(pairs))))
    return pd.DataFrame(rows, columns=["first", "second", "independent votes", "design effect 2, three pairs"])


def _leaders(votes: Mapping[str, int]) -> list[tuple[str, str]]:
    return list(itertools.combinations(sorted(votes, key=lambda name: -votes[name])[:3], 2))
