"""SSIM and FSIM against the authors' MATLAB programs, scikit-image, piq and a literal double-precision FSIM.

tests/data/oracles: distorted versions of scikit-image's sample pictures and, in matlab_reference.csv,
what Wang's ssim_index and Zhang's FeatureSIM gave for them under Octave (grey by MATLAB's rgb2gray).
"""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import piq
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lib import metrics
from lib.base.errors import StudyError
from lib.base.images import read_image, to_grey
from lib.metrics import phase_congruency as pc
from lib.metrics.feature_similarity import feature_maps
from lib.metrics.workspace import Workspaces

ORACLES = Path(__file__).parent / "data" / "oracles"
ROWS = list(csv.DictReader((ORACLES / "matlab_reference.csv").open(encoding="utf-8")))


def pair_of(row):
    return read_image(ORACLES / row["ref"]), read_image(ORACLES / row["dis"])


@pytest.fixture(scope="module")
def faces():
    """Four pairs of 250 × 200 colour images: sample pictures, noisy and blurred."""
    rows = [row for row in ROWS if row["dis"] in ("astronaut_blur.png", "coffee_noise.png", "cat_shift.png",
                                                 "coffee_contrast.png")]
    references, images = zip(*(pair_of(row) for row in rows))
    return np.stack(references), np.stack(images)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["dis"])
def test_equal_to_the_matlab_programs(row):
    reference, image = pair_of(row)
    assert metrics.ssim(reference, image) == pytest.approx(float(row["ssim"]), abs=1e-5)
    assert metrics.fsim(reference, image) == pytest.approx(float(row["fsim"]), abs=1e-5)
    if row["fsimc"] != "NaN":
        assert metrics.fsim(reference, image, chromatic=True) == pytest.approx(float(row["fsimc"]), abs=1e-5)


def test_ssim_agrees_with_scikit_image(faces):
    for reference, image in zip(*faces):
        theirs = structural_similarity(to_grey(reference), to_grey(image), gaussian_weights=True, sigma=1.5,
                                       use_sample_covariance=False, data_range=255)
        assert metrics.ssim(reference, image) == pytest.approx(theirs, abs=1e-9)


def test_fsim_agrees_with_piq(faces):
    for reference, image in zip(*faces):
        tensors = [torch.from_numpy(to_grey(face)).double()[None, None] for face in (reference, image)]
        theirs = piq.fsim(*tensors, data_range=255, chromatic=False).item()
        assert metrics.fsim(reference, image) == pytest.approx(theirs, abs=2e-4)  # piq claims no more


def literal_phase_congruency(image):
    """Kovesi's phase congruency with FSIM's constants, term by term in double precision, nothing saved."""
    height, width = image.shape
    axes = [(np.arange(n) - n // 2) / (n - n % 2) for n in (height, width)]
    radius = np.fft.ifftshift(np.sqrt(axes[0][:, None] ** 2 + axes[1][None] ** 2))
    angle = np.fft.ifftshift(np.arctan2(-axes[0][:, None], axes[1][None]))
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    energy_all, amplitude_all = np.zeros(image.shape), np.zeros(image.shape)
    for turn in range(4):
        direction = turn * np.pi / 4
        distance = np.abs(np.angle(np.exp(1j * (angle - direction))))
        spread = np.exp(-distance**2 / (2 * (np.pi / 4 / 1.2) ** 2))
        filters = []
        for scale in range(4):
            gabor = np.exp(-np.log(radius * 6 * 2**scale) ** 2 / (2 * np.log(0.55) ** 2)) * low_pass
            gabor[0, 0] = 0
            filters.append(gabor * spread)
        responses = [np.fft.ifft2(np.fft.fft2(image) * f) for f in filters]
        even, odd = sum(r.real for r in responses), sum(r.imag for r in responses)
        length = np.sqrt(even**2 + odd**2) + 1e-4
        even, odd = even / length, odd / length
        energy = sum(r.real * even + r.imag * odd - np.abs(r.real * odd - r.imag * even) for r in responses)
        spatial = [np.fft.ifft2(f).real * np.sqrt(height * width) for f in filters]
        squares = sum(np.sum(s**2) for s in spatial)
        products = sum(np.sum(spatial[i] * spatial[j]) for i in range(4) for j in range(i + 1, 4))
        power = -np.median(np.abs(responses[0]) ** 2) / np.log(0.5) / np.sum(filters[0] ** 2)
        tau = np.sqrt((2 * power * squares + 4 * power * products) / 2)
        threshold = (tau * np.sqrt(np.pi / 2) + 2 * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7
        energy_all += np.maximum(energy - threshold, 0)
        amplitude_all += sum(np.abs(r) for r in responses)
    return energy_all / amplitude_all


@pytest.mark.parametrize("shape", [(250, 200), (101, 64), (37, 51)])
def test_single_precision_costs_nothing_at_any_size(shape):
    image = to_grey(read_image(ORACLES / "astronaut_ref.png"))[:shape[0], :shape[1]]
    assert np.abs(pc.phase_congruency(image) - literal_phase_congruency(image.astype(float))).max() < 2e-5


@pytest.mark.parametrize("n", [1, 2, 5, 1000, 50_000, 50_001])
def test_bracketed_median_is_exact(n):
    values = np.random.default_rng(n).rayleigh(size=n).astype(np.float32)
    squares = np.sort(values.astype(np.float64) ** 2)
    assert pc._median(values) ** 2 == pytest.approx(np.median(squares), rel=1e-12)
    assert pc._median(np.full(n, 3, np.float32)) == 3
    assert pc._median(np.sort(values)) == pc._median(values)


@pytest.mark.parametrize("size, factor", [(383, 1), (384, 2), (400, 2), (650, 3), (1000, 4)])
def test_large_images_are_averaged_and_decimated_as_matlab_does(size, factor):
    image = np.random.default_rng(size).integers(0, 256, (size, size + 7), dtype=np.uint8)
    padded = np.pad(image.astype(float), factor)
    # conv2(image, ones(F)/F², 'same'): the full convolution from its element F//2 on.
    windows = np.lib.stride_tricks.sliding_window_view(padded, (factor, factor)).mean(axis=(2, 3))
    expected = windows[1 + factor // 2:, 1 + factor // 2:][:size:factor, :size + 7:factor]
    maps = feature_maps(image)
    assert maps.phase.shape == expected.shape
    assert np.abs(maps.phase - pc.phase_congruency(expected)).max() < 1e-6


def test_properties(faces):
    reference, image = faces[0][0], faces[1][0]
    for score in (metrics.ssim, metrics.fsim, lambda a, b: metrics.fsim(a, b, chromatic=True)):
        assert score(reference, reference) == pytest.approx(1, abs=1e-7)
        assert score(reference, image) == pytest.approx(score(image, reference), abs=1e-7)
        assert 0 < score(reference, image) < 1
    grey = to_grey(reference)
    plain = metrics.fsim(grey, to_grey(image))
    assert metrics.fsim(grey, to_grey(image), chromatic=True) == pytest.approx(plain, abs=1e-6)
    assert metrics.fsim(reference, image) == metrics.fsim(grey, image) == plain


def test_constant_images_have_a_score():
    flat, other = np.full((40, 30), 90, np.uint8), np.full((40, 30), 200, np.uint8)
    assert metrics.fsim(flat, flat) == metrics.ssim(flat, flat) == 1
    assert 0 < metrics.ssim(flat, other) < 1
    assert np.isfinite(metrics.fsim(flat, other))
    textured = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    assert 0 <= metrics.fsim(flat, textured) < 0.9


def test_batches_and_threads_cannot_change_a_score(faces):
    references, images = faces
    one_by_one = [metrics.fsim(*pair) for pair in zip(references, images)]
    for workers in (1, 3):
        for size in (1, 3, 4):
            parts = [metrics.fsim_batch(references[i:i + size], images[i:i + size], workers=workers)
                     for i in range(0, 4, size)]
            assert np.concatenate(parts).tolist() == one_by_one
    assert metrics.ssim_batch(references, images).tolist() == [metrics.ssim(*pair) for pair in zip(references, images)]
    known = [feature_maps(reference, chromatic=True) for reference in references]
    assert (metrics.fsim_batch(known, images, chromatic=True).tolist()
            == metrics.fsim_batch(references, images, chromatic=True).tolist())


def test_psnr_and_mae_are_scikit_image_s_and_numpy_s(faces):
    for reference, image in zip(*faces):
        for pair in ((reference, image), (reference[..., 0], image[..., 0])):
            assert metrics.psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=1e-9)
            assert metrics.mae(*pair) == pytest.approx(np.abs(np.subtract(*pair, dtype=float)).mean(), abs=1e-9)
        # Grey beside colour is its replication.
        assert metrics.psnr(reference[..., 0], image) == metrics.psnr(np.repeat(reference[..., :1], 3, axis=-1), image)
    black, white = np.zeros((2, 3), np.uint8), np.full((2, 3), 255, np.uint8)
    assert metrics.psnr(black, white) == 0 and metrics.mae(black, white) == metrics.mae(white, black) == 255
    assert metrics.psnr(black, black) == np.inf and metrics.mae(black, black) == 0


def test_arrays_are_used_again_by_one_thread_and_one_size_only():
    arrays = Workspaces(np.empty)
    first = arrays((30, 40))
    assert arrays((30, 40)) is first
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(arrays, (30, 40)).result() is not first
    assert arrays((40, 30)).shape == (40, 30)
    assert arrays((2000, 1000)) is not arrays((2000, 1000))  # too large to keep


@pytest.mark.parametrize("change, message", [
    (lambda x: x.astype(float), "uint8"), (lambda x: x[:-1], "200×249"), (lambda x: x[..., :2], "H, W, 3"),
    (lambda x: x[None], "H, W, 3")])
def test_unusable_images_are_refused(faces, change, message):
    reference = faces[0][0]
    for score in (metrics.ssim, metrics.fsim, metrics.scoot, metrics.psnr, metrics.mae):
        with pytest.raises(StudyError, match=message):
            score(reference, change(reference))


def test_unusable_stacks_are_refused(faces):
    references, images = faces
    for batch in (metrics.ssim_batch, metrics.fsim_batch):
        with pytest.raises(StudyError, match="4 references but 3 images"):
            batch(references, images[:3])
        with pytest.raises(StudyError, match="n, H, W"):
            batch(references[0, 0], images)
    with pytest.raises(StudyError, match="too small"):
        metrics.ssim(references[0][:8, :8], images[0][:8, :8])
