"""Controls: what each makes of known arrays, and that none leaks or invents anything."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lib.base import systems
from lib.base.errors import StudyError
from lib.base.images import to_grey
from lib.rivals import controls


@pytest.fixture
def pairs():
    """Six small pairs: photos (6, 20, 16, 3) and sketches (6, 20, 16)."""
    rng = np.random.default_rng(1)
    return (rng.integers(0, 256, (6, 20, 16, 3), dtype=np.uint8), rng.integers(0, 256, (6, 20, 16), dtype=np.uint8))


def made(name, sources, targets, size=16):
    control = controls.create(name, size=size)
    control.fit(sources, targets)
    return control.synthesise(sources, targets)


def test_names_are_those_of_the_systems():
    assert controls.NAMES == systems.of_kind("control")


@pytest.mark.parametrize("name", controls.NAMES)
def test_faces_have_the_kind_of_the_targets(name, pairs):
    photos, sketches = pairs
    for sources, targets in ((photos, sketches), (sketches, photos)):
        faces = made(name, sources, targets)
        assert faces.shape == targets.shape and faces.dtype == np.uint8


def test_grey_input_is_the_source(pairs):
    photos, sketches = pairs
    np.testing.assert_array_equal(made("grey-input", photos, sketches), to_grey(photos))
    np.testing.assert_array_equal(made("grey-input", sketches, photos), np.repeat(sketches[..., None], 3, -1))


def test_mean_face_ignores_the_source(pairs):
    photos, sketches = pairs
    faces = made("mean-face", photos, sketches)
    np.testing.assert_array_equal(faces[0], np.rint(sketches.mean(axis=0)).astype(np.uint8))
    assert (faces == faces[0]).all()


def test_regression_recovers_a_line_per_pixel():
    rng = np.random.default_rng(2)
    sources = rng.integers(0, 256, (30, 5, 4), dtype=np.uint8)
    slope, offset = rng.uniform(-0.4, 0.4, (5, 4)), rng.uniform(110, 140, (5, 4))
    targets = np.rint(slope * sources + offset).astype(np.uint8)
    faces = made("pixel-regression", sources, targets)
    assert np.abs(faces.astype(int) - targets).max() <= 1


def test_regression_equals_numpys_least_squares(pairs):
    photos, sketches = pairs
    control = controls.create("pixel-regression", size=16)
    control.fit(sketches, photos)
    slope, offset = np.polyfit(sketches[:, 3, 7].astype(float), photos[:, 3, 7, 1].astype(float), 1)
    expected = np.clip(slope * sketches[:, 3, 7] + offset, 0, 255)
    assert np.abs(control.synthesise(sketches)[:, 3, 7, 1] - expected).max() <= 0.51


def test_regression_of_a_constant_source_is_the_mean(pairs):
    _, sketches = pairs
    faces = made("pixel-regression", np.full_like(sketches, 9), sketches)
    np.testing.assert_array_equal(faces[0], np.rint(sketches.mean(axis=0, dtype=np.float32)).astype(np.uint8))


def test_wrong_person_gives_nobody_their_own_and_everybody_one(pairs):
    photos, sketches = pairs
    faces = made("wrong-person", photos, sketches)
    givers = [int(np.flatnonzero((sketches == face).all(axis=(1, 2)))[0]) for face in faces]
    assert sorted(givers) == list(range(6)) and all(i != giver for i, giver in enumerate(givers))


def test_resized_target_is_the_way_through_the_square(pairs):
    photos, sketches = pairs
    cubic = Image.Resampling.BICUBIC
    expected = [Image.fromarray(photo).resize((8, 8), cubic).resize((16, 20), cubic) for photo in photos]
    np.testing.assert_array_equal(made("resized-target", sketches, photos, size=8), np.stack(expected))


def test_only_two_controls_see_the_test_targets(pairs):
    photos, sketches = pairs
    for name in controls.NAMES:
        control = controls.create(name, size=16)
        control.fit(photos, sketches)
        if name in ("wrong-person", "resized-target"):
            with pytest.raises(StudyError, match="test targets"):
                control.synthesise(photos)
        else:
            np.testing.assert_array_equal(control.synthesise(photos), control.synthesise(photos, sketches))


def test_misuse_is_explained(pairs):
    photos, sketches = pairs
    with pytest.raises(StudyError, match="mean-face"):
        controls.create("mean-fase", size=16)
    with pytest.raises(StudyError, match="fit"):
        controls.create("grey-input", size=16).synthesise(photos)
    with pytest.raises(StudyError, match="at least one"):
        controls.create("mean-face", size=16).fit(photos[:0], sketches[:0])
    with pytest.raises(StudyError, match="two test faces"):
        made("wrong-person", photos[:1], sketches[:1])
