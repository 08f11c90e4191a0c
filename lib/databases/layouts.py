"""Finding the photo and sketch folders of a copy, however its folders are called and nested.

Layouts seen in public: ``Training photo/``, ``Testing sketch/``; ``train_photos/``, ``test_sketches/``;
``train/photo/``; ``CUHK_training_cropped_photos/photos/``; ``CUFS/AR/photos/``; ``AR/Training Photos/``;
``CUFS/photo/XM2VTS_0001.jpg``; ``CUFSF/cropped_sketch/`` beside ``original_sketch/``.  So a folder is read
by the words of its path: photo or sketch, train or test, the sub-database, cropped or original.
Or the owner says it all in ``pairs.csv``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from lib.base import images, paths
from lib.base.errors import StudyError
from lib.databases import catalogue

DEPTH = 4  # levels below the database's folder that are searched
DOMAINS = ("photo", "sketch")


@dataclass(frozen=True)
class ImageFolder:
    """A folder with images and what its path says; ``split`` and ``group`` may be unsaid (None).

    unread: images of kinds that are not read here (``images.UNREAD_SUFFIXES``).
    """

    path: Path
    domain: str
    split: str | None
    group: str | None
    original: bool  # the uncropped scans, of other sizes than 200×250
    files: tuple[Path, ...]
    unread: tuple[Path, ...] = ()


def database_folder(name: str, root: Path | None) -> Path:
    """The folder of database ``name``: ``<root>/<name>`` in any spelling, else ``root`` itself.

    Raises StudyError when ``root`` is missing, with what to do.
    """
    root = paths.given(root) if root is not None else paths.data_root()
    if not root.is_dir():
        raise StudyError(
            f"{root}: no such folder, so no {name} database. Put your copy in {root / name}, or say where it is "
            "with --data DIR or the variable MSGSARL_DATA; 'portraits' needs no data.")
    plain = re.sub(r"\W|_", "", name)
    try:
        folders = sorted(p for p in root.iterdir() if p.is_dir())
    except OSError as error:
        raise _unreadable(error) from None
    for folder in folders:
        if re.sub(r"\W|_", "", folder.name.lower()) == plain:
            return folder
    return root


def image_folders(database: str, folder: Path) -> list[ImageFolder]:
    """Every folder of photos or sketches of ``database`` in ``folder``; cropped versions before originals.

    Raises StudyError when photos or sketches are not found at all, with the folders that were expected, and when a
    folder cannot be read.
    """
    wanted = catalogue.DATABASES[database]
    found = []
    for path, below, names in os.walk(folder, followlinks=True, onerror=_refuse):
        below[:] = sorted(b for b in below if not b.startswith((".", "__")) and not _is_loop(Path(path) / b))
        parts = Path(path).relative_to(folder).parts
        if len(parts) >= DEPTH:
            below.clear()
        visible = [Path(path) / n for n in sorted(names) if not n.startswith(".")]
        files, unread = (tuple(file for file in visible if file.suffix.lower() in suffixes)
                         for suffixes in (images.SUFFIXES, images.UNREAD_SUFFIXES))
        described = _describe(parts, wanted)
        if (files or unread) and described is not None:
            found.append(ImageFolder(Path(path), *described, files, unread))
    found = [f for f in found if not (f.original and _has_cropped(f, found))]
    missing = [domain for domain in DOMAINS if not any(f.domain == domain for f in found)]
    if missing:
        raise StudyError(
            f"{folder}: no folder of {' and none of '.join(f'{m} images' for m in missing)} found for {database}. "
            "Expected folders such as train_photos/, train_sketches/, test_photos/, test_sketches/, "
            f"at most {DEPTH} folders deep" + (", in cuhk/, ar/ and xm2vts/" if database == "cufs" else "")
            + ", or a pairs.csv (photo,sketch,split). Point to the copy with --data DIR or MSGSARL_DATA.")
    return found


def _is_loop(folder: Path) -> bool:
    """Whether a folder is a link to one that it lies in."""
    return folder.is_symlink() and folder.resolve() in (place := folder.parent.resolve(), *place.parents)


def _refuse(error: OSError) -> None:
    raise _unreadable(error)


def _unreadable(error: OSError) -> StudyError:
    return StudyError(f"{error.filename}: cannot be read ({error.strerror or error}). Check its permissions.")


def _describe(parts: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, str | None, str | None, bool] | None:
    """What the words of a path say, the deepest folder first: domain, split, group, original.

    None when it is no folder of ours: neither photo nor sketch, or another database's.
    """
    domain = split = group = None
    original = cropped = False
    for part in reversed(parts):
        words = re.findall(r"[a-z]+\d?[a-z]*", part.lower())
        domains = [d for d in DOMAINS if any(d in w for w in words)]
        domain = domain or (domains[0] if len(domains) == 1 else None)
        split = split or next((s for s in catalogue.SPLITS if any(w.startswith(s) for w in words)), None)
        group = group or next((g.name for g in catalogue.GROUPS.values() if set(words) & set(g.words)), None)
        original, cropped = original or "original" in words, cropped or "cropped" in words
    if domain is None and group == "cufsf" and any("feret" in part.lower() for part in parts):
        domain = "photo"  # FERET has photos only; the sketches beside it are CUFSF's
    if domain is None or (group is not None and group not in wanted):
        return None
    return domain, split, group, original and not cropped


def _has_cropped(folder: ImageFolder, found: list[ImageFolder]) -> bool:
    return any(not other.original and other.files and other.domain == folder.domain
               and other.group == folder.group and other.split in (folder.split, None) for other in found)
