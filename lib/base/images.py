"""Reading, writing, resizing and greying images: the one place where pixels enter and leave.

Images are uint8 arrays, (H, W) grey or (H, W, 3) RGB.  Whatever cannot be read as such without a
silent loss (16 bit, palette, CMYK, transparency, several pages) is refused with a remedy instead of converted.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lib.base import paths
from lib.base.errors import StudyError, listed
from lib.base.files import atomic_file

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")
UNREAD_SUFFIXES = (".webp", ".gif", ".jp2", ".jfif", ".heic", ".heif", ".avif")  # images too, but none of ours
MOST_PIXELS = 100_000_000  # 300 MB in memory; a small file may claim any number
_ARCHIVES = (".zip", ".gz", ".bz2", ".tar", ".rar", ".7z")
HEIGHT, WIDTH = 250, 200  # the field's aligned geometry: eyes at (75, 125) and (125, 125)

_REFUSED = {"P": "a palette image", "PA": "a palette image", "CMYK": "a CMYK image", "YCbCr": "a YCbCr image",
            "RGBA": "an image with transparency", "LA": "an image with transparency", "I;16": "a 16-bit image",
            "I;16B": "a 16-bit image", "I": "a 16- or 32-bit image", "F": "a floating-point image",
            "1": "a 1-bit image"}
_UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
_HOW = {"PNG": {"compress_level": 3}, "JPEG": {"quality": 95, "subsampling": 0}, "TIFF": {}, "BMP": {}}
_ORIENTATION = 0x112  # EXIF tag: how a viewer is to turn the stored pixels, 1 for not at all
RESAMPLING = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR,
              "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS, "area": Image.Resampling.BOX}


def table_file(text: str) -> Path:
    """The type of an option that names a table to write: an image's name is a slip, and the image would be lost."""
    if text.lower().endswith(SUFFIXES):
        raise argparse.ArgumentTypeError(f"{text} is an image's name; name a file that ends in .csv")
    if paths.given(text).is_dir() or text.endswith("/"):
        raise argparse.ArgumentTypeError(f"{text} is a folder; name a file in it that ends in .csv")
    return paths.given(text)


def list_images(folder: Path) -> list[Path]:
    """Return the image files directly in ``folder``, sorted by name.

    Raises StudyError when the folder is missing, is not a folder, cannot be read, holds no image (saying what it holds
    instead: arrays of MATLAB or NumPy, an archive, folders), or holds images of kinds that are not read here
    (``UNREAD_SUFFIXES``): passed over, they would be missing from a result unnoticed.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise StudyError(f"{folder}: a file; give the folder that holds the images." if folder.exists() else
                             f"{folder}: no such folder. Check the path.")
        visible = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise StudyError(f"{folder}: cannot be read ({error.strerror or error}). Check its permissions.") from None
    files = [p for p in visible if p.suffix.lower() in SUFFIXES and not p.is_dir()]
    if unread := [p.name for p in visible if p.suffix.lower() in UNREAD_SUFFIXES]:
        raise StudyError(f"{folder}: images of kinds that are not read here ({', '.join(SUFFIXES)} are), "
                         f"{len(unread)} beside {len(files)} others:\n{listed(unread)}\n"
                         "Convert them to PNG, or move them to another folder.")
    if not files:
        raise StudyError(f"{folder}: holds no images ({', '.join(SUFFIXES)}).{_what_else(visible)}")
    return files


def _what_else(entries: list[Path]) -> str:
    """What a folder without images holds instead, and what to do about that."""
    if arrays := [path for path in entries if path.suffix.lower() in (".mat", ".npy", ".npz")]:
        from lib.base import arrays_on_disk
        return arrays_on_disk.advice(arrays[0])
    if packed := [path.name for path in entries if path.suffix.lower() in _ARCHIVES]:
        return f" There is {packed[0]}: unpack it first."
    try:
        below = [path.name for path in entries
                 if path.is_dir() and any(file.suffix.lower() in SUFFIXES for file in path.iterdir())]
    except OSError:
        below = []
    if below:
        return f" Its folders {', '.join(below[:5])} do: give one of them."
    others = [path.name for path in entries if path.is_file()]
    return (f" It holds {', '.join(others[:3])}{', …' if len(others) > 3 else ''}: convert what is an image to PNG."
            if others else " It is empty: give the folder of the images.")


def read_image(path: Path) -> np.ndarray:
    """Read an 8-bit grey or RGB image as uint8, (H, W) or (H, W, 3).

    Raises StudyError naming the file when it is missing, truncated, unreadable, in a mode whose conversion
    would lose something (palette, CMYK, transparency, 16 bit), one of several images in the file (the preview
    images in photos of phones, MPO, do not count), stored turned, or of more than ``MOST_PIXELS``.
    """
    path = Path(path)
    try:
        with _opened(path, str(path)) as image:
            if image.mode in _REFUSED:
                raise StudyError(
                    f"{path}: {_REFUSED[image.mode]} (mode {image.mode}). "
                    "Convert it to 8-bit grey or RGB first, e.g. with `convert IN -depth 8 -type TrueColor OUT.png`.")
            if _is_16_bit(image) or "transparency" in image.info:
                # Pillow calls these RGB and drops the lower byte, or the transparent colour.
                raise StudyError(
                    f"{path}: a 16-bit image or one with a transparent colour. Convert it to plain 8-bit grey or RGB "
                    "first, e.g. with `convert IN -depth 8 -alpha off -type TrueColor OUT.png`.")
            if image.mode not in ("L", "RGB"):
                raise StudyError(f"{path}: unsupported image mode {image.mode}. Convert it to 8-bit grey or RGB.")
            _require_one(image, str(path))
            image.load()
            # Pillow turns TIFFs itself and then drops the tag; of other formats it hands out the pixels as stored.
            if (turned := image.getexif().get(_ORIENTATION, 1)) in range(2, 9):
                raise StudyError(
                    f"{path}: its pixels are stored turned or mirrored (EXIF orientation {turned}), and not every "
                    "program follows that. Turn the pixels, e.g. with `convert IN -auto-orient OUT.png`.")
            return np.asarray(image)
    except FileNotFoundError:
        raise StudyError(f"{path}: no such file. Check the path.") from None
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None


@contextlib.contextmanager
def _opened(source: Path | BinaryIO, name: str) -> Iterator[Image.Image]:
    """An image of whose file only the head is read yet; StudyError, before pixels take memory, for too many of them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # from 89 million pixels on
            image = Image.open(source)
    except Image.DecompressionBombError as error:  # from 179 million on; of their number only its words tell
        count = re.search(r"\d+", str(error))
        size = f"{int(count[0]) // 10**6} million" if count else "so many"
    else:
        with image:
            if image.width * image.height <= MOST_PIXELS:
                yield image
                return
            size = f"{image.width}×{image.height}"
    raise StudyError(f"{name}: {size} pixels are more than {MOST_PIXELS // 10**6} million. Make it smaller first, e.g. "
                     "with `convert IN -resize 4000x4000 OUT.jpg`.")


def _unreadable(path: Path, error: Exception) -> StudyError:
    """The error for a file that Pillow refuses, without the path that its own words repeat."""
    empty = path.is_file() and not path.stat().st_size
    cause = ("the file is empty" if empty else "it is damaged, or no image of a kind that is read here"
             if isinstance(error, UnidentifiedImageError) else getattr(error, "strerror", None) or error)
    return StudyError(f"{path}: cannot be read as an image ({cause}). Replace or remove the file.")


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image file, of which only the head is read; raises StudyError where that is impossible.

    As it does for more than ``MOST_PIXELS``.
    """
    try:
        with _opened(path, str(path)) as image:
            return image.size
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None


def _require_one(image: Image.Image, name: str) -> None:
    """Raise StudyError for a file of several images; the previews that phones add (MPO) do not count."""
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise StudyError(f"{name}: holds {image.n_frames} images (pages or frames). Write the one that is "
                         "meant to a file of its own, e.g. with `convert 'IN[0]' OUT.png`.")


def read_photo(source: Path | BinaryIO, name: str) -> np.ndarray:
    """Read anybody's photo as a viewer shows it, uint8 (H, W, 3): turned as its EXIF says, transparency over white.

    For pictures of one's own; databases go through ``read_image``, which changes nothing silently.
    Raises StudyError, calling the photo ``name``, for what cannot be read, 16-bit and larger values, several images
    in the file, and more than ``MOST_PIXELS``.
    """
    try:
        with _opened(source, name) as image:
            if image.mode.startswith(("I", "F")) or _is_16_bit(image):
                raise StudyError(f"{name}: {_REFUSED.get(image.mode, 'a 16-bit image')}. Convert it to 8 bit first, "
                                 "e.g. with `convert IN -depth 8 OUT.png`.")
            _require_one(image, name)
            image.load()
            upright = ImageOps.exif_transpose(image)
            if "A" in upright.getbands() or "transparency" in upright.info:
                opaque = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
            return np.asarray(upright.convert("RGB"))
    except FileNotFoundError:
        raise StudyError(f"{name}: no such file. Check the path.") from None
    except _UNREADABLE as error:
        cause = "no image of a kind that is read here" if isinstance(error, UnidentifiedImageError) else error
        raise StudyError(f"{name}: cannot be read as an image ({cause}). Give a JPEG or PNG.") from None


def _is_16_bit(image: Image.Image) -> bool:
    """Whether an opened file has more than 8 bits a colour, though Pillow reads it as RGB: PNG, PPM or TIFF."""
    deepest = max([8, *getattr(image, "tag_v2", {}).get(258, ())])  # TIFF's BitsPerSample
    largest = max([255, *(tile.args[1] for tile in image.tile if tile.codec_name.startswith("ppm"))])  # PPM's maxval
    return ";16" in str(image.tile) or deepest > 8 or largest > 255


def write_png(path: Path, image: np.ndarray) -> None:
    """Write uint8 (H, W) or (H, W, 3) as PNG, atomically: the file is whole or absent.

    Raises StudyError for another dtype or shape, and when the disk refuses.
    """
    _write(Path(path), image, "PNG")


def write_image(path: Path, image: np.ndarray) -> None:
    """Write as ``write_png``, in the format that the name's ending says (``require_writable``)."""
    require_writable(path)
    _write(Path(path), image, _WRITTEN[Path(path).suffix.lower()])


def require_writable(path: Path) -> None:
    """Raise StudyError for a name whose ending is no format that is written here."""
    if Path(path).suffix.lower() not in _WRITTEN:
        raise StudyError(f"{path}: which format is that to be? Give a name that ends in {', '.join(_WRITTEN)}, or a "
                         "folder, with / at its end where there is none yet.")


def require_folder_for_images(folder: Path, source: Path) -> None:
    """Raise StudyError where images made from ``source`` cannot go into ``folder``.

    That is where it is a file, has the name of an image, or is the folder that they are made from, in which they would
    be taken for further inputs.
    """
    if folder.is_file() or folder.suffix.lower() in SUFFIXES and not folder.is_dir():
        raise StudyError(f"{folder}: a file or the name of one; give a folder for the images.")
    if source.is_dir() and folder.resolve() == source.resolve():
        raise StudyError(f"{folder}: the images are made from those in there, and would lie among them. Give another "
                         "folder.")


def _write(path: Path, image: np.ndarray, kind: str) -> None:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise StudyError(f"{path}: expected a uint8 image (H, W) or (H, W, 3), got {image.dtype} {image.shape}.")
    with atomic_file(path) as temporary:
        Image.fromarray(np.ascontiguousarray(image)).save(temporary, format=kind, **_HOW[kind])


def to_grey(image: np.ndarray) -> np.ndarray:
    """Convert uint8 (..., H, W, 3) to grey (..., H, W) as MATLAB's ``rgb2gray``: BT.601, rounded half up.

    A grey image (H, W) is returned unchanged; a stack of grey images must not be passed.
    """
    if image.ndim < 3:
        return image
    grey = image @ np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    return np.floor(grey + 0.5).clip(0, 255).astype(np.uint8)


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Return (H, W, 3): grey replicated, RGB unchanged."""
    return np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image


def resize(image: np.ndarray, height: int, width: int, resampling: str = "bicubic") -> np.ndarray:
    """Resize uint8 (H, W) or (H, W, 3) with Pillow's antialiased filters (``RESAMPLING``)."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), RESAMPLING[resampling]))
