"""Distances between whole sets of faces, through the features of a network.

``frechet-vgg16-hed`` and ``kid-vgg16-hed`` see the offline stand-in's features and carry its name: they
are no FID.  ``fid`` is computed with the FID network itself and only where its weights can be had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lib.base import cache, images
from lib.base.errors import StudyError
from lib.base.statistics import Interval
from lib.metrics import frechet_distance, jackknife_interval, jackknife_of_two, kernel_distance

SET_METRICS = {"frechet-vgg16-hed": "vgg16-hed", "kid-vgg16-hed": "vgg16-hed", "fid": "fid-inception"}
# Of folders only: KID as others publish it, on the features of FID.  Studies keep to those above.
FOLDER_SET_METRICS = SET_METRICS | {"kid": "fid-inception"}


def score_set(metric: str, reference: np.ndarray, synthesised: np.ndarray) -> Interval:
    """Distance of two feature sets (n, d), row i of both the same person, with its 95 % limits.

    The limits say how much the number depends on who was tested.  They do not mend the bias of Fréchet
    distances: with fewer faces than features these are too large, and only values of equal n compare.
    """
    return jackknife_interval(kernel_distance if metric.startswith("kid") else frechet_distance, reference, synthesised)


def score_two_sets(metric: str, reference: np.ndarray, synthesised: np.ndarray) -> Interval:
    """Distance of two sets of different images, (n, d) and (m, d), with its 95 % limits."""
    return jackknife_of_two(kernel_distance if metric.startswith("kid") else frechet_distance, reference, synthesised)


class Embedder:
    """Features of sets of faces.  A face is embedded once however many sets hold it (the mean face is in one a
    hundred times), and a set once ever: it is kept in the cache under the hash of its content.

    ``unavailable`` collects, per network, why its features cannot be had; such a network is not tried twice.
    """

    def __init__(self) -> None:
        self.unavailable: dict[str, str] = {}
        self._networks: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
        self._known: dict[tuple[str, str], np.ndarray] = {}  # (network, hash of a face) → vector

    def metrics(self) -> tuple[str, ...]:
        """Set metrics whose network is not known to be unavailable."""
        return tuple(metric for metric, network in SET_METRICS.items() if network not in self.unavailable)

    def __call__(self, name: str, faces: np.ndarray) -> np.ndarray | None:
        """uint8 faces (n, H, W[, 3]) → (n, d) float64, or None if the network is unavailable."""
        faces = np.stack([images.to_rgb(face) for face in faces])  # grey and its replication are one face
        hashes = [hashlib.sha256(f"{face.shape}".encode() + face.tobytes()).hexdigest() for face in faces]
        file = cache.file("embeddings", name, f"{hashlib.sha256(' '.join(hashes).encode()).hexdigest()}.npy")
        vectors = self._read(file, len(faces))
        if vectors is None:
            vectors = self._compute(name, faces, hashes)
            if vectors is None:
                return None
            cache.keep_arrays(file, vectors)
        self._known.update(zip(((name, digest) for digest in hashes), vectors, strict=True))
        return vectors

    @staticmethod
    def _read(file: Path, count: int) -> np.ndarray | None:
        try:
            vectors = np.load(file, allow_pickle=False)
        except (ValueError, OSError, EOFError):
            return None  # absent or damaged: computed again
        return vectors if vectors.ndim == 2 and len(vectors) == count else None

    def _compute(self, name: str, faces: np.ndarray, hashes: list[str]) -> np.ndarray | None:
        first = {digest: i for i, digest in reversed(list(enumerate(hashes))) if (name, digest) not in self._known}
        if first:
            network = self._network(name)
            if network is None:
                return None
            fresh = network(faces[list(first.values())])
            self._known.update(zip(((name, digest) for digest in first), fresh, strict=True))
        return np.stack([self._known[name, digest] for digest in hashes])

    def _network(self, name: str) -> Callable[[np.ndarray], np.ndarray] | None:
        if name not in self._networks and name not in self.unavailable:
            try:
                self._networks[name] = _load(name)
            except (StudyError, ImportError) as error:
                self.unavailable[name] = str(error)
        return self._networks.get(name)


def _load(name: str) -> Callable[[np.ndarray], np.ndarray]:
    if name == "fid-inception":
        from lib.metrics import inception  # torch is needed from here on only
        return inception.load()
    from lib.model import features
    from lib.training.devices import default_device
    network = features.load(name).to(default_device())
    return lambda faces: features.embed(network, faces)
