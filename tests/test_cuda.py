"""What must hold on a graphics card; ``tests/test_recorded_step.py`` has the recorded step."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from conftest import made_up_faces, plan_with

from lib.model.msg_sarl import MsgSarl
from lib.training import checkpoints, loop
from lib.training.tensors import translate_faces

pytestmark = [pytest.mark.trains, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
CPU = torch.device("cpu")


@pytest.fixture
def card():
    return torch.device("cuda")


@pytest.fixture
def full(settings):
    return dataclasses.replace(settings, precision="fp32")


def stepped(settings, device, *, compiled: bool = False) -> dict[str, float]:
    """The losses of the third step from equal weights on equal images."""
    torch.manual_seed(0)
    method = MsgSarl(settings, device)
    torch.manual_seed(1)
    method.prepare(torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, 1, 32, 32) * 2 - 1)
    if compiled:
        method.compile()
    for row in range(3):
        method.set_progress(0, row, 4)
        terms = method.step(*[torch.tensor([row], device=device)] * 2)
    return {name: value.item() for name, value in terms.items()}


def test_a_card_computes_what_a_processor_does(full, card):
    assert stepped(full, card) == pytest.approx(stepped(full, CPU), rel=5e-3, abs=1e-4)


def test_compiled_networks_compute_what_others_do(full, card):
    assert stepped(full, card, compiled=True) == pytest.approx(stepped(full, card), rel=5e-3, abs=1e-4)


def test_a_run_killed_on_a_card_goes_on_there_and_on_a_processor(full, card, tmp_path):
    faces, plan = made_up_faces(4), plan_with(dataclasses.replace(full, epochs=3))
    whole = loop.train(plan, faces, tmp_path / "whole", 5, device=card)

    def kill(done: int, steps: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    for place, goes_on_on in (("card", card), ("processor", CPU)):
        with pytest.raises(KeyboardInterrupt):
            loop.train(plan, faces, tmp_path / place, 5, device=card, checkpoint_seconds=0, report=kill)
        record = loop.train(plan, faces, tmp_path / place, 5, device=goes_on_on)
        assert record["settings"] == whole["settings"]
        logs = [np.genfromtxt(tmp_path / name / "log.csv", delimiter=",", names=True, encoding="utf-8")
                for name in ("whole", place)]
        assert len(logs[1]) == 3
        for column in set(logs[0].dtype.names) - {"seconds"}:
            np.testing.assert_allclose(logs[1][column], logs[0][column], rtol=0.05, atol=2e-3, err_msg=column)


def test_a_network_trained_on_a_card_translates_on_a_processor(full, card, tmp_path):
    faces = made_up_faces(4)
    loop.train(plan_with(full), faces, tmp_path, 0, device=card)
    pictures = []
    for device in (card, CPU):
        method = MsgSarl(full, device, training=False)
        method.load_state(checkpoints.load(tmp_path / "checkpoint.pt", device)["method"])
        pictures.append(translate_faces(method, full, "photo-to-sketch", faces.photos, faces.names).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 2
