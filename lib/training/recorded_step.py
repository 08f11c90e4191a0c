"""One training step as a recorded CUDA graph, replayed for every batch.

At batch 1 a GPU finishes the hundreds of small kernels of a step faster than Python can ask for them.  A
graph asks once: after a few ordinary steps the next one is recorded, and from then on a step is
"copy the rows, replay".  The kernels and their order are those of the ordinary step.  On a CPU nothing is
recorded.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lib.training.trainable import Method

WARM_UP = 3  # ordinary steps before the recording: they fill the optimisers' state and cuDNN's plans


class Stepper:
    """``stepper(rows)`` takes one training step on the rows (B,) int64 and returns the method's losses.

    Full batches of ``batch`` rows are recorded; an epoch's last, if it is smaller, takes an ordinary step.
    The returned tensors are overwritten by the next step.
    """

    def __init__(self, method: Method, device: torch.device, batch: int, *, record: bool | None = None):
        self.method, self.device, self.batch = method, device, batch
        self.record = device.type == "cuda" if record is None else record
        self.taken = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, rows: list[int]) -> dict[str, Tensor]:
        rows = torch.tensor(rows)
        if not self.record:
            return self.method.step(rows.to(self.device))
        self.taken += 1
        if self.taken <= WARM_UP or len(rows) != self.batch:
            return self._beside(lambda: self.method.step(rows.to(self.device)))
        if self.graph is None:
            self._record(rows)
        self.rows.copy_(rows)
        self.graph.replay()
        return self.losses

    def _record(self, rows: Tensor) -> None:
        """Record, without computing, a step that reads ``self.rows`` and writes ``self.losses``."""
        self.rows = rows.to(self.device)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.losses = self.method.step(self.rows)

    def _beside(self, step: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Run on a side stream, as the recording will: what is allocated now must not belong to the main stream."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            losses = step()
        torch.cuda.current_stream().wait_stream(stream)
        return losses
