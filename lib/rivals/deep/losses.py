"""Loss terms that the deep rivals share, and how a step weighs, sums and names them.

Every term is a scalar, the mean over all elements.  A step returns its terms as they are before their weights, and the
totals.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lib.base.directions import DIRECTIONS

P2S, S2P = DIRECTIONS
BACK = {P2S: S2P, S2P: P2S}
SOURCE = {P2S: "photo", S2P: "sketch"}  # what enters a direction
TARGET = {P2S: "sketch", S2P: "photo"}  # what leaves it
UNDERSCORED = {direction: direction.replace("-", "_") for direction in DIRECTIONS}  # as terms and networks are named


def least_squares(judged: Tensor, label: float) -> Tensor:
    """Least-squares GAN: mean squared distance of the judgements to the label, 1 for real and 0 for synthesised."""
    return (judged - label).square().mean()


def cross_entropy(judged: Tensor, real: bool) -> Tensor:
    """The first GAN's loss: binary cross-entropy of logits, all of them to be called real, or synthesised."""
    # Not softplus: torch makes it a straight line from 20 on, an error of 4e-11 in the loss and 2e-9 in its gradient.
    return -F.logsigmoid(judged if real else -judged).mean()


def weighted_sum(terms: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Sum of weight times value; ``weights`` by kind, a term's first word: ``generator/cycle_photo`` is a "cycle"."""
    return sum(weights[name.split("/")[-1].split("_")[0]] * value for name, value in terms.items())


def detached(losses: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in losses.items()}
