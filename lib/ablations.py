"""What each part brings: contrasts of the eight cells MSG × self-attention × cycle (Duan et al. 2020, Section IV-C)."""

from __future__ import annotations

from lib.contrasts import Effect, RunSpread, compare, contrast

__all__ = ["Effect", "RunSpread", "compare", "contrast"]
