"""Numbers of five official image-translation programs, and the rule that fills any network with their weights.

``tests/data/rivals`` holds what the programs of CycleGAN and pix2pix (junyanz/pytorch-CycleGAN-and-pix2pix at
032e8843), PS2MAN (lidan1/PhotoSketchMAN at 25c98440), DRIT (HsinYingLee/DRIT at f19f50a8) and U-GAT-IT
(znxlwm/UGATIT-pytorch at b8c42518) gave in double precision, for formula images and formula weights:

- ``parameters.csv``    every parameter in the official order: shape and the constants of its formula
- ``sizes.csv``         parameter and tensor counts, at the official configuration and at the small one used here
- ``outputs.npz``       outputs in single precision; ``…/summary`` stands for mean, deviation and the first 16 values
- ``losses.csv``        loss terms, totals and gradient norms, all at the filled weights
- ``steps.csv``         losses and weights of three training steps with the official optimisers

Images, weights and comparisons are in double precision; images and weights are rounded to single precision first.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

DATA = Path(__file__).parent / "data" / "rivals"


@lru_cache(maxsize=None)
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv", encoding="utf-8")


@lru_cache(maxsize=None)
def arrays(name: str = "outputs") -> dict[str, np.ndarray]:
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


# Images and weights

def photo(size: int, pair: int = 1) -> Tensor:
    """(1, 3, size, size); ``pair``: 1, 2, 3, as in the three training steps (DRIT's second pair is 2)."""
    return _image(size, torch.tensor([0.0, 0.9, 1.8], dtype=torch.float64), pair)


def sketch(size: int, pair: int = 1) -> Tensor:
    """(1, 3, size, size), three equal channels."""
    return _image(size, torch.full((3,), 1.7, dtype=torch.float64), pair)


def _image(size: int, phases: Tensor, pair: int) -> Tensor:
    place = torch.arange(size, dtype=torch.float64)
    wave = 0.05 * place + 0.11 * place[:, None] + phases[:, None, None] + 0.6 * (pair - 1)
    return wave.sin().float().double()[None]


def parameter_rows(system: str, network: str) -> pd.DataFrame:
    """The rows of parameters.csv that are parameters of this network, in the official order."""
    rows = table("parameters")
    rows = rows[(rows.system == system) & (rows.network == network) & (rows.kind == "parameter")]
    assert len(rows) and list(rows["index"]) == list(range(len(rows))), (system, network)
    return rows


def shapes(system: str, network: str) -> list[tuple[int, ...]]:
    return [tuple(int(n) for n in shape.split("x")) for shape in parameter_rows(system, network)["shape"]]


@torch.no_grad()
def fill(network: nn.Module, system: str, name: str) -> nn.Module:
    """Turn to double precision and give every parameter its formula's values: by position, whatever its name here."""
    network.double()
    for parameter, row in zip(network.parameters(), parameter_rows(system, name).itertuples(), strict=True):
        assert "x".join(map(str, parameter.shape)) == row.shape, (name, row.name, tuple(parameter.shape))
        i = np.arange(parameter.numel(), dtype=np.float64)
        values = row.base + row.scale * np.sin(row.phase + 0.37 * i + row.quad * (i % 997) ** 2)
        values = values.astype(np.float32).astype(np.float64)
        assert values[[0, -1]] == pytest.approx([row.first_value, row.last_value], abs=1e-7), row.name
        parameter.copy_(torch.from_numpy(values).view(parameter.shape))
    return network


# Comparisons

def check_shapes(networks: dict[str, nn.Module], system: str) -> None:
    """The same networks in the same order, with the same parameter shapes in the same order."""
    rows = table("parameters")
    assert list(networks) == list(rows[rows.system == system].network.unique())
    for name, network in networks.items():
        assert [tuple(p.shape) for p in network.parameters()] == shapes(system, name), name


def check_buffers(networks: dict[str, nn.Module], system: str) -> None:
    """Statistics and spectral norms' vectors enumerate in the official order, with the official shapes."""
    rows = table("parameters")
    rows = rows[(rows.system == system) & (rows.kind == "buffer")]
    for name, network in networks.items():
        expected = list(rows[rows.network == name]["shape"].fillna("").astype(str))  # "" for a single number
        assert ["x".join(map(str, buffer.shape)) for buffer in network.buffers()] == expected, name


def check_sizes(networks: dict[str, nn.Module], system: str, configuration: str) -> None:
    """Parameter and tensor counts; ``configuration``: ``full`` or ``small``."""
    rows = table("sizes")[table("sizes").system == system].set_index("network")
    assert list(networks) == list(rows.index)
    for name, network in networks.items():
        found = (sum(p.numel() for p in network.parameters()), len(list(network.parameters())))
        assert found == tuple(rows.loc[name, [f"{configuration}_parameters", f"{configuration}_tensors"]]), name


def check_output(found: Tensor, key: str, tolerance: float = 1e-6) -> None:
    """Compare with an array of outputs.npz, or its summary, relative to the array's largest value."""
    found, stored = found.detach().numpy(), arrays()
    if key in stored:
        expected = stored[key]
        assert found.shape == expected.shape, key
    else:
        expected = stored[f"{key}/summary"]
        found = np.concatenate([[found.mean(), found.std()], found.ravel()[:16]])
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error < tolerance, f"{key}: {error:.1e}"


def output_keys(system: str) -> set[str]:
    """Keys of outputs.npz that belong to a system, without the ending ``/summary``."""
    return {key.removesuffix("/summary") for key in arrays() if key.startswith(f"{system}/")}


def losses(system: str, variant: str) -> dict[str, float]:
    """Terms, totals and gradient norms of losses.csv, by their names there."""
    rows = table("losses")
    rows = rows[(rows.system == system) & (rows.variant == variant)]
    assert len(rows), (system, variant)
    return dict(zip(rows.term, rows.value))


def loss_weights(system: str, variant: str) -> dict[str, float]:
    """The weight of every term in its total."""
    rows = table("losses")
    rows = rows[(rows.system == system) & (rows.variant == variant) & rows.weight_in_total.notna()]
    return dict(zip(rows.term, rows.weight_in_total))


def numbers(found: dict[str, float | Tensor]) -> dict[str, float]:
    return {name: value.item() if isinstance(value, Tensor) else value for name, value in found.items()}


def gradient_norm(network: nn.Module) -> float:
    """L2 norm over all parameters; one without a gradient counts as 0."""
    return sum(p.grad.square().sum().item() for p in network.parameters() if p.grad is not None) ** 0.5


# Three training steps

# Biases just before an instance or batch norm have no effect: their gradient is rounding noise, and steps.csv leaves
# them out of sums and norms.  Of these systems' biases of convolutions only those with the following names remain.
_BIASES_WITH_EFFECT = {
    "cyclegan": ("model.26.bias", "model.0.bias", "model.11.bias"),
    "pix2pix": ("model.model.3.bias", "model.0.bias", "model.11.bias"),
    "ps2man": ("model.25.bias", "model64.19.bias", "model128.22.bias", "model.0.bias", "model.5.bias"),
}


def _has_effect(system: str, network: str) -> list[bool]:
    named = _BIASES_WITH_EFFECT.get(system.split("-")[0])
    rows = parameter_rows(system, network).itertuples()
    return [row.role != "bias" or named is None or row.name in named for row in rows]


class Steps:
    """steps.csv of one system: compares what every step returned and left behind.

    Make it when the networks are filled, before the first step: changes are measured from there.  ``weights``: the
    system under which parameters.csv lists the networks, if it is another one.
    """

    def __init__(self, system: str, networks: dict[str, nn.Module], weights: str = ""):
        rows = table("steps")
        self.rows = rows[rows.system == system]
        assert len(self.rows), system
        self.networks = networks
        self.counted = {name: _has_effect(weights or system, name) for name in networks}
        self.start = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}

    @torch.no_grad()
    def state(self, name: str) -> dict[str, float]:
        parameters = list(self.networks[name].parameters())
        counted = [(p, p0) for p, p0, counts in zip(parameters, self.start[name], self.counted[name], strict=True)
                   if counts]
        return {"parameter_sum": sum(p.sum().item() for p, _ in counted),
                "parameter_norm": sum(p.square().sum().item() for p, _ in counted) ** 0.5,
                "change_norm": sum((p - p0).square().sum().item() for p, p0 in counted) ** 0.5,
                "first_parameter_first_element": parameters[0].flatten()[0].item(),
                "last_parameter_first_element": parameters[-1].flatten()[0].item()}

    def check(self, step: int, found: dict[str, float | Tensor]) -> None:
        """``found``: the losses of this step (1, 2, 3), and ``after/…`` quantities that ``state`` does not know."""
        found = numbers(found)
        for network in self.networks:
            found |= {f"after/{network}/{name}": value for name, value in self.state(network).items()}
        rows = self.rows[self.rows.step == step]
        assert len(rows)
        wrong = [f"step {step}, {row.quantity}: {found.get(row.quantity)} instead of {row.value} ± {row.tolerance}"
                 for row in rows.itertuples()
                 if not abs(found.get(row.quantity, np.nan) - row.value) <= row.tolerance]
        assert not wrong, "\n".join(wrong)
