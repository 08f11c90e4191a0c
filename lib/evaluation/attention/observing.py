"""One face through a trained generator, with everything its four self-attention units did on the way.

Section III-C, Eq. 5-11; Fig. 5.  Forward hooks on the very network that translates; nothing of its
arithmetic is written a second time.  fp32 and evaluation mode, as in ``lib.training.translate``.

Letters in shapes: C channels of the SARM, G×G its grid (G = H/8), N = G·G positions, row by row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError, unknown_name
from lib.databases.geometry import from_square
from lib.model.settings import MsgSarlSettings
from lib.training.translate import Translator

SARBS = (1, 2, 3, 4)
SOFTMAXES = ("single", "double")
# (x, y) in the field's aligned 200×250 faces: the left eye's centre, hair above the forehead, a corner.
POINTS = {"eye": (75, 125), "hair": (100, 55), "background": (10, 10)}


@dataclass(frozen=True)
class Block:
    """What one SARB did with one face; arrays are float32.

    features: (C, G, G), what it hands on, F_{i+1} of Eq. 5.  entering: (C, G, G), M of its attention unit.
    unit: (C, G, G), the unit's output, Eq. 11.  position_added, channel_added: (C, G, G), the attention
    terms α Σ_i μ_ji C'_i of Eq. 8 and β Σ_i x_ji M_i of Eq. 10.  position_weights: μ, (N, N), rows sum to
    one, from the unit's logits by one softmax and by two; ``softmax`` names the form it was trained with.
    channel_weights: x, (C, C), rows sum to one.
    """

    alpha: float
    beta: float
    features: np.ndarray
    entering: np.ndarray
    unit: np.ndarray
    position_added: np.ndarray
    channel_added: np.ndarray
    position_weights: dict[str, np.ndarray]
    softmax: str
    channel_weights: np.ndarray

    def weights(self, softmax: str | None = None) -> np.ndarray:
        """μ (N, N) by the named softmax, ``single`` or ``double``; as the network computes it by default."""
        if softmax not in (None, *SOFTMAXES):
            raise unknown_name("softmax", softmax, SOFTMAXES)
        return self.position_weights[softmax or self.softmax]

    def map(self, how: str = "mean-absolute", part: str = "features") -> np.ndarray:
        """One (G, G) picture of C channels, at least 0.  Fig. 5 does not say how its pictures were made.

        how: ``mean-absolute`` activation over the channels, or their ``norm`` (Euclidean; strong channels
        count more).  part: ``features``, what the SARB hands on, or ``unit``, the output of its attention unit.
        """
        if part not in ("features", "unit"):
            raise unknown_name("part of a SARB", part, ("features", "unit"))
        maps = {"mean-absolute": lambda x: np.abs(x).mean(axis=0), "norm": lambda x: np.sqrt((x ** 2).sum(axis=0))}
        if how not in maps:
            raise unknown_name("picture of a feature map", how, maps)
        return maps[how](getattr(self, part))


@dataclass(frozen=True)
class Observation:
    """One face, its translation and the four SARBs between them.

    source, output: uint8 faces (H, W[, 3]).  blocks: SARB 1 to 4.  cells: (H, W) int, the grid position
    0 … N-1 that each pixel of the face belongs to, through the geometry of ``lib.databases.geometry``.
    """

    direction: str
    source: np.ndarray
    output: np.ndarray
    blocks: tuple[Block, ...]
    cells: np.ndarray

    def on_face(self, grid: np.ndarray) -> np.ndarray:
        """Values (G, G) or (N,) → (H, W): each pixel has its cell's value, nothing is interpolated."""
        return grid.ravel()[self.cells]

    def row(self, sarb: int, point: tuple[int, int], softmax: str | None = None) -> np.ndarray:
        """μ_j, (N,), of the grid position j that holds pixel ``point`` = (x, y) of the face, in SARB 1 to 4.

        Raises StudyError for a point outside the face or an unknown softmax.
        """
        x, y = point
        height, width = self.cells.shape
        if not (0 <= x < width and 0 <= y < height):
            raise StudyError(f"point ({x}, {y}): outside the face of {width}×{height} pixels.")
        return self.blocks[sarb - 1].weights(softmax)[self.cells[y, x]]


def observe(translator: Translator, direction: str, face: np.ndarray) -> Observation:
    """Translate one uint8 face (H, W[, 3]) and keep what every SARB did.

    Raises StudyError for an unknown direction and for a network without self-attention.
    """
    sarbs = sarbs_of(translator, direction)
    modules = {(i, name): module for i, sarb in enumerate(sarbs) for name, module in (
        ("sarb", sarb), ("unit", sarb.attention), ("position", sarb.attention.position),
        ("channel", sarb.attention.channel))}
    seen: dict[tuple[int, str], tuple[Tensor, Tensor]] = {}  # input and output of each module
    with contextlib.ExitStack() as hooks:
        for key, module in modules.items():
            hooks.callback(module.register_forward_hook(
                lambda _, inputs, output, key=key: seen.update({key: (inputs[0], output)})).remove)
        output = translator(direction, face[None])[0]
    blocks = tuple(_block(sarb, {name: seen[i, name] for name in ("sarb", "unit", "position", "channel")})
                   for i, sarb in enumerate(sarbs))
    grid = blocks[0].features.shape[1]
    return Observation(direction, face, output, blocks, cells_of(translator.settings, grid, *face.shape[:2]))


def sarbs_of(translator: Translator, direction: str) -> list[nn.Module]:
    """The four SARBs of one generator; raises StudyError when they hold no self-attention units."""
    if direction not in DIRECTIONS:
        raise unknown_name("direction", direction, DIRECTIONS)
    generators = translator.trainable.generators
    if not getattr(translator.settings, "attention", False):
        raise StudyError("This network has no self-attention units to look at; take a system with self-attention, "
                         "e.g. msg-sarl.")
    return list(generators[direction].sarm)


@torch.no_grad()
def _block(sarb: nn.Module, seen: dict[str, tuple[Tensor, Tensor]]) -> Block:
    position, channel = sarb.attention.position, sarb.attention.channel
    M = seen["unit"][0]
    trained, weights = position.double, {}
    try:
        for form in SOFTMAXES:
            position.double = form == "double"
            weights[form] = _array(position.weights(M))
    finally:
        position.double = trained
    return Block(
        alpha=position.alpha.item(), beta=channel.beta.item(), features=_array(seen["sarb"][1]), entering=_array(M),
        unit=_array(seen["unit"][1]),
        position_added=_array(seen["position"][1] - seen["position"][0]),  # E - M
        channel_added=_array(seen["channel"][1] - seen["channel"][0]),  # H - M
        position_weights=weights, softmax=SOFTMAXES[trained], channel_weights=_array(channel.weights(M)))


def _array(batch: Tensor) -> np.ndarray:
    return batch[0].float().cpu().numpy()


def cells_of(settings: MsgSarlSettings, grid: int, height: int, width: int) -> np.ndarray:
    """(height, width) int: the position, row by row in grid×grid, under each pixel of a face.

    Row and column numbers travel the way back that a translated face takes, without interpolation.
    """
    number = np.repeat(np.arange(grid, dtype=np.uint8), settings.size // grid)
    rows, columns = from_square(np.stack(np.meshgrid(number, number, indexing="ij")), "nearest", settings.fit,
                                height=height, width=width)
    return rows.astype(int) * grid + columns


@contextlib.contextmanager
def attention_off(translator: Translator, direction: str, *, alpha: bool = True, beta: bool = True,
                  sarbs: Iterable[int] = SARBS) -> Iterator[None]:
    """Within the context α and/or β of the named SARBs (1 to 4) are 0; afterwards they are as trained.

    The convolutions of Eq. 11 stay: what is taken away is what attention adds, not the unit.
    """
    numbered = dict(zip(SARBS, sarbs_of(translator, direction)))
    units = [numbered[i].attention for i in sarbs]
    scales = [unit.position.alpha for unit in units if alpha] + [unit.channel.beta for unit in units if beta]
    with torch.no_grad():
        trained = [scale.clone() for scale in scales]
        try:
            for scale in scales:
                scale.zero_()
            yield
        finally:
            for scale, value in zip(scales, trained):
                scale.copy_(value)
