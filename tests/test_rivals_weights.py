"""The constrained problems of the exemplar rivals, against SciPy's solvers and brute force."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from lib.rivals.exemplar.fields import Overlaps
from lib.rivals.exemplar.mrf import belief_propagation, labelling_energy
from lib.rivals.exemplar.mwf import minimise_on_simplex, project_to_simplex, weight_field
from lib.rivals.exemplar.weights import locality_weights, reconstruction_weights


def solve(objective, count, bounds=None):
    """SciPy's SLSQP under Σ w = 1."""
    start = np.full(count, 1 / count)
    return minimize(objective, start, method="SLSQP", bounds=bounds, options={"ftol": 1e-14, "maxiter": 1000},
                    constraints={"type": "eq", "fun": lambda w: w.sum() - 1}).x


def problem(count, dimensions, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=dimensions), rng.normal(size=(count, dimensions)) + 0.5


@pytest.mark.parametrize("count, dimensions", [(5, 20), (8, 3), (1, 4)])
@pytest.mark.parametrize("epsilon", [1e-3, 1e-1])
def test_lle_weights_solve_the_stated_problem(count, dimensions, epsilon):
    query, patches = problem(count, dimensions, 1)
    z = patches - query
    trace = np.trace(z @ z.T)
    expected = solve(lambda w: ((query - w @ patches) ** 2).sum() + epsilon * trace * (w ** 2).sum(), count)
    weights = reconstruction_weights(torch.tensor(z, dtype=torch.float32), epsilon).numpy()
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(weights, expected, atol=2e-4)


@pytest.mark.parametrize("count, dimensions", [(6, 20), (12, 4), (1, 4)])
@pytest.mark.parametrize("locality", [0.1, 0.5])
def test_rslcr_weights_solve_the_stated_problem(count, dimensions, locality):
    query, patches = problem(count, dimensions, 2)
    z = patches - query
    distances = np.linalg.norm(z, axis=1)
    expected = solve(lambda w: ((query - w @ patches) ** 2).sum() + locality * ((distances * w) ** 2).sum(), count)
    weights = locality_weights(torch.tensor(z, dtype=torch.float32), locality).numpy()
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(weights, expected, atol=2e-4)


def test_rslcr_weights_keep_precision_at_the_authors_size():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(800, 100)) * np.geomspace(300, 5, 100) + rng.normal(size=100) * 100
    distances = np.linalg.norm(z, axis=1)
    exact = np.linalg.solve(z @ z.T + 0.5 * np.diag(distances ** 2), np.ones(800))
    weights = locality_weights(torch.tensor(z, dtype=torch.float32), 0.5).numpy()
    np.testing.assert_allclose(weights, exact / exact.sum(), atol=1e-3 * np.abs(exact / exact.sum()).max())


@pytest.mark.parametrize("weigh", [lambda z: reconstruction_weights(z, 1e-3), lambda z: locality_weights(z, 0.5)])
def test_weights_at_the_limits(weigh):
    same = weigh(torch.zeros(2, 4, 3))  # all candidates equal the query
    assert torch.allclose(same, torch.full((2, 4), 0.25), atol=1e-5)
    z = torch.full((1, 4, 3), 20.0)
    z[0, 2] = 0  # one of them does
    assert weigh(z)[0].argmax() == 2 and weigh(z)[0, 2] > 0.99


def test_projection_to_the_simplex():
    points = np.random.default_rng(4).normal(size=(20, 6)) * 3
    for point, projected in zip(points, project_to_simplex(torch.tensor(points)).numpy()):
        expected = solve(lambda w: ((w - point) ** 2).sum(), 6, bounds=[(0, None)] * 6)
        assert projected.min() >= 0 and projected.sum() == pytest.approx(1)
        np.testing.assert_allclose(projected, expected, atol=1e-5)


def test_single_node_programme_matches_scipy():
    rng = np.random.default_rng(5)
    factors, linear = rng.normal(size=(10, 5, 7)), rng.normal(size=(10, 7)) * 3
    quadratic = np.swapaxes(factors, 1, 2) @ factors  # rank 5 of 7: convex, not strictly
    found = minimise_on_simplex(torch.tensor(quadratic), torch.tensor(linear),
                                torch.full((10, 7), 1 / 7, dtype=torch.float64), steps=2000).numpy()
    for q, c, w in zip(quadratic, linear, found):
        objective = lambda v: 0.5 * v @ q @ v - c @ v
        assert objective(w) <= objective(solve(objective, 7, bounds=[(0, None)] * 7)) + 1e-7


def weight_energy(weights, z, parts, compatibility):
    energy = np.einsum("ijkd,ijk->ijd", z, weights)
    energy = (energy ** 2).sum()
    for first, second, a, b in ((parts.right, parts.left, weights[:, :-1], weights[:, 1:]),
                                (parts.lower, parts.upper, weights[:-1], weights[1:])):
        gap = np.einsum("ijkv,ijk->ijv", first.numpy(), a) - np.einsum("ijkv,ijk->ijv", second.numpy(), b)
        energy += compatibility * (gap ** 2).sum()
    return energy


def test_weight_field_matches_scipy_on_the_whole_programme():
    rng = np.random.default_rng(6)
    rows, columns, count = 2, 3, 3
    z = rng.normal(size=(rows, columns, count, 5))
    draw = lambda *shape: torch.tensor(rng.normal(size=shape))
    parts = Overlaps(draw(2, 2, 3, 4), draw(2, 2, 3, 4), draw(1, 3, 3, 4), draw(1, 3, 3, 4))
    shape = (rows, columns, count)
    best = minimize(lambda w: weight_energy(w.reshape(shape), z, parts, 0.7), np.full(18, 1 / 3), method="SLSQP",
                    bounds=[(0, None)] * 18, options={"ftol": 1e-14, "maxiter": 2000},
                    constraints={"type": "eq", "fun": lambda w: w.reshape(6, 3).sum(1) - 1})
    own = torch.tensor(z @ np.swapaxes(z, -1, -2))
    weights = weight_field(own, parts, 0.7, sweeps=200, steps=50).numpy()
    np.testing.assert_allclose(weights.sum(-1), 1)
    assert weights.min() >= 0
    assert weight_energy(weights, z, parts, 0.7) == pytest.approx(best.fun, abs=1e-6)
    rough = weight_field(own, parts, 0.7, sweeps=2, steps=5).numpy()
    assert weight_energy(weights, z, parts, 0.7) <= weight_energy(rough, z, parts, 0.7) + 1e-9


def exhaustive(unary, across, down):
    rows, columns, count = unary.shape
    best = min(itertools.product(range(count), repeat=rows * columns),
               key=lambda labels: labelling_energy(torch.tensor(labels).view(rows, columns), unary, across, down))
    return torch.tensor(best).view(rows, columns)


def random_field(rows, columns, count, seed):
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(rows, columns, count, generator=draw),
            torch.rand(rows, columns - 1, count, count, generator=draw),
            torch.rand(rows - 1, columns, count, count, generator=draw))


@pytest.mark.parametrize("damping", [0.0, 0.5])
@pytest.mark.parametrize("rows, columns, count", [(1, 6, 3), (6, 1, 3), (1, 1, 4)])
def test_belief_propagation_is_exact_on_chains(rows, columns, count, damping):
    field = random_field(rows, columns, count, 7)
    assert torch.equal(belief_propagation(*field, iterations=60, damping=damping), exhaustive(*field))


@pytest.mark.parametrize("seed", range(4))
def test_belief_propagation_is_exact_on_trees(seed):
    unary, across, down = random_field(3, 3, 2, seed)
    across[1:] = 0  # a comb: the top row joins three columns
    assert torch.equal(belief_propagation(unary, across, down, iterations=10), exhaustive(unary, across, down))


def test_labelling_energy_by_hand_and_no_worse_than_deciding_alone():
    unary, across, down = random_field(3, 4, 3, 9)
    labels = belief_propagation(unary, across, down, iterations=20, damping=0.5)
    by_hand = sum(unary[i, j, labels[i, j]].item() for i in range(3) for j in range(4))
    by_hand += sum(across[i, j, labels[i, j], labels[i, j + 1]].item() for i in range(3) for j in range(3))
    by_hand += sum(down[i, j, labels[i, j], labels[i + 1, j]].item() for i in range(2) for j in range(4))
    assert labelling_energy(labels, unary, across, down) == pytest.approx(by_hand, rel=1e-6)
    assert by_hand <= labelling_energy(unary.argmin(-1), unary, across, down)
