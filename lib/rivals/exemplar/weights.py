"""The small constrained problems that every node solves, many nodes at once.

All take differences Z (…, K, D), rows x_k - t of neighbours to the query, and return weights (…, K)
that sum to one.
"""

from __future__ import annotations

import torch


def reconstruction_weights(differences: torch.Tensor, regularisation: float) -> torch.Tensor:
    """LLE weights: argmin_w ‖t - Σ w_k x_k‖² + ε tr(G) ‖w‖², Σ w = 1, with G = Z Zᵀ.

    Closed form: w ∝ (G + ε tr(G) I)⁻¹ 1.  ``regularisation`` is ε.  When all neighbours equal the query,
    the weights are equal.
    """
    z = differences.double()
    gram = z @ z.mT
    trace = gram.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    ridge = regularisation * trace + torch.finfo(torch.float32).tiny  # never singular
    gram = gram + ridge * torch.eye(gram.shape[-1], device=z.device)
    weights = torch.linalg.solve(gram, gram.new_ones(*gram.shape[:-1], 1))[..., 0]
    return (weights / weights.sum(-1, keepdim=True)).float()


def locality_weights(differences: torch.Tensor, locality: float) -> torch.Tensor:
    """RSLCR weights: argmin_w ‖t - Σ w_k x_k‖² + λ ‖d ∘ w‖², Σ w = 1, with d_k = ‖t - x_k‖.

    Closed form: w ∝ (Z Zᵀ + λ diag d²)⁻¹ 1.  With unit rows u_k = z_k / d_k this is
    w ∝ d⁻¹ ∘ (U Uᵀ + λ I)⁻¹ d⁻¹, whose K×K inverse the Woodbury identity turns into a well-conditioned
    D×D one: (U Uᵀ + λ I)⁻¹ y = (y - U (Uᵀ U + λ I)⁻¹ Uᵀ y) / λ.  A neighbour that equals the query
    (d = 0) takes all the weight, as the limit d → 0 says.
    """
    distances = torch.linalg.vector_norm(differences, dim=-1)
    floor = (1e-4 * distances.mean(-1, keepdim=True)).clamp(min=1e-3)  # grey levels; far below any noise
    distances = torch.maximum(distances, floor)
    units = differences / distances[..., None]
    inverse = distances.reciprocal()[..., None]  # (…, K, 1)
    inner = units.mT @ units + locality * torch.eye(units.shape[-1], device=units.device)
    factor = torch.linalg.cholesky_ex(inner).L
    weights = (inverse - units @ torch.cholesky_solve(units.mT @ inverse, factor)) * inverse
    weights = weights[..., 0]
    return weights / weights.sum(-1, keepdim=True)
