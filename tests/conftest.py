"""Fixtures shared by the tests: small settings and made-up faces, no database and no download needed."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import lib  # noqa: E402, F401  before torch, for which it sets how threads wait

# Subprocesses started by tests (the command line, killed trainings) must find lib as well.
os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
os.environ["TQDM_DISABLE"] = "1"


# Tests that train do so in fp32, or in what continuous integration asks for (.ci/run runs them in both).
PRECISION = os.environ.setdefault("MSGSARL_PRECISION", "fp32")


def pytest_configure(config):
    config.addinivalue_line("markers", "trains: numbers of a training or a network; .ci/run repeats it in bf16")


@pytest.fixture(autouse=True)
def matplotlib_defaults():
    """A test that sets the study's style (``score`` does) leaves the next test matplotlib's own."""
    yield
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].rcdefaults()


@pytest.fixture
def settings():
    """The smallest network that has every part."""
    from lib.model.settings import MsgSarlSettings

    return dataclasses.replace(MsgSarlSettings.at("tiny"), size=32, width=8, epochs=2, precision=PRECISION)


def made_up_faces(count: int, seed: int = 0):
    """Smooth random photos whose sketches are their inverted brightness: pairs that can be learnt."""
    from scipy.ndimage import gaussian_filter

    from lib.databases import PairedFaces

    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((count, 250, 200, 3)), (0, 20, 20, 0.5))
    photos = (127 + 100 * field / np.abs(field).max()).astype(np.uint8)
    sketches = 255 - photos.mean(axis=3).astype(np.uint8)
    names = tuple(f"face-{i:02d}" for i in range(count))
    return PairedFaces("made-up", "train", photos, sketches, names, ("made-up",) * count)


def serve(monkeypatch, pairs) -> None:
    """Let every database hold these pairs: split → PairedFaces."""
    from lib import databases

    def load(name, split, root=None, limit=None):
        faces = pairs[split]
        return dataclasses.replace(faces, photos=faces.photos[:limit], sketches=faces.sketches[:limit],
                                   names=faces.names[:limit], groups=faces.groups[:limit])

    monkeypatch.setattr(databases, "load", load)


def serve_study(tmp_path, monkeypatch, count: int):
    """A study without runs in a temporary folder; so many made-up faces train and are tested, and are returned."""
    monkeypatch.setenv("MSGSARL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MSGSARL_CACHE", str(tmp_path / "cache"))
    faces = made_up_faces(count)
    serve(monkeypatch, {"train": faces, "test": faces})
    return faces


def plan_with(settings):
    """A plan of MSG-SARL with just these settings."""
    from lib.training.plans import plan

    return dataclasses.replace(plan("tiny", "msg-sarl"), settings=settings)


@pytest.fixture
def faces():
    return made_up_faces(4)
