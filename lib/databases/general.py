"""Databases of today whose copies say everything themselves: FS2K by its annotations, any other by ``pairs.csv``.

FS2K (D.-P. Fan et al., "Facial-Sketch Synthesis: A New Challenge", Machine Intelligence Research 19, 2022) is laid out
as ``photo/photo1..3/image0110.jpg``, ``sketch/sketch1..3/sketch0110.jpg`` (or png) with ``anno_train.json`` and
``anno_test.json``, whose codes its README explains.  WildSketch and SKSF-A have no layout of their own here: their
pairs are listed in ``pairs.csv``.

A pair is named by the photo's folder and file (``photo1-image0110``), so that two of one number are two pairs.  The
images have many sizes, which differ within pairs: each is resized to 200×250 by itself, without regard to its
proportions, as FS2K's own program resizes both sides to one square.  The styles of the sketches are the groups, each
with a dictionary of its own for exemplar methods.
"""

from __future__ import annotations

from pathlib import Path

from lib.base import files, images
from lib.base.errors import StudyError, listed
from lib.databases import division, listed_pairs
from lib.databases.pairs import EXCLUSIONS, Index, Pair, natural, one_file
from lib.databases.sheets import read_rows

ANNOTATIONS = {"train": "anno_train.json", "test": "anno_test.json"}
# What the codes of FS2K's annotations mean, by its README.
CODES = {
    "hair": ("with", "without"),
    "hair_color": ("brown", "black", "red", "none", "golden"),
    "gender": ("male", "female"),
    "earring": ("with", "without"),
    "smile": ("with", "without"),
    "frontal_face": ("within 30 degrees", "turned further"),
    "style": ("style 1", "style 2", "style 3"),
}


def build(database: str, folder: Path) -> Index:
    """Index the copy of a general database; raises StudyError where neither annotations nor ``pairs.csv`` serve."""
    if (folder / listed_pairs.PAIRS).exists():
        pairs, problems = listed_pairs.read(folder, lambda row: _group_and_name(database, row))
    elif database == "fs2k" and any((folder / file).exists() for file in ANNOTATIONS.values()):
        pairs, problems = listed_pairs.pairs_of(folder, [_annotated(folder, split, entry)
                                                         for split, file in ANNOTATIONS.items()
                                                         for entry in _entries(folder / file)], _one_entry)
    else:
        raise StudyError(
            f"{folder}: no {listed_pairs.PAIRS}{' and no anno_train.json' if database == 'fs2k' else ''}, so nothing "
            f"says which photos and sketches of {database} belong together. Write {folder / listed_pairs.PAIRS} with "
            "the columns photo,sketch,split and, if you like, style and attributes, e.g. "
            "photos/1.jpg,sketches/a/1.jpg,train,a. Point to the copy with --data DIR or MSGSARL_DATA.")
    own = division.read_own(folder)
    pairs = [Pair(pair.name, pair.group, own.get(pair.name, "") if own else pair.split, pair.photo, pair.sketch,
                  pair.attributes) for pair in pairs]
    problems += division.without_split(folder, [pair.name for pair in pairs if not pair.split], own)
    notes = division.unmatched(own, [pair.name for pair in pairs])
    excluded = {row["name"]: row["reason"] for row in read_rows(folder / EXCLUSIONS, ("name", "reason"))}
    problems += one_file(folder, [pair for pair in pairs if pair.name not in excluded])
    pairs.sort(key=lambda pair: (pair.group, natural(pair.name)))
    return Index(database, folder, tuple(pairs), tuple(p for p in problems if p.name not in excluded), excluded,
                 tuple(notes), False, any_size=True)


def _group_and_name(database: str, row: listed_pairs.Row) -> tuple[str, str]:
    style = row.attributes.get("style", "")
    photo = Path(row.photo)
    parts = [part for part in (photo.parent.name, photo.stem, style) if part]
    return row.group or style or database, row.name or files.as_text("-".join(parts).replace(" ", "_"))


def _one_entry(same: list[Pair]) -> str:
    """What to do about pairs that the annotations list under one name."""
    return f"keep one entry of it in {' and '.join(dict.fromkeys(ANNOTATIONS[pair.split] for pair in same))}"


def _entries(file: Path) -> list[dict]:
    """One annotation per pair; raises StudyError for a file of another form, listing the entries that lack a name."""
    entries = files.read_json(file, "Restore the file.")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StudyError(f"{file}: not FS2K's annotations, which are a list of records. Restore the file.")
    problems = [f"entry {number}: image_name is {entry.get('image_name')!r}, not like photo1/image0110"
                for number, entry in enumerate(entries, 1)
                if str(entry.get("image_name")).replace("\\", "/").count("/") != 1]
    problems += [f"entry {number}: {name} is {entry[name]!r}, not one of 0 to {len(words) - 1}"
                 for number, entry in enumerate(entries, 1) for name, words in CODES.items()
                 if name in entry and entry[name] not in range(len(words))]
    if problems:
        raise StudyError(f"{file}: annotations that cannot be used:\n{listed(problems)}\nRestore the file.")
    return entries


def _annotated(folder: Path, split: str, entry: dict) -> Pair:
    place, stem = entry["image_name"].replace("\\", "/").split("/")
    attributes = {name: words[entry[name]] for name, words in CODES.items() if name in entry}
    sketch = _with_suffix(folder / "sketch" / place.replace("photo", "sketch") / stem.replace("image", "sketch"))
    return Pair(f"{place}-{stem}", attributes.get("style", place), split,
                _with_suffix(folder / "photo" / place / stem), sketch, attributes)


def _with_suffix(path: Path) -> Path:
    """The image file of this name, whatever its suffix; with ``.jpg``, which is then missing, where there is none."""
    for suffix in (suffix for small in images.SUFFIXES for suffix in (small, small.upper())):
        if (file := path.with_name(path.name + suffix)).is_file():
            return file
    return path.with_name(f"{path.name}.jpg")
