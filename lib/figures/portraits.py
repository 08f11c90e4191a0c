"""Figure of the embedded database: one trait moving while the rest stays."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from lib.base import labels
from lib.base.errors import unknown_name
from lib.databases import portraits
from lib.databases.portraits.traits import TRAITS
from lib.figures.style import face_grid


def trait_sweep(trait: str, steps: int = 7, low: float | None = None, database: str = "portraits",
                number: int = 70) -> Figure:
    """One trait from ``low`` (default: its lowest value) to its highest, everything else as in person ``number``.

    The light, the backdrop and the artist stay the same.  Number 70 has short hair and no beard, which would hide the
    outline of the face.  Raises StudyError for an unknown trait.
    """
    if trait not in TRAITS:
        raise unknown_name("trait", trait, TRAITS)
    lowest, high, _, _ = TRAITS[trait]
    person = portraits.identity(database, number)
    values = np.linspace(lowest if low is None else low, high, steps)
    pairs = [portraits.portrait(database, number, person.changed(**{trait: value})) for value in values]
    numbers = [labels.signed(value) if lowest < 0 else f"{value:.2f}" for value in values]
    rows = [[photo for photo, _ in pairs], [sketch for _, sketch in pairs]]
    return face_grid(rows, column_labels=[f"{trait.replace('_', ' ')} {number}" for number in numbers], cell_width=1.25)
