"""Every size and constant of the six exemplar methods, and the cheaper ones for small profiles.

Trust in each value: *authors* = read in the authors' program or slides; *recalled* = what is remembered of
the paper, not checked there; *chosen* = ours.  ``lib.findings.exemplar_choices`` measures the alternatives to recalled
and chosen values on held-out training pairs; the defaults below were not tuned on test identities.
"""

from __future__ import annotations

_RSLCR = {
    "patch": 20, "step": 6, "radius": 5,  # authors: 20×20 patches, overlap 14, search length 5
    "samples": 800, "locality": 0.5,  # authors
    "feature": "rgb", "energy": 0.99, "dimensions": 300,  # authors: PCA of RGB patches
}
FULL: dict[str, dict] = {
    "lle": {
        "patch": 20, "step": 6,  # chosen: RSLCR's grid, so that the two differ in neighbours and weights only
        "neighbours": 5,  # recalled
        "radius": 4, "spacing": 2,  # chosen: a window as RSLCR's, every second offset
        "regularisation": 1e-3,  # chosen
        "feature": "rgb", "energy": 0.99, "dimensions": 300,
    },
    "mrf": {
        "patch": 10, "step": 5, "neighbours": 10, "radius": 5,  # recalled
        "spacing": 2, "distinct": False, "compatibility": 1.0,  # chosen
        "iterations": 40, "damping": 0.5,  # chosen
        "stitch": "cut",  # recalled: minimum-error boundary cut
        "feature": "rgb", "energy": 0.99, "dimensions": 300,
    },
    "mwf": {
        "patch": 10, "step": 5, "neighbours": 10, "radius": 5,  # recalled
        "spacing": 2, "distinct": False, "compatibility": 1.0,  # chosen
        "sweeps": 10, "steps": 10,  # chosen
        "feature": "rgb", "energy": 0.99, "dimensions": 300,
    },
    "ssd": {
        "patch": 10, "step": 2,  # chosen; the original estimates at every pixel
        "neighbours": 5,  # recalled
        "radius": 4, "spacing": 2, "regularisation": 1e-3,  # chosen
        "feature": "rgb", "energy": 0.99, "dimensions": 300,
    },
    "rslcr": {**_RSLCR, "neighbours": None},  # authors: all samples
    "fast-rslcr": {**_RSLCR, "neighbours": 200},  # authors: the 200 nearest of the 800
}

# What small profiles change, so that the embedded study stays short: coarser grids, fewer features and
# samples.  Scores made with these are comparable within a profile only; run.json names the options of every run.
_QUICK = {"step": 10, "dimensions": 64}
_TINY = {"step": 10, "dimensions": 32, "feature": "grey"}
CHEAPER: dict[str, dict[str, dict]] = {
    "quick": {
        "lle": _QUICK, "ssd": {"step": 4, "dimensions": 32},
        "mrf": {**_QUICK, "patch": 20}, "mwf": {**_QUICK, "patch": 20},
        "rslcr": {**_QUICK, "samples": 300}, "fast-rslcr": {**_QUICK, "samples": 300, "neighbours": 75},
    },
    "tiny": {
        "lle": _TINY, "ssd": {"step": 5, "dimensions": 32, "feature": "grey"},
        "mrf": {**_TINY, "patch": 20, "neighbours": 5, "iterations": 15},
        "mwf": {**_TINY, "patch": 20, "neighbours": 5, "sweeps": 5, "steps": 5},
        "rslcr": {**_TINY, "samples": 80}, "fast-rslcr": {**_TINY, "samples": 80, "neighbours": 20},
    },
}


CHEAPER["probe"] = CHEAPER["quick"]


def options_for(system: str, profile: str | None = None) -> dict:
    """Options of ``system``: the full ones, or the cheaper ones of a small profile."""
    return {**FULL[system], **CHEAPER.get(profile, {}).get(system, {})}
