"""Steps recorded as a CUDA graph against ordinary steps; on a CPU a stepper only passes rows on."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lib.model.msg_sarl import MsgSarl
from lib.training.recorded_step import WARM_UP, Stepper

pytestmark = pytest.mark.trains


class Counter:
    """A system that notes which rows it was asked to step on."""

    recordable = True
    device = torch.device("cpu")

    def __init__(self):
        self.seen = []

    def step(self, photo_rows, sketch_rows):
        self.seen.append((photo_rows.tolist(), sketch_rows.tolist(), photo_rows.dtype))
        return {"loss": torch.tensor(1.0)}


def test_on_a_cpu_every_step_is_an_ordinary_one():
    method = Counter()
    stepper = Stepper(method, batch=1)
    for rows in (([0], [0]), ([2, 1], [0, 4]), ([3], [3])):
        assert stepper(*rows)["loss"] == 1
    assert method.seen == [([0], [0], torch.int64), ([2, 1], [0, 4], torch.int64), ([3], [3], torch.int64)]
    assert stepper.graph is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("batch", [1, 2])
def test_recorded_steps_follow_ordinary_ones(settings, batch):
    """Rows, learning rate and updates must reach the recording; sums in another order part GANs: a low rate."""
    device, moved, last = torch.device("cuda"), [], []
    settings = dataclasses.replace(settings, batch=batch, learning_rate=1e-5, schedule="constant")
    for record in (False, True):
        torch.manual_seed(0)
        method = MsgSarl(settings, device)
        weights = torch.nn.utils.parameters_to_vector(method.generators.parameters()).detach().clone()
        torch.manual_seed(1)
        method.prepare(torch.rand(4, 3, 32, 32) * 2 - 1, torch.rand(4, 1, 32, 32) * 2 - 1)
        method.set_progress(0, 0, 1)
        stepper = Stepper(method, batch, record=record)
        for step in range(WARM_UP + 5):
            terms = stepper(*[[(step + i) % 4 for i in range(batch)]] * 2)
        last.append({name: value.item() for name, value in terms.items()})
        after = torch.nn.utils.parameters_to_vector(method.generators.parameters()).detach().clone()
        moved.append(after - weights)
        method.settings = dataclasses.replace(settings, learning_rate=0.0)
        method.set_progress(0, 0, 1)
        stepper([0] * batch, [0] * batch)
        assert torch.equal(after, torch.nn.utils.parameters_to_vector(method.generators.parameters())), "rate ignored"
        assert (stepper.graph is not None) == record
    assert last[1] == pytest.approx(last[0], rel=0.02)
    assert torch.cosine_similarity(*moved, dim=0) > 0.9
