"""Floors and ceilings: what a score is worth shows only beside those of systems that hardly try.

Floors see the source and know nothing of faces, or know faces and never look at the source:

grey-input        the input itself, greyed
mean-face         the mean of the training targets, the same for everybody
pixel-regression  for each pixel its own straight line from source to target, fitted on the training pairs
wrong-person      another test person's real target: perfect strokes, wrong identity

The ceiling resized-target is the real target sent through the network's square and back: the best
that any network of that size could score.  ``wrong-person`` and ``resized-target`` look at the test
targets; no system may.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lib.base.errors import StudyError, unknown_name
from lib.base.images import to_grey
from lib.databases.geometry import through_square


class Control:
    """One control for one direction.

    ``fit(sources, targets)`` takes the training pairs; ``synthesise(sources, targets)`` returns a face
    per source, of the targets' kind.  All arrays are uint8, (n, H, W) for sketches and (n, H, W, 3) for photos.
    """

    needs_targets = False
    measurements: dict = {}  # controls cost nothing worth recording

    def fit(self, sources: np.ndarray, targets: np.ndarray, groups: Sequence[str] | None = None) -> None:
        """Learn from the training pairs; ``groups`` (sub-databases) are not told apart."""
        if not len(targets):
            raise StudyError("A control needs at least one training pair.")
        self.colour = targets.ndim == 4

    def synthesise(self, sources: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return (n, H, W) or (n, H, W, 3) uint8.  Raises StudyError where the control needs what it is not given."""
        if not hasattr(self, "colour"):
            raise StudyError("The control has not been fitted: call fit(sources, targets) first.")
        if self.needs_targets and (targets is None or len(targets) != len(sources)):
            raise StudyError("This control is made from the test targets: pass one target per source.")
        return self._synthesise(sources, targets)


class GreyInput(Control):
    """The source itself, greyed."""

    def _synthesise(self, sources: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        grey = _luminance(sources)
        return np.repeat(grey[..., None], 3, axis=-1) if self.colour else grey


class MeanFace(Control):
    """The mean of the training targets, rounded."""

    def fit(self, sources: np.ndarray, targets: np.ndarray, groups: Sequence[str] | None = None) -> None:
        super().fit(sources, targets, groups)
        self.face = _to_uint8(targets.mean(axis=0, dtype=np.float64))

    def _synthesise(self, sources: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        return np.repeat(self.face[None], len(sources), axis=0)


class PixelRegression(Control):
    """Each target pixel (and channel) as a straight line of the source's grey value at the same place."""

    def fit(self, sources: np.ndarray, targets: np.ndarray, groups: Sequence[str] | None = None) -> None:
        super().fit(sources, targets, groups)
        x = _match_channels(_luminance(sources).astype(np.float32), targets)
        self.mean_source = x.mean(axis=0)
        self.mean_target = targets.mean(axis=0, dtype=np.float64).astype(np.float32)
        x -= self.mean_source
        spread = np.einsum("n...,n...->...", x, x)
        shared = np.einsum("n...,n...->...", x, targets - self.mean_target)
        # A pixel that never varies among the training sources predicts nothing: slope 0.
        self.slope = np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 0)

    def _synthesise(self, sources: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        x = _match_channels(_luminance(sources).astype(np.float32), self.mean_target[None])
        return _to_uint8(self.mean_target + self.slope * (x - self.mean_source))


class WrongPerson(Control):
    """The real target of another test person; a seeded cyclic order, so that nobody keeps their own."""

    needs_targets = True

    def _synthesise(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        if len(targets) < 2:
            raise StudyError("wrong-person needs at least two test faces.")
        order = np.random.default_rng(0).permutation(len(targets))
        wrong = np.empty_like(targets)
        wrong[order] = targets[np.roll(order, 1)]
        return wrong


class ResizedTarget(Control):
    """The real target through a network's square of ``size`` pixels and back to its own size."""

    needs_targets = True

    def __init__(self, size: int):
        self.size = size

    def _synthesise(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return through_square(targets, self.size)


NAMES = ("grey-input", "mean-face", "pixel-regression", "wrong-person", "resized-target")
FLOORS = NAMES[:4]
CEILING = "resized-target"


def create(name: str, *, size: int) -> Control:
    """Return the control called ``name``; ``size`` is the side of the network's square in pixels.

    Raises StudyError for an unknown name, suggesting near ones.
    """
    if name == CEILING:
        return ResizedTarget(size)
    kinds = dict(zip(FLOORS, (GreyInput, MeanFace, PixelRegression, WrongPerson), strict=True))
    if name not in kinds:
        raise unknown_name("control", name, NAMES)
    return kinds[name]()


def _luminance(faces: np.ndarray) -> np.ndarray:
    return to_grey(faces) if faces.ndim == 4 else faces


def _match_channels(grey: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n, H, W) → (n, H, W, 1) where the targets have channels, to broadcast against them."""
    return grey[..., None] if targets.ndim == 4 else grey


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
