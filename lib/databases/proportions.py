"""Images of databases of any size that lie on their side or were cut otherwise: resizing squashes them unseen.

Every image is resized to 200×250 without regard to its proportions (``lib.databases.general``), which is right as long
as all have nearly the same.  One that was turned by 90°, or is very wide, becomes a face like no other; so the files
are named whose width over height is more than ``FACTOR`` above or below the median of their domain.  A turned image of
4:5 is off by 1.56; one that is square cannot be told.
"""

from __future__ import annotations

import numpy as np

from lib.base import images
from lib.base.errors import StudyError, listed, some_of
from lib.databases import layouts
from lib.databases.pairs import Index, shown

FACTOR = 1.4


def remarks(index: Index) -> list[str]:
    """A remark for each domain that has images of unusual proportions, which names them; none for fixed sizes."""
    if not index.any_size:
        return []
    found = []
    for domain in layouts.DOMAINS:
        sizes = {}
        for pair in index.pairs:
            if pair.name not in index.excluded:
                try:
                    sizes[getattr(pair, domain)] = images.size_of(getattr(pair, domain))
                except StudyError:  # whoever reads it is told
                    continue
        ratios = np.array([width / height for width, height in sizes.values()])
        usual = np.median(ratios) if len(ratios) else 1.0
        odd = np.abs(np.log(ratios / usual)) > np.log(FACTOR)
        if odd.any():
            lines = [f"{shown(file, index.folder)}: {width}×{height}"
                     for (file, (width, height)), is_odd in zip(sizes.items(), odd, strict=True) if is_odd]
            found.append(f"{some_of(len(lines), len(sizes), domain, 'has/have')} other proportions than the rest, "
                         f"whose width is {usual:.2f} of the height in the median:\n{listed(lines)}\nAre they turned? "
                         f"Resizing to {images.WIDTH}×{images.HEIGHT} squashes them. Turn or crop them.")
    return found
