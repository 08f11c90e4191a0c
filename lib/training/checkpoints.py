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
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from lib.base import files, paths
from lib.base.errors import StudyError

PRETRAINED = paths.ROOT / "pretrained" / "cuhk-student.safetensors"
FORMAT = 1  # raised when the contents change in a way that older files do not fit
_REMEDY = ("Give the checkpoint.pt of a run folder, or what `export` wrote; a run whose own checkpoint is damaged is "
           "trained again with --force.")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")  # colours of a terminal, which torch puts into its messages


def save(path: Path, contents: dict) -> None:
    """Write a checkpoint atomically; raises StudyError when the disk refuses, the old file intact."""
    with files.atomic_file(path) as temporary:
        try:
            torch.save({"format": FORMAT, **contents}, temporary)
        except RuntimeError as error:  # torch's writer reports a full disk this way
            raise OSError(str(error).splitlines()[0]) from None


def load(path: Path, device: torch.device | str = "cpu", needs: Iterable[str] = ("settings",)) -> dict:
    """Read a checkpoint that has the entries ``needs``.

    Raises StudyError naming the file when it is missing, damaged, foreign or unsafe.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError(f"{path}: no such checkpoint. Train it with `python -m lib train …`.")
    if path.suffix == ".safetensors":
        return _checked(path, _load_exported(path, device), needs)
    try:
        contents = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a damaged archive fails in many ways
        message = _ESCAPES.sub("", str(error) or type(error).__name__)
        # The name that torch refuses to import, told without its advice to load the file unsafely.
        named = re.search(r"(?:GLOBAL|global|class|type) ([\w.]+\.[\w.]+)", message)
        if isinstance(error, pickle.UnpicklingError) and named:
            raise StudyError(f"{path}: refused, it holds {named[1]}, and only tensors, numbers, text and plain "
                             "containers of them are read; nothing in it was executed. Where it was written, turn "
                             "NumPy values into float(…) or torch.tensor(…) and objects into dicts, and save it "
                             "again.") from None
        cause = f"damaged: {message.splitlines()[0].split('. ')[0]}" if _is_archive(path) else "it is none"
        raise StudyError(f"{path}: cannot be read as a checkpoint ({cause}). {_REMEDY}") from None
    return _checked(path, contents, needs)


def _is_archive(path: Path) -> bool:
    """Whether a file begins as what ``torch.save`` writes, a zip."""
    with open(path, "rb") as stream:
        return stream.read(2) == b"PK"


def _checked(path: Path, contents: object, needs: Iterable[str]) -> dict:
    """The contents, if they are a checkpoint's of ours; raises StudyError saying what they are instead."""
    if not isinstance(contents, dict):
        raise StudyError(f"{path}: not a checkpoint of this study but a bare {type(contents).__name__}. Take the "
                         "checkpoint.pt of a run folder.")
    if lacking := [name for name in ("format", *needs) if name not in contents]:
        raise StudyError(f"{path}: not a checkpoint of this study: it lacks {', '.join(lacking)}, and holds "
                         f"{', '.join(map(str, list(contents)[:5])) or 'nothing'}{', …' * (len(contents) > 5)}. "
                         "Take the checkpoint.pt of a run folder.")
    if contents["format"] != FORMAT:
        raise StudyError(f"{path}: a checkpoint of format {contents['format']!r}, and this program reads format "
                         f"{FORMAT}. Train again, or use the program that wrote it.")
    for name, kind in {"system": str, "settings": dict, "method": dict}.items():
        if name in contents and not isinstance(contents[name], kind):
            raise StudyError(f"{path}: damaged or forged: its {name} is a {type(contents[name]).__name__}, not a "
                             f"{kind.__name__}. {_REMEDY}")
    return contents


def fitting(path: Path, expected: Mapping[str, torch.Tensor], given: object) -> dict[str, torch.Tensor]:
    """Weights of a checkpoint for networks with the ``expected`` ones; ``module.`` of data parallel training goes.

    Raises StudyError naming the first weights that are missing, unexpected, of another shape or not finite.
    """
    if not isinstance(given, Mapping) or not all(isinstance(value, torch.Tensor) for value in given.values()):
        raise StudyError(f"{path}: damaged or forged: its generators are not a table of tensors. {_REMEDY}")
    if given and all(str(name).startswith("module.") for name in given):
        given = {name.removeprefix("module."): value for name, value in given.items()}
    problems = []
    for kind, some, others in (("missing", expected, given), ("unexpected", given, expected)):
        if absent := [name for name in some if name not in others]:
            problems.append(f"{len(absent)} {kind}, first {absent[0]}")
    shapes = [f"{name} is {tuple(given[name].shape)}, not {tuple(value.shape)}" for name, value in expected.items()
              if name in given and given[name].shape != value.shape]
    problems += [f"{len(shapes)} of another shape, first {shapes[0]}"] if shapes else []
    if problems:
        raise StudyError(f"{path}: its weights do not fit its own settings ({'; '.join(problems)}). It comes from "
                         "another width, size or program; take a checkpoint that was written together with its "
                         "settings.")
    if bad := [name for name, value in given.items() if value.is_floating_point() and not value.isfinite().all()]:
        raise StudyError(f"{path}: {len(bad)} of its weights are NaN or infinite, first {bad[0]}: this training "
                         "failed. Train again.")
    return dict(given)


def export(checkpoint: Path, path: Path) -> int:
    """Write the generators of a finished checkpoint in half precision; returns the file's size in bytes.

    Raises StudyError for a checkpoint that is not finished, numbers beyond half precision, and as ``load`` does.
    """
    contents = load(checkpoint, needs=("system", "seed", "settings", "method", "finished"))
    if not contents["finished"]:
        raise StudyError(f"{checkpoint}: its training is not finished; only finished networks are passed on.")
    tensors = {name: tensor.half().contiguous() for name, tensor in contents["method"]["generators"].items()}
    if beyond := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise StudyError(f"{checkpoint}: numbers too large for half precision in {', '.join(beyond)}.")
    about = {"format": FORMAT, "system": contents["system"], "seed": contents["seed"], "settings": contents["settings"]}
    with files.atomic_file(path) as temporary:
        try:
            save_file(tensors, temporary, {name: json.dumps(value) for name, value in about.items()})
        except SafetensorError as error:  # its writer reports a full disk this way
            raise OSError(str(error)) from None
    return path.stat().st_size


def _load_exported(path: Path, device: torch.device | str) -> dict:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            about = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
            generators = {name: file.get_tensor(name).float() for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as safetensors ({error}). Restore it with `git checkout`, or export "
                         "it again.") from None
    return {**about, "finished": True, "method": {"generators": generators}}
