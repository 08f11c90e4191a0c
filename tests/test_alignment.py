"""Aligning portraits: the transform against scikit-image's, photos as they come from phones, and what cannot be used.

Nothing here needs dlib; ``test_faces_found`` does.
"""

from __future__ import annotations

import io
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from skimage import transform

from lib.__main__ import main
from lib.base import images
from lib.base.errors import StudyError
from lib.databases.alignment import align_photo, dlib_models, photos, warp

EYES = (60.0, 90.0, 110.0, 80.0)


def smooth_photo(height=240, width=220, scale=1):
    """A photo without edges, whose resampling is exact to a grey level or so."""
    rows, columns = np.mgrid[:height * scale, :width * scale] / scale
    layers = [127 + 100 * np.sin(rows / 17 + k) * np.cos(columns / (13 + k)) for k in range(3)]
    return np.stack(layers, axis=-1).round().astype(np.uint8)


def by_skimage(photo, eyes):
    """The same by another library: a similarity estimated from the two pairs of points."""
    found = transform.SimilarityTransform.from_estimate(np.array([[75, 125], [125, 125]]), np.reshape(eyes, (2, 2)))
    return transform.warp(photo, found, output_shape=(250, 200), order=3, mode="edge", preserve_range=True)


@pytest.mark.parametrize("eyes", [EYES, warp.EYES, (30.5, 60.0, 180.0, 140.0), (2.0, 3.0, 70.0, 90.0)])
def test_alignment_agrees_with_scikit_image(eyes):
    photo = smooth_photo()
    difference = np.abs(warp.align(photo, eyes).astype(float) - by_skimage(photo, eyes))
    shrinks = np.hypot(eyes[2] - eyes[0], eyes[3] - eyes[1]) >= 100  # means of pixels there, points here
    assert difference.max() < (25 if shrinks else 4)
    assert difference.mean() < (2.5 if shrinks else 0.8)


def test_aligned_photo_of_the_field_s_geometry_is_itself():
    photo = smooth_photo(250, 200)
    np.testing.assert_array_equal(warp.align(photo, warp.EYES), photo)
    np.testing.assert_array_equal(warp.align(photo[..., 0], warp.EYES), photo[..., 0])


def test_dots_on_the_eyes_come_to_their_places():
    photo = np.full((300, 260, 3), 200, np.uint8)
    for x, y in ((60, 90), (110, 80)):
        photo[y - 3:y + 4, x - 3:x + 4] = 0
    dark = 255.0 - warp.align(photo, EYES)[..., 0] - 55
    for x, y in ((75, 125), (125, 125)):
        window = dark[y - 9:y + 10, x - 9:x + 10].clip(0)
        rows, columns = np.mgrid[y - 9:y + 10, x - 9:x + 10]
        centre = (window * columns).sum() / window.sum(), (window * rows).sum() / window.sum()
        np.testing.assert_allclose(centre, (x, y), atol=0.15)


def test_a_larger_photo_gives_the_same_face_and_no_false_pattern():
    small, large = smooth_photo(), smooth_photo(scale=6)
    eyes = tuple(6 * value + 2.5 for value in EYES)  # pixel middles
    difference = np.abs(warp.align(small, EYES).astype(int) - warp.align(large, eyes))
    assert np.percentile(difference, 99) <= 3
    stripes = np.zeros((1500, 1320, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the result can show: grey, not stripes
    inner = warp.align(stripes, eyes)[60:200, 40:160]
    assert inner.std() < 6 and abs(inner.mean() - 127.5) < 3


def test_what_lies_outside_takes_the_border_s_colour_and_is_told():
    photo = np.full((120, 100, 3), (10, 200, 90), np.uint8)
    aligned = align_photo(photo, "me.jpg", (30.0, 40.0, 70.0, 40.0))
    assert np.ptp(aligned.face.reshape(-1, 3), axis=0).max() == 0
    (remark,) = aligned.remarks
    # the result shows 160×200 pixels of the photo, of which 100×120 exist
    assert f"{1 - 100 * 120 / (160 * 200):.0%}" in remark and "me.jpg" in remark
    assert align_photo(smooth_photo(400, 320), "me.jpg", (135.0, 190.0, 185.0, 190.0)).remarks == ()
    enlarged = align_photo(smooth_photo(400, 320), "me.jpg", (150.0, 190.0, 170.0, 190.0)).remarks
    assert len(enlarged) == 1 and "2.5 times" in enlarged[0]


@pytest.mark.parametrize("eyes, words", [
    ((10, 10, 300, 10), "outside the photo of 220×240"), ((50, 50, 51, 50), "less than 4 pixels"),
    ((110, 80, 60, 90), "left first"), ((-1, 10, 50, 10), "outside"),
])
def test_impossible_eyes_are_named(eyes, words):
    with pytest.raises(StudyError, match=words):
        align_photo(smooth_photo(), "me.jpg", tuple(map(float, eyes)))


def test_photos_are_read_as_a_viewer_shows_them(tmp_path):
    photo = smooth_photo(40, 30)
    turned = Image.fromarray(np.rot90(photo))  # the camera held sideways …
    exif = Image.Exif()
    exif[0x112] = 6  # … and what it wrote: turn clockwise
    for name, options in (("phone.png", {}), ("phone.tif", {})):
        turned.save(tmp_path / name, exif=exif, **options)
        np.testing.assert_array_equal(images.read_photo(tmp_path / name, name), photo)
    glass = np.dstack([photo, np.zeros((40, 30), np.uint8)])
    glass[:20, :, 3] = 255
    Image.fromarray(glass).save(tmp_path / "glass.png")
    seen = images.read_photo(tmp_path / "glass.png", "glass.png")
    np.testing.assert_array_equal(seen[:20], photo[:20])
    assert (seen[20:] == 255).all()
    Image.fromarray(photo).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    Image.fromarray(photo[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(photo).convert("CMYK").save(tmp_path / "print.jpg")
    for name in ("palette.png", "grey.png", "print.jpg"):
        assert images.read_photo(tmp_path / name, name).shape == (40, 30, 3)


def huge_png():
    """The head of a PNG of 20,000×20,000 pixels; nobody must try to read the rest."""
    stream = io.BytesIO()
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(stream, "png")
    content = bytearray(stream.getvalue())
    content[16:24] = (11_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize("content, words", [
    (huge_png(), "11000×11000 pixels are more than 100 million"), (b"no picture", "no image of a kind"),
    (b"", "no image of a kind"), (None, "no such file"),
])
def test_command_refuses_what_is_no_photo(tmp_path, capsys, content, words):
    file = tmp_path / "me.png"
    if content is not None:
        file.write_bytes(content)
    assert main(["align", str(file), str(tmp_path / "out"), "--eyes", "1,1,9,1"]) == 2
    said, message = capsys.readouterr()
    assert words in message and "me.png" in message and "Traceback" not in message
    assert not said, "nothing was written, so nothing is said to be"
    assert not (tmp_path / "out").exists()


def test_command_refuses_16_bits_and_several_pages(tmp_path, capsys):
    Image.fromarray(np.zeros((40, 40), np.uint16)).save(tmp_path / "deep.png")
    Image.new("L", (40, 40)).save(tmp_path / "pages.tif", save_all=True, append_images=[Image.new("L", (40, 40))])
    for name, word in (("deep.png", "16"), ("pages.tif", "holds 2 images")):
        assert main(["align", str(tmp_path / name), str(tmp_path / "out"), "--eyes", "1,1,9,1"]) == 2
        assert word in capsys.readouterr().err


def test_command_aligns_by_hand_and_overwrites_nothing(tmp_path, capsys):
    images.write_png(tmp_path / "me.png", smooth_photo())
    arguments = ["align", str(tmp_path / "me.png"), str(tmp_path / "out"), "--eyes"]
    assert main([*arguments, "110,80,60,90"]) == 0  # in either order
    assert "1 face written" in capsys.readouterr().out
    written = images.read_image(tmp_path / "out" / "me.png")
    assert np.abs(written.astype(float) - by_skimage(smooth_photo(), EYES)).mean() < 1
    assert main([*arguments, "60,90,110,80"]) == 2 and "there already" in capsys.readouterr().err
    assert main(["align", str(tmp_path), str(tmp_path / "out2"), "--eyes", "60,90,110,80"]) == 2
    assert "one photo" in capsys.readouterr().err
    assert main([*arguments[:2], str(tmp_path / "out3"), "--eyes", "60,90,110"]) == 2
    assert "four numbers" in capsys.readouterr().err


def test_a_folder_is_made_as_far_as_it_goes(tmp_path):
    for name, value in (("a", 10), ("b", 20), ("c", 30)):
        images.write_png(tmp_path / "in" / f"{name}.png", np.full((9, 9, 3), value, np.uint8))
    (tmp_path / "in" / "d.png").write_bytes(b"broken")

    def make(photo, name):
        if photo[0, 0, 0] == 20:
            raise StudyError(f"{name}: not this one.")
        return photo + 1, [f"made {photo[0, 0, 0]}"]

    report = photos.make_each(photos.outputs_in(tmp_path / "out", tmp_path / "in"), make)
    assert [file.name for file in report.written] == ["a.png", "c.png"] and report.remarks == ["made 10", "made 30"]
    assert images.read_image(tmp_path / "out" / "c.png")[0, 0, 0] == 31
    with pytest.raises(StudyError, match="(?s)2 of 4 photos failed.*b.png: not this one.*d.png: cannot be read"):
        report.raise_failures()


def test_without_dlib_a_sentence_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dlib", None)  # as if it were not installed
    for cached in (dlib_models.detector, dlib_models.landmarks, dlib_models.network):
        cached.cache_clear()
    images.write_png(tmp_path / "me.png", smooth_photo())
    assert main(["align", str(tmp_path / "me.png"), str(tmp_path / "out")]) == 2
    assert "pip install" in capsys.readouterr().err
    assert main(["recognise", str(tmp_path), str(tmp_path), "--recogniser", "dlib"]) == 2
    assert "pip install" in capsys.readouterr().err
