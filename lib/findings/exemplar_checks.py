"""Exemplar methods on problems small enough to solve by other means, and one patch of a face followed step by step."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from lib.base.settings import RunSettings
from lib.rivals import exemplar
from lib.rivals.exemplar.mrf import belief_propagation, labelling_energy
from lib.rivals.exemplar.walkthrough import NodeStory, explain_node
from lib.rivals.exemplar.weights import locality_weights
from lib.training import make_run


def locality_weights_agree(penalty: float = 0.5, seed: int = 0) -> bool:
    """Whether RSLCR's closed form gives the weights of the plain linear system, 12 candidates of 5 numbers."""
    z = np.random.default_rng(seed).normal(size=(12, 5)) + 1  # rows x_k - t
    plain = np.linalg.solve(z @ z.T + penalty * np.diag((z ** 2).sum(axis=1)), np.ones(len(z)))
    closed = locality_weights(torch.tensor(z, dtype=torch.float32), penalty).numpy()
    return bool(np.allclose(closed, plain / plain.sum(), atol=1e-4))


def mrf_finds_the_best(nodes: int = 6, labels: int = 3, seed: int = 0) -> bool:
    """Whether belief propagation on a field without loops (one row of nodes) finds the best of all labellings."""
    rng = np.random.default_rng(seed)
    field = (torch.tensor(rng.random((1, nodes, labels))), torch.tensor(rng.random((1, nodes - 1, labels, labels))),
             torch.zeros(0, nodes, labels, labels).double())
    best = min(itertools.product(range(labels), repeat=nodes),
               key=lambda labelling: labelling_energy(torch.tensor([labelling]), *field))
    return belief_propagation(*field, iterations=nodes)[0].tolist() == list(best)


def patch_story(profile: str, database: str, x: int, y: int,
                person: int = 0) -> tuple[np.ndarray, np.ndarray, NodeStory]:
    """Photo and real sketch of a test person, and what LLE does with the patch around pixel (x, y)."""
    train, test = (make_run.load_faces(database, RunSettings.at(profile), split) for split in ("train", "test"))
    lle = exemplar.create("lle", profile=profile)
    lle.fit(train.photos, train.sketches, train.groups)
    story = explain_node(lle.method(test.groups[person]), test.photos[person], y, x)
    return test.photos[person], test.sketches[person], story
