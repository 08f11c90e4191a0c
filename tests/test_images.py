"""Images: MATLAB's grey, refusals instead of silent conversions, whole files or none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lib import images
from lib.errors import StudyError


def test_grey_is_rgb2gray_rounded_half_up():
    """Corners of MATLAB's rgb2gray: 0.2989 R + 0.5870 G + 0.1140 B, rounded."""
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 20, 30]]], np.uint8)
    assert images.to_grey(pixels).tolist() == [[76, 150, 29, 255, 18]]
    assert images.to_grey(pixels[..., 0]).tolist() == pixels[..., 0].tolist()


def _save(path, mode):
    image = Image.new("RGB", (8, 8), (200, 10, 10))
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 8), 3000, np.uint16))
    else:
        image = image.convert(mode)
    image.save(path)


@pytest.mark.parametrize("mode, suffix, word", [
    ("P", "png", "palette"), ("CMYK", "jpg", "CMYK"), ("RGBA", "png", "transparency"), ("LA", "png", "transparency"),
    ("I;16", "png", "16"), ("1", "png", "1-bit")])
def test_modes_that_would_lose_something_are_refused(tmp_path, mode, suffix, word):
    path = tmp_path / f"face.{suffix}"
    _save(path, mode)
    with pytest.raises(StudyError, match=word) as error:
        images.read_image(path)
    assert str(path) in str(error.value) and "Convert" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"text"])
def test_unreadable_and_truncated_files_are_named(tmp_path, content):
    path = tmp_path / "face.png"
    path.write_bytes(content)
    with pytest.raises(StudyError, match="face.png: cannot be read"):
        images.read_image(path)
    images.write_png(path, np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(StudyError, match="face.png: cannot be read"):
        images.read_image(path)


def test_png_round_trip_and_refused_arrays(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    images.write_png(tmp_path / "deep" / "face.png", image)
    assert np.array_equal(images.read_image(tmp_path / "deep" / "face.png"), image)
    for wrong in (image.astype(float), image[..., :2], image[None]):
        with pytest.raises(StudyError, match="expected a uint8 image"):
            images.write_png(tmp_path / "face.png", wrong)


def test_failed_write_leaves_the_old_file_and_no_debris(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with pytest.raises(StudyError, match="No space left"), images.atomic_file(path) as temporary:
        temporary.write_text("half of the new")
        raise OSError(28, "No space left on device")
    with pytest.raises(KeyboardInterrupt), images.atomic_file(path):
        raise KeyboardInterrupt
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["scores.csv"]


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(StudyError, match="no such folder"):
        images.list_images(tmp_path / "photos")
    with pytest.raises(StudyError, match="holds no images"):
        images.list_images(tmp_path)
