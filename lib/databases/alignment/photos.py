"""One photo or a folder of them, each made into a picture; what fails is reported and does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lib.base import images
from lib.base.errors import StudyError, listed, some_of
from lib.base.pairing import by_name
from lib.databases.alignment.faces import FaceError

_BY_HAND = "Or say where the eyes are, with --eyes x,y,x,y."

# A photo (H, W, 3) uint8 and its name → the picture to write, and sentences about it.
Maker = Callable[[np.ndarray, str], tuple[np.ndarray, Sequence[str]]]


@dataclass
class Report:
    """Files that were written, remarks about them, and a sentence for each photo that failed."""

    written: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def raise_failures(self) -> None:
        """Raise StudyError with all that failed, if anything did."""
        if len(self.failed) == 1:
            raise StudyError(self.failed[0])
        if self.failed:
            raise StudyError(f"{len(self.failed)} of {len(self.failed) + len(self.written)} photos failed:\n"
                             + listed(self.failed))


def outputs_in(folder: Path, source: Path) -> dict[Path, Path]:
    """Photo → ``<folder>/<name>.png``, for a photo or for each of a folder.

    Raises StudyError where there is no photo, and where ``folder`` cannot be one or is that of the photos.
    """
    images.require_folder_for_images(folder, source)
    found = by_name(source) if source.is_dir() else {source.stem: source}
    return {photo: folder / f"{stem}.png" for stem, photo in found.items()}


def make_each(outputs: dict[Path, Path], make: Maker) -> Report:
    """Read each photo as a viewer shows it, make its picture and write it in the format of its name.

    Raises StudyError, before anything is made, where an output is there already, whether an input or another file, and
    where its name ends in no format that is written.
    """
    for file in outputs.values():
        images.require_writable(file)
    if taken := [str(file) for file in outputs.values() if file.exists()]:
        raise StudyError(f"{some_of(len(taken), len(outputs), 'output', 'is/are')} there already:\n"
                         f"{listed(taken, limit=3)}\nRemove them or give another place.")
    report = Report()
    for photo, output in outputs.items():
        try:
            made, remarks = make(images.read_photo(photo, str(photo)), str(photo))
        except StudyError as error:
            report.failed.append(f"{error} {_BY_HAND}" if isinstance(error, FaceError) else str(error))
            continue
        images.write_image(output, made)
        report.written.append(output)
        report.remarks += remarks
    return report


def parse_eyes(text: str) -> tuple[float, float, float, float]:
    """``x,y,x,y`` as pixels of two eyes, the one on the picture's left first; raises StudyError for anything else."""
    try:
        first_x, first_y, second_x, second_y = (float(part) for part in text.split(","))
    except ValueError:
        raise StudyError(f"--eyes {text}: give four numbers x,y,x,y, pixels from the upper left corner; first the eye "
                         "on the picture's left.") from None
    left, right = sorted([(first_x, first_y), (second_x, second_y)])
    return (*left, *right)
