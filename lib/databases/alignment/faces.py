"""Finding faces in a picture, and the one that is meant; or a sentence that says why not.

Numbers below were measured on the 88 training photos and 88 training sketches of CUHK Student: scores 1.25 to 3, the
nose's base at 0.43 to 0.58 of the way between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.base import images
from lib.base.errors import StudyError, listed
from lib.databases.alignment import dlib_models
from lib.databases.alignment.warp import Eyes

SURE = 0.3  # the least score of the detector that is a face; accidents in backgrounds score up to 0.12
_LONGEST = 1000  # pixels: larger pictures are searched smaller, which finds every face that is a twelfth as wide
_SMALL = 400  # pixels: smaller pictures are searched again enlarged, so that a face can be called too small
_LEAST_APART = 20.0  # pixels between the eyes; the result has 50
_ASIDE = 0.22  # how far from the middle between the eyes, in their distance, the nose may stand
_REMEDY = "Take one frontal, upright face, at least 80 pixels wide."


class FaceError(StudyError):
    """A picture without a face that can be aligned by itself; somebody may still say where the eyes are."""


@dataclass(frozen=True)
class Face:
    """A face in a picture: box (left, top, right, bottom) and points (5, 2) in pixels, the detector's score.

    points: outer and inner corner of the eye on the picture's right, outer and inner corner of the one on its left,
    base of the nose.
    """

    box: tuple[float, float, float, float]
    points: np.ndarray
    score: float

    @property
    def eyes(self) -> Eyes:
        """Middles between the corners of each eye: x, y on the picture's left, x, y on its right."""
        right, left = self.points[:2].mean(axis=0), self.points[2:4].mean(axis=0)
        return float(left[0]), float(left[1]), float(right[0]), float(right[1])

    @property
    def eye_distance(self) -> float:
        return float(np.hypot(self.eyes[2] - self.eyes[0], self.eyes[3] - self.eyes[1]))

    @property
    def nose(self) -> float:
        """Where the base of the nose stands between the eyes: 0.5 in the middle, as in a frontal face."""
        left, right = np.reshape(self.eyes, (2, 2))
        return float((self.points[4] - left) @ (right - left) / max((right - left) @ (right - left), 1e-9))


def find(picture: np.ndarray, least: float = SURE) -> list[Face]:
    """Faces in a picture (H, W[, 3]) uint8 with at least this score, the clearest first.

    Raises StudyError where the models cannot be had.
    """
    shrink = max(1.0, max(picture.shape[:2]) / _LONGEST)
    height, width = (max(1, round(side / shrink)) for side in picture.shape[:2])
    searched = images.resize(picture, height, width, "area") if shrink > 1 else picture
    searched = np.ascontiguousarray(images.to_rgb(searched))
    found = _search(searched, shrink, 1, least)
    return found or (_search(searched, shrink, 3, least) if max(height, width) < _SMALL else [])


def the_face(picture: np.ndarray, name: str) -> Face:
    """The one face of a picture; raises FaceError for none, several, one turned aside or too small."""
    found = find(picture)
    if not found:
        raise FaceError(f"{name}: no face found. {_REMEDY}")
    if len(found) > 1:
        places = [f"between x {face.box[0]:.0f} and {face.box[2]:.0f}, y {face.box[1]:.0f} and {face.box[3]:.0f}"
                  for face in found]
        raise FaceError(f"{name}: {len(found)} faces found:\n{listed(places)}\nCut out the one that is meant.")
    face = found[0]
    if face.eye_distance < _LEAST_APART:
        raise FaceError(f"{name}: the face is too small, its eyes are {face.eye_distance:.0f} pixels apart; at "
                        f"least {_LEAST_APART:.0f} are needed. Take a larger picture.")
    if abs(face.nose - 0.5) > _ASIDE:
        raise FaceError(f"{name}: the face is turned aside, its nose stands at {face.nose:.0%} of the way from one "
                        f"eye to the other. {_REMEDY}")
    return face


def _search(picture: np.ndarray, shrink: float, doublings: int, least: float) -> list[Face]:
    boxes, scores, _ = dlib_models.detector().run(picture, doublings, least)
    order = np.argsort([-score for score in scores], kind="stable")
    return [_face(picture, boxes[i], scores[i], shrink) for i in order]


def _face(picture: np.ndarray, box, score: float, shrink: float) -> Face:
    points = np.array([(point.x, point.y) for point in dlib_models.landmarks()(picture, box).parts()], dtype=float)
    edges = (box.left(), box.top(), box.right(), box.bottom())
    return Face(tuple(edge * shrink for edge in edges), (points + 0.5) * shrink - 0.5, float(score))
