"""Scores of synthesised faces: of any two folders, or of every run of a study, kept as tidy rows.

``folders``     two folders of images from any program, paired by name
``score_runs``  all run folders of ``results/<profile>/<database>`` → ``scores.csv`` and ``set_scores.csv``
``measure``     what both share: one score per pair of images

All image metrics see 8-bit images at the size of the reference, nothing rescaled (``lib.metrics``).
"""

from lib.evaluation.scoring.folders import pair_folders, score_folder_sets, score_folders
from lib.evaluation.scoring.measure import IMAGE_METRICS, score_images
from lib.evaluation.scoring.score_runs import STUDY_METRICS, Scores, read_scores, score_study
from lib.evaluation.scoring.sets import SET_METRICS

__all__ = ["IMAGE_METRICS", "SET_METRICS", "STUDY_METRICS", "Scores", "pair_folders", "read_scores",
           "score_folder_sets", "score_folders", "score_images", "score_study"]
