"""``python -m lib prepare``: look at a copy of a database before hours are spent on it.

Says what was found against what the field counts, what is missing and why, whether each sketch is with its own
photo and not in its place, which images lie on their side, and which faces come twice; freezes what has to be decided
(exclusions, a split made by rule) in CSV files beside the data; and leaves a cache, so that the study starts at once.
"""

from __future__ import annotations

import argparse

import numpy as np

from lib import databases
from lib.base import images, paths
from lib.base.errors import StudyError, counted, say_once
from lib.commands import arguments
from lib.databases import catalogue, division, index, layouts, pairing, reading, sheets
from lib.databases.pairs import EXCLUSIONS, Index, Pair, Problem, require_sound

LAYOUTS = """\
Folders are known by the words photo or sketch, train or test, and (for cufs) cuhk, ar, xm2vts in their path:
  cuhk-student/Training photo/f-005-01.jpg      cuhk-student/Training sketch/F2-005-01-sz1.jpg
  cuhk-student/train_photos/f-005-01.png        cuhk-student/train_sketches/f-005-01.png
  cufs/AR/photos/m-002-1.jpg                    cufs/AR/sketches/Mp-002-1-sz1.jpg
  cufs/XM2VTS/Training Photos/2.jpg             cufs/XM2VTS/Training Sketches/2.jpg
  cufsf/feret/00005fb010_930831.tif             cufsf/cropped_sketch/00005.jpg
  fs2k/photo/photo1/image0110.jpg               fs2k/sketch/sketch1/sketch0110.jpg
  fs2k/anno_train.json                          fs2k/anno_test.json
All images are 200 wide and 250 high; those of fs2k, wildsketch and sksf-a are resized to that. The frozen lists decide
the split, of fs2k its annotations; your own goes into split.csv (name,split). Or name all pairs of any layout in
pairs.csv (photo,sketch,split), in the database's folder, as wildsketch and sksf-a always need; further columns are
group, name, style and attributes of the pair, by which scores are then shown as well.

Checked are, besides, that each sketch belongs to its photo (a mis-sorted copy of CUHK Student is in circulation), that
no face both trains and is tested, not even as a compressed or resized copy, and how many faces come twice. Photos and
sketches are taken for exchanged where more than half of the photos of a sub-database have no colour and their sketches
have, which is an error; two grey images of a pair or two coloured ones are let pass. Images to be resized whose
proportions differ from the others' by more than a factor of 1.4, as those that lie on their side, are named. All that
is wrong is listed at once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.set_epilog(parser, LAYOUTS)
    parser.add_argument("--database", required=True, metavar="NAME", help=", ".join(databases.NAMES))
    parser.add_argument("--data", type=paths.given, metavar="DIR",
                        help="the database's folder, or the folder that holds it (default: data/)")
    parser.add_argument("--exclude-broken", action="store_true",
                        help=f"leave faulty pairs out and record each with its reason in {EXCLUSIONS}")
    parser.add_argument("--accept-pairing", action="store_true",
                        help="record that you looked at the pairs reported as mis-paired or exchanged and that "
                             "they are right")


def run(options: argparse.Namespace) -> int:
    name = options.database
    arguments.require_known(None, name)
    if name in databases.EMBEDDED:
        arguments.refuse_unused(options, ("exclude_broken", "accept_pairing"),
                                f"{name} is drawn by this project, and nothing in it is faulty.")
        for split in databases.SPLITS:
            count = len(databases.load(name, split))
            print(f"{name}: {counted(count, f'{split} pair')}, drawn by this project; no data needed")
        return 0
    folder = layouts.database_folder(name, options.data)
    found = index.build(name, folder)
    print(f"{name} in {folder}")
    pixels, problems = {}, list(found.problems)
    for split in databases.SPLITS:
        pixels[split], more = reading.read_pairs(found, split)
        problems += more
    signatures = reading.signed(found)
    problems += reading.leaks(found, signatures)
    if problems and options.exclude_broken:
        found, pixels = _exclude(found, problems)
        signatures = reading.signed(found)
    else:
        require_sound(found, problems)
    _report(found)
    _freeze_split(found)
    for split in databases.SPLITS:
        pairs = found.of_split(split)
        _report_pairing(split, pairs, pixels[split])
        if options.accept_pairing:
            _accept(found, split, pairs)
        for remark in reading.remarks(found, split, pixels[split], signatures):
            say_once(f"{folder}: {remark}")
    for split in databases.SPLITS:
        faces = databases.load(name, split, folder)
        print(f"{split}: {counted(len(faces), 'pair')} ready, data hash {databases.data_hash(faces)[:16]}")
    return 0


def _exclude(found: Index, problems: list[Problem]) -> tuple[Index, dict[str, reading.Pixels]]:
    """Record every faulty name once, with all its reasons, beside earlier exclusions; index and read anew."""
    reasons: dict[str, list[str]] = {}
    for problem in problems:
        reasons.setdefault(problem.name, []).append(problem.reason)
    for split in databases.SPLITS:
        if not any(pair.name not in reasons for pair in found.of_split(split)):
            raise StudyError(f"{found.folder}: nothing would be left of the {split} split; no exclusion was recorded.\n"
                             + "\n".join(f"  - {n}: {'; '.join(why)}" for n, why in list(reasons.items())[:20]))
    if found.database in catalogue.DATABASES:
        left = [pair for split in databases.SPLITS for pair in found.of_split(split) if pair.name not in reasons]
        index.require_parts(found.database, found.folder, left, problems)
    rows = found.excluded | {name: "; ".join(why) for name, why in reasons.items()}
    sheets.write_rows(found.folder / EXCLUSIONS, ("name", "reason"), sorted(rows.items()))
    print(f"left out {counted(len(reasons), 'pair')}, recorded in {found.folder / EXCLUSIONS}:")
    print("\n".join(f"  - {name}: {'; '.join(why)}" for name, why in reasons.items()))
    found = index.build(found.database, found.folder)
    return found, {split: reading.read_pairs(found, split)[0] for split in databases.SPLITS}


def _report(found: Index) -> None:
    if found.any_size:
        print(f"images of other sizes than {images.WIDTH}×{images.HEIGHT} are resized to it")
    print(f"{'':14}{'train':>8}{'test':>8}   the field's")
    for group in dict.fromkeys(pair.group for pair in found.pairs):
        counts = [sum(pair.group == group for pair in found.of_split(split)) for split in databases.SPLITS]
        field = catalogue.GROUPS.get(group)
        print(f"{group:14}{counts[0]:8}{counts[1]:8}" + (f"   {field.train}/{field.test}" if field else ""))
    if published := catalogue.GENERAL.get(found.database):
        counts = [len(found.of_split(split)) for split in databases.SPLITS]
        print(f"{'all':14}{counts[0]:8}{counts[1]:8}   {published[0]}/{published[1]}")
    train, test = ({pair.group for pair in found.of_split(split)} for split in ("train", "test"))
    if untrained := sorted(test - train):
        print(f"note: no training pair of {', '.join(untrained)}, of which exemplar methods would make its test faces: "
              "they will refuse")
    if found.database == "cufs":
        print("note: some papers train on 267 of these 268 pairs (CA-GAN's list has one XM2VTS pair fewer)")
    for note in found.notes:
        print(f"note: {note}")
    names = {pair.name for pair in found.pairs}
    for name, reason in found.excluded.items():
        print(f"left out: {name} ({reason}){'' if name in names else ' [no complete pair of this name]'}")


def _freeze_split(found: Index) -> None:
    """A split made by the rule is written down, so that a file added later cannot move other pairs.

    A pair without split, which only an excluded one can be here, has no row: ``split.csv`` knows train and test.
    Where nothing can be written, as on a read-only disk, the rule divides anew each time.
    """
    if not found.by_rule:
        return
    rows = [(p.name, p.split) for p in found.pairs if p.split]
    try:
        sheets.write_rows(found.folder / division.SPLIT, ("name", "split"), rows)
    except StudyError as error:
        print(f"split by rule and not frozen, so a file added later may move others; {error}")
    else:
        print(f"split by rule, frozen in {found.folder / division.SPLIT}")


def _report_pairing(split: str, pairs: tuple[Pair, ...], pixels: reading.Pixels) -> None:
    if not pairs:
        return
    for result in pairing.check(*pixels, tuple(pair.group for pair in pairs)):
        members = [pair for pair in pairs if pair.group == result.group]
        print(f"pairing of {result.group}, {split}: {result.rank_1:.0%} of {counted(len(members), 'sketch')} fit their "
              f"own photo best; {counted(int(result.suspect.sum()), 'sketch', 'fits/fit')} another clearly better")
        for i in np.flatnonzero(result.suspect):
            print(f"  look at: sketch {members[i].sketch.name} fits {members[result.best[i]].photo.name} "
                  f"({result.best_value[i]:.2f}) better than {members[i].photo.name} ({result.own[i]:.2f})")


def _accept(found: Index, split: str, pairs: tuple[Pair, ...]) -> None:
    """Add these files to the accepted ones; another copy, or another file in it, is judged again."""
    reading.accept_pairing(found, split, pairs)
    print(f"pairing of the {split} split accepted, recorded in {found.folder / reading.ACCEPTED}")
