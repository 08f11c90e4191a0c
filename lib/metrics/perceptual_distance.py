"""LPIPS and DISTS: distances of two images in the features of VGG-16, as piq computes them.

Sources: R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018 (LPIPS,
version 0.1 on VGG-16; values on AlexNet, the authors' default, are others); K. Ding et al., "Image quality
assessment: unifying structure and texture similarity", IEEE TPAMI 44(5), 2022 (DISTS).

The trunk is torchvision's VGG-16, the learned weights are those in the authors' own packages.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import piq
import torch
from torch import Tensor, nn
from torchvision.models import vgg16

from lib.base import weights
from lib.base.images import to_rgb

NAMES = ("lpips", "dists")
LAYERS = ("3", "8", "15", "22", "29")  # relu1_2, relu2_2, relu3_3, relu4_3, relu5_3 of the trunk
CHANNELS = (64, 128, 256, 512, 512)
_TRUNK = ("https://download.pytorch.org/models/vgg16-397923af.pth", "397923af")  # the name holds the SHA-256's start
_LEARNED = {
    "lpips": ("lpips==0.1.4", "lpips/weights/v0.1/vgg.pth",
              "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    "dists": ("dists-pytorch==0.1", "DISTS_pytorch/weights.pt",
              "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"),
}


class _Dists(piq.DISTS):
    """piq's DISTS without its constructor, which fetches weights that nothing checks."""

    def __init__(self, trunk: nn.Module, learned: list[Tensor]):
        piq.ContentLoss.__init__(self, trunk, LAYERS, learned, replace_pooling=True, allow_layers_weights_mismatch=True)


def load(name: str, device: torch.device | str = "cpu",
         offline: bool = False) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return LPIPS or DISTS (``NAMES``) of two uint8 images (H, W) or (H, W, 3) of one size; ≥ 0, 0 for equal images.

    Grey is replicated.  Raises StudyError with the remedy when the weights are neither cached nor reachable, or differ
    from the published files.
    """
    learned = torch.load(weights.from_package(*_LEARNED[name], folder=name, offline=offline), map_location="cpu",
                         weights_only=True)
    trunk = vgg16(weights=None)
    trunk.load_state_dict(torch.load(weights.from_url(*_TRUNK, folder="vgg16", offline=offline), map_location="cpu",
                                     weights_only=True))
    measure = network(name, trunk.features, learned).to(device)

    @torch.no_grad()
    def distance(reference: np.ndarray, image: np.ndarray) -> float:
        pair = [torch.from_numpy(to_rgb(face)).to(device).permute(2, 0, 1)[None].float() / 255
                for face in (reference, image)]
        return measure(*pair).item()

    return distance


def network(name: str, trunk: nn.Module, learned: dict[str, Tensor]) -> nn.Module:
    """The distance as a module on (1, 3, H, W) in [0, 1]; trunk: VGG-16's layers; learned: the authors' weights."""
    if name == "lpips":
        scales = [learned[f"lin{layer}.model.1.weight"] for layer in range(len(LAYERS))]
        measure = piq.ContentLoss(trunk, LAYERS, scales, normalize_features=True)
    else:
        # Weights of structure (alpha) and texture (beta), for the image itself and for the layers.
        measure = _Dists(trunk, [part for kind in ("alpha", "beta")
                                 for part in learned[kind].split([3, *CHANNELS], dim=1)])
    return measure.eval().requires_grad_(False)
