"""The only way from a checkpoint and images to synthesised images.

Always fp32 and evaluation mode, whatever the training used; one image at a time (``lib.training.trainable``); output
8-bit, clamped, at the size the input had.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch

from lib.base import images
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, listed, unknown_name
from lib.model.settings import AFTER_TRAINING, Settings
from lib.training import checkpoints
from lib.training import trainable as methods


class Translator:
    """A trained system ready to translate; raises StudyError for a file that is not a checkpoint of ours.

    settings: those that act after training (``profiles.AFTER_TRAINING``) replace the checkpoint's.
    """

    def __init__(self, checkpoint: Path, settings: Settings | None = None, device: torch.device | None = None):
        self.device = device or methods.default_device()
        contents = checkpoints.load(checkpoint)
        self.settings = checkpoints.settings_of(contents, checkpoint)
        if settings:
            after = {name: getattr(settings, name) for name in AFTER_TRAINING}
            self.settings = dataclasses.replace(self.settings, **after)
        self.finished = contents["finished"]
        self.method = methods.create(contents["system"], self.settings, self.device, training=False)
        state = {key: value for key, value in contents["method"].items() if key == "generators"}
        try:
            self.method.load_state(state)
        except (RuntimeError, KeyError) as error:
            raise StudyError(f"{checkpoint}: does not fit its own settings ({str(error).splitlines()[0]}).") from None

    def __call__(self, direction: str, faces: np.ndarray) -> np.ndarray:
        """Translate uint8 faces; photo-to-sketch: (n, H, W, 3) → (n, H, W); sketch-to-photo: the reverse."""
        if direction not in DIRECTIONS:
            raise unknown_name("direction", direction, DIRECTIONS)
        return methods.translate_faces(self.method, self.settings, direction, faces, self.device)


def translate_folder(checkpoint: Path, source: Path, output: Path, direction: str) -> int:
    """Translate an image or all images of a folder to PNGs in ``output``; returns how many.

    Photos may be grey (three equal channels then), sketches may be RGB (made grey).  All inputs are read
    before the first output is written, so one bad file loses nothing; raises StudyError where an output would take
    the place of an input or of any other file.  Says so where the checkpoint's training is not finished.
    """
    source = Path(source)
    files = images.by_stem(source) if source.is_dir() else {source.stem: source}
    outputs = {stem: Path(output) / f"{stem}.png" for stem in files}
    if lost := [str(files[stem]) for stem, file in outputs.items() if file.resolve() == files[stem].resolve()]:
        raise StudyError(f"{output}: these inputs would be overwritten:\n{listed(lost)}\nGive another output folder.")
    prepare = images.to_rgb if direction == "photo-to-sketch" else images.to_grey
    faces = [prepare(images.read_image(file)) for file in files.values()]
    if taken := [str(file) for file in outputs.values() if file.exists()]:
        raise StudyError(f"{output}: {len(taken)} of {len(outputs)} outputs are there already, from an earlier run or "
                         f"another program:\n{listed(taken, limit=3)}\nRemove them or give another output folder.")
    translator = Translator(checkpoint)
    if not translator.finished:
        print(f"{checkpoint}: its training is not finished; this is what it has learnt so far", file=sys.stderr)
    for file, face in zip(outputs.values(), faces):
        images.write_png(file, translator(direction, face[None])[0])
    return len(files)
