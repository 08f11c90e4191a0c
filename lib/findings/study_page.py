"""The page of a user study, built from the faces of a study on this machine and photographed in a browser."""

from __future__ import annotations

import numpy as np

from lib.base import files, paths
from lib.evaluation.user_study import browser, definition, page, plan, screens, stimuli
from lib.training import run_folders

PAPER = ("u-gat-it", "drit", "cyclegan", "msg-sarl")  # Table VIII
ELSE = ("msg-sarl", "fast-rslcr", "lle", "pixel-regression")
_FACES, _CHECKS = 20, 4


def photographed(profile: str, database: str) -> dict[str, np.ndarray]:
    """Pictures of the page by screen (``lib.evaluation.user_study.screens``), uint8 RGB.

    Four systems are compared, the paper's if their faces are here.  Empty, with a word why, where faces of four systems
    or a browser are missing.
    """
    here = {run.system for run in run_folders.list_runs(paths.study_folder(profile, database))
            if run.seed == 0 and "photo-to-sketch" in run.directions}
    systems = next((four for four in (PAPER, ELSE) if set(four) <= here), None)
    if systems is None:
        print("The faces of four systems are not on this machine: pictures of the page are left out.")
        return {}
    if not browser.find():
        print("No Chromium with chromedriver on this machine: pictures of the page are left out.")
        return {}
    loaded = stimuli.available_in_databases([database], profile)
    count = min(_FACES, len(loaded[database]) - _CHECKS)
    voted, spare = plan.choose_faces({database: loaded[database].names}, {database: count})
    trials = plan.assign(voted, systems, per_rater=min(10, count), spare=spare)
    pictures = stimuli.from_runs(voted, [*voted, *spare], loaded, systems, profile=profile)
    study = definition.create(trials, pictures, contact="study@example.org")
    folder = files.make_folder(paths.study_folder(profile, database) / "private" / "user-study")
    definition.write(folder, study)
    page.write_page(folder / "study.html", study, pictures)
    return screens.photograph(folder / "study.html", study)
