"""Distances between whole sets of faces, through the features of a network.

``frechet-vgg16-hed`` and ``kid-vgg16-hed`` see the offline stand-in's features and carry its name: they
are no FID.  ``fid`` is computed with the FID network itself and only where its weights can be had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from lib import images, paths
from lib.errors import StudyError
from lib.metrics import frechet_distance, jackknife_interval, kernel_distance
from lib.statistics import Interval

SET_METRICS = {"frechet-vgg16-hed": "vgg16-hed", "kid-vgg16-hed": "vgg16-hed", "fid": "fid-inception"}


def score_set(metric: str, reference: np.ndarray, synthesised: np.ndarray) -> Interval:
    """Distance of two feature sets (n, d), row i of both the same person, with its 95 % limits.

    The limits say how much the number hangs on who was tested.  They do not mend the bias of Fréchet
    distances: with fewer faces than features these are too large, and only values of equal n compare.
    """
    return jackknife_interval(kernel_distance if metric.startswith("kid") else frechet_distance, reference, synthesised)


class Embedder:
    """Features of sets of faces, each set computed once ever: kept in the cache under its content's hash.

    ``unavailable`` collects, per network, why its features cannot be had; such a network is not tried twice.
    """

    def __init__(self) -> None:
        self.unavailable: dict[str, str] = {}
        self._networks: dict[str, Callable[[np.ndarray], np.ndarray]] = {}

    def metrics(self) -> tuple[str, ...]:
        """Set metrics whose network is not known to be unavailable."""
        return tuple(metric for metric, network in SET_METRICS.items() if network not in self.unavailable)

    def __call__(self, name: str, faces: np.ndarray) -> np.ndarray | None:
        """uint8 faces (n, H, W[, 3]) → (n, d) float64, or None if the network is unavailable."""
        digest = hashlib.sha256(f"{name} {faces.shape} 1".encode() + np.ascontiguousarray(faces).tobytes()).hexdigest()
        file = paths.cache_root() / "embeddings" / f"{name}-{digest[:24]}.npy"
        if file.exists():
            try:
                return np.load(file, allow_pickle=False)
            except (ValueError, OSError, EOFError):
                file.unlink()  # damaged: computed again
        if name in self.unavailable:
            return None
        try:
            if name not in self._networks:
                self._networks[name] = _load(name)
            vectors = self._networks[name](faces)
        except (StudyError, ImportError) as error:
            self.unavailable[name] = str(error)
            return None
        with images.atomic_file(file) as temporary, temporary.open("wb") as out:
            np.save(out, vectors)
        return vectors


def _load(name: str) -> Callable[[np.ndarray], np.ndarray]:
    if name == "fid-inception":
        from lib.metrics import inception  # torch is needed from here on only
        return inception.load()
    from lib import features
    network = features.load(name)
    return lambda faces: features.embed(network, faces)
