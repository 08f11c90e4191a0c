"""The interface of everything that trains: what the one training loop asks of MSG-SARL and of its deep rivals.

It stands here, above both, so that neither needs to know the loop (``lib.training``).  A new system is a settings
class, a class of this kind, and a line in each of two tables: ``lib.base.systems`` (its names) and
``lib.training.plans`` (its constructor).

Images are (B, C, H, W) in [-1, 1], photos with three channels, sketches with one; losses are scalar tensors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lib.base.directions import DIRECTIONS
from lib.base.settings import RunSettings


class Trainable(ABC):
    """Networks, optimisers, and one training step.

    A subclass's ``__init__(settings, device, *, training=True)`` fills ``generators`` (all that translating needs)
    and, if ``training``, ``discriminators`` (all other networks that train) and ``optimisers``.  It draws its first
    weights from torch's global generator, which the loop has seeded.
    """

    directions: tuple[str, ...] = DIRECTIONS  # what it translates
    recordable = False  # whether every step runs the same kernels on the device, so that CUDA may replay a recording
    period = 1  # steps after which the pattern of updates repeats
    whole_batches = False  # whether an epoch's last batch is left out where it is smaller than the others

    generators: nn.ModuleDict
    discriminators: nn.ModuleDict
    optimisers: list[Optimizer]

    def __init__(self, settings: RunSettings, device: torch.device):
        self.settings, self.device = settings, device

    # Training

    @abstractmethod
    def prepare(self, photos: Tensor, sketches: Tensor) -> None:
        """Take the training set in, once: (n, 3, S, S) and (n, 1, S, S), S the settings' ``load_size``."""

    @abstractmethod
    def step(self, photo_rows: Tensor, sketch_rows: Tensor) -> dict[str, Tensor]:
        """Take one step on these rows (B,) int64 of the training set; returns the losses, detached.

        The two are equal where the system trains on pairs.  Names are ``<direction>/<term>`` or ``<term>``.
        A term that a step does not compute may be absent: the log holds each term's mean over the steps that had it.
        """

    def set_progress(self, epoch: int, step: int, steps: int) -> float:
        """Say where training stands, before a step: epoch and step of it from 0; returns the learning rate now."""
        rate = self.settings.learning_rate_at(epoch, step, steps)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate * group["share"])
                else:
                    group["lr"] = rate * group["share"]
        return rate

    def generator_updates(self, steps: int) -> int:
        """How many of an epoch's steps change the generators."""
        return steps

    def diagnostics(self) -> dict[str, float]:
        """Numbers worth a column of the log at every epoch's end."""
        return {}

    def adam(self, parameters: Iterable[nn.Parameter], betas: tuple[float, float], *, share: float = 1.0,
             weight_decay: float = 0.0) -> Adam:
        """An Adam on this device; ``share``: its learning rate as a share of the run's."""
        # A recorded graph reads the rate from the device's memory; a CPU is faster with a plain number.
        on_gpu, rate = self.device.type == "cuda", share * self.settings.learning_rate_at(0)
        optimiser = Adam(parameters, torch.tensor(rate, device=self.device) if on_gpu else rate, betas,
                         weight_decay=weight_decay, fused=True, capturable=on_gpu)
        for group in optimiser.param_groups:
            group["share"] = share
        return optimiser

    def autocast(self) -> torch.autocast:
        """Convolutions and matrix products in bf16, if the settings say so."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    # Keeping

    def state(self, *, training: bool = True) -> dict:
        """Tensors and plain containers only; without ``training`` just what translating needs.

        Whoever draws random numbers of their own, or keeps images, adds them.
        """
        state = {"generators": self.generators.state_dict()}
        if training:
            state["discriminators"] = self.discriminators.state_dict()
            state["optimisers"] = [optimiser.state_dict() for optimiser in self.optimisers]
        return state

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave; the run may have moved from one kind of device to another."""
        self.generators.load_state_dict(state["generators"])
        if "optimisers" in state:
            self.discriminators.load_state_dict(state["discriminators"])
            for optimiser, part in zip(self.optimisers, state["optimisers"], strict=True):
                # Options belong to this device, moments to the run.
                options = [{**ours, "params": theirs["params"]}
                           for ours, theirs in zip(optimiser.param_groups, part["param_groups"], strict=True)]
                optimiser.load_state_dict({**part, "param_groups": options})

    # Using

    @abstractmethod
    def translate(self, direction: str, images: Tensor, name: str = "") -> Tensor:
        """Images of the source domain (B, C, S, S) → the target domain, (B, C', S, S) in fp32, without gradients.

        In evaluation mode, unless the system's authors test otherwise (its docstring says so); training mode is as it
        was afterwards.  ``name``: the image's, which seeds whatever the system draws while it translates.
        """
