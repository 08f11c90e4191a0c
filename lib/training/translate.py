"""The only way from a checkpoint and images to synthesised images.

Always fp32, whatever the training used, and one image at a time (``lib.training.tensors``); output 8-bit, clamped, at
the size the input had.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from lib.base import images
from lib.base.directions import DIRECTIONS, PHOTO_TO_SKETCH
from lib.base.errors import StudyError, listed, unknown_name
from lib.base.pairing import by_name
from lib.base.settings import AFTER_TRAINING, RunSettings
from lib.training import checkpoints, devices, plans
from lib.training.tensors import translate_faces


class Translator:
    """A trained system ready to translate; raises StudyError for a file that is not a checkpoint of ours.

    settings: those that act after training (``AFTER_TRAINING``) replace the checkpoint's.
    """

    def __init__(self, checkpoint: Path, settings: RunSettings | None = None, device: torch.device | None = None):
        contents = checkpoints.load(checkpoint, needs=("system", "settings", "method", "finished"))
        try:
            self.settings = plans.restore(contents["system"], contents["settings"])
        except StudyError as error:
            raise StudyError(f"{checkpoint}: {str(error).removesuffix('.')}. Train again.") from None
        if settings:
            after = {name: getattr(settings, name) for name in AFTER_TRAINING}
            self.settings = dataclasses.replace(self.settings, **after)
        self.finished = contents["finished"]
        self.trainable = plans.create(contents["system"], self.settings, device or devices.default_device(),
                                      training=False)
        weights = checkpoints.fitting(checkpoint, self.trainable.generators.state_dict(),
                                      contents["method"].get("generators"))
        self.trainable.load_state({"generators": weights})

    def __call__(self, direction: str, faces: np.ndarray, names: Sequence[str] | None = None) -> np.ndarray:
        """Translate uint8 faces; photo-to-sketch: (n, H, W, 3) → (n, H, W); sketch-to-photo: the reverse.

        names: of the faces, for systems that draw random numbers while they translate.
        """
        if direction not in DIRECTIONS:
            raise unknown_name("direction", direction, DIRECTIONS)
        if direction not in self.trainable.directions:
            raise StudyError(f"This system translates {' and '.join(self.trainable.directions)} only.")
        return translate_faces(self.trainable, self.settings, direction, faces, names)


def translate_folder(checkpoint: Path, source: Path, output: Path, direction: str) -> int:
    """Translate an image or all images of a folder to PNGs in ``output``; returns how many.

    Photos may be grey (three equal channels then), sketches may be RGB (made grey).  All inputs are read
    before the first output is written, so one bad file loses nothing; raises StudyError where an output would take
    the place of an input or of any other file, and as ``require_folder_for_images`` does.  Says so where the
    checkpoint's training is not finished.
    """
    source = Path(source)
    images.require_folder_for_images(Path(output), source)
    inputs = by_name(source) if source.is_dir() else {source.stem: source}
    outputs = {stem: Path(output) / f"{stem}.png" for stem in inputs}
    if lost := [str(inputs[stem]) for stem, file in outputs.items() if file.resolve() == inputs[stem].resolve()]:
        raise StudyError(f"{output}: these inputs would be overwritten:\n{listed(lost)}\nGive another output folder.")
    prepare = images.to_rgb if direction == PHOTO_TO_SKETCH else images.to_grey
    faces = [prepare(images.read_image(file)) for file in inputs.values()]
    if taken := [str(file) for file in outputs.values() if file.exists()]:
        raise StudyError(f"{output}: {len(taken)} of {len(outputs)} outputs are there already, from an earlier run or "
                         f"another program:\n{listed(taken, limit=3)}\nRemove them or give another output folder.")
    translator = Translator(checkpoint)
    if not translator.finished:
        print(f"{checkpoint}: its training is not finished; this is what it has learnt so far", file=sys.stderr)
    for (stem, file), face in zip(outputs.items(), faces):
        images.write_png(file, translator(direction, face[None], [stem])[0])
    return len(outputs)
