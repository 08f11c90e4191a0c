"""MWF: Markov weight fields (Zhou, Kuang, Wong, CVPR 2012): a weighted mean of patches per node.

    min_W Σ_i ‖t_i - X_i w_i‖² + α Σ_(i,j) ‖O_ij w_i - O_ji w_j‖²,   w_i ≥ 0,  1ᵀ w_i = 1

a convex quadratic programme.  Solved as the authors' cascade does in spirit: sweeps over single-node
programmes with their neighbours held fixed; here all nodes of one colour of a chessboard at once, as
they touch only nodes of the other colour.  Both terms are means per value, so α does not depend on sizes.
"""

from __future__ import annotations

import torch

from lib.rivals.exemplar.fields import FieldMethod, Overlaps


def project_to_simplex(points: torch.Tensor) -> torch.Tensor:
    """Nearest points with w ≥ 0, Σ w = 1, along the last axis (Held, Wolfe, Crowder 1974)."""
    ordered = points.sort(dim=-1, descending=True).values
    excess = ordered.cumsum(-1) - 1
    rank = torch.arange(1, points.shape[-1] + 1, device=points.device)
    kept = (ordered * rank > excess).sum(-1, keepdim=True)
    return (points - excess.gather(-1, kept - 1) / kept).clamp(min=0)


def minimise_on_simplex(quadratic: torch.Tensor, linear: torch.Tensor, start: torch.Tensor, steps: int) -> torch.Tensor:
    """argmin ½ wᵀ Q w - cᵀ w over the simplex, batched: Q (…, K, K), c and start (…, K).

    Accelerated projected gradient with restart: momentum is dropped where it points uphill.
    """
    # The largest eigenvalue is at most the largest row sum of |Q|.
    bound = quadratic.abs().sum(-1).amax(-1)[..., None].clamp(min=torch.finfo(quadratic.dtype).tiny)
    weights, ahead, momentum = start, start, torch.ones_like(bound)
    for _ in range(steps):
        gradient = (quadratic @ ahead[..., None])[..., 0] - linear
        stepped = project_to_simplex(ahead - gradient / bound)
        uphill = ((ahead - stepped) * (stepped - weights)).sum(-1, keepdim=True) > 0
        momentum = torch.where(uphill, torch.ones_like(momentum), momentum)
        grown = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
        ahead = stepped + (momentum - 1) / grown * (stepped - weights)
        weights, momentum = stepped, grown
    return weights


def weight_field(own: torch.Tensor, parts: Overlaps, compatibility: float, *, sweeps: int, steps: int) -> torch.Tensor:
    """Weights (I, J, K) that minimise Σ wᵀ own w + α Σ ‖O_ij w_i - O_ji w_j‖² on the simplex.

    own: (I, J, K, K) Gram matrices of the differences t_i - x_ik.  Each of ``sweeps`` visits both colours of the
    chessboard with ``steps`` gradient steps, and never raises the energy but by rounding.
    """
    rows, columns, count = own.shape[:3]
    quadratic = own.clone()
    for view, part in ((quadratic[:, :-1], parts.right), (quadratic[:, 1:], parts.left),
                       (quadratic[:-1], parts.lower), (quadratic[1:], parts.upper)):
        view += compatibility * (part @ part.mT)
    across = compatibility * (parts.right @ parts.left.mT)  # (I, J-1, K of left node, K of right node)
    down = compatibility * (parts.lower @ parts.upper.mT)
    weights = own.new_full((rows, columns, count), 1 / count)
    odd = (torch.arange(rows)[:, None] + torch.arange(columns)) % 2 == 1
    colours = [colour.to(own.device) for colour in (~odd, odd)]
    for _ in range(sweeps):
        for colour in colours:
            linear = torch.zeros_like(weights)
            linear[:, :-1] += (across @ weights[:, 1:, :, None])[..., 0]
            linear[:, 1:] += (across.mT @ weights[:, :-1, :, None])[..., 0]
            linear[:-1] += (down @ weights[1:, :, :, None])[..., 0]
            linear[1:] += (down.mT @ weights[:-1, :, :, None])[..., 0]
            weights[colour] = minimise_on_simplex(quadratic[colour], linear[colour], weights[colour], steps)
    return weights


class MWF(FieldMethod):
    """``compatibility`` is α; ``sweeps`` over the field with ``steps`` gradient steps for each node."""

    def __init__(self, *, compatibility: float = 1.0, sweeps: int = 10, steps: int = 10, **options):
        super().__init__(**options)
        self.compatibility, self.sweeps, self.steps = compatibility, sweeps, steps

    def choose(self, differences: torch.Tensor, parts: Overlaps) -> torch.Tensor:
        values = self.grid.size ** 2 * self.sources.channels
        own = (differences @ differences.mT / values).unflatten(0, self.grid.shape)
        compatibility = self.compatibility / max(1, parts.right.shape[-1])
        return weight_field(own, parts, compatibility, sweeps=self.sweeps, steps=self.steps).flatten(0, 1)
