"""One training step as a recorded CUDA graph, replayed for every batch.

At batch 1 a GPU finishes the hundreds of small kernels of a step faster than Python can ask for them.  A
graph asks once: after a few ordinary steps the next one is recorded, and from then on a step is
"copy the rows, replay".  The kernels and their order are those of the ordinary step.  Nothing is recorded on a CPU,
nor for a system whose steps differ from one another (``Trainable.recordable``).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lib.model.trainable import Trainable

WARM_UP = 3  # ordinary steps before the recording: they fill the optimisers' state and cuDNN's plans


class Stepper:
    """``stepper(photo_rows, sketch_rows)`` takes one training step on these rows and returns the losses.

    Full batches of ``batch`` rows are recorded; an epoch's last, if it is smaller, takes an ordinary step.
    The returned tensors are overwritten by the next step.
    """

    def __init__(self, trainable: Trainable, batch: int, *, record: bool | None = None):
        self.trainable, self.device, self.batch = trainable, trainable.device, batch
        self.record = self.device.type == "cuda" and trainable.recordable if record is None else record
        self.taken = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, photo_rows: list[int], sketch_rows: list[int]) -> dict[str, Tensor]:
        rows = torch.tensor([photo_rows, sketch_rows])
        if not self.record:
            return self.trainable.step(*rows.to(self.device))
        self.taken += 1
        if self.taken <= WARM_UP or rows.shape[1] != self.batch:
            return self._beside(lambda: self.trainable.step(*rows.to(self.device)))
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
            self.losses = self.trainable.step(*self.rows)

    def _beside(self, step: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Run on a side stream, as the recording will: what is allocated now must not belong to the main stream."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            losses = step()
        torch.cuda.current_stream().wait_stream(stream)
        return losses
