"""Images: MATLAB's grey, refusals instead of silent conversions, whole files or none."""

from __future__ import annotations

import errno
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib.__main__ import main
from lib.base import files, images
from lib.base.errors import StudyError
from lib.base.pairing import by_name


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


def claiming(width, height):
    """The head of a grey PNG of so many pixels, by the format's specification, with a piece of the rest."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(9)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(content)) + kind + content
                                          + struct.pack(">I", zlib.crc32(kind + content)) for kind, content in chunks)


def readers(path):
    return ((lambda: images.read_image(path)), (lambda: images.read_photo(path, "face.png")),
            (lambda: images.size_of(path)))


@pytest.mark.parametrize("width, height, words", [
    (10_001, 10_000, "10001×10000 pixels"), (13_300, 13_300, "13300×13300 pixels"), (20_000, 20_000, "400 million"),
    (2**30, 2**30, "1152921504606 million")])
def test_more_pixels_than_memory_may_hold_are_refused_by_file_size_and_remedy(tmp_path, width, height, words):
    (tmp_path / "face.png").write_bytes(claiming(width, height))
    for read in readers(tmp_path / "face.png"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(StudyError, match=f"face.png: {words}.* more than 100 million.*-resize") as caught:
                read()
        assert "bomb" not in str(caught.value)


def test_up_to_that_many_pixels_nobody_is_warned(tmp_path):
    (tmp_path / "face.png").write_bytes(claiming(10_000, 10_000))
    *read_pixels, read_size = readers(tmp_path / "face.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_size() == (10_000, 10_000)
        for read in read_pixels:
            with pytest.raises(StudyError, match="cannot be read as an image"):  # for want of the pixels, no more
                read()


def test_png_round_trip_and_refused_arrays(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    images.write_png(tmp_path / "deep" / "face.png", image)
    assert np.array_equal(images.read_image(tmp_path / "deep" / "face.png"), image)
    for wrong in (image.astype(float), image[..., :2], image[None]):
        with pytest.raises(StudyError, match="expected a uint8 image"):
            images.write_png(tmp_path / "face.png", wrong)


def test_failed_write_leaves_the_old_file_and_no_debris(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(StudyError, match="No space left"), files.atomic_file(path) as temporary:
        temporary.write_text("half of the new", encoding="utf-8")
        raise OSError(28, "No space left on device")
    with pytest.raises(KeyboardInterrupt), files.atomic_file(path):
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "old" and [p.name for p in tmp_path.iterdir()] == ["scores.csv"]


def test_a_failure_of_another_file_keeps_its_name(tmp_path):
    """Of a file read or written meanwhile; an error without a name, or with the new file's, is the new file's."""
    table, missing = tmp_path / "scores.csv", tmp_path / "missing" / "face.png"
    for fail in (missing.read_bytes, missing.touch, lambda: os.stat(os.fsencode(missing))):
        with pytest.raises(FileNotFoundError) as caught, files.atomic_file(table):
            fail()
        assert Path(os.fsdecode(caught.value.filename)) == missing
    for name in (lambda temporary: str(temporary), lambda temporary: os.fsencode(temporary), lambda _: table,
                 lambda _: None, lambda _: 7):
        with pytest.raises(StudyError, match="scores.csv: cannot be written .Input/output error"):
            with files.atomic_file(table) as temporary:
                raise OSError(errno.EIO, "Input/output error", name(temporary))
    assert not list(tmp_path.iterdir())


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(StudyError, match="no such folder"):
        images.list_images(tmp_path / "photos")
    with pytest.raises(StudyError, match="holds no images"):
        images.list_images(tmp_path)


@pytest.mark.parametrize("suffix", images.UNREAD_SUFFIXES)
def test_images_of_kinds_that_are_not_read_are_named_instead_of_passed_over(tmp_path, suffix):
    _save(tmp_path / "read.png", "L")
    (tmp_path / f"left-out{suffix.upper()}").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image, nobody expects it to be read", encoding="utf-8")
    for function in (images.list_images, by_name):
        with pytest.raises(StudyError, match=f"left-out{suffix.upper()}") as error:
            function(tmp_path)
        assert str(tmp_path) in str(error.value) and "notes.txt" not in str(error.value)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)
    with pytest.raises(StudyError, match="cannot be read .Permission denied"):
        images.list_images(tmp_path)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_images_stored_turned_are_refused(tmp_path, suffix, orientation):
    path, face, tag = tmp_path / f"face.{suffix}", Image.new("RGB", (8, 6), (200, 10, 10)), Image.Exif()
    tag[0x112] = 1
    face.save(path, exif=tag)
    assert images.read_image(path).shape == (6, 8, 3)
    tag[0x112] = orientation
    face.save(path, exif=tag)
    with pytest.raises(StudyError, match=f"EXIF orientation {orientation}") as error:
        images.read_image(path)
    assert str(path) in str(error.value) and "-auto-orient" in str(error.value)


def test_a_tiff_stored_turned_comes_out_upright(tmp_path):
    upright = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    tag = Image.Exif()
    tag[0x112] = 3  # by 180°
    Image.fromarray(upright[::-1, ::-1]).save(tmp_path / "face.tif", exif=tag)
    assert np.array_equal(images.read_image(tmp_path / "face.tif"), upright)


def test_16_bit_ppm_is_refused_and_8_bit_ppm_read(tmp_path):
    path, values = tmp_path / "face.ppm", np.arange(48).reshape(4, 4, 3)
    path.write_bytes(b"P6\n4 4\n65535\n" + (values * 1000).astype(">u2").tobytes())
    with pytest.raises(StudyError, match="face.ppm: a 16-bit image"):
        images.read_image(path)
    path.write_text("P3\n4 4\n1023\n" + " ".join(map(str, values.ravel())), encoding="utf-8")
    with pytest.raises(StudyError, match="face.ppm: a 16-bit image"):
        images.read_image(path)
    path.write_bytes(b"P6\n4 4\n255\n" + values.astype(np.uint8).tobytes())
    assert np.array_equal(images.read_image(path), values)


def test_16_bit_tiff_with_a_plane_per_colour_is_refused(tmp_path):
    """Written byte by byte: no library at hand writes this kind."""
    plane = np.arange(16, dtype="<u2").tobytes()
    entries = [(256, 3, 1, 4), (257, 3, 1, 4), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 3, 140),
               (277, 3, 1, 3), (278, 3, 1, 4), (279, 4, 3, 152), (284, 3, 1, 2)]  # tag, type, count, value or place
    header = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    lists = struct.pack("<I3H3I3I", 0, 16, 16, 16, 164, 196, 228, 32, 32, 32)
    assert len(header) + len(lists) == 164 and len(header) + 4 == 134
    (tmp_path / "face.tif").write_bytes(header + lists + 3 * plane)
    with Image.open(tmp_path / "face.tif") as image:
        assert image.mode == "RGB" and len(image.tile) == 3  # what Pillow would hand out as 8 bit
    with pytest.raises(StudyError, match="face.tif: a 16-bit image"):
        images.read_image(tmp_path / "face.tif")


@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_files_of_several_images_are_refused(tmp_path, suffix):
    path = tmp_path / f"face.{suffix}"
    first, second = (Image.new("L", (8, 8), grey) for grey in (0, 255))
    first.save(path, save_all=True, append_images=[second])
    with pytest.raises(StudyError, match=f"face.{suffix}: holds 2 images"):
        images.read_image(path)


def test_a_phone_photo_with_a_preview_image_is_read(tmp_path):
    first, second = (Image.new("RGB", (8, 8), (grey,) * 3) for grey in (40, 200))
    first.save(tmp_path / "face.jpg", format="MPO", save_all=True, append_images=[second])
    assert (images.read_image(tmp_path / "face.jpg") == 40).all()


@pytest.mark.parametrize("command", ["score", "recognise"])
def test_a_table_is_never_written_over_an_image(command, tmp_path, capsys):
    picture = tmp_path / "p00.PNG"
    picture.write_bytes(b"precious")
    with pytest.raises(SystemExit) as stop:
        main([command, str(tmp_path), str(tmp_path), "--csv", str(picture)])
    assert stop.value.code == 2 and "is an image's name" in capsys.readouterr().err
    assert picture.read_bytes() == b"precious"
