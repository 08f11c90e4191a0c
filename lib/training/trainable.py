"""What trains and translates: the interface of a method, making one by its system's name, faces in and out.

Below both ``lib.training.loop`` and ``lib.training.translate``, so that a sample shown during training is made by the
very function that makes the published faces.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lib.databases.geometry import from_square, to_square
from lib.model import settings as profiles
from lib.model.msg_sarl import MsgSarl
from lib.model.settings import Settings


class Method(Protocol):
    """What the training loop needs; images are (B, 3 or 1, H, H) in [-1, 1], losses scalar tensors.

    ``prepare`` takes the training set, once; ``step`` the rows (B,) of a batch in it.  On CUDA a step is
    recorded and replayed (``lib.training.recorded_step``): the same kernels in every step, no waiting for the device.
    """

    def prepare(self, photos: Tensor, sketches: Tensor) -> None: ...
    def step(self, rows: Tensor) -> dict[str, Tensor]: ...
    def set_learning_rate(self, rate: float) -> None: ...
    def diagnostics(self) -> dict[str, float]: ...
    def state(self, *, training: bool = True) -> dict: ...
    def load_state(self, state: dict) -> None: ...
    def translate(self, direction: str, images: Tensor) -> Tensor: ...


def create(system: str, settings: Settings, device: torch.device, *, training: bool = True) -> Method:
    """Return the method of a trained system, freshly initialised from torch's global generator."""
    profiles.split_system(system)  # refuses unknown names
    return MsgSarl(settings, device, training=training)


def default_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """The card's name, or ``cpu``: what a run's record calls its device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def to_tensor(faces: np.ndarray, settings: Settings) -> Tensor:
    """uint8 faces (n, H, W[, 3]) → (n, C, S, S) float32 in [-1, 1], S the settings' size."""
    square = torch.from_numpy(to_square(faces, settings.size, settings.resampling, settings.fit).copy())
    square = square[..., None] if square.ndim == 3 else square
    return square.permute(0, 3, 1, 2).float() / 127.5 - 1  # stays channels-last in memory


def to_face(image: Tensor, settings: Settings, height: int, width: int) -> np.ndarray:
    """(1, C, S, S) in [-1, 1] → uint8 (height, width) or (height, width, 3), rounded and clamped."""
    square = ((image.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    square = square[..., 0] if square.shape[3] == 1 else square
    return from_square(square, settings.output_resampling, settings.fit, height=height, width=width)[0]


def translate_faces(method: Method, settings: Settings, direction: str, faces: np.ndarray,
                    device: torch.device) -> np.ndarray:
    """Translate uint8 faces (n, H, W[, 3]) one at a time, in fp32: neither batch nor order changes a pixel."""
    return np.stack([
        to_face(method.translate(direction, to_tensor(face[None], settings).to(device)), settings, *face.shape[:2])
        for face in faces])
