"""Scores by region: scikit-image's SSIM map, closed forms of blur and noise, and what happens outside a region."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import serve_study
from skimage.draw import ellipse
from skimage.metrics import structural_similarity

from lib import __main__
from lib.base import paths
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.base.images import to_grey
from lib.evaluation import region_scores, regions
from lib.metrics import ssim, ssim_map
from lib.training import run_folders

STUDY = "tiny", "portraits"
RNG = np.random.default_rng(3)
TEXTURE = RNG.integers(60, 196, (250, 200)).astype(np.uint8)


def test_the_map_is_scikit_images():
    noisy = np.clip(TEXTURE + RNG.normal(0, 30, TEXTURE.shape), 0, 255).astype(np.uint8)
    _, expected = structural_similarity(TEXTURE, noisy, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                        data_range=255, full=True)
    found = ssim_map(TEXTURE, noisy)
    np.testing.assert_allclose(found, expected[5:-5, 5:-5], atol=1e-6)
    table = region_scores.score(TEXTURE[None], noisy[None]).iloc[0]
    for region in regions.FEATURES:
        assert table[f"{region} ssim"] == pytest.approx(expected[regions.mask(region)].mean(), abs=1e-6)
    assert table["whole ssim"] == ssim(TEXTURE, noisy)


def test_regions_are_where_they_are_said_to_be():
    """Drawn by scikit-image, whose ellipses are open: the pixels on their borders may be missing."""
    drawn = {}
    for region, ellipses in {"eyes": [(125, 75, 11, 20), (125, 125, 11, 20)], "mouth": [(180, 100, 14, 28)]}.items():
        drawn[region] = np.zeros((250, 200), bool)
        for each in ellipses:
            drawn[region][ellipse(*each)] = True
    rows, columns = ellipse(145, 100, 66 * 1.2, 50 * 1.2)
    drawn["chin"] = np.zeros((250, 200), bool)
    drawn["chin"][rows, columns] = rows >= 175
    drawn["chin"][ellipse(145, 100, 66 * 0.92, 50 * 0.92)] = False
    for region, expected in drawn.items():
        assert np.sum(expected != regions.mask(region)) <= 8, region
    assert regions.mask("chin")[211, 100] and not regions.mask("chin")[:175].any()  # the face's ellipse ends at 211


@pytest.mark.parametrize("region", regions.FEATURES)
def test_detail_is_that_of_the_region_alone(region):
    """Half the contrast inside, thrice outside."""
    inside = regions.mask(region)
    flat = np.full((250, 200), 128.0)
    target = flat + np.where(np.indices(flat.shape).sum(axis=0) % 2, 40, -40)  # alternates: a blur leaves nothing
    made = flat + np.where(inside, 0.5, 3.0) * (target - flat)
    table = region_scores.score(target[None].astype(np.uint8), made[None].clip(0, 255).astype(np.uint8)).iloc[0]
    assert table[f"{region} detail"] == pytest.approx(0.5, abs=0.03)
    assert table["whole detail"] > 2
    assert all(table[f"{other} detail"] > 2.5 for other in regions.FEATURES if other != region)


def test_noise_is_measured_where_the_target_is_smooth():
    """The target has strokes in the upper half of the face and of the background alone; white noise of 8 grey levels
    leaves √(1 − 2 g(0) + Σ g²) of itself after the blur is taken away, g being the Gaussian of 2 px in the plane."""
    target, rows = np.full((250, 200), 200, np.uint8), np.arange(250)[:, None]
    halves = {region: int(np.median(np.nonzero(regions.mask(region))[0])) for region in ("face", "background")}
    for first, last, columns in ((60, halves["face"], np.s_[35:165]), (0, halves["background"], np.s_[:])):
        target[first:last, columns] = TEXTURE[first:last, columns]
    smooth = region_scores.smooth_places(target)
    for region, half in halves.items():
        inside = regions.mask(region)
        assert smooth[inside].mean() == pytest.approx(0.5, abs=0.02)
        assert smooth[inside & (rows > half + 8)].all() and not smooth[inside & (rows < half - 8)].any()
    assert smooth.sum() == smooth[regions.mask("face") | regions.mask("background")].sum()

    steps = np.arange(-12, 13)
    g = np.exp(-steps**2 / 8) / np.exp(-steps**2 / 8).sum()
    kept = np.sqrt(1 - 2 * g[12] ** 2 + (g**2).sum() ** 2)
    noise = RNG.normal(0, 8, target.shape)
    made = np.stack([np.rint(200 + noise), np.full(target.shape, 90)]).astype(np.uint8)
    found = region_scores.score(np.stack([target] * 2), made)["smooth noise"]
    assert found[0] == pytest.approx(np.sqrt(64 + 1 / 12) * kept, rel=0.02) and found[1] < 1e-9


def test_a_blank_target_is_smooth_everywhere_in_its_regions():
    blank = region_scores.smooth_places(np.full((250, 200), 255, np.uint8))
    np.testing.assert_array_equal(blank, regions.mask("face") | regions.mask("background"))


def test_photos_are_judged_in_grey():
    photos = RNG.integers(0, 256, (2, 250, 200, 3)).astype(np.uint8)
    made = np.roll(photos, 1, axis=2)
    grey = region_scores.score(np.stack([to_grey(photo) for photo in photos]), np.stack([to_grey(x) for x in made]))
    pd.testing.assert_frame_equal(region_scores.score(photos, made), grey)


def test_faces_of_another_size_are_refused():
    with pytest.raises(StudyError, match="200×250"):
        region_scores.score(np.zeros((1, 50, 40), np.uint8), np.zeros((1, 50, 40), np.uint8))
    with pytest.raises(StudyError, match="targets"):
        region_scores.score(np.zeros((1, 250, 200), np.uint8), np.zeros((2, 250, 200), np.uint8))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Two runs of the backbone, one of it with MSG and one of MSG-SARL, whose faces are their targets, moved."""
    faces = serve_study(tmp_path, monkeypatch, 3)
    for shift, (system, seed) in enumerate((("backbone", 2), ("backbone", 3), ("backbone-msg", 2), ("msg-sarl", 2))):
        folder = paths.run_folder(*STUDY, system, seed)
        for direction, real in zip(DIRECTIONS, (faces.sketches, faces.photos)):
            run_folders.write_synthesised(folder, direction, faces.names, np.roll(real, shift, axis=2))
    return faces


def test_a_row_per_face_and_rows_of_faces_that_are_elsewhere_stay(study):
    table = region_scores.write(*STUDY, ("backbone", "backbone-msg"))
    assert len(table) == 3 * 2 * 3 and set(table.system) == {"backbone", "backbone-msg"}
    first = table.query("system == 'backbone' and seed == 2")
    assert (first["chin ssim"] == 1).all() and (first["eyes detail"] == 1).all()  # moved by nothing
    moved = table.query("system == 'backbone-msg' and direction == @DIRECTIONS[0]")
    expected = region_scores.score(study.sketches, np.roll(study.sketches, 2, axis=2))
    np.testing.assert_allclose(moved[list(region_scores.COLUMNS)], expected, rtol=1e-4)
    assert moved.image.tolist() == list(study.names)

    for direction in DIRECTIONS:
        folder = paths.run_folder(*STUDY, "backbone", 3) / direction
        for file in folder.iterdir():
            file.unlink()
    pd.testing.assert_frame_equal(region_scores.write(*STUDY, ("backbone",)), table)
    means = region_scores.summary(table)
    assert len(means) == 6 and set(means.faces) == {3}
    assert means.loc[(DIRECTIONS[0], "backbone-msg", 2), "mouth ssim"] == pytest.approx(moved["mouth ssim"].mean())


def test_without_faces_it_is_said_what_makes_them(study):
    with pytest.raises(StudyError, match="--system backbone-attention"):
        region_scores.write(*STUDY, ("backbone-attention",))
    assert region_scores.read(*STUDY).empty


def test_the_command_writes_the_table(study, capsys):
    assert __main__.main(["score", "--profile", STUDY[0], "--database", STUDY[1], "--regions"]) == 0
    said = capsys.readouterr().out
    assert str(paths.study_folder(*STUDY) / "region_scores.csv") in said
    shown = next(line for line in said.splitlines() if line.startswith("photo-to-sketch backbone "))
    both = region_scores.read(*STUDY).query("system == 'backbone' and direction == 'photo-to-sketch'")
    assert float(shown.split()[2]) == pytest.approx(both["chin ssim"].mean(), abs=6e-4)  # over both trainings
    assert set(region_scores.read(*STUDY).system) == {"backbone", "backbone-msg"}
