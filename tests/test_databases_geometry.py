"""The way from 200×250 to the network's square and back."""

import numpy as np
import pytest
from made_up_databases import field
from PIL import Image
from skimage.metrics import structural_similarity

from lib.base.errors import StudyError
from lib.base.images import RESAMPLING
from lib.databases import geometry


@pytest.fixture(scope="module")
def faces():
    from skimage import data
    astronaut = Image.fromarray(data.astronaut()).crop((120, 0, 320, 250))
    return np.stack([np.asarray(astronaut), np.repeat(field("a")[..., None], 3, -1)])


@pytest.mark.parametrize("size", [32, 64, 128, 256])
@pytest.mark.parametrize("fit", geometry.FITS)
@pytest.mark.parametrize("resampling", RESAMPLING)
def test_shapes_and_types(faces, size, fit, resampling):
    for batch in (faces, faces[..., 0]):
        square = geometry.to_square(batch, size, resampling, fit)
        assert square.shape == (2, size, size, *batch.shape[3:]) and square.dtype == np.uint8
        back = geometry.from_square(square, resampling, fit)
        assert back.shape == batch.shape and back.dtype == np.uint8
        assert (back == geometry.through_square(batch, size, resampling, fit)).all()


def test_resize_is_pillows(faces):
    expected = np.asarray(Image.fromarray(faces[0]).resize((128, 128), Image.Resampling.BICUBIC))
    assert (geometry.to_square(faces, 128)[0] == expected).all()


def test_padding_keeps_the_aspect_and_cuts_it_off_again(faces):
    square = geometry.to_square(faces, 250, fit="pad")
    assert (square[:, :, 25:225] == faces).all()  # 250 rows fill the square, 200 columns lie in its middle
    assert (square[:, :, 0] == faces[:, :, 0]).all() and (square[:, :, -1] == faces[:, :, -1]).all()
    assert (geometry.from_square(square, fit="pad") == faces).all()


@pytest.mark.parametrize("resampling", RESAMPLING)
@pytest.mark.parametrize("fit", geometry.FITS)
def test_a_flat_image_stays_flat(resampling, fit):
    flat = np.full((1, 250, 200, 3), 37, np.uint8)
    assert (geometry.through_square(flat, 64, resampling, fit) == 37).all()


@pytest.mark.parametrize("fit", geometry.FITS)
def test_nothing_moves(fit):
    """The centre of brightness of a soft spot stays where it was, to a twentieth of a pixel."""
    down, across = np.mgrid[0:250, 0:200]
    spot = (255 * np.exp(-((down - 90) ** 2 + (across - 70) ** 2) / 200)).round().astype(np.uint8)
    back = geometry.through_square(spot[None], 128, "bicubic", fit)[0].astype(float)
    assert (down * back).sum() / back.sum() == pytest.approx(90, abs=0.05)
    assert (across * back).sum() / back.sum() == pytest.approx(70, abs=0.05)


def test_the_ceiling_rises_with_the_size(faces):
    grey = faces[:1, ..., 0]
    ceilings = [structural_similarity(grey[0], geometry.through_square(grey, size)[0], gaussian_weights=True, sigma=1.5,
                                      use_sample_covariance=False, data_range=255) for size in (32, 64, 128, 256)]
    assert ceilings == sorted(ceilings) and ceilings[-1] > 0.97


def test_refusals(faces):
    with pytest.raises(StudyError, match="bicubic"):
        geometry.to_square(faces, 64, "bicubik")
    with pytest.raises(StudyError, match="resize"):
        geometry.to_square(faces, 64, fit="resise")
    with pytest.raises(StudyError, match="uint8"):
        geometry.to_square(faces / 255, 64)
    assert geometry.to_square(faces[:0], 64).shape == (0, 64, 64, 3)
