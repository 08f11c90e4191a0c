"""The training set on the device, and what a step sees of it: whole images, or random crops and mirror images.

CycleGAN, pix2pix and U-GAT-IT resize to 286 and crop 256 pixels, DRIT crops 216 of 256; all mirror half of the
images.  Pairs are cropped and mirrored alike, unpaired images each by themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lib.base.settings import RunSettings


class TrainingPairs:
    """photos (n, 3, S, S) and sketches (n, C, S, S) in [-1, 1], S the settings' ``load_size``.

    Random draws come from a generator of its own, seeded from torch's (``torch.initial_seed``), on the CPU, so that
    they are the same on every device; ``state`` is to be saved with the run.
    """

    def __init__(self, photos: Tensor, sketches: Tensor, settings: RunSettings, device: torch.device):
        self.photos, self.sketches = photos.to(device), sketches.to(device)
        self.settings = settings
        self.generator = torch.Generator().manual_seed(torch.initial_seed())

    def draw(self, photo_rows: Tensor, sketch_rows: Tensor) -> tuple[Tensor, Tensor]:
        """The images of these rows (B,), augmented: (B, 3, C, C) and (B, …, C, C), C the ``crop_size``."""
        photos, sketches = self.photos.index_select(0, photo_rows), self.sketches.index_select(0, sketch_rows)
        if self.settings.augmentation == "none":
            return photos, sketches
        views = self._views(len(photos))
        return self._cut(photos, views), self._cut(sketches, views if self.settings.pairing == "paired"
                                                   else self._views(len(sketches)))

    def _views(self, count: int) -> list[tuple[int, int, bool]]:
        """Top, left and mirrored or not, for each of ``count`` images."""
        room = self.settings.load_size - self.settings.crop_size + 1
        corners = torch.randint(room, (count, 2), generator=self.generator).tolist()
        mirrored = torch.randint(2, (count,), generator=self.generator).tolist()
        return [(top, left, bool(flip)) for (top, left), flip in zip(corners, mirrored)]

    def _cut(self, images: Tensor, views: list[tuple[int, int, bool]]) -> Tensor:
        size = self.settings.crop_size
        cut = [image[:, top:top + size, left:left + size] for image, (top, left, _) in zip(images, views)]
        return torch.stack([image.flip(-1) if flip else image for image, (_, _, flip) in zip(cut, views)])

    def state(self) -> Tensor:
        return self.generator.get_state()

    def load_state(self, state: Tensor) -> None:
        self.generator.set_state(state.cpu())
