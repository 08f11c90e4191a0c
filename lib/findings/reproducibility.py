"""A one-page summary of the reproduction in the form of reproducibility tracks: scope, method, results, what was hard.

Its numbers are counted from run records, claims and the ledger.  ``python -m lib claims`` writes it to
``results/reproducibility.md``.
"""

from __future__ import annotations

from pathlib import Path

from lib import databases
from lib.base import files, paths, systems
from lib.findings import claims, ledger
from lib.training import run_folders

_STUDY = claims.STUDY


def as_markdown() -> str:
    """The page; the same results give the same text."""
    records = run_folders.records()
    # Of real faces alone: what a reader's own `./run_all.sh` trains on drawn ones leaves the page as it is.
    trained = records[records.minutes.notna() & records.system.map(systems.is_trained)
                      & ~records.database.isin(databases.EMBEDDED)]
    main = trained[(trained.profile == _STUDY[0]) & (trained.database == _STUDY[1])]
    verdicts = claims.table().verdict.value_counts(sort=False)
    kinds = [entry.kind for entry in ledger.entries()]
    hours = trained.groupby(trained.device.map(_kind_of_device)).minutes.sum() / 60
    return f"""# Reproducibility summary

**Scope.** The claims of Duan, Chen, Wu, Cai and Lu (IEEE TIFS 16, 2020) that MSG-SARL translates faces between photos and sketches better than twelve rivals, and that each of its three parts helps. {len(claims.CLAIMS)} claims are examined one by one: {", ".join(f"{verdict} {count}" for verdict, count in verdicts.items())} ([claims.md](claims.md)).

**Method.** The authors published no code; everything is written anew from the text. {kinds.count("choice")} choices that the text leaves open and {kinds.count("error")} errors in print are listed with our reading and reason ([ledger.md](ledger.md)). SSIM, FSIM and NLDA agree with the field's MATLAB programs, the deep rivals with numbers that their authors' programs compute.

**Data.** CUHK Student (88 training, 100 test pairs), which its owners give out for research. CUFS and CUFSF were not at hand. Everything also runs on drawn faces that come with the code; these are no evidence.

**Code.** MIT licence, pinned requirements, one command for the study (`./run_all.sh`) and one for the tests (`tests/run.sh`). Every run records settings, seed, hash of its data, versions, hardware and code revision.

**Compute.** {len(trained)} recorded trainings on real faces, {len(main)} of them at profile `{_STUDY[0]}`: {", ".join(f"{value:.1f} hours on {kind}" for kind, value in hours.items())}.

**Results.** In the notebooks, beginning with the [summary](../notebooks/00_summary.ipynb). Limits hold for other faces and other trainings.

**What was easy.** The losses and the data flow are described well enough to be rebuilt; the metrics can be checked against programs that others published.

**What was difficult.** Widths, kernels, split, alignment, interpolation, recognition protocol and seeds are not given; two equations cannot be meant as printed; single trainings decide the paper's tables, and two trainings of one system differ by as much as many of its comparisons.

**What was not reproduced.** The paper's own setting (256 px, 400 epochs, VGG-19), its Tables II to VII on CUFS and CUFSF, FID with its own network offline, and the user study, for which a tool is ready.

**Communication with the authors.** None.
"""


def _kind_of_device(device: str) -> str:
    return "CPU cores" if device == "cpu" else "GPUs"


def file() -> Path:
    return paths.results_root() / "reproducibility.md"


def write() -> Path:
    """Write ``results/reproducibility.md`` and return it; raises StudyError where results are missing or damaged."""
    files.write_text(file(), as_markdown())
    return file()
