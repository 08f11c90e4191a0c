"""The field's repeated random protocol for recognition across real and synthesised faces.

Section IV.D of the paper shows curves (Figs. 10 and 11) without saying how they were obtained.  The
field's protocol, from its public programs: the *synthesis test* identities are permuted; the first n train
the classifier on their real and synthesised images (150 of 338 on CUFS, 300 of 944 on CUFSF), the others
are recognised, one gallery image each; 20 repetitions.
- photo-to-sketch (FP2S): probe = the artist's sketch, gallery = sketches synthesised from photos.
- sketch-to-photo (FS2P): probe = photo synthesised from the sketch, gallery = real photos.
Images are whole 8-bit grey vectors without normalisation.

Two summaries of 20 curves circulate.  *Mean of best* (the printed accuracies of the field's program)
takes each repetition's best dimension, chosen on the very faces that are tested: optimistic.  *Best of mean*
picks one dimension for all; still chosen on test data.  ``last`` uses all n − 1 dimensions,
chosen by nobody; comparisons between systems here use it.

The repetitions share their identities: their spread describes splits and is no standard error.  For
intervals and tests use ``by_identity`` (one value per person) with ``lib.base.statistics``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from lib.base import files
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, counted, unknown_name
from lib.evaluation.recognition.inputs import checked_faces
from lib.evaluation.recognition.matching import match
from lib.evaluation.recognition.subspaces import dimensions, features, inner_products

# Training identities out of synthesis test identities; anything else gets CUFS's share.
_SHARES = {"cufsf": (300, 944)}
_SHARE = (150, 338)


@dataclass(frozen=True)
class Protocol:
    """``train`` identities of ``identities`` train, the rest are recognised, ``repeats`` times, frozen by ``seed``."""

    identities: int
    train: int
    repeats: int = 20
    seed: int = 0

    def __post_init__(self):
        if self.train < 2:
            raise StudyError(f"{counted(self.train, 'training identity')}: at least two are needed to tell people "
                             "apart.")
        if self.identities - self.train < 2:
            raise StudyError(f"{counted(self.train, 'training identity')} of {self.identities}: "
                             "at least two must be left to be recognised. Train with fewer.")
        if self.repeats < 1:
            raise StudyError(f"{counted(self.repeats, 'repeat')}: at least one is needed.")

    @classmethod
    def for_database(cls, database: str, identities: int, repeats: int = 20, seed: int = 0) -> Protocol:
        """The field's share of training identities for a database, of however many faces there are.

        150 of 338 on CUFS and 300 of 944 on CUFSF; CUFS's share elsewhere: 44 of 100 on CUHK Student.
        """
        part, whole = _SHARES.get(database, _SHARE)
        return cls(identities, max(2, part * identities // whole), repeats, seed)

    def orders(self) -> np.ndarray:
        """(repeats, identities) permutations: the first ``train`` of each row train, the rest are recognised.

        Sorted uniform numbers of NumPy's PCG64 stream, which is the same on every machine; more repeats
        extend the list without changing its beginning.
        """
        uniform = np.random.Generator(np.random.PCG64(self.seed)).random((self.repeats, self.identities))
        return np.argsort(uniform, axis=1)

    def random_pairings(self) -> np.ndarray:
        """(repeats, identities) permutations that give each person somebody's image: the control for chance."""
        uniform = np.random.Generator(np.random.PCG64([self.seed, 1])).random((self.repeats, self.identities))
        return np.argsort(uniform, axis=1)

    def checksum(self) -> str:
        """SHA-256 of the permutations: two equal values mean the same splits."""
        text = f"{self.train}:" + ";".join(",".join(map(str, row)) for row in self.orders().tolist())
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Recognition:
    """Outcome of one system under one protocol.

    accuracy: (repeats, dimensions) rank-1 rate in [0, 1].  cumulative: (repeats, ranks) share of probes whose
    mate is among the nearest 1, 2, … faces, at the last dimension.  outcomes: (repeats, identities)
    probability of recognition at the last dimension, NaN where the identity trained.
    """

    protocol: Protocol
    accuracy: np.ndarray
    cumulative: np.ndarray = field(repr=False)
    outcomes: np.ndarray = field(repr=False)

    @property
    def curve(self) -> np.ndarray:
        """Mean over repetitions at each dimension (dimensions,): the curves of Figs. 10 and 11."""
        return self.accuracy.mean(axis=0)

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation between repetitions at each dimension (dimensions,); zero for a single one."""
        return self.accuracy.std(axis=0, ddof=min(1, len(self.accuracy) - 1))

    @property
    def last(self) -> float:
        """Mean accuracy with every dimension: nothing chosen on test data."""
        return float(self.curve[-1])

    @property
    def mean_of_best(self) -> float:
        """Mean over repetitions of each one's best dimension: the field's number, optimistic."""
        return float(self.accuracy.max(axis=1).mean())

    @property
    def best_of_mean(self) -> tuple[float, int]:
        """Best value of the mean curve and its dimension (from 1), chosen on test data once."""
        best = int(np.argmax(self.curve))
        return float(self.curve[best]), best + 1

    @property
    def chance(self) -> float:
        """Accuracy of guessing."""
        return 1 / (self.protocol.identities - self.protocol.train)

    def tests(self) -> np.ndarray:
        """In how many repetitions each identity was tested (identities,)."""
        return np.sum(~np.isnan(self.outcomes), axis=0)

    def by_identity(self) -> np.ndarray:
        """Share of its tests in which each identity was recognised (identities,); NaN if never tested."""
        with np.errstate(invalid="ignore"):
            return np.nansum(self.outcomes, axis=0) / self.tests()


class Faces:
    """Real faces as vectors with their inner products, shared by all systems that are held against them."""

    def __init__(self, images: np.ndarray, name: str = "real faces"):
        """images: (n, p) or (n, H, W), uint8 or floating.  Raises StudyError for NaN or other shapes."""
        self.images = checked_faces(images, name)
        self.offset = None if self.images.dtype == np.uint8 else self.images.mean(axis=0)
        self.gram = inner_products(self._centred(self.images))

    def _centred(self, images: np.ndarray) -> np.ndarray:
        return images if self.offset is None else images - self.offset

    def gram_with(self, images: np.ndarray, name: str = "synthesised faces") -> np.ndarray:
        """Inner products (2n, 2n) of these faces followed by ``images``, row i of both the same person.

        Raises StudyError for another number of faces or pixels.
        """
        images = checked_faces(images, name)
        if images.shape != self.images.shape:
            raise StudyError(f"{counted(len(self.images), 'real face')} of {self.images.shape[1]} pixels, but "
                             f"{len(images)} {name} of {images.shape[1]}: every person needs one of each, equally "
                             "large.")
        if self.offset is None and images.dtype != np.uint8:
            raise StudyError(f"real faces are uint8, {name} are {images.dtype}: give both in one type.")
        n = len(images)
        gram = np.empty((2 * n, 2 * n))
        gram[:n, :n] = self.gram
        gram[n:, n:] = inner_products(self._centred(images))
        gram[:n, n:] = inner_products(self._centred(self.images), self._centred(images))
        gram[n:, :n] = gram[:n, n:].T
        return gram


def recognise(real: np.ndarray | Faces, synthesised: np.ndarray, protocol: Protocol, direction: str = "photo-to-sketch",
              method: str = "nlda", pairings: np.ndarray | None = None) -> Recognition:
    """Run the protocol on one system's faces.

    real, synthesised: (n, p) or (n, H, W), row i the same person: sketches for photo-to-sketch, photos for
    sketch-to-photo.  ``real`` may be a ``Faces``, whose inner products then serve many systems.
    pairings: (repeats, n), whose synthesised image each person gets in each repetition (default: their own).
    Raises StudyError for unequal counts or sizes, NaN, a protocol of another size, or an unknown name.
    """
    if direction not in DIRECTIONS:
        raise unknown_name("direction", direction, DIRECTIONS)
    real = real if isinstance(real, Faces) else Faces(real)
    gram = real.gram_with(synthesised)
    if len(real.images) != protocol.identities:
        raise StudyError(f"{counted(len(real.images), 'face')}, but the protocol is for {protocol.identities}.")
    people, length = protocol.identities, dimensions(method, protocol.train)
    accuracy = np.empty((protocol.repeats, length))
    cumulative = np.empty((protocol.repeats, people - protocol.train))
    outcomes = np.full((protocol.repeats, people), np.nan)
    for row, order in enumerate(protocol.orders()):
        partner = people + (np.arange(people) if pairings is None else pairings[row])
        train, test = order[:protocol.train], order[protocol.train:]
        train_rows, test_rows = (np.concatenate([rows, partner[rows]]) for rows in (train, test))
        projected = features(gram[np.ix_(train_rows, train_rows)], gram[np.ix_(test_rows, train_rows)], method)
        of_real, of_synthesised = projected[:len(test)], projected[len(test):]
        matches = (match(of_real, of_synthesised, length) if direction == "photo-to-sketch"
                   else match(of_synthesised, of_real, length))
        accuracy[row] = matches.first.mean(axis=0)
        cumulative[row] = matches.cumulative()
        outcomes[row, test] = matches.first[:, -1]
    return Recognition(protocol, accuracy, cumulative, outcomes)


def curve_table(result: Recognition, direction: str, system: str, seed: int = 0) -> pd.DataFrame:
    """One row per split and dimension (both readable off a plot's axes: splits from 0, dimensions from 1).

    Columns direction, system, seed (of the system, not of the splits), split, dimension, accuracy.
    """
    repeats, length = result.accuracy.shape
    return pd.DataFrame({
        "direction": direction, "system": system, "seed": seed, "split": np.repeat(np.arange(repeats), length),
        "dimension": np.tile(np.arange(1, length + 1), repeats), "accuracy": result.accuracy.ravel().round(6)})


def write_curves(file: Path, result: Recognition, direction: str, system: str) -> None:
    """Write ``curve_table`` as CSV, atomically; raises StudyError when the file cannot be written."""
    files.write_csv(file, curve_table(result, direction, system), errors="backslashreplace")
