"""The page of a study: one HTML file with pictures, style and script inside, which asks no server for anything.

The template, style and scripts lie beside this file in ``page/``; its policy is that of every
``lib.evaluation.one_file_page``.  The page knows tokens, not systems; what is judged is stored without loss.
"""

from __future__ import annotations

import base64
import html
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from lib.base import files
from lib.evaluation import one_file_page
from lib.evaluation.user_study.definition import QUESTION, Study, needed_pictures
from lib.evaluation.user_study.plan import trials
from lib.evaluation.user_study.stimuli import Stimuli

_TEMPLATES = Path(__file__).parent / "page"
_SCRIPTS = ("sha256.js", "record.js", "page.js")
_GIVEN_QUALITY = 92  # JPEG, for the given picture only: it is the same in every trial and not judged
_WORDS = {"photo-to-sketch": {"given": "Photo", "reference": "Artist’s sketch", "candidate": "Drawing"},
          "sketch-to-photo": {"given": "Artist’s sketch", "reference": "Photo", "candidate": "Picture"}}


def write_page(path: Path, study: Study, stimuli: Stimuli) -> int:
    """Write the page atomically; returns its size in bytes.  Equal studies give equal pages."""
    text = page_html(study, stimuli)
    files.write_text(path, text)
    return len(text.encode())


def page_html(study: Study, stimuli: Stimuli) -> str:
    """Return the page of ``study`` as text."""
    parts = {"TITLE": html.escape(study.title), "DATA": _json(_data(study, stimuli)),
             "IMAGES": _json(_pictures(study, stimuli))}
    return one_file_page.filled(_TEMPLATES, _SCRIPTS, ["img-src data:"], parts)


def _json(value: object) -> str:
    """JSON that cannot end its script element: ``<`` is written as an escape."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _data(study: Study, stimuli: Stimuli) -> dict:
    """Everything the script needs besides the pictures."""
    faces = {trial.face for trial in trials(study.plan)}
    height, width = next(iter(stimuli.targets.values())).shape[:2]
    return {
        "study": study.id, "plan": study.plan_hash, "title": study.title, "contact": study.contact,
        "question": QUESTION[study.direction], "words": _WORDS[study.direction],
        "positions": study.positions, "ratio": round(height / width, 4),
        "faces": {study.token(face): [study.token(face, "input"), study.token(face, "target")] for face in faces},
        "raters": study.assignments,
    }


def _pictures(study: Study, stimuli: Stimuli) -> dict[str, str]:
    """Token → data URI; sorted by token on writing, so that the order says nothing either."""
    return {study.token(face, what): _data_uri(stimuli.picture(face, what), lossless=what != "input")
            for face, what in needed_pictures(study.plan)}


def _data_uri(picture: np.ndarray, lossless: bool) -> str:
    buffer, kind = io.BytesIO(), "png" if lossless else "jpeg"
    options = {"optimize": True} if lossless else {"quality": _GIVEN_QUALITY, "subsampling": 0}
    Image.fromarray(picture).save(buffer, kind, **options)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
