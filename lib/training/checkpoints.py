"""Checkpoints: written whole or not at all, read without running anything that is inside them.

A checkpoint is a dict of tensors and plain containers, saved by ``torch.save`` under a temporary name
and renamed; ``weights_only=True`` loads it, so a file from a stranger can at worst be refused.

To pass a finished network on there is a smaller form, which ``load`` reads like a checkpoint (``export``): its
generators alone, in half precision, as ``.safetensors`` with system and settings in the file's metadata.
``PRETRAINED`` is one that comes with the project.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from lib.base import files, paths
from lib.base.errors import StudyError

PRETRAINED = paths.ROOT / "pretrained" / "cuhk-student.safetensors"
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
    if path.suffix == ".safetensors":
        return _load_exported(path, device)
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


def export(checkpoint: Path, path: Path) -> int:
    """Write the generators of a finished checkpoint in half precision; returns the file's size in bytes.

    Raises StudyError for a checkpoint that is not finished, numbers beyond half precision, and as ``load`` does.
    """
    contents = load(checkpoint)
    if not contents["finished"]:
        raise StudyError(f"{checkpoint}: its training is not finished; only finished networks are passed on.")
    tensors = {name: tensor.half().contiguous() for name, tensor in contents["method"]["generators"].items()}
    if beyond := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise StudyError(f"{checkpoint}: numbers too large for half precision in {', '.join(beyond)}.")
    about = {"format": FORMAT, "system": contents["system"], "seed": contents["seed"], "settings": contents["settings"]}
    with files.atomic_file(path) as temporary:
        save_file(tensors, temporary, {name: json.dumps(value) for name, value in about.items()})
    return path.stat().st_size


def _load_exported(path: Path, device: torch.device | str) -> dict:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            about = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            generators = {name: file.get_tensor(name).float() for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as safetensors ({error}). Restore it with `git checkout`, or export "
                         "it again.") from None
    if about.get("format") != FORMAT or "settings" not in about:
        raise StudyError(f"{path}: not a network of this study (format {FORMAT}).")
    return {**about, "finished": True, "method": {"generators": generators}}
