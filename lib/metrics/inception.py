"""The Inception network of FID: torch-fidelity's, with the weights of the 2015 TensorFlow release.

Only this network's Fréchet distance is called FID (Heusel et al., NIPS 2017).  torchvision's own Inception is another
network and its distances are not comparable.  The weights are pytorch-fid's release file, which torch-fidelity
distributes too; fetched once and checked against its SHA-256.

torch-fidelity resizes to 299 × 299 as the TensorFlow graph of the authors does (bilinear, no antialiasing, pixel
corners aligned at the top left).  pytorch-fid aligns pixel centres and gives slightly other numbers: another filter
moves FID.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from lib.base import weights

URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
FEATURES = "2048"  # torch-fidelity's name of the last pooling layer, which FID compares


def load(offline: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``features(images)``: uint8 (n, H, W) or (n, H, W, 3) → (n, 2048) float64.

    Raises StudyError with the remedy when the weights are neither cached nor reachable, or differ
    from the published file.
    """
    file = weights.from_url(URL, SHA256, "inception-fid", offline)
    network = FeatureExtractorInceptionV3("inception", [FEATURES], feature_extractor_weights_path=str(file))
    return lambda images: embed(network, images)


@torch.no_grad()
def embed(network: FeatureExtractorInceptionV3, faces: np.ndarray, batch: int = 16) -> np.ndarray:
    """Return the features of uint8 faces (n, H, W) or (n, H, W, 3) as (n, 2048) float64."""
    parts = []
    for start in range(0, len(faces), batch):
        x = torch.from_numpy(np.ascontiguousarray(faces[start:start + batch]))
        x = x[:, None].expand(-1, 3, -1, -1) if x.ndim == 3 else x.permute(0, 3, 1, 2)
        parts.append(network(x)[0].double().numpy())
    return np.concatenate(parts)
