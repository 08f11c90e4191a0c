"""Scores of synthesised faces: of any two folders, or of every run of a study, kept as tidy rows.

``folders``     two folders of images from any program, paired by name
``score_runs``  all run folders of ``results/<profile>/<database>`` → ``scores.csv`` and ``set_scores.csv``
``gathering``   the same where many machines make runs: each run keeps its own rows, one step gathers them
``measure``     what both share: the image metrics
``sets``        distances between whole sets, through a network's features

All image metrics see 8-bit images at the size of the reference, nothing rescaled (``lib.metrics``).
"""

from __future__ import annotations

from typing import Any

from lib.evaluation.scoring.folders import score_folders
from lib.evaluation.scoring.measure import IMAGE_METRICS, score_images
from lib.evaluation.scoring.sets import SET_METRICS

__all__ = ["IMAGE_METRICS", "SET_METRICS", "STUDY_METRICS", "Scores", "gather", "read_scores",
           "score_apart", "score_folders", "score_images", "score_study", "stamps_of"]


def __getattr__(name: str) -> Any:
    """Load what scores studies when it is asked for: two folders must not wait for pandas, databases and plans."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lib.evaluation.scoring import gathering, score_runs

    return getattr(gathering if hasattr(gathering, name) else score_runs, name)
