"""The rivals of Fig. 1: exemplar methods, which look up training patches instead of learning a network.

Mechanism shared by all: ``patches`` (grids, blending, boundary cut), ``candidates`` (windows, random
samples, search), ``weights`` (the small problems of single nodes), ``exemplar`` and ``fields`` (nodes alone
and together).  One file per method: ``lle``, ``mrf``, ``mwf``, ``ssd``, ``rslcr``.  All sizes and constants:
``settings``.
"""

from __future__ import annotations

from lib.base.errors import unknown_name
from lib.rivals.exemplar import settings
from lib.rivals.exemplar.rival import Rival

NAMES = tuple(settings.FULL)


def create(system: str, seed: int = 0, *, profile: str | None = None, device: str | None = None, **options) -> Rival:
    """Return the exemplar rival called ``system``, to be fitted on training pairs.

    seed: of the random samples.  profile: a small one has cheaper options (None: the full method).  options: override
    single settings.  Raises StudyError for an unknown system or option.
    """
    from lib.rivals.exemplar.lle import LLE
    from lib.rivals.exemplar.mrf import MRF
    from lib.rivals.exemplar.mwf import MWF
    from lib.rivals.exemplar.rslcr import RSLCR
    from lib.rivals.exemplar.ssd import SSD

    methods = {"lle": LLE, "mrf": MRF, "mwf": MWF, "ssd": SSD, "rslcr": RSLCR, "fast-rslcr": RSLCR}
    if system not in methods:
        raise unknown_name("exemplar rival", system, methods)
    chosen = settings.options_for(system, profile)
    for name in options:
        if name not in chosen:
            raise unknown_name(f"option of {system}", name, chosen)
    chosen |= options
    return Rival(system, lambda: methods[system](seed=seed, device=device, **chosen), chosen)
