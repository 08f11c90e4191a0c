"""Where databases, results and caches live: anchored on this file, moved by environment variables.

Functions, not constants, so that a variable set in a notebook or a test takes effect at once.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LONGEST = 48  # characters of a run folder's name: some file systems and archives allow few in all


def _folder(variable: str, default: Path) -> Path:
    return full(os.environ[variable]) if os.environ.get(variable) else default


def given(text: Path | str) -> Path:
    """The path that somebody wrote, ``~`` being the home folder, even where a shell leaves it (``--csv=~/x.csv``).

    The ``~`` of an unknown person stays, and a relative path stays relative.
    """
    return Path(os.path.expanduser(text))


def full(folder: Path | str) -> Path:
    """The full path of a folder that somebody wrote."""
    return given(folder).resolve()


def data_root() -> Path:
    """Folder that holds one folder per database (``MSGSARL_DATA``, default ``data/``)."""
    return _folder("MSGSARL_DATA", ROOT / "data")


def use_data(folder: Path | None) -> None:
    """Look for databases in ``folder`` from now on (the ``--data`` option of the commands)."""
    if folder:
        os.environ["MSGSARL_DATA"] = str(full(folder))


def results_root() -> Path:
    """Folder of all results (``MSGSARL_RESULTS``, default ``results/``)."""
    return _folder("MSGSARL_RESULTS", ROOT / "results")


def cache_root() -> Path:
    """Folder of what can be fetched or computed again (``MSGSARL_CACHE``, default ``.cache/``)."""
    return _folder("MSGSARL_CACHE", ROOT / ".cache")


def study_folder(profile: str, database: str) -> Path:
    """``results/<profile>/<database>``: score tables of one study and its run folders."""
    return results_root() / profile / database


def run_folder(profile: str, database: str, system: str, seed: int) -> Path:
    """``results/<profile>/<database>/<system>/seed<k>``: one run of one system.

    A system's name of more than 48 characters is shortened to its base and a hash; its record has it whole.
    """
    if len(system) > _LONGEST:
        system = f"{system.partition('+')[0]}+{hashlib.sha256(system.encode()).hexdigest()[:8]}"
    return study_folder(profile, database) / system / f"seed{seed}"


def is_shortened(name: str) -> bool:
    """Whether the name of a system's folder is one that ``run_folder`` shortened."""
    base, plus, rest = name.partition("+")
    return bool(plus) and "=" not in rest
