"""What every deep rival promises besides its authors' numbers: checks that their test files share.

``make`` is a function that takes changes of settings and returns a trainable on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lib.base.directions import DIRECTIONS
from lib.model.trainable import Trainable

Make = Callable[..., Trainable]


def material(settings, count: int = 4) -> tuple[Tensor, Tensor]:
    """Smooth photos (count, 3, S, S) and sketches (count, 1, S, S), no two alike, S the settings' ``load_size``."""
    phase = torch.arange(count).view(-1, 1, 1, 1) * 0.8
    place = torch.arange(settings.load_size) * 6 / settings.load_size
    wave = place + 0.7 * place[:, None]
    photos = (wave + torch.tensor([0.0, 0.9, 2.1]).view(3, 1, 1) + phase).sin()
    return photos, (wave * 1.3 + phase).cos().mean(1, keepdim=True)


def prepared(system: Trainable, count: int = 4) -> Trainable:
    system.prepare(*material(system.settings, count))
    return system


def take_steps(system: Trainable, first: int, last: int, of: int = 8) -> dict[str, Tensor]:
    """Steps ``first`` to ``last`` - 1 of the run's first epoch of ``of``; returns the last one's losses."""
    for step in range(first, last):
        system.set_progress(0, step, of)
        rows = torch.arange(step, step + system.settings.batch)
        losses = system.step(rows % 4, (rows if system.settings.pairing == "paired" else 3 * rows + 1) % 4)
    return losses


def check_resuming(make: Make, **changes) -> None:
    """Five steps, and two steps, saved, taken up by another instance, and three more: the same bits."""
    torch.manual_seed(1)
    whole = prepared(make(**changes))
    take_steps(whole, 0, 2)
    saved, generator = copied(whole.state()), torch.get_rng_state()
    expected = take_steps(whole, 2, 5)

    torch.manual_seed(2)  # other first weights, other draws: everything must come from the state
    resumed = prepared(make(**changes))
    resumed.load_state(saved)
    torch.set_rng_state(generator)
    found = take_steps(resumed, 2, 5)
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)
    check_equal(whole.state(), resumed.state())


def check_step_and_translation(system: Trainable) -> None:
    """A step gives finite losses in fp32 and moves every network; images come out at full size in [-1, 1]."""
    prepared(system)
    networks = [*system.generators.values(), *system.discriminators.values()]
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    losses = take_steps(system, 0, 1)
    broken = [name for name, value in losses.items()
              if not math.isfinite(value) or value.requires_grad or value.dtype != torch.float32]
    assert losses and not broken, broken
    for network, old in zip(networks, before):
        assert any(not torch.equal(p, p0) for p, p0 in zip(network.parameters(), old))
    size = system.settings.size
    for direction, channels in zip(DIRECTIONS, (3, 1)):
        for training in (False, True):
            system.generators.train(training)
            image = system.translate(direction,
                                     torch.linspace(-1, 1, channels * size ** 2).view(1, channels, size, size))
            assert image.shape == (1, 3, size, size) and image.dtype == torch.float32 and not image.requires_grad
            assert image.isfinite().all() and -1 <= image.min() < image.max() <= 1
            assert all(layer.training == training for layer in system.generators.modules())


def check_bf16(make: Make, **changes) -> None:
    """A step in bf16 gives other losses than one in fp32, but nearly the same ones."""
    found = {}
    for precision in ("fp32", "bf16"):
        torch.manual_seed(1)
        found[precision] = take_steps(prepared(make(**changes, precision=precision)), 0, 1)
    for name, value in found["fp32"].items():
        assert 0 < abs(found["bf16"][name] - value) < 0.1 * value.abs(), name


def check_equal(a: dict, b: dict) -> None:
    """Two states hold the same bits."""
    differing = [path for path, x, y in _leaves(a, b)
                 if not (torch.equal(x, y) if isinstance(x, Tensor) else x == y)]
    assert not differing, differing


def copied(value):
    """As saving and loading would: nothing shared with the running system."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    return type(value)(map(copied, value)) if isinstance(value, (list, tuple)) else value


def _leaves(a, b, path: str = ""):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            yield from _leaves(a[key], b[key], f"{path}/{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, parts in enumerate(zip(a, b)):
            yield from _leaves(*parts, f"{path}/{i}")
    else:
        yield path, a, b

