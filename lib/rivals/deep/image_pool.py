"""The history of synthesised images that discriminators are shown, so that they do not only know the latest generator.

After Shrivastava et al. (CVPR 2017), as CycleGAN's program does it: the pool takes in and gives back every image until
it is full; from then on each image is, with probability 1/2, exchanged for a random one of the pool.
"""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """``pool.exchange(images)``: images (B, C, H, W), detached → as many images, some of them older.

    ``capacity`` 0 gives back every image itself.  Draws come from a generator of its own on the CPU, seeded from
    torch's and ``number`` (pools of one run need different numbers), so that they are the same on every device;
    ``state`` is to be saved with the run.
    """

    def __init__(self, capacity: int, number: int):
        self.capacity = capacity
        self.images: list[Tensor] = []  # each (1, C, H, W)
        self.generator = torch.Generator().manual_seed((torch.initial_seed() + 1 + number) % 2 ** 63)

    def exchange(self, images: Tensor) -> Tensor:
        if not self.capacity:
            return images
        return torch.cat([self._exchange(image) for image in images.split(1)])

    def _exchange(self, image: Tensor) -> Tensor:
        if len(self.images) < self.capacity:
            self.images.append(image)
            return image
        if torch.rand((), generator=self.generator) <= 0.5:
            return image
        place = int(torch.randint(self.capacity, (), generator=self.generator))
        older, self.images[place] = self.images[place], image
        return older

    def state(self) -> dict:
        return {"images": list(self.images), "generator": self.generator.get_state()}

    def load_state(self, state: dict, device: torch.device) -> None:
        self.images = [image.to(device) for image in state["images"]]
        self.generator.set_state(state["generator"].cpu())
