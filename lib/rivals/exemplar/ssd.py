"""SSD: spatial sketch denoising (Song, Bao, Yang, Yang, ECCV 2014), after the authors' slides.

Dense patches: the K nearest photo patches of every place p give a linear map, t_p ≈ Σ w_pk x_pk.  The
same map applied to the sketches estimates the sketch at p, and at the pixels around p too.  One estimate
alone is noisy; a pixel's value is the mean of the estimates of all places around it.

Estimating a whole patch per place and averaging the overlaps is the same sum, so SSD is LLE on a dense
grid with small patches.  Here the region that a map is applied to is its matching patch, and places lie
``step`` pixels apart (the original: every pixel).
"""

from __future__ import annotations

from lib.rivals.exemplar.lle import LLE


class SSD(LLE):
    """LLE with a step so small that each pixel is the mean of many estimates."""
