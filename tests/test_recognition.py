"""Recognition against the field's original program, a direct pixel-space computation, and properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from scipy.stats import ortho_group

from lib.base.errors import StudyError
from lib.evaluation import recognition
from lib.evaluation.recognition import matching, subspaces
from lib.evaluation.recognition.protocol import Faces

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def problem():
    """60 identities × 400 pixels, 25 train: (train_real, train_synthesised, probes, gallery), uint8."""
    stored = np.load(DATA / "nlda_problem.npz")
    real, synthesised, n = stored["real"], stored["synthesised"], int(stored["n_train"])
    return real[:n], synthesised[:n], real[n:], synthesised[n:]


def faces(people: int = 40, pixels: int = 900, noise: float = 30.0, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Real and synthesised faces (people, pixels) uint8 that share an identity part."""
    rng = np.random.default_rng(seed)
    identity = rng.normal(size=(people, 12)) @ rng.normal(size=(12, pixels)) * 8
    return tuple((128 + identity + noise * rng.normal(size=(people, pixels))).clip(0, 255).round().astype(np.uint8)
                 for _ in range(2))


def projection(problem, method):
    """Features of the training images themselves, (2n, d)."""
    train = np.concatenate(problem[:2])
    gram = subspaces.inner_products(train)
    return subspaces.features(gram, gram, method)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.float32, np.int32])
def test_equals_the_original_program_at_every_dimension(problem, dtype):
    expected = np.loadtxt(DATA / "nlda_problem.csv", delimiter=",", skiprows=1, encoding="utf-8")
    ours = recognition.nlda_curve(*(array.astype(dtype) for array in problem))
    assert np.array_equal(expected[:, 0], np.arange(1, len(ours) + 1))
    assert np.allclose(ours, expected[:, 1], rtol=0, atol=1e-9)  # the file has ten digits


@pytest.mark.parametrize("method", recognition.METHODS)
def test_agrees_with_scatter_matrices_in_pixel_space(problem, method):
    train_real, train_synthesised, probes, gallery = (array.astype(float) for array in problem)
    n = len(train_real)
    train = np.concatenate([train_real, train_synthesised])
    components = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)[2][:2 * n - 1]
    accuracy = []
    for k in range(1, recognition.dimensions(method, n) + 1):
        basis = components[:k] if method != "nlda" else components
        y = train @ basis.T
        means, centre = (y[:n] + y[n:]) / 2, y.mean(axis=0)
        within = sum(np.outer(v - m, v - m) for half in (y[:n], y[n:]) for v, m in zip(half, means))
        between = 2 * (means - centre).T @ (means - centre)
        if method == "nlda":
            null = np.linalg.eigh(within)[1][:, :n - 1]
            basis = (null @ np.linalg.eigh(null.T @ between @ null)[1][:, ::-1][:, :k]).T @ basis
        elif method == "fisherface":
            basis = scipy.linalg.eigh(between, within)[1].T @ basis  # all k directions, unit within-class scatter
        distances = scipy.spatial.distance.cdist(probes @ basis.T, gallery @ basis.T)
        accuracy.append(np.mean(distances.argmin(axis=1) == np.arange(len(probes))))
    assert np.allclose(recognition.curve(*problem, method), accuracy, atol=1e-12)


def test_within_class_scatter_vanishes_in_the_projection(problem):
    projected = projection(problem, "nlda")
    n = len(projected) // 2
    assert projected.shape == (2 * n, n - 1)
    assert np.abs(projected[:n] - projected[n:]).max() < 1e-8 * np.abs(projected).max()


def test_between_class_scatter_is_diagonal_and_descending(problem):
    projected = projection(problem, "nlda")
    means = projected[:len(projected) // 2] - projected.mean(axis=0)
    scatter = means.T @ means
    assert np.abs(scatter - np.diag(np.diag(scatter))).max() < 1e-8 * scatter[0, 0]
    assert np.all(np.diff(np.diag(scatter)) < 0)


def test_fisherface_has_unit_within_class_scatter(problem):
    projected = projection(problem, "fisherface")
    n = len(projected) // 2
    differences = projected[:n] - projected[n:]
    assert np.allclose(differences.T @ differences / 2, np.eye(n - 1), atol=1e-8)


@pytest.mark.parametrize("method", recognition.METHODS)
def test_rotation_and_offset_of_the_pixels_change_nothing(problem, method):
    expected = recognition.curve(*problem, method)
    rotation = ortho_group.rvs(400, random_state=0)
    assert np.allclose(recognition.curve(*(a @ rotation + 1000.0 for a in problem), method), expected)
    assert np.allclose(recognition.curve(*((a // 2 + 90).astype(np.uint8) for a in problem), method),
                       recognition.curve(*((a // 2).astype(np.uint8) for a in problem), method))


def test_order_of_the_people_changes_nothing(problem):
    order, test_order = np.random.default_rng(0).permutation(25), np.random.default_rng(1).permutation(35)
    shuffled = [a[order] for a in problem[:2]] + [a[test_order] for a in problem[2:]]
    assert np.allclose(recognition.nlda_curve(*shuffled), recognition.nlda_curve(*problem))


def test_inner_products_of_bytes_are_exact():
    images = np.random.default_rng(0).choice(np.array([0, 255, 128, 7], np.uint8), size=(6, 50_000))
    exact = (images.astype(np.int64) - 128) @ (images.astype(np.int64) - 128).T
    assert np.array_equal(subspaces.inner_products(images), exact)
    assert np.array_equal(subspaces.inner_products(images[:2], images[1:]), exact[:2, 1:])


def test_coinciding_images_are_told_apart_by_what_differs(problem):
    train_real, train_synthesised, probes, gallery = problem
    assert recognition.nlda_curve(train_real, train_real, probes, probes)[-1] == 1.0  # S_w = 0: plain PCA
    half = np.where(np.arange(25)[:, None] < 12, train_real, train_synthesised)  # S_w of rank 13
    assert recognition.nlda_curve(train_real, half, probes, gallery).shape == (24,)
    twice = [np.concatenate([array[:1], array[:-1]]) for array in problem[:2]]  # one person twice
    assert recognition.nlda_curve(*twice, probes, gallery).shape == (24,)


def test_one_face_for_everybody_is_chance(problem):
    train_real, _, probes, _ = problem
    mean = np.round(train_real.mean(axis=0)).astype(np.uint8)
    for method in recognition.METHODS:
        curve = recognition.curve(train_real, np.tile(mean, (25, 1)), probes, np.tile(mean, (35, 1)), method)
        assert np.allclose(curve, 1 / 35)
    blank = np.zeros((25, 9), np.uint8), np.zeros((25, 9), np.uint8), np.zeros((35, 9)), np.zeros((35, 9))
    assert np.allclose(recognition.nlda_curve(*blank), 1 / 35)


def test_ties_are_shared_and_ranks_counted():
    probes = np.array([[0.0], [1.0], [5.0], [3.0]])
    gallery = np.array([[1.0], [1.0], [2.0], [2.0]])
    matches = matching.match(probes, gallery)
    assert np.allclose(matches.first[:, 0], [1 / 2, 1 / 2, 1 / 2, 1 / 2])
    assert np.array_equal(matches.nearer, [0, 0, 0, 0]) and np.array_equal(matches.tied, [2, 2, 2, 2])
    matches = matching.match(np.array([[0.0], [9.0], [4.5]]), np.array([[3.0], [1.0], [5.0]]))
    assert np.array_equal(matches.nearer, [1, 2, 0])
    assert np.allclose(matches.cumulative(), [1 / 3, 2 / 3, 1])


def test_blocks_and_all_dimensions_in_one_pass_equal_brute_force(monkeypatch):
    rng = np.random.default_rng(0)
    probes = rng.normal(size=(30, 8))
    gallery = probes + rng.normal(size=(30, 8))
    monkeypatch.setattr(matching, "_CACHE", 70)  # two probes at a time
    matches = matching.match(probes, gallery, length=11)
    for k in range(8):
        distances = scipy.spatial.distance.cdist(probes[:, :k + 1], gallery[:, :k + 1])
        assert np.array_equal(matches.first[:, k], distances.argmin(axis=1) == np.arange(30))
    assert np.array_equal(matches.nearer, np.sum(distances < np.diag(distances)[:, None], axis=1))
    assert np.array_equal(matches.first[:, 8:], matches.first[:, [7, 7, 7]])  # no more to add: flat


def test_protocol_runs_nlda_on_frozen_splits():
    real, synthesised = faces()
    protocol = recognition.Protocol(40, 18, repeats=5, seed=4)
    result = recognition.recognise(real, synthesised, protocol)
    for accuracy, order in zip(result.accuracy, protocol.orders()):
        train, test = order[:18], order[18:]
        assert np.allclose(accuracy, recognition.nlda_curve(real[train], synthesised[train], real[test],
                                                            synthesised[test]))
    backwards = recognition.recognise(real, synthesised, protocol, "sketch-to-photo")
    train, test = protocol.orders()[2, :18], protocol.orders()[2, 18:]
    assert np.allclose(backwards.accuracy[2], recognition.nlda_curve(real[train], synthesised[train],
                                                                     synthesised[test], real[test]))
    floating = recognition.recognise(real.astype(float), synthesised.astype(float), protocol)
    assert np.allclose(floating.accuracy, result.accuracy)


def test_summaries_are_what_their_names_say():
    real, synthesised = faces(noise=90)
    result = recognition.recognise(real, synthesised, recognition.Protocol(40, 18))
    assert result.accuracy.shape == (20, 17) and 0.1 < result.last < 0.95
    assert result.last <= result.best_of_mean[0] <= result.mean_of_best
    assert np.isclose(result.best_of_mean[0], result.curve[result.best_of_mean[1] - 1])
    assert np.isclose(result.chance, 1 / 22)
    assert np.allclose(result.cumulative[:, 0], result.accuracy[:, -1]) and np.allclose(result.cumulative[:, -1], 1)
    assert np.all(np.diff(result.cumulative, axis=1) >= 0)
    assert np.allclose(np.nanmean(result.outcomes, axis=1), result.accuracy[:, -1])
    assert np.all(np.sum(~np.isnan(result.outcomes), axis=1) == 22)
    assert np.isclose(np.nanmean(result.by_identity()), result.last, atol=0.05)


def test_shuffled_pairs_give_chance():
    real, synthesised = faces(people=60, noise=20)
    protocol = recognition.Protocol(60, 27)
    own = recognition.recognise(real, synthesised, protocol)
    shuffled = recognition.recognise(real, synthesised, protocol, pairings=protocol.random_pairings())
    assert own.last > 0.95
    # 660 tests; 4 standard errors above chance
    assert abs(shuffled.last - own.chance) < 4 * np.sqrt(own.chance / 660)


def test_splits_are_frozen():
    protocol = recognition.Protocol.for_database("cuhk-student", 100)
    assert (protocol.train, protocol.repeats, protocol.seed) == (44, 20, 0)
    assert protocol.checksum() == (
        "4f0605bd66180a8e7e0399221326fd72ca5d095e9cbefffa7324769a2975cc62")
    assert np.array_equal(np.sort(protocol.orders(), axis=1), np.tile(np.arange(100), (20, 1)))
    fewer = recognition.Protocol(100, 44, repeats=3)
    assert np.array_equal(fewer.orders(), protocol.orders()[:3])


@pytest.mark.parametrize("database, people, train", [
    ("cufs", 338, 150), ("cufsf", 944, 300), ("cuhk-student", 100, 44), ("portraits", 100, 44), ("portraits", 24, 10),
    ("portraits-wild", 200, 88), ("portraits", 4, 2)])
def test_training_share_is_the_field_s(database, people, train):
    assert recognition.Protocol.for_database(database, people).train == train


def _array(*shape):
    return np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)


@pytest.mark.parametrize("arrays, words", [
    ((_array(1, 9), _array(1, 9), _array(3, 9), _array(3, 9)), "at least two"),
    ((_array(4, 9), _array(3, 9), _array(3, 9), _array(3, 9)), "train_real has 4 rows, train_synthesised 3"),
    ((_array(4, 9), _array(4, 9), _array(3, 9), _array(2, 9)), "probes has 3 rows, gallery 2"),
    ((_array(4, 9), _array(4, 9), _array(3, 8), _array(3, 9)), "probes 8 pixels"),
    ((_array(4, 9), _array(4, 9) * np.nan, _array(3, 9), _array(3, 9)), "train_synthesised: NaN.*4 of 4"),
    ((_array(4, 9), _array(4, 9), _array(0, 9), _array(0, 9)), r"probes: .*\(0, 9\)"),
    ((_array(4, 9, 9, 3), _array(4, 9), _array(3, 9), _array(3, 9)), "to_grey"),
    ((_array(4, 9).astype(str), _array(4, 9), _array(3, 9), _array(3, 9)), "are not numbers"),
])
def test_bad_arrays_are_named(arrays, words):
    with pytest.raises(StudyError, match=words):
        recognition.nlda_curve(*arrays)


def test_bad_protocols_and_names_are_refused():
    real, synthesised = faces(10)
    for train, repeats, words in ((1, 20, "at least two"), (9, 20, "at least two must be left"), (4, 0, "repeats")):
        with pytest.raises(StudyError, match=words):
            recognition.Protocol(10, train, repeats)
    protocol = recognition.Protocol(10, 4)
    with pytest.raises(StudyError, match="Did you mean nlda"):
        recognition.recognise(real, synthesised, protocol, method="nlds")
    with pytest.raises(StudyError, match="Did you mean photo-to-sketch"):
        recognition.recognise(real, synthesised, protocol, direction="photo-to-sketches")
    with pytest.raises(StudyError, match="10 faces, but the protocol is for 12"):
        recognition.recognise(real, synthesised, recognition.Protocol(12, 4))
    with pytest.raises(StudyError, match="one of each"):
        recognition.recognise(real, synthesised[:9], protocol)
    with pytest.raises(StudyError, match="one type"):
        recognition.recognise(Faces(real), synthesised.astype(float), protocol)
