"""How fast FSIM is beside piq's, pair by pair: ``python -m lib.metrics.benchmark [--threads N]``.

Both sides run alternately in one process, with as many threads, and the fastest round of each counts, so that
other work on the machine disturbs both alike.  On a busy machine the processor's time says more than the clock's.  The
pairs are made-up pictures of the field's size; the content does not change the amount of work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from lib.base.hardware import available_cores
from lib.base.images import HEIGHT, WIDTH
from lib.metrics.feature_similarity import feature_maps, fsim_batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=available_cores(), help="on both sides (default: all cores)")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    references, images = made_up_pairs(options.pairs)
    known = [feature_maps(reference) for reference in references]
    ways = {
        "piq, one by one": piq_one_by_one(references, images, options.threads),
        "ours": lambda: fsim_batch(references, images, workers=options.threads),
        "ours, references analysed before": lambda: fsim_batch(known, images, workers=options.threads),
    }
    values = {name: way() for name, way in ways.items()}  # also warms up
    rounds = [{name: _seconds(way) for name, way in ways.items()} for _ in range(options.rounds)]
    fastest = {name: np.min([timed[name] for timed in rounds], axis=0) for name in ways}
    print(f"FSIM of {options.pairs} pairs of {WIDTH}×{HEIGHT} pixels, {options.threads} threads on both sides\n"
          f"  {'':<32} ms per pair: clock  processor    times piq's speed: clock  processor")
    for name, seconds in fastest.items():
        clock, processor = 1e3 * seconds / options.pairs
        faster = fastest["piq, one by one"] / seconds
        print(f"  {name:<32} {clock:18.2f} {processor:10.2f} {faster[0]:25.2f} {faster[1]:10.2f}")
    print(f"  largest difference from piq: {np.abs(values['ours'] - values['piq, one by one']).max():.1e}")


def made_up_pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``count`` smooth random pictures and noisy copies, (count, 250, 200) uint8."""
    rng = np.random.default_rng(0)
    field = gaussian_filter(rng.standard_normal((count, HEIGHT, WIDTH)), (0, 3, 3))
    references = 127 + 110 * field / np.abs(field).max()
    images = np.clip(references + rng.normal(0, 8, references.shape), 0, 255)
    return references.astype(np.uint8), images.astype(np.uint8)


def piq_one_by_one(references: np.ndarray, images: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    """Return piq's FSIM over all pairs, called as its users do: one pair after the other."""
    import piq
    import torch

    torch.set_num_threads(threads)
    tensors = [torch.from_numpy(stack.astype(np.float32))[:, None] for stack in (references, images)]
    return lambda: np.array([piq.fsim(reference[None], image[None], data_range=255, chromatic=False).item()
                             for reference, image in zip(*tensors, strict=True)])


def _seconds(way: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor, all threads together."""
    started = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - started[0], time.process_time() - started[1]


if __name__ == "__main__":
    main()
