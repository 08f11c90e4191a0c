"""Face recognition across real and synthesised faces: do the pictures help to find the person?

Implements the evaluation behind Figs. 10 and 11: NLDA accuracy against the number of dimensions, by the
field's repeated random protocol (``protocol.py``), with Eigenface and Fisherface (``subspaces.py``),
cumulative match curves (``matching.py``) and the controls without which a curve means little
(``recognise_runs.py``); and the same question to a network that never saw a sketch
(``recognisers.py``, ``verification.py``, ``deep_runs.py``).  ``nlda_curve`` reproduces the field's MATLAB
program at every dimension.

Time and memory.  N identities have 2N images of p pixels; n train, t = N − n are tested, in R repetitions.

- Inner products: 2 N² p multiply-adds, once per system; linear in pixels, quadratic in identities.
- Subspace: O(n³) per repetition.  Distances at all dimensions: 3 t² n operations per repetition.
- Memory besides the images (2 N p bytes): 100 N² bytes or so, whatever the number of pixels.

Measured on one core of a shared machine (processor time; 8-bit images):

=========================  ===============  =========  ====================  ==================
N, n, p                    inner products   20 splits  memory beside images  field's program
=========================  ===============  =========  ====================  ==================
100, 44, 50,000 (CUHK)     0.05 s           0.07 s     2 MB (images 10 MB)   not measured
338, 150, 12,500           0.10 s           0.7 s      12 MB (8 MB)          not measured
338, 150, 50,000 (CUFS)    0.38 s           0.7 s      12 MB (34 MB)         20 × 34.7 s
944, 300, 50,000 (CUFSF)   2.4 s            8.4 s      77 MB (94 MB)         20 × about 290 s
=========================  ===============  =========  ====================  ==================

The field's program, written anew from its description in MATLAB language, ran under Octave 7.3 with OpenBLAS on
the same core: one repetition at CUFS's size, times 20, which is 600 times our whole protocol, with equal accuracy at
all 149 dimensions.  At CUFSF's size 5 of its 299 dimensions were run (equal accuracy) and the rest interpolated:
500 times.  It multiplies p × k × 2t for every dimension k of every repetition; here pixels enter once.
"""

from __future__ import annotations

import numpy as np

from lib.base.errors import StudyError
from lib.evaluation.recognition.inputs import checked_faces, read_coloured_pairs, read_pairs
from lib.evaluation.recognition.matching import match
from lib.evaluation.recognition.protocol import Faces, Protocol, Recognition, curve_table, recognise, write_curves
from lib.evaluation.recognition.subspaces import METHODS, dimensions, features, inner_products

__all__ = ["METHODS", "Faces", "Protocol", "Recognition", "curve", "curve_table", "nlda_curve",
           "read_coloured_pairs", "read_pairs", "recognise", "write_curves"]


def nlda_curve(train_real: np.ndarray, train_synthesised: np.ndarray, probes: np.ndarray,
               gallery: np.ndarray) -> np.ndarray:
    """Rank-1 accuracy of null-space LDA for 1, 2, …, n − 1 dimensions, n the number of training identities.

    train_real, train_synthesised: (n, p), row i the same person.  probes, gallery: (t, p), row i the same
    person.  uint8 pixels (exact inner products) or any other numbers; (…, H, W) is flattened.
    Returns (n − 1,) float64 in [0, 1].  Where the images span fewer directions the curve stays flat.
    Raises StudyError for fewer than two training identities, unequal counts or sizes, NaN.
    """
    return curve(train_real, train_synthesised, probes, gallery, "nlda")


def curve(train_real: np.ndarray, train_synthesised: np.ndarray, probes: np.ndarray, gallery: np.ndarray,
          method: str = "nlda") -> np.ndarray:
    """As ``nlda_curve`` for any of ``METHODS``; Eigenface has 2n − 1 dimensions."""
    given = {"train_real": train_real, "train_synthesised": train_synthesised, "probes": probes, "gallery": gallery}
    faces = {name: checked_faces(array, name) for name, array in given.items()}
    for first, second in (("train_real", "train_synthesised"), ("probes", "gallery")):
        if len(faces[first]) != len(faces[second]):
            raise StudyError(f"{first} has {len(faces[first])} rows, {second} {len(faces[second])}: "
                             "row i of both must be the same person.")
    sizes = {name: array.shape[1] for name, array in faces.items()}
    if len(set(sizes.values())) > 1:
        raise StudyError("Images of different sizes: "
                         + ", ".join(f"{name} {size} pixels" for name, size in sizes.items()) + ".")
    n = len(faces["train_real"])
    if n < 2:
        raise StudyError(f"train_real: {n} training identity; at least two are needed to tell people apart.")
    if any(array.dtype != np.uint8 for array in faces.values()):
        centre = np.concatenate([faces["train_real"], faces["train_synthesised"]]).mean(axis=0)
        faces = {name: array - centre for name, array in faces.items()}
    train = np.concatenate([faces["train_real"], faces["train_synthesised"]])
    test = np.concatenate([faces["probes"], faces["gallery"]])
    projected = features(inner_products(train), inner_products(test, train), method)
    count = len(faces["probes"])
    return match(projected[:count], projected[count:], dimensions(method, n)).first.mean(axis=0)
