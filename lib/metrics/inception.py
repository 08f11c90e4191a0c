"""The Inception network of FID: the weights of the 2015 TensorFlow release, ported by M. Seitzer.

Only this network's Fréchet distance is called FID (Heusel et al., NIPS 2017).  torchvision's own
Inception is another network and its distances are not comparable.  Weights: pytorch-fid's release
file, fetched once and checked against its SHA-256.

The layers are torchvision's, with the four differences of the TensorFlow graph: average pooling that
does not count the padding, max pooling in the last block, 1,008 classes, no auxiliary head.  Images
are resized to 299 × 299 bilinearly without antialiasing, as pytorch-fid does: another filter moves FID.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models import Inception3
from torchvision.models.inception import InceptionA, InceptionC, InceptionE

from lib.base import cache
from lib.base.errors import StudyError

URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIZE = 299


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


class _BlockA(InceptionA):
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)),
                self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))), self.branch_pool(_average(x))]


class _BlockC(InceptionC):
    def _forward(self, x: Tensor) -> list[Tensor]:
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return [self.branch1x1(x), self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
                self.branch7x7dbl_5(self.branch7x7dbl_4(double)), self.branch_pool(_average(x))]


class _BlockE(InceptionE):
    def pool(self, x: Tensor) -> Tensor:
        return _average(x)

    def _forward(self, x: Tensor) -> list[Tensor]:
        single, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [self.branch1x1(x), self.branch3x3_2a(single), self.branch3x3_2b(single),
                self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double), self.branch_pool(self.pool(x))]


class _LastBlockE(_BlockE):
    def pool(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, kernel_size=3, stride=1, padding=1)


class FidInception(Inception3):
    """Maps (N, 3, 299, 299) in [-1, 1] to the 2,048 averaged features that FID compares."""

    def __init__(self) -> None:
        super().__init__(num_classes=1008, aux_logits=False, init_weights=False)
        self.Mixed_5b = _BlockA(192, pool_features=32)
        self.Mixed_5c = _BlockA(256, pool_features=64)
        self.Mixed_5d = _BlockA(288, pool_features=64)
        for name, width in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            setattr(self, name, _BlockC(768, channels_7x7=width))
        self.Mixed_7b = _BlockE(1280)
        self.Mixed_7c = _LastBlockE(2048)
        self.fc = torch.nn.Linear(2048, 1008)  # present in the file, unused
        self.dropout = torch.nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, stride=2)))
        x = F.max_pool2d(x, 3, stride=2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = getattr(self, f"Mixed_{name}")(x)
        return x.mean(dim=(2, 3))


def load(offline: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``features(images)``: uint8 (n, H, W) or (n, H, W, 3) → (n, 2048) float64.

    Raises StudyError with the remedy when the weights are neither cached nor reachable, or differ
    from the published file.
    """
    file = cache.file("inception-fid", Path(URL).name)
    try:
        if not file.exists():
            if offline:
                raise OSError("they are not cached and fetching was switched off")
            _fetch(file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if digest != SHA256:
            raise OSError(f"the file is another one or damaged: SHA-256 {digest[:12]}… instead of {SHA256[:12]}…")
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: the hash check of torch.hub
        raise StudyError(
            f"{file}: FID's Inception weights cannot be had ({error}). On a machine with internet run "
            f"`python -m lib score A B --metrics fid` once, or put the file of {URL} there; without it FID is not "
            "computed.") from None
    network = FidInception()
    network.load_state_dict(state)
    network.eval().requires_grad_(False)
    return lambda images: embed(network, images)


def _fetch(file: Path) -> None:
    """Download the published file, 96 MB, into the cache; it is there whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(URL, str(file), hash_prefix=SHA256, progress=sys.stderr.isatty())


@torch.no_grad()
def embed(network: FidInception, faces: np.ndarray, batch: int = 16) -> np.ndarray:
    """Return the features of uint8 faces (n, H, W) or (n, H, W, 3) as (n, 2048) float64."""
    parts = []
    for start in range(0, len(faces), batch):
        x = torch.from_numpy(np.ascontiguousarray(faces[start:start + batch]))
        x = x[:, None].expand(-1, 3, -1, -1) if x.ndim == 3 else x.permute(0, 3, 1, 2)
        x = F.interpolate(x.float() / 255, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
        parts.append(network(2 * x - 1).double().numpy())
    return np.concatenate(parts)
