"""How the cost of training grows with pixels, pairs and epochs, and what a step moves and multiplies.

``count`` reads every kernel of one real step: its operations (a multiply-add is two), and the bytes of the tensors
that it reads and writes.  Both are polynomials of the image's side s: what belongs to the weights does not depend on
it, borders grow with s, maps with s², position attention's (s/8)² × (s/8)² matrices with s⁴.  So the counts of four
small images give those of any other (``at_size``), without a machine that could compute it.

Measured on one thread of a busy machine, in seconds of processor time (``benchmark --scaling``,
``results/scaling.csv``; MSG-SARL, profile ``quick``): from 32 to 128 px, 16 times the pixels, a step has 16.2 times the
operations and takes 3.0 times as long (0.27, 0.37, 0.80 s), as most of a small step is what does not grow: weights,
optimisers, calls.  Position attention's products alone grow 256-fold, to 1.2 % of all at 128 px; at the paper's 256 px
and width 64 they are 2.3 %.  16 times the pairs and 16 times the epochs are the same: 60 further steps of 0.30 s each,
and 0.3 s to begin with.

The paper's setting on paper (MSG-SARL, 256 px, width 64, batch 1, bf16, features ``vgg16-hed``; ``benchmark
--roofline``, ``results/roofline.csv``): 2.507 TFLOP in 4,886 kernels that read and write 27.0 GB.  (A real step of that
size was counted as 2.507 TFLOP, too; it took an H100 33.2 ms, recorded: ``results/benchmark.csv``.)  With the 795
TFLOP/s measured there and the 3.35 TB/s of the card's data sheet no step is shorter than 9.9 ms: convolutions 3.0,
casts between fp32 and bf16 1.8, optimisers 1.4, normalisation, activations and borders 1.2, attention and other
products 0.4, additions, clearing and the rest 2.0.  A step of 17 ms, half of the present one, is therefore not out of
reach, but fusing normalisation with activation does not bring it: that spares the map between the two, at most half of
2.8 GB or 0.4 ms, and some 200 launches.  What weighs is the number of kernels, 6.8 µs each on average, 3,600 of them
casts, additions and clearings, mostly of small tensors; and the convolutions, which may take 10 ms, at 30 % of the
card's peak, if all else runs at its limit.

Torch's compiler on normalisation and PReLU was tried on a processor (128 px, 64 channels): two to three times as fast,
but outputs and gradients differ, by 2e-6 and 4e-6 of their largest values in fp32 and 0.7 % and 1.8 % in bf16.  So no
run is compiled; ``benchmark --compiled`` measures it.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from lib.databases import PairedFaces
from lib.training import devices, loop, plans
from lib.training.plans import Plan
from lib.training.speed import Bench

KINDS = ("convolutions", "position attention", "other products", "normalisation", "activations", "borders", "casts",
         "optimisers", "other")
_POWERS = (0, 1, 2, 4)  # of the side
_CANDIDATES = range(32, 257, 32)  # sides whose halves are even down to the deepest features
_REDUCTION = 8  # position attention works on an eighth of the side
# Names of torch's kernels.  Borders are reflected by picking rows and columns, and added back on the way back.
_OF_KIND = {
    "convolutions": ("convolution", "convolution_backward"),
    "normalisation": ("native_batch_norm", "native_batch_norm_backward"),
    "activations": ("_prelu_kernel", "_prelu_kernel_backward", "leaky_relu", "leaky_relu_backward", "relu", "relu_",
                    "threshold_backward", "tanh", "tanh_backward", "sigmoid", "sigmoid_backward"),
    "borders": ("index_select", "index_add", "index_add_", "reflection_pad2d", "reflection_pad2d_backward"),
    "casts": ("_to_copy",),
    "optimisers": ("_fused_adam_", "_fused_adam"),
}


class _Counter(TorchDispatchMode):
    """Counts, per kind of kernel: how many, their operations, and the bytes that they read and write."""

    def __init__(self, size: int):
        super().__init__()
        self.positions = _positions(size)
        self.rows: dict[str, np.ndarray] = {kind: np.zeros(3) for kind in KINDS}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if not function.is_view and not function.overloadpacket.__name__.startswith("empty"):
            packet = function.overloadpacket
            # What is written in place is returned too, but by kernels that return nothing.
            written = result if result is not None else [
                value for value, argument in zip(args, function._schema.arguments, strict=False)
                if argument.alias_info and argument.alias_info.is_write]
            tensors = [leaf for leaf in tree_leaves((args, kwargs, written)) if isinstance(leaf, Tensor)]
            count_of = flop_registry.get(packet, lambda *_, **__: 0)
            operations = count_of(*args, **(kwargs or {}), out_val=result)
            kind = self._kind(packet.__name__, tensors, operations)
            self.rows[kind] += 1, operations, sum(map(_bytes, tensors))
        return result

    def _kind(self, name: str, tensors: list[Tensor], operations: float) -> str:
        # A matrix between positions; maps have four dimensions.  Callers choose sizes at which none between channels,
        # and none of channels by positions, has this shape.
        if any(tensor.ndim == 3 and tensor.shape[1:] == (self.positions, self.positions) for tensor in tensors):
            return "position attention"
        named = next((kind for kind, names in _OF_KIND.items() if name in names), "other")
        return "other products" if operations and named == "other" else named


def _bytes(tensor: Tensor) -> int:
    """Bytes behind a tensor: those of an expanded one are read once."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def count(plan: Plan) -> pd.DataFrame:
    """One training step on this machine, kind by kind: kernels, operations, bytes.  Index: ``KINDS``."""
    bench = Bench(plan, torch.device("cpu"))
    bench()  # the first step also makes the optimisers' moments
    with _Counter(plan.settings.size) as counter:
        bench()
    table = pd.DataFrame.from_dict(counter.rows, orient="index", columns=["kernels", "operations", "bytes"])
    return table / bench.steps


def at_size(plan: Plan, size: int) -> pd.DataFrame:
    """What ``count`` would give at another size, from as many small ones as there are powers."""
    width = plan.settings.width
    small = [side for side in _CANDIDATES if _positions(side) not in (width, 8 * width)][:len(_POWERS)]
    tables = [count(resized(plan, side)) for side in small]
    powers = np.array([[float(side) ** power for power in _POWERS] for side in small])
    wanted = np.array([float(size) ** power for power in _POWERS])
    values = np.tensordot(wanted @ np.linalg.inv(powers), np.stack([table.to_numpy() for table in tables]), axes=1)
    return pd.DataFrame(values, tables[0].index, tables[0].columns)


def comparable_sizes(plan: Plan) -> tuple[int, int, int]:
    """Three sizes, 4 and 16 times the pixels of the first, where no channel matrix looks like one of positions."""
    usual = (32, 64, 128)
    return (48, 96, 192) if 8 * plan.settings.width in map(_positions, usual) else usual


def _positions(size: int) -> int:
    """Between how many positions position attention attends."""
    return (size // _REDUCTION) ** 2


def resized(plan: Plan, size: int) -> Plan:
    """The same plan with images of another size."""
    return plans.plan(plan.profile, "+".join([plan.system.name, *(
        f"{name}={value}" for name, value in plan.changes if name != "size"), f"size={size}"]))


def by_pixels(plan: Plan, sizes: Iterable[int], repeats: int = 2) -> pd.DataFrame:
    """A step at several sizes: size, operations, those of position attention, seconds of processor time, one thread.

    Sizes take turns, so that a busy machine slows them alike; the fastest of ``repeats`` steps each.
    """
    sizes = list(sizes)
    counted = [count(resized(plan, size)) for size in sizes]
    with devices.computing_with(1):
        benches = [Bench(resized(plan, size), torch.device("cpu")) for size in sizes]
        for bench in benches:
            bench.warm_up()
        seconds = np.min([[_processor_seconds(bench) for bench in benches] for _ in range(repeats)], axis=0)
    return pd.DataFrame({"size": sizes, "operations": [table.operations.sum() for table in counted],
                         "of position attention": [table.operations["position attention"] for table in counted],
                         "seconds": seconds})


def _processor_seconds(bench: Bench) -> float:
    started = time.process_time()
    bench()
    return (time.process_time() - started) / bench.steps


def by_length(plan: Plan, lengths: Iterable[tuple[int, int]]) -> pd.DataFrame:
    """Whole trainings on random images: pairs, epochs, seconds of processor time on one thread, all inclusive."""
    rows, rng = [], np.random.default_rng(0)
    for pairs, epochs in lengths:
        faces = PairedFaces("random", "train", rng.integers(0, 256, (pairs, 250, 200, 3), np.uint8),
                            rng.integers(0, 256, (pairs, 250, 200), np.uint8),
                            tuple(f"{row}" for row in range(pairs)), ("random",) * pairs)
        chosen = dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, epochs=epochs))
        with tempfile.TemporaryDirectory() as folder, devices.computing_with(1):
            started = time.process_time()
            loop.train(chosen, faces, Path(folder), 0, device=torch.device("cpu"), report=lambda *_: None)
            rows.append({"pairs": pairs, "epochs": epochs, "seconds": time.process_time() - started})
    return pd.DataFrame(rows)


def least_seconds(counts: pd.DataFrame, *, multiplied: float, moved: float) -> pd.Series:
    """The shortest time of each kind on hardware that does this many operations and moves this many bytes a second.

    No kernel can take less than its operations or its bytes do; kinds run one after the other.
    """
    return np.maximum(counts.operations / multiplied, counts.bytes / moved)
