"""Arrays that a thread uses again for every image, instead of new ones.

New arrays of this size cost a page fault per 4 KiB wherever the allocator gives memory back to the system in between.
Whether it does is a matter of luck: the same score took 1.9 or 4.5 ms.  And threads that ask for pages wait for each
other.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Arrays = TypeVar("Arrays")
_LARGEST = 1 << 20  # pixels; arrays for larger images would fill the memory of whoever scored one


class Workspaces(Generic[Arrays]):
    """``workspaces(shape)``: what ``make(shape)`` made for the calling thread, made anew when the shape changes.

    shape: (H, W).  Arrays of large images are not kept.
    """

    def __init__(self, make: Callable[[tuple[int, ...]], Arrays]):
        self._make = make
        self._local = threading.local()

    def __call__(self, shape: tuple[int, ...]) -> Arrays:
        if math.prod(shape) > _LARGEST:
            return self._make(shape)
        if getattr(self._local, "shape", None) != shape:
            self._local.arrays, self._local.shape = self._make(shape), shape
        return self._local.arrays
