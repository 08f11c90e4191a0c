"""Feature networks against torchvision's own VGG with the same weights, and the errors people meet offline."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision

from lib.base.errors import StudyError
from lib.model import features

CAFFE_BGR_MEAN = np.array([103.939, 116.779, 123.68], np.float32)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def as_input(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1


def after_pools(trunk, x, pools):
    """Outputs of torchvision's trunk after its 1st, 2nd, … max-pooling."""
    outputs = []
    for layer in trunk:
        x = layer(x)
        if isinstance(layer, torch.nn.MaxPool2d):
            outputs.append(x)
    return [outputs[pool - 1] for pool in pools]


@torch.no_grad()
def test_stand_in_is_vgg16_in_caffes_convention(image):
    """Undo our scaling: HED's weights in torchvision's VGG-16, BGR input minus the mean, divided by 57.6 at the end."""
    network = features.load("vgg16-hed")
    trunk = torchvision.models.vgg16(weights=None).features
    convolutions = [layer for layer in trunk if isinstance(layer, torch.nn.Conv2d)]
    ours = [convolution for stage in network.stages for convolution in stage]
    for i, (theirs, mine) in enumerate(zip(convolutions, ours, strict=True)):
        theirs.weight.copy_(mine.weight.flip(1) if i == 0 else mine.weight)
        theirs.bias.copy_(mine.bias * 57.6)
    caffe = torch.from_numpy(image[..., ::-1].astype(np.float32) - CAFFE_BGR_MEAN).permute(2, 0, 1)[None]
    for mine, theirs in zip(network(as_input(image), (1, 2, 5)), after_pools(trunk, caffe, (1, 2, 5))):
        torch.testing.assert_close(mine, theirs / 57.6, atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_vgg19_is_torchvisions(image, monkeypatch):
    """The published file cannot be fetched in a test; torchvision's random network has the same layout."""
    model = torchvision.models.vgg19(weights=None).eval()
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *args, **options: model.state_dict())
    network = features.load("vgg19")
    normalise = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    x = normalise(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    for mine, theirs in zip(network(as_input(image), (2, 5)), after_pools(model.features, x, (2, 5))):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-3)


def test_grey_image_is_three_equal_channels():
    network = features.load("vgg16-hed")
    grey = torch.rand(1, 1, 32, 32) * 2 - 1
    torch.testing.assert_close(network(grey), network(grey.expand(-1, 3, -1, -1)))


def test_embedding_does_not_depend_on_the_batch():
    network = features.load("vgg16-hed")
    faces = np.random.default_rng(1).integers(0, 256, (5, 50, 40), dtype=np.uint8)
    together, in_parts = (features.embed(network, faces, batch=batch) for batch in (5, 2))
    np.testing.assert_allclose(together, in_parts, rtol=1e-4)


@pytest.mark.parametrize("name, remedy", [("vgg19", "vgg16-hed"), ("vgg16-hed", "copy")])
def test_without_cache_and_internet_the_error_names_a_remedy(name, remedy, monkeypatch, tmp_path):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    with pytest.raises(StudyError, match=remedy):
        features.load(name, offline=True)


def test_damaged_cache_and_unknown_network_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    file = tmp_path / "vgg16-hed" / "trunk-float16.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"not weights")
    with pytest.raises(StudyError, match="trunk-float16.safetensors: damaged"):
        features.load("vgg16-hed")
    with pytest.raises(StudyError, match="Did you mean vgg19"):
        features.load("vgg91")
