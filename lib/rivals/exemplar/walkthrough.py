"""One node of an exemplar method, step by step: for notebooks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.base.errors import StudyError
from lib.rivals.exemplar.exemplar import LocalMethod


@dataclass(frozen=True)
class NodeStory:
    """What happens at one node: uint8 patches (p, p[, 3]) and the weights that join them.

    query: the patch of the test image.  sources, targets: the K candidates used, in falling order of weight.
    weights: (K,), their sum is 1.  estimate: Σ w_k targets_k, (p, p[, 3]) uint8.
    """

    row: int
    column: int
    query: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    estimate: np.ndarray


def explain_node(method: LocalMethod, face: np.ndarray, row: int, column: int) -> NodeStory:
    """Story of the node whose patch centre is nearest to pixel (row, column) of one uint8 face (H, W[, 3])."""
    if not isinstance(method, LocalMethod):
        raise StudyError(f"{type(method).__name__}: its nodes decide together, so none has a story of its own.")
    nodes = method.grid.nodes
    centres = nodes + method.patch / 2
    node = int((centres[:, 0] - row).square().add((centres[:, 1] - column).square()).argmin())
    top, left = nodes[node].tolist()
    tile = next(tile for tile in method.candidates.tiles() if node in tile.nodes).only(node)
    weights, positions = method.weigh(tile, method.queries(face[None])[0, tile.nodes])
    order = weights[0].argsort(descending=True)
    weights, positions = weights[0, order], positions[0, order]
    targets = method.targets.at(positions)

    def picture(patches) -> np.ndarray:
        pictures = patches.unflatten(-1, (method.patch, method.patch, -1)).round().clamp(0, 255).byte()
        pictures = pictures.cpu().numpy()
        return pictures[..., 0] if pictures.shape[-1] == 1 else pictures

    return NodeStory(
        top, left, face[top:top + method.patch, left:left + method.patch], picture(method.sources.at(positions)),
        picture(targets), weights.cpu().numpy(), picture(weights @ targets))
