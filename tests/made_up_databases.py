"""Made-up databases in the folders and names that real copies have; every person is a smooth random field."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from lib.databases import catalogue


def field(person: str) -> np.ndarray:
    """What photo and sketch of a person share: a smooth (250, 200) uint8 field, a function of the name."""
    coarse = np.random.default_rng(zlib.crc32(person.encode())).integers(0, 256, (6, 5), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((200, 250), Image.Resampling.BICUBIC))


def write_photo(path: Path, person: str) -> Path:
    shared = field(person)
    return _write(path, np.stack([shared, shared // 2 + 60, 255 - shared // 3], axis=-1))


def write_sketch(path: Path, person: str, rgb: bool = False) -> Path:
    grey = 80 + field(person) // 2
    return _write(path, np.stack([grey] * 3, axis=-1) if rgb else grey)


def _write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def names(group: str, split: str, count: int | None = None) -> list[str]:
    """The first names of a split in the frozen list."""
    return [n for n, s in catalogue.known_split(group).items() if s == split][:count]


def number_of(group: str, name: str) -> int:
    return list(catalogue.known_split(group)).index(name) + 1


def cuhk_sketch_stem(name: str, split: str) -> str:
    """``f-005-01`` → ``F2-005-01-sz1`` in training, ``f-039-01-sz1`` in testing, as distributed."""
    return (name[0].upper() + "2" + name[1:] if split == "train" else name) + "-sz1"


def cuhk_as_distributed(folder: Path, train: int | None = 9, test: int | None = 9) -> Path:
    """``Training photo/f-005-01.jpg`` with ``Training sketch/F2-005-01-sz1.jpg``; sketches grey and RGB."""
    for split, word, count in (("train", "Training", train), ("test", "Testing", test)):
        for i, name in enumerate(names("cuhk-student", split, count)):
            write_photo(folder / f"{word} photo" / f"{name}.jpg", name)
            write_sketch(folder / f"{word} sketch" / f"{cuhk_sketch_stem(name, split)}.jpg", name, rgb=i % 2 == 1)
    return folder


def cufs_by_sub_database(folder: Path) -> None:
    """``AR/photos/m-002-1.jpg``, ``AR/sketches/Mp-002-1-sz1.jpg``, …"""
    stems = {"cuhk-student": cuhk_sketch_stem, "ar": lambda n, s: f"{n[0].upper()}p{n[1:]}-sz1",
             "xm2vts": lambda n, s: f"{n}_sz1"}
    for group, place in (("cuhk-student", "CUHK"), ("ar", "AR"), ("xm2vts", "XM2VTS")):
        for split in catalogue.SPLITS:
            for name in names(group, split, 4):
                write_photo(folder / place / "photos" / f"{name}.jpg", group + name)
                write_sketch(folder / place / "sketches" / f"{stems[group](name, split)}.jpg", group + name)
