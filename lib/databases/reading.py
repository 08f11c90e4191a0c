"""From an index to pixels: reading, checking and caching one split.

Photos become RGB (grey FERET photos three equal channels), sketches grey.  All unreadable, oddly coded
or wrongly sized files of a split are reported together.  A read split is kept under ``.cache/databases``
with a hash of its names, the contents of its files and the acceptance of its pairing, and used again only while all
of them are the same: sizes and times of files do not tell (files without compression have one size, unpacked ones
one time).

Whatever is read anew is checked first: photos and sketches that are exchanged (``lib.databases.exchange``), sketches
that fit other photos (``lib.databases.pairing``), and faces that are in both splits, for a test on training faces
measures nothing (``lib.base.likeness``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lib.base import cache, images, likeness
from lib.base.errors import StudyError, say_once
from lib.databases import catalogue, division, exchange, layouts, pairing, proportions
from lib.databases.pairs import Index, Pair, Problem, require_sound, shown
from lib.databases.sheets import read_rows, write_rows

FORMAT = 4  # of the cache; raise it when reading or checking changes
ACCEPTED = "pairing-accepted.csv"
SMALLEST = 32  # pixels each way, of an image that is resized: a face of fewer is no face

DOMAINS = layouts.DOMAINS
_PLURAL = dict(zip(DOMAINS, ("photos", "sketches")))
Signatures = dict[tuple[str, str], np.ndarray]  # (split, domain) → signatures of the pairs (``lib.base.likeness``)
Pixels = tuple[np.ndarray, np.ndarray]  # photos (n, 250, 200, 3), sketches (n, 250, 200), uint8


def read_split(index: Index, split: str) -> tuple[tuple[Pair, ...], Pixels]:
    """The pairs of a split with their pixels, from the cache when nothing has changed.

    Raises StudyError listing every fault, when the split is empty, or when sketches seem to be with the
    wrong photos or in their place.
    """
    pairs = index.of_split(split)
    if index.problems:
        require_sound(index, [*index.problems, *read_pairs(index, split)[1]])
    if not pairs:
        raise StudyError(f"{index.folder}: no {split} pairs of {index.database} in this copy. Add them, or name people "
                         f"who {'train' if split == 'train' else 'are tested'} in {index.folder / division.SPLIT} "
                         "(name,split).")
    fingerprint = _fingerprint(index, split, pairs)
    file = _cache_file(index, split)
    kept = _from_cache(file, fingerprint)
    if kept is not None:
        return pairs, kept
    pixels, problems = read_pairs(index, split)
    require_sound(index, problems)
    require_pairing(index, split, pairs, pixels)
    signatures = signed(index)
    require_sound(index, leaks(index, signatures))
    for remark in remarks(index, split, pixels, signatures):
        say_once(f"{index.folder}: {remark}")
    cache.keep_arrays(file, np.array(fingerprint), *pixels)
    return pairs, pixels


def read_pairs(index: Index, split: str) -> tuple[Pixels, list[Problem]]:
    """Read both images of every pair of a split; faults come back as a list, their pixels as zeros."""
    pairs = index.of_split(split)
    photos = np.zeros((len(pairs), images.HEIGHT, images.WIDTH, 3), np.uint8)
    sketches = np.zeros((len(pairs), images.HEIGHT, images.WIDTH), np.uint8)
    problems = []
    told = {problem.name for problem in index.problems}  # of their absent files
    for i, pair in enumerate(pairs):
        for path, faces, convert in ((pair.photo, photos, images.to_rgb), (pair.sketch, sketches, images.to_grey)):
            try:
                faces[i] = convert(_read_face(path, index.any_size))
            except StudyError as error:
                if path.exists() or pair.name not in told:
                    problems.append(Problem(pair.name, str(error).replace(f"{index.folder}{os.sep}", "")))
        if photos[i].any() and (images.to_grey(photos[i]) == sketches[i]).all():
            one, other = (shown(path, index.folder) for path in (pair.photo, pair.sketch))
            problems.append(Problem(pair.name, f"photo {one} and sketch {other} are one picture"))
    return (photos, sketches), problems


def signed(index: Index) -> Signatures:
    """Signatures of all photos and sketches, read one by one; zero for what cannot be read."""
    def pictures(pairs: tuple[Pair, ...], domain: str) -> Iterator[np.ndarray]:
        for pair in pairs:
            try:
                yield images.read_image(getattr(pair, domain))
            except StudyError:  # whoever loads its split is told
                yield np.zeros((1, 1), np.uint8)

    return {(split, domain): likeness.signatures(pictures(index.of_split(split), domain))
            for split in catalogue.SPLITS for domain in DOMAINS}


def leaks(index: Index, signatures: Signatures) -> list[Problem]:
    """Training pairs whose photo or sketch the test split has too: the same pixels, or nearly."""
    train, test = (index.of_split(split) for split in catalogue.SPLITS)
    problems: dict[str, str] = {}
    for domain in DOMAINS:
        for i, j in likeness.across(*(signatures[split, domain] for split in catalogue.SPLITS)):
            mine, other = (shown(getattr(pair, domain), index.folder) for pair in (train[i], test[j]))
            problems.setdefault(train[i].name, f"trains and is tested: {mine} and {other} (test pair {test[j].name}) "
                                               "show one picture; keep it in one split")
    return [Problem(name, reason) for name, reason in problems.items()]


def remarks(index: Index, split: str, pixels: Pixels, signatures: Signatures) -> list[str]:
    """What its owner should know of a split that is no fault."""
    return [*exchange.remarks(index, split, index.of_split(split), pixels[0]), *proportions.remarks(index),
            *repeats(index, split, signatures)]


def repeats(index: Index, split: str, signatures: Signatures) -> list[str]:
    """Remarks that count the pictures which a split has more than once under several names; empty without any."""
    remarks = []
    for domain in DOMAINS:
        files = [getattr(pair, domain) for pair in index.of_split(split)]
        alike = [(i, j) for i, j in likeness.within(signatures[split, domain]) if files[i] != files[j]]
        names = [shown(file, index.folder) for file in files]
        if text := likeness.remark(f"{_PLURAL[domain]}, {split} split,", names, alike):
            remarks.append(f"{text}. Limits count each as a person of its own.")
    return remarks


def require_pairing(index: Index, split: str, pairs: tuple[Pair, ...], pixels: Pixels) -> None:
    """Raise StudyError when sketches are in the place of photos or fit others than their own, unless accepted."""
    accepted = _accepted_rows(index).get(split)
    if accepted is not None and accepted == _content_hash(index, pairs):
        return
    exchange.require_order(index, split, pairs, pixels[0])
    lines = []
    for result in pairing.check(*pixels, tuple(p.group for p in pairs)):
        if result.mis_paired:
            members = [p for p in pairs if p.group == result.group]
            lines += [f"  - {shown(members[i].sketch, index.folder)} fits "
                      f"{shown(members[result.best[i]].photo, index.folder)} (correlation "
                      f"{result.best_value[i]:.2f}), not {members[i].photo.name} ({result.own[i]:.2f})"
                      for i in np.flatnonzero(result.suspect)]
    if lines:
        raise StudyError(
            f"{index.folder}: in the {split} split {len(lines)} sketches fit another person's photo; this copy of "
            f"{index.database} seems to be sorted wrongly:\n" + "\n".join(lines) + "\n"
            "Rename the files so that both images of a person have the same name, or say who belongs to whom in "
            f"{index.folder / 'pairs.csv'} (photo,sketch,split). If you have looked and the pairs are right: "
            f"`python -m lib prepare --database {index.database} --data {index.folder} --accept-pairing`.")


def accept_pairing(index: Index, split: str, pairs: tuple[Pair, ...]) -> None:
    """Record in ``pairing-accepted.csv`` that these pairs are right; holds for exactly these files, byte by byte."""
    rows = _accepted_rows(index) | {split: _content_hash(index, pairs)}
    write_rows(index.folder / ACCEPTED, ("split", "files"), sorted(rows.items()))


def _accepted_rows(index: Index) -> dict[str, str]:
    """Split → hash of the files whose pairing was accepted."""
    return {row["split"]: row["files"] for row in read_rows(index.folder / ACCEPTED, ("split", "files"))}


def _read_face(path: Path, any_size: bool) -> np.ndarray:
    face = images.read_image(path)
    height, width = face.shape[:2]
    if any_size and min(height, width) < SMALLEST:
        raise StudyError(f"{path}: {width}×{height} pixels show no face; at least {SMALLEST} are needed each way. "
                         "Replace the file.")
    if not any_size and (height, width) != (images.HEIGHT, images.WIDTH):
        raise StudyError(
            f"{path}: {width}×{height} pixels instead of {images.WIDTH}×{images.HEIGHT}. Use the cropped version of "
            "the database, or align the faces (eyes at (75, 125) and (125, 125)).")
    if (face == face[:1, :1]).all():
        raise StudyError(f"{path}: has one colour throughout and shows no face. Replace the file.")
    return images.resize(face, images.HEIGHT, images.WIDTH)


def _fingerprint(index: Index, split: str, pairs: tuple[Pair, ...]) -> str:
    """Hash of the format, the accepted pairing and the pairs."""
    return f"{FORMAT} {_accepted_rows(index).get(split)} {_content_hash(index, pairs)}"


def contents(index: Index) -> str:
    """SHA-256 over all that pairs, splits and pixels of a copy depend on."""
    parts = [_fingerprint(index, split, index.of_split(split)) for split in catalogue.SPLITS]
    return hashlib.sha256(repr((parts, index.problems)).encode("utf-8", "backslashreplace")).hexdigest()


def _content_hash(index: Index, pairs: tuple[Pair, ...]) -> str:
    """SHA-256 over names, paths and bytes of the files."""
    digest = hashlib.sha256(index.database.encode())
    for pair in pairs:
        for path in (pair.photo, pair.sketch):
            content = hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()
            digest.update(os.fsencode(f"\0{pair.name}\0{pair.group}\0{shown(path, index.folder)}\0{content}"))
    return digest.hexdigest()


def _cache_file(index: Index, split: str) -> Path:
    place = hashlib.sha256(os.fsencode(index.folder.resolve())).hexdigest()[:12]
    return cache.file("databases", f"{index.database}-{split}-{place}.npy")


def _from_cache(file: Path, fingerprint: str) -> Pixels | None:
    """The cached pixels, or None when there are none, they are outdated or damaged (then they are read anew)."""
    try:
        with open(file, "rb") as stream:
            if str(np.load(stream)) == fingerprint:
                return np.load(stream), np.load(stream)
    except (OSError, ValueError, EOFError):
        pass
    return None
