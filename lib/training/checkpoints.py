"""Checkpoints: written whole or not at all, read without running anything that is inside them.

A checkpoint is a dict of tensors and plain containers, saved by ``torch.save`` under a temporary name
and renamed; ``weights_only=True`` loads it, so a file from a stranger can at worst be refused.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from lib.base import files
from lib.base.errors import StudyError

FORMAT = 1  # raised when the contents change in a way that older files do not fit


def save(path: Path, contents: dict) -> None:
    """Write a checkpoint atomically; raises StudyError when the disk refuses, the old file intact."""
    with files.atomic_file(path) as temporary:
        try:
            torch.save({"format": FORMAT, **contents}, temporary)
        except RuntimeError as error:  # torch's writer reports a full disk this way
            raise OSError(str(error).splitlines()[0]) from None


def load(path: Path, device: torch.device | str = "cpu") -> dict:
    """Read a checkpoint; raises StudyError naming the file when it is missing, damaged, foreign or unsafe."""
    path = Path(path)
    if not path.is_file():
        raise StudyError(f"{path}: no such checkpoint. Train it with `python -m lib train …`.")
    try:
        contents = torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        raise StudyError(f"{path}: refused, holds more than tensors and plain containers "
                         f"({str(error).splitlines()[0]}).") from None
    except Exception as error:  # a damaged archive fails in many ways
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise StudyError(f"{path}: cannot be read as a checkpoint ({cause}). Delete it and train again.") from None
    if not isinstance(contents, dict) or contents.get("format") != FORMAT or "settings" not in contents:
        raise StudyError(f"{path}: not a checkpoint of this study (format {FORMAT}).")
    return contents
