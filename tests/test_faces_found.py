"""Finding and recognising a real face with dlib's published models: scikit-image's astronaut (NASA, public domain).

Her eyes were measured by hand on the photo: pupils at (203, 100) and (247, 104), to two pixels.
On CUHK Student, which cannot be part of these tests, dlib finds a face in all 176 training images, and of 100 test
sketches looked up among 100 photos 29 are found at rank 1.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from published_models import need_dlib
from skimage import data

need_dlib()

from lib.__main__ import main  # noqa: E402
from lib.base import images  # noqa: E402
from lib.base.errors import StudyError  # noqa: E402
from lib.databases.alignment import align_photo, faces  # noqa: E402
from lib.evaluation.recognition import recognisers  # noqa: E402

ASTRONAUT = data.astronaut()
PUPILS = (203, 100, 247, 104)


def resized(picture, scale):
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("scale", [0.6, 1, 4])
def test_her_eyes_are_found_at_every_size(scale):
    found = faces.the_face(resized(ASTRONAUT, scale), "astronaut")
    np.testing.assert_allclose(np.array(found.eyes) / scale, PUPILS, atol=3.5)
    assert abs(found.nose - 0.5) < 0.1


def test_aligned_eyes_stand_where_the_field_has_them():
    face = align_photo(ASTRONAUT, "astronaut").face
    np.testing.assert_allclose(faces.the_face(face, "aligned").eyes, (75, 125, 125, 125), atol=1.5)
    turned = np.asarray(Image.fromarray(ASTRONAUT).rotate(-20, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)))
    again = align_photo(turned, "turned").face
    inner = np.s_[80:200, 60:140]
    assert np.abs(again[inner].astype(int) - face[inner]).mean() < 8  # of pictures whose spread is 60


def bad_pictures():
    two = np.concatenate([ASTRONAUT[:300, 60:400], ASTRONAUT[:300, 60:400]], axis=1)
    aside = ASTRONAUT.copy()
    return {"nobody": (data.coffee(), "no face found"), "two": (two, "2 faces found"),
            "tiny": (resized(ASTRONAUT, 0.22), "too small"), "cat": (data.chelsea(), "no face found"),
            "profile": (data.camera(), "no face found"),
            "upside-down": (aside[::-1], "no face found")}


@pytest.mark.parametrize("name", sorted(bad_pictures()))
def test_pictures_that_will_not_do_are_refused_with_a_sentence(tmp_path, capsys, name):
    picture, words = bad_pictures()[name]
    images.write_png(tmp_path / f"{name}.png", np.ascontiguousarray(picture))
    for command, output in (("align", "aligned"), ("sketch", "sketch.png")):
        assert main([command, str(tmp_path / f"{name}.png"), str(tmp_path / output)]) == 2
        message = capsys.readouterr().err
        assert words in message and f"{name}.png" in message and "--eyes" in message and "Traceback" not in message


def test_a_face_turned_aside_is_told_by_its_nose():
    found = faces.the_face(ASTRONAUT, "astronaut")
    points = found.points.copy()
    points[4, 0] = found.eyes[0] + 0.1 * (found.eyes[2] - found.eyes[0])
    assert faces.Face(found.box, points, 1.0).nose == pytest.approx(0.1, abs=0.05)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(StudyError, match="turned aside"):
        patch.setattr(faces, "find", lambda picture: [faces.Face(found.box, points, 1.0)])
        faces.the_face(ASTRONAUT, "astronaut")


def test_a_photo_turned_by_its_exif_gives_the_same_face(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 8
    Image.fromarray(np.rot90(ASTRONAUT, -1)).save(tmp_path / "phone.png", exif=exif)
    images.write_png(tmp_path / "upright.png", ASTRONAUT)
    for name in ("phone", "upright"):
        assert main(["align", str(tmp_path / f"{name}.png"), str(tmp_path / "out")]) == 0
    first, second = (images.read_image(tmp_path / "out" / f"{name}.png") for name in ("phone", "upright"))
    np.testing.assert_array_equal(first, second)


def test_vectors_tell_her_from_others_as_dlib_promises():
    """Same person below 0.6, dlib's published threshold, whatever was done to the photo; another above."""
    from lib import databases

    face = align_photo(ASTRONAUT, "astronaut").face
    blurred = resized(resized(face, 0.4), 2.5)
    mirrored = np.ascontiguousarray(face[:, ::-1])
    other = databases.load("portraits", "train", limit=1).photos[0]
    vectors = [recognisers.embed_with_dlib(picture) for picture in (face, blurred, mirrored, other)]
    distances = [np.linalg.norm(vectors[0] - vector) for vector in vectors]
    assert distances[1] < 0.6 and distances[2] < 0.6 < distances[3]
    assert vectors[0].shape == (128,)


def test_images_without_a_face_have_a_vector_only_in_the_field_s_geometry():
    assert recognisers.embed_with_dlib(np.full((250, 200), 127, np.uint8)).shape == (128,)
    with pytest.raises(StudyError, match="python -m lib align"):
        recognisers.embed_with_dlib(np.full((100, 100, 3), 127, np.uint8))
