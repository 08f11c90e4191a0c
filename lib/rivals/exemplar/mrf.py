"""MRF: one training patch per node, chosen by a Markov random field (Wang and Tang, TPAMI 2009).

    E = Σ_i ‖t_i - x_i‖² / P_x + λ Σ_(i,j) ‖O_ij - O_ji‖² / V

over labels, the K candidates of each node; the minimum is sought by loopy belief propagation (min-sum),
and the patches are stitched along minimum-error boundaries.  Costs are per value, so λ does not depend on
the sizes of patch and overlap.

Choices (the paper's are recalled, not read): one scale instead of two; squared differences of colours as
the only photo term.
"""

from __future__ import annotations

import torch

from lib.rivals.exemplar.fields import FieldMethod, Overlaps
from lib.rivals.exemplar.patches import join_by_boundary_cut


def belief_propagation(unary: torch.Tensor, across: torch.Tensor, down: torch.Tensor, *,
                       iterations: int, damping: float = 0.0) -> torch.Tensor:
    """Labels (I, J) that (nearly) minimise a pairwise energy on a four-connected grid, by min-sum.

    unary: (I, J, K) costs.  across: (I, J-1, K, K) costs of labels of (i, j) and (i, j+1).  down:
    (I-1, J, K, K) costs of (i, j) and (i+1, j).  Exact on trees once ``iterations`` reaches the longest
    path.  ``damping`` is the share of the old message kept.  The labelling of lowest energy seen is
    returned, so more iterations never make it worse.
    """
    def zeros(pairs: torch.Tensor) -> torch.Tensor:
        return pairs.new_zeros(pairs.shape[:-1])

    to_right, to_left, to_below, to_above = zeros(across), zeros(across), zeros(down), zeros(down)
    best, best_energy = unary.argmin(-1), None
    for _ in range(iterations + 1):
        belief = unary.clone()
        belief[:, 1:] += to_right
        belief[:, :-1] += to_left
        belief[1:] += to_below
        belief[:-1] += to_above
        labels = belief.argmin(-1)
        energy = labelling_energy(labels, unary, across, down)
        if best_energy is None or energy < best_energy:
            best, best_energy = labels, energy

        def updated(old: torch.Tensor, sender: torch.Tensor, heard: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
            # The sender's belief without what the receiver told it; pairs (…, sender, receiver).
            message = ((sender - heard)[..., None] + pairs).amin(-2)
            message = message - message.amin(-1, keepdim=True)
            return damping * old + (1 - damping) * message

        to_right, to_left, to_below, to_above = (
            updated(to_right, belief[:, :-1], to_left, across),
            updated(to_left, belief[:, 1:], to_right, across.mT),
            updated(to_below, belief[:-1], to_above, down),
            updated(to_above, belief[1:], to_below, down.mT))
    return best


def labelling_energy(labels: torch.Tensor, unary: torch.Tensor, across: torch.Tensor, down: torch.Tensor) -> float:
    """Energy of labels (I, J) under the costs of ``belief_propagation``."""
    def pick(pairs: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return pairs.gather(-2, first[..., None, None].expand(*first.shape, 1, pairs.shape[-1]))[..., 0, :].gather(
            -1, second[..., None])

    return float(unary.gather(-1, labels[..., None]).double().sum()
                 + pick(across, labels[:, :-1], labels[:, 1:]).double().sum()
                 + pick(down, labels[:-1], labels[1:]).double().sum())


def squared_gaps(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Squared distances (…, K, K) of all pairs of rows of (…, K, V), by one matrix product."""
    squares = first.square().sum(-1)[..., :, None] + second.square().sum(-1)[..., None, :]
    return (squares - 2 * first @ second.mT).clamp(min=0)


class MRF(FieldMethod):
    """``compatibility`` is λ; ``iterations`` of belief propagation; ``stitch`` "cut" or "average"."""

    def __init__(self, *, compatibility: float = 1.0, iterations: int = 40,
                 damping: float = 0.5, stitch: str = "cut", **options):
        super().__init__(**options)
        self.compatibility, self.iterations, self.damping, self.stitch = compatibility, iterations, damping, stitch

    def choose(self, differences: torch.Tensor, parts: Overlaps) -> torch.Tensor:
        values = self.grid.size ** 2 * self.sources.channels
        unary = differences.square().sum(-1).unflatten(0, self.grid.shape) / values
        across, down = (self.compatibility / first.shape[-1] * squared_gaps(first, second)
                        for first, second in ((parts.right, parts.left), (parts.lower, parts.upper)))
        labels = belief_propagation(unary, across, down, iterations=self.iterations, damping=self.damping)
        return torch.nn.functional.one_hot(labels.flatten(), differences.shape[1]).float()

    def blend(self, patches: torch.Tensor) -> torch.Tensor:
        return join_by_boundary_cut(patches, self.grid) if self.stitch == "cut" else super().blend(patches)
