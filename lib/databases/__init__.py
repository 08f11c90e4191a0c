"""Paired faces: CUHK Student, CUFS, CUFSF as people have them, and the embedded portraits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib import images, paths
from lib.errors import unknown_name

NAMES = ("portraits", "portraits-wild", "cuhk-student", "cufs", "cufsf")


@dataclass(frozen=True)
class PairedFaces:
    """Photo-sketch pairs of one split of one database; row i of everything is the same person.

    photos: (n, 250, 200, 3) uint8 RGB.  sketches: (n, 250, 200) uint8 grey.
    names: file stem of each pair.  groups: sub-database of each pair (one dictionary each for the
    exemplar rivals on CUFS; the database's own name elsewhere).
    """

    database: str
    split: str
    photos: np.ndarray
    sketches: np.ndarray
    names: tuple[str, ...]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def load(name: str, split: str, root: Path | None = None, limit: int | None = None) -> PairedFaces:
    """Load one split (``train`` or ``test``), or its first ``limit`` pairs."""
    if split not in ("train", "test"):
        raise unknown_name("split", split, ("train", "test"))
    if name in ("portraits", "portraits-wild"):
        from lib import portraits
        return portraits.generate(name, split, limit)
    if name != "cuhk-student":
        raise unknown_name("database", name, NAMES)
    root = Path(root or paths.data_root()) / name
    word = {"train": "Training", "test": "Testing"}[split]
    photos = images.list_images(root / f"{word} photo")[:limit]
    sketches = [root / f"{word} sketch" / (p.stem.replace("f-", "F2-", 1).replace("m-", "M2-", 1) + "-sz1.jpg")
                if split == "train" else root / f"{word} sketch" / (p.stem + "-sz1.jpg") for p in photos]
    return PairedFaces(
        name, split,
        np.stack([images.to_rgb(images.read_image(p)) for p in photos]),
        np.stack([images.to_grey(images.read_image(p)) for p in sketches]),
        tuple(p.stem for p in photos), (name,) * len(photos))


def data_hash(faces: PairedFaces) -> str:
    """SHA-256 (hexadecimal) of names and pixels: equal for equal data, wherever and however stored."""
    digest = hashlib.sha256()
    for part in (faces.database, faces.split, *faces.names, *faces.groups):
        digest.update(part.encode() + b"\0")
    for pixels in (faces.photos, faces.sketches):
        digest.update(repr(pixels.shape).encode())
        digest.update(np.ascontiguousarray(pixels))
    return digest.hexdigest()
