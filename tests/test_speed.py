"""Measuring speed: every system that trains can be measured, and a forecast is steps times seconds."""

from __future__ import annotations

import pytest
import torch

from lib.base import systems
from lib.training import speed
from lib.training.plans import plan

TRAINED = [name for name in systems.SYSTEMS if systems.is_trained(name)]


@pytest.mark.parametrize("system", ["msg-sarl", *systems.of_kind("deep")])
def test_every_system_can_be_measured(system):
    bench = speed.Bench(plan("tiny", system), torch.device("cpu"))
    assert bench.seconds() > 0


def test_a_forecast_is_steps_times_seconds_of_a_step(monkeypatch):
    monkeypatch.setattr(speed, "_seconds_per_step", lambda plan, threads: 0.5)
    quick = plan("quick", "msg-sarl")
    assert speed.seconds_of_training(quick, 88, threads=1) == quick.settings.epochs * 88 * 0.5
    small = plan("quick", "msg-sarl+batch=3")
    assert speed.seconds_of_training(small, 88, threads=1) == small.settings.epochs * 30 * 0.5  # the last batch has one


def test_slowness_is_measured_against_the_reference(monkeypatch):
    """By a clock of which each look takes 0.3 s: one product between the first look and the one that says 0.6 s."""
    looks = iter(range(1000))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: 0.3 * next(looks))
    assert speed.slowness.__wrapped__() == pytest.approx(speed.REFERENCE * 0.6 / (2 * 512 ** 3))
