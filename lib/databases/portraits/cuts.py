"""Haircuts as data: volumes, lengths, and the rules of ``hair`` that lay the strands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """A haircut: volumes in px, how far hanging hair reaches (y), and which strands make it."""

    flows: tuple[str, ...]
    top: float = 9.0
    side: float = 4.0
    reach: float = 0.0  # y of the tips of hanging hair; 0: no hanging hair
    spread: float = 4.0  # how far hanging hair stands off the cheeks
    fringe: float = 0.0  # length of hair on the forehead, in shares of hairline to silhouette
    wave: float = 0.0
    rough: float = 1.0
    bun: bool = False


MALE_CUTS = {
    "buzz": Cut(("stubble",), top=3.0, side=1.0, rough=0.6),
    "crop": Cut(("down", "forward"), top=7.5, side=2.2, fringe=0.10),
    "side parting": Cut(("down", "sweep"), top=9.5, side=3.0, rough=0.7),
    "swept back": Cut(("down", "back"), top=8.5, side=2.4, rough=0.7),
    "quiff": Cut(("down", "back"), top=16.0, side=2.0, rough=1.6),
    "mop": Cut(("down", "forward"), top=12.0, side=6.0, fringe=0.42, rough=1.5),
    "curls": Cut(("coils",), top=14.0, side=7.0, rough=1.5),
    "wreath": Cut(("down",), top=0.5, side=4.0, rough=1.0),
    "curtains": Cut(("along",), top=12.0, side=6.0, reach=170.0, spread=6.0, wave=0.7, rough=1.6),
    "shaggy": Cut(
        ("down", "forward", "along"), top=12.0, side=8.0, reach=172.0, spread=3.0, fringe=0.3, wave=0.6, rough=1.8
    ),
    "cropped coils": Cut(("coils",), top=6.0, side=3.0, rough=0.7),
    "combed": Cut(("down", "sweep"), top=7.0, side=2.0, rough=0.5),
}
FEMALE_CUTS = {
    "long, parted": Cut(("along",), top=9.0, side=6.0, reach=262.0, spread=5.0, rough=0.6),
    "long waves": Cut(("along",), top=11.0, side=8.0, reach=262.0, spread=11.0, wave=1.0, rough=1.2),
    "bob": Cut(("along",), top=10.0, side=8.0, reach=196.0, spread=6.0, rough=0.6),
    "bob with fringe": Cut(("along", "forward"), top=10.0, side=8.0, reach=190.0, spread=6.0, fringe=0.62, rough=0.6),
    "long with fringe": Cut(("along", "forward"), top=9.0, side=6.0, reach=262.0, spread=5.0, fringe=0.55, rough=0.6),
    "pixie": Cut(("down", "sweep"), top=10.0, side=4.0, fringe=0.2, rough=1.3),
    "bun": Cut(("back",), top=4.5, side=2.5, rough=0.4, bun=True),
    "tied back": Cut(("back",), top=5.0, side=2.5, rough=0.5),
    "curly": Cut(("coils",), top=15.0, side=14.0, reach=205.0, spread=15.0, rough=1.4),
    "crown of coils": Cut(("coils",), top=23.0, side=18.0, rough=1.0),
    "shoulder length": Cut(("along",), top=10.0, side=7.0, reach=226.0, spread=8.0, wave=0.6, rough=1.0),
    "long, swept": Cut(("along",), top=12.0, side=7.0, reach=262.0, spread=7.0, wave=0.4, rough=0.8),
}
