"""One rival as the study sees it: fitted on pairs, one dictionary per sub-database, time and memory noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from lib.base.errors import StudyError, counted, listed
from lib.base.hardware import PeakMemory
from lib.rivals.exemplar.exemplar import ExemplarMethod

ONE_GROUP = "all"


class Rival:
    """An exemplar method with one dictionary per group (sub-database), as RSLCR's authors keep them.

    ``measurements`` (after ``fit`` and ``synthesise``): options, training pairs per group, seconds_fit and
    seconds_per_image by the clock, the same as processor time (``cpu_…``, which other programs on the
    machine hardly change), peak_memory_mb of the whole process (None on Windows), device and threads.
    """

    def __init__(self, name: str, make: Callable[[], ExemplarMethod], options: dict):
        self.name, self._make = name, make
        self._methods: dict[str, ExemplarMethod] = {}
        self._peaks: list[float | None] = []
        self.measurements: dict = {"options": options}

    def fit(self, sources: np.ndarray, targets: np.ndarray, groups: Sequence[str] | None = None) -> None:
        """Keep aligned pairs as dictionaries: uint8 (n, H, W) grey or (n, H, W, 3) RGB, row i a pair.

        groups: sub-database of each pair; one dictionary for all when None.  Raises StudyError for other
        dtypes or shapes, for no pairs, and for pairs of unequal number or size.
        """
        _check(sources, "source images")
        _check(targets, "target images")
        if sources.shape[:3] != targets.shape[:3]:
            raise StudyError(f"Sources {sources.shape[:3]} and targets {targets.shape[:3]}: number, height and width "
                             "must agree, as row i of both is the same person.")
        if len(sources) == 0:
            raise StudyError("No training pairs: an exemplar method needs at least one.")
        groups = _groups(groups, len(sources))
        start, cpu, peak = time.perf_counter(), time.process_time(), PeakMemory()
        self._shape = sources.shape[1:]
        for group in dict.fromkeys(groups):
            rows = [i for i, name in enumerate(groups) if name == group]
            self._methods[group] = self._make()
            self._methods[group].fit(sources[rows], targets[rows])
        self._peaks = [peak.megabytes()]
        self.measurements |= {
            "training_pairs": {group: groups.count(group) for group in self._methods},
            "seconds_fit": round(time.perf_counter() - start, 2),
            "cpu_seconds_fit": round(time.process_time() - cpu, 2),
            "dimensions": {group: method.basis.dimensions for group, method in self._methods.items()},
            "candidates": {group: method.candidates.count for group, method in self._methods.items()},
            "device": str(next(iter(self._methods.values())).device), "threads": torch.get_num_threads(),
        }

    def synthesise(self, sources: np.ndarray, groups: Sequence[str] | None = None) -> np.ndarray:
        """Turn uint8 sources into uint8 targets, each with the dictionary of its group.

        Raises StudyError before ``fit``, for images unlike the training sources, and for unknown groups.
        """
        if not self._methods:
            raise StudyError(f"{self.name}: not fitted yet. Call fit(sources, targets) first.")
        _check(sources, "source images")
        if sources.shape[1:] != self._shape:
            raise StudyError(f"Images of shape {sources.shape[1:]}: the training sources are {self._shape}. "
                             "Align and resize them alike, and pass photos to a method fitted on photos.")
        groups = _groups(groups, len(sources), default=next(iter(self._methods)))
        unknown = sorted(set(groups) - set(self._methods))
        if unknown:
            raise StudyError(f"{self.name}: no dictionary for:\n{listed(unknown)}\nFitted: {', '.join(self._methods)}. "
                             "Fit it with training pairs of every group.")
        start, cpu, peak, made = time.perf_counter(), time.process_time(), PeakMemory(), None
        for group, method in self._methods.items():
            rows = [i for i, name in enumerate(groups) if name == group]
            faces = method.synthesise(sources[rows])
            if made is None:
                made = np.empty((len(sources), *faces.shape[1:]), np.uint8)
            made[rows] = faces
        self._peaks.append(peak.megabytes())
        self.measurements |= {
            "seconds_per_image": round((time.perf_counter() - start) / max(1, len(sources)), 4),
            "cpu_seconds_per_image": round((time.process_time() - cpu) / max(1, len(sources)), 4),
            "images": len(sources), "peak_memory_mb": None if None in self._peaks else round(max(self._peaks)),
        }
        return made

    def method(self, group: str | None = None) -> ExemplarMethod:
        """The fitted method of one group, or of the only one; raises StudyError for an unknown group."""
        if group is None and len(self._methods) == 1:
            return next(iter(self._methods.values()))
        if group not in self._methods:
            raise StudyError(f"{self.name}: no dictionary for {group!r}. Fitted: {', '.join(self._methods) or 'none'}.")
        return self._methods[group]


def _check(faces: np.ndarray, what: str) -> None:
    if not isinstance(faces, np.ndarray) or faces.dtype != np.uint8:
        raise StudyError(f"{what}: expected a uint8 array, got {getattr(faces, 'dtype', type(faces).__name__)}.")
    if faces.ndim not in (3, 4) or (faces.ndim == 4 and faces.shape[3] != 3):
        raise StudyError(f"{what}: expected (n, H, W) grey or (n, H, W, 3) RGB, got {faces.shape}.")


def _groups(groups: Sequence[str] | None, count: int, default: str = ONE_GROUP) -> list[str]:
    groups = [default] * count if groups is None else list(groups)
    if len(groups) != count:
        raise StudyError(f"{counted(len(groups), 'group')} for {counted(count, 'image')}: give one for each.")
    return groups
