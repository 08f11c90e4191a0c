"""What each open choice of the exemplar methods changes, measured on held-out training pairs.

Every fifth training pair is held out and synthesised from the others; the test identities take no part.
Run with ``python -m lib.findings.exemplar_choices --database cuhk-student``; the table goes to
``results/<profile>/<database>/exemplar_choices.csv``.  With ``--growth`` it measures how time and memory
grow with the number of training pairs instead (``exemplar_growth.csv``).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from lib import databases, metrics
from lib.base import images, paths, tables_on_disk
from lib.base.directions import DIRECTIONS
from lib.base.errors import StudyError
from lib.findings import exemplar_scores
from lib.rivals import exemplar

# One change at a time against the defaults (the empty change).
ALTERNATIVES: dict[str, list[dict]] = {
    "lle": [
        {}, {"feature": "grey"}, {"radius": 5, "spacing": 1}, {"radius": 2}, {"radius": 8}, {"radius": 0},
        {"neighbours": 3}, {"neighbours": 10}, {"neighbours": 20}, {"regularisation": 1e-2}, {"regularisation": 1e-1},
        {"patch": 13, "step": 4}, {"energy": 0.97}, {"step": 10}],
    "mrf": [
        {}, {"feature": "grey"}, {"compatibility": 0.0}, {"compatibility": 0.01}, {"compatibility": 0.1},
        {"compatibility": 10.0}, {"neighbours": 5}, {"neighbours": 20}, {"distinct": True},
        {"distinct": True, "neighbours": 20}, {"stitch": "average"}, {"spacing": 1}, {"radius": 10},
        {"patch": 20, "step": 10}],
    "mwf": [
        {}, {"feature": "grey"}, {"compatibility": 0.0}, {"compatibility": 0.01}, {"compatibility": 0.1},
        {"compatibility": 10.0}, {"neighbours": 5}, {"neighbours": 20}, {"distinct": True}, {"spacing": 1},
        {"radius": 10}, {"patch": 20, "step": 10}, {"sweeps": 30, "steps": 20}],
    "ssd": [
        {}, {"feature": "grey"}, {"step": 1}, {"step": 4}, {"patch": 7}, {"patch": 14}, {"neighbours": 10},
        {"regularisation": 1e-2}, {"regularisation": 1e-1}, {"radius": 2}, {"radius": 8}],
    "rslcr": [
        {}, {"feature": "grey"}, {"locality": 0.1}, {"locality": 1.0}, {"samples": 400}, {"energy": 0.97},
        {"energy": 0.999}],
    "fast-rslcr": [
        {}, {"feature": "grey"}, {"locality": 0.1}, {"locality": 1.0}, {"neighbours": 100}, {"neighbours": 400},
        {"samples": 400}, {"samples": 1600}, {"energy": 0.97}, {"energy": 0.999}, {"step": 10}],
}


def changes(profile: str, database: str) -> pd.DataFrame:
    """Every change of one option against its method's default, sketches of held-out training pairs.

    Columns: system, change, ssim, fsim (percentage points), raises (how many of the two metrics).
    """
    table = pd.read_csv(paths.study_folder(profile, database) / "exemplar_choices.csv", encoding="utf-8")
    table = table[table.direction == DIRECTIONS[0]].set_index(["system", "change"])[["ssim", "fsim"]]
    default = table.xs("default", level="change").reindex(table.index, level="system")
    points = (100 * (table - default)).drop("default", level="change")
    return points.assign(raises=(points > 0).sum(axis=1)).reset_index()


def measure(pairs: databases.PairedFaces, direction: str, system: str, change: dict, seed: int = 0) -> dict:
    """Mean SSIM and FSIM (grey, in [0, 1]) of the held-out pairs with one changed option."""
    held_out = np.arange(len(pairs)) % 5 == 2
    sources, targets = pairs.sources_and_targets(direction)
    groups = np.array(pairs.groups)
    rival = exemplar.create(system, seed, **change)
    rival.fit(sources[~held_out], targets[~held_out], groups[~held_out].tolist())
    made = rival.synthesise(sources[held_out], groups[held_out].tolist())
    grey = [(images.to_grey(real), images.to_grey(face)) for real, face in zip(targets[held_out], made)]
    return {"direction": direction, "system": system,
            "change": ", ".join(f"{name} {value}" for name, value in change.items()) or "default",
            "ssim": round(float(np.mean([metrics.ssim(*pair) for pair in grey])), 4),
            "fsim": round(float(np.mean([metrics.fsim(*pair) for pair in grey])), 4), "images": int(held_out.sum()),
            "seed": seed}


def measure_growth(pairs: databases.PairedFaces, system: str, count: int) -> dict:
    """Cost of photo-to-sketch with the first ``count`` training pairs, for the last three pairs as test faces."""
    rival = exemplar.create(system)
    rival.fit(pairs.photos[:count], pairs.sketches[:count])
    rival.synthesise(pairs.photos[-3:])
    return {"system": system, "pairs": count, **{name: rival.measurements[name] for name in exemplar_scores.COST}}


def _keep(file: Path, row: dict, key: list[str]) -> None:
    """Add a row to a table, in place of an earlier one with the same key."""
    table = pd.DataFrame([row])
    print(table.to_string(header=False, index=False), flush=True)
    if file.exists():
        table = pd.concat([tables_on_disk.read_csv(file), table]).drop_duplicates(key, keep="last")
    tables_on_disk.write(file, table)


def main(arguments: list[str] | None = None) -> int:
    """Measure all alternatives of the chosen systems and directions; a row already there is replaced."""
    parser = argparse.ArgumentParser(prog="python -m lib.findings.exemplar_choices", description=__doc__.split("\n")[0])
    parser.add_argument("--database", default="cuhk-student", choices=databases.NAMES)
    parser.add_argument("--profile", default="cpu", help="folder of the results (default cpu)")
    parser.add_argument("--system", nargs="+", default=list(ALTERNATIVES), choices=ALTERNATIVES)
    parser.add_argument("--direction", nargs="+", default=list(DIRECTIONS), choices=DIRECTIONS)
    parser.add_argument("--growth", action="store_true", help="measure cost against the number of training pairs")
    options = parser.parse_args(arguments)
    folder = paths.study_folder(options.profile, options.database)
    try:
        pairs = databases.load(options.database, "train")
        for system in options.system if options.growth else ():
            for count in (len(pairs) // 4, len(pairs) // 2, len(pairs)):
                _keep(folder / "exemplar_growth.csv", measure_growth(pairs, system, count), ["system", "pairs"])
        for direction in () if options.growth else options.direction:
            for system in options.system:
                for change in ALTERNATIVES[system]:
                    _keep(folder / "exemplar_choices.csv", measure(pairs, direction, system, change),
                          ["direction", "system", "change"])
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
