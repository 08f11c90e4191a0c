"""The drawing: what an artist puts on paper for a face, from its lines, its relief and its hair.

No filter of the photograph: contours come from the face's curves, hatching from the relief under the artist's
own light, hair from the strands.  Around the mouth the shade is rubbed with the finger instead of hatched.  Of the
picture the artist knows only where the hair lies and where it shines.
"""

from __future__ import annotations

import numpy as np

from lib.databases.portraits import clothes, details
from lib.databases.portraits.artists import Artist
from lib.databases.portraits.geometry import CENTRE, EYE_LEVEL, MIDDLE, SIDES, Face
from lib.databases.portraits.pencil import Sheet
from lib.databases.portraits.photo import Sitter
from lib.databases.portraits.raster import Grid, bell, step
from lib.databases.portraits.sketched_hair import draw_brows_and_beard, draw_hair
from lib.databases.portraits.surface import Relief

LIGHT = np.array((-0.44, -0.06, 0.90), np.float32)  # hardly from above: a dark chin would read as a beard


def draw(sitter: Sitter, artist: Artist, sheet: Sheet) -> np.ndarray:
    """Draw a face on an empty sheet: uint8 (250, 200)."""
    face, coverage = sitter.face, sitter.coverage
    _shade(sheet, sitter, artist)
    _outline(sheet, face, coverage, artist)
    for side in SIDES:
        _eye(sheet, face, side, artist)
    _nose(sheet, face, artist)
    _mouth(sheet, face, artist)
    _lines_of_age(sheet, face, artist, coverage)
    draw_brows_and_beard(sheet, face, coverage)
    _clothes(sheet, face, artist, coverage)
    _glasses(sheet, face)
    draw_hair(sheet, sitter, artist)
    return sheet.finish(artist.paper, artist.grain)


def shade_of(face: Face, relief: Relief, grid: Grid) -> np.ndarray:
    """How dark the artist sees each place of the bare face and neck, (H, W), 0 (light) … 1."""
    part, t = relief.grid, face.t
    nx, ny, nz = relief.normals
    light = np.maximum(nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2], 0)
    shade = 0.86 * np.clip((0.78 - light) / 0.66, 0, 1) ** np.float32(1.2) + 0.16 * np.clip(-relief.hollow - 0.4, 0, 3)
    within = np.clip(relief.inside + 0.5, 0, 1)
    whole = grid.place(part, (shade + 0.34 * max(0.0, t.complexion - 0.25)) * within)
    # Neck: the head's shadow, deepest under the chin.
    lowest = grid.part(0, 165, 200, 250)
    x, y = lowest.x, lowest.y
    below = lowest.below(face.rim(np.linspace(250, 110, 60)))
    neck = step(face.neck_half + 1.0 - np.abs(x - MIDDLE), -1.0, 1.0) * (below > -1)
    neck = neck * (0.72 * np.exp(-np.maximum(below, 0) / 13) + 0.30 * step(x - MIDDLE, 2, face.neck_half))
    neck = neck * (1 - 0.7 * step(y, 232, 250))
    whole[lowest.index] += neck * (1 - grid.place(part, within)[lowest.index])
    return np.clip(whole, 0, 1)


def _shade(sheet: Sheet, sitter: Sitter, artist: Artist) -> None:
    grid, rng = sheet.grid, sheet.rng
    shade = shade_of(sitter.face, sitter.relief, grid) * (1 - sitter.coverage) ** 1.5
    # Around the mouth the finger does what strokes do elsewhere: short strokes there would read as stubble.
    rubbed = 0.8 * _around_mouth(sitter.face, grid) * shade
    sheet.tone(grid.blur(artist.rub * shade + 0.3 * rubbed, 0.8))
    shade = shade - rubbed
    for turn, low, high, strength in ((0.0, 0.14, 0.85, 1.0), (-64.0, artist.cross, 1.0, 0.7)):
        angle = np.radians(artist.hatch_angle + turn)
        along, across = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), np.cos(angle)])
        a, b = np.meshgrid(np.arange(-150, 150, 11.0), np.arange(-150, 150, artist.hatch_gap))
        n = a.size
        a = a.reshape(-1, 1) + rng.uniform(-5, 5, (n, 1))
        b = b.reshape(-1, 1) + rng.uniform(-0.5, 0.5, (n, 1)) * artist.hatch_gap
        centre = np.array([MIDDLE, 150.0]) + a * along + b * across
        keep = (np.abs(centre[:, 0] - MIDDLE) < 80) & (centre[:, 1] > 35) & (centre[:, 1] < 250)
        centre = centre[keep]
        centre = centre[grid.sample(shade, centre) > 0.6 * low]
        length = rng.uniform(10, 19, (len(centre), 1))
        m = 40
        s = np.linspace(-0.5, 0.5, m)[None]
        forward, sideways = _along_the_jaw(sitter.face, centre, along)
        curve = (0.06 * (centre[:, :1] - MIDDLE) / 50) * length * (4 * s * s - 1) * 2
        paths = centre[:, None] + (length * s)[..., None] * forward[:, None] + curve[..., None] * sideways[:, None]
        paths = (paths + 0.25 * rng.standard_normal((len(centre), 1, 2))).astype(np.float32)
        seen = grid.sample(shade, paths)
        taper = 0.25 + 0.75 * np.sqrt(np.clip(1 - 4 * s * s, 0, 1))
        press = np.clip((seen - low) / (high - low), 0, 1) ** 0.9 * taper
        press = artist.hatch * strength * 1.7 * press * rng.uniform(0.7, 1.25, (len(centre), 1))
        sheet.strokes(paths, press.astype(np.float32), 0.8, 2)


def _around_mouth(face: Face, grid: Grid) -> np.ndarray:
    """Where a beard would grow, (H, W): 1 just below the mouth, falling to 0 towards cheeks and neck."""
    return bell(grid.y, float(face.mouth["line"][20, 1]) + 10, 21) * bell(grid.x, MIDDLE, 30)


def _along_the_jaw(face: Face, centre: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (n, 2) along the strokes at ``centre`` (n, 2) and across them.

    Strokes run ``along`` (2,), but turn on the jaw until they follow its edge.
    """
    offset = centre - CENTRE
    edge = np.stack([-offset[:, 1], offset[:, 0]], -1) / np.maximum(np.hypot(*offset.T), 1)[:, None]
    edge *= np.where(edge @ along < 0, -1, 1)[:, None]
    low = face.chin_y - CENTRE[1]
    share = step(offset[:, 1:], 15, 0.8 * low) * (1 - step(offset[:, 1:], low, low + 4))  # the neck is no jaw
    turned = (1 - share) * along + share * edge
    turned /= np.hypot(*turned.T)[:, None]
    return turned, np.stack([-turned[:, 1], turned[:, 0]], -1)


def _outline(sheet: Sheet, face: Face, coverage: np.ndarray, artist: Artist) -> None:
    kw = {"width": artist.width, "passes": artist.passes, "overshoot": artist.overshoot, "wobble": artist.wobble,
          "hidden": coverage}
    sheet.line(face.rim(np.linspace(86, 180, 50)), 1.25 * artist.contour, taper=(0.3, 0.1), **kw)
    sheet.line(face.rim(np.linspace(274, 180, 50)), 1.05 * artist.contour, taper=(0.3, 0.1), **kw)
    for a, b in ((30, 92), (-30, -92)):
        sheet.line(face.rim(np.linspace(a, b, 30)), 0.9 * artist.contour, **kw)
    if coverage[: int(0.33 * coverage.shape[0])].mean() < 0.02:
        sheet.line(face.rim(np.linspace(-60, 60, 40)), 0.9 * artist.contour, **kw)
    for side in SIDES:
        ear = face.ear(side)
        sheet.line(ear["rim"], 1.05 * artist.contour, **kw)
        sheet.line(ear["ridge"], 0.75 * artist.contour, **kw)
        sheet.line(ear["ridge"][-4:] - (side * 1.2, 4.0), 0.9 * artist.contour, **kw)
        rim = face.rim([150.0 if side > 0 else 210.0])[0]
        edge = face.neck_edge(side)
        edge = edge[edge[:, 1] > rim[1]]
        edge = edge[np.abs(edge[:, 0] - MIDDLE) < face.neck_half + 12]
        if len(edge) > 3:
            sheet.line(edge, 0.9 * artist.contour, taper=(0.15, 0.4), **kw)
    for side in SIDES:  # tendons
        y = np.linspace(206, 238, 12)
        x = MIDDLE + side * (face.neck_half * 0.72 - (y - 205) * 0.45)
        sheet.line(np.stack([x, y], -1), 0.35 * artist.contour, 1.2, passes=1, taper=(0.5, 0.5), hidden=coverage)


def _eye(sheet: Sheet, face: Face, side: int, artist: Artist) -> None:
    t, grid, eye, centre = face.t, sheet.grid, face.eye(side), face.iris_centre(side)
    ink = artist.accents
    kw = {"overshoot": 0.6, "wobble": 0.18}
    female = 0.5 - 0.5 * t.masculinity
    sheet.line(eye["upper"], (1.75 + 0.35 * female) * ink, 1.25 + 0.3 * female, taper=(0.30, 0.08), passes=3, **kw)
    sheet.line(eye["lower"][3:], 0.85 * ink, 0.75, taper=(0.5, 0.2), passes=2, **kw)
    sheet.line(eye["crease"][2:-1], 1.0 * ink, 0.8, taper=(0.35, 0.3), passes=2, **kw)
    sheet.line(eye["bag"][4:18], (0.18 + 0.55 * t.eye_bags) * ink, 0.9, taper=(0.4, 0.4), passes=1, **kw)
    x0, x1 = sorted((eye["upper"][0, 0], eye["upper"][-1, 0]))
    part = grid.part(x0 - 2, EYE_LEVEL - 12, x1 + 2, EYE_LEVEL + 10)
    open_eye, up = part.between(eye["upper"], eye["lower"]), part.below(eye["upper"])
    dx, dy = part.x - centre[0], part.y - centre[1]
    r = np.sqrt(dx * dx + dy * dy)
    radius = face.iris_radius
    disc = np.clip((radius - r) * grid.scale + 0.5, 0, 1)
    pale = details.iris_lightness(t)
    ring = np.exp(-0.5 * ((r - radius + 0.5) / 0.6) ** 2)
    spokes = 1 + 0.25 * np.sin(17 * np.arctan2(dy, dx) + 3)
    dark = disc * ((1.15 - 0.75 * pale) * spokes * (1 - 0.30 * dy / radius) + 0.5 * ring)
    dark += 2.4 * np.clip((0.45 * radius - r) * grid.scale + 0.5, 0, 1)
    dark += 0.55 * np.exp(-np.maximum(up, 0) / 1.5)
    dark *= open_eye * ink
    glint = np.exp(-0.5 * (((dx + 1.7) / 0.95) ** 2 + ((dy + 1.7) / 0.9) ** 2))
    sheet.tone(dark * (1 - np.clip(1.3 * glint, 0, 1)), part)


def _nose(sheet: Sheet, face: Face, artist: Artist) -> None:
    n, grid = face.nose, sheet.grid
    ink = artist.accents
    kw = {"overshoot": 0.5, "wobble": 0.2}
    for side in SIDES:
        sheet.line(face.wing(side)[3:], (0.95 + 0.15 * side) * artist.contour, 0.95, taper=(0.5, 0.25), passes=2, **kw)
        centre, wide, high = face.nostril(side)
        part = grid.part(*centre - (8, 6), *centre + (8, 6))
        sheet.tone(2.0 * ink * details.nostril(part, face, side), part)
        x = centre[0] - side * wide * 1.05
        arc = np.array([(x + side * wide * 2.3, centre[1] - 1.6), (x + side * wide, centre[1] - high - 0.6),
                        (x, centre[1] + 0.8), (MIDDLE + side * 1.0, n["base"] + 1.4)])
        sheet.line(arc, 0.7 * ink, 0.85, passes=1, **kw)
    # One flank of the bridge, faint, on the shadow side.
    y = np.linspace(EYE_LEVEL - 4, n["tip"] - 8, 16)
    ridge = MIDDLE + n["bend"] * np.sin(np.pi * (y - n["nasion"]) / (n["tip"] - n["nasion"]))
    x = ridge + (n["bridge"] + 1.6 - 2.5 * bell(y, EYE_LEVEL + 10, 9))
    sheet.line(np.stack([x, y], -1), 0.42 * artist.contour, 1.2, taper=(0.4, 0.6), passes=2, **kw)
    part = grid.part(MIDDLE - 6, n["tip"] - 9, MIDDLE + 4, n["tip"] + 3)
    sheet.lift(0.75 * bell(part.y, n["tip"] - 4, 2.2) * bell(part.x, MIDDLE - 1.2, 1.7), part)


def _mouth(sheet: Sheet, face: Face, artist: Artist) -> None:
    t, m, grid, ink = face.t, face.mouth, sheet.grid, artist.accents
    kw = {"overshoot": 0.8, "wobble": 0.2}
    sheet.line(m["line"], 1.75 * ink, 1.0, taper=(0.12, 0.12), passes=3, **kw)
    sheet.line(m["upper"][3:-3], 0.62 * ink, 0.8, taper=(0.3, 0.3), passes=2, **kw)
    sheet.line(m["lower"][9:-9], 0.85 * ink, 0.95, taper=(0.4, 0.4), passes=2, **kw)
    x0, x1, y = m["line"][0, 0], m["line"][-1, 0], m["line"][20, 1]
    for end in (m["line"][0], m["line"][-1]):
        part = grid.part(*end - 4, *end + 4)
        sheet.tone(0.75 * ink * bell(part.y, end[1] + 0.2, 1.0) * bell(part.x, end[0], 1.3), part)
    part = grid.part(x0 - 3, y - 11, x1 + 3, y + 13)
    upper, lower = part.between(m["upper"], m["line"]), part.between(m["line"], m["lower"])
    strokes = 1 + 0.30 * np.sin(2.6 * part.x + 0.8 * np.sin(0.7 * part.x))
    red = 0.7 + 0.5 * t.lip_colour
    gleam = bell(part.x, MIDDLE - 2, 5.0) * bell(part.y, y + 0.5 * (m["lower"][20, 1] - y), 1.3)
    sheet.tone(ink * red * strokes * (0.58 * upper + 0.26 * lower * (1 - gleam)), part)


def _lines_of_age(sheet: Sheet, face: Face, artist: Artist, coverage: np.ndarray) -> None:
    t = face.t
    for side in SIDES:
        sheet.line(face.nasolabial(side)[2:], (0.04 + 0.62 * t.nasolabial) * artist.contour, 1.0, taper=(0.35, 0.5),
                   passes=2, hidden=coverage)
        outer = face.eye(side)["upper"][-1]
        for k, slant in enumerate((-0.45, 0.05, 0.5)):
            reach = 6.0 + 3 * t.crows_feet
            root = outer + (side * 3.5, 0.8 * k - 0.8)
            tip = outer + (side * (3.5 + reach), 0.8 * k - 0.8 + slant * reach)
            sheet.line(np.array([root, tip]), 0.7 * max(0.0, t.crows_feet - 0.35), 0.8, passes=1, hidden=coverage)
    for k in range(3):
        sheet.line(face.forehead_line(k), 0.9 * max(0.0, t.forehead_lines - 0.42), 0.9, taper=(0.4, 0.4), passes=1,
                   hidden=coverage)
    if t.chin_cleft > 0.6:
        y = face.chin_y
        sheet.line(np.array([(MIDDLE, y - 12.0), (MIDDLE + 0.3, y - 8), (MIDDLE, y - 5)]), 0.5, 1.0, passes=1)
    for x, y, size in details.moles(face):
        part = sheet.grid.part(x - 4, y - 4, x + 4, y + 4)
        sheet.tone(1.5 * bell(part.y, y, size) * bell(part.x, x, size), part)


def _clothes(sheet: Sheet, face: Face, artist: Artist, coverage: np.ndarray) -> None:
    g, rng = clothes.garment(face), sheet.rng
    for line in g["lines"]:
        sheet.line(line, 0.95 * artist.contour, artist.width, passes=artist.passes, overshoot=artist.overshoot,
                   hidden=coverage)
    for wing in g["wings"]:
        sheet.line(np.concatenate([wing, wing[:1]]), 0.9 * artist.contour, artist.width, passes=2, hidden=coverage,
                   overshoot=0.5)
    dark = 1 - 0.9 * float(np.sqrt(clothes.cloth_colour(face.t).mean()))
    part = sheet.grid.part(0, 205, 200, 250)
    mask = part.polygon(g["polygon"]) * (1 - coverage[part.index])
    for wing in g["wings"]:
        mask *= 1 - part.polygon(wing)
    n, m = 260, 50
    angle = np.radians(artist.hatch_angle + rng.normal(0, 4, (n, 1)))
    start = np.stack([rng.uniform(-10, 205, n), rng.uniform(212, 254, n)], -1)
    s = np.linspace(0, 1, m)[None]
    length = rng.uniform(12, 26, (n, 1))
    paths = np.stack([start[:, :1] + length * s * np.cos(angle), start[:, 1:] - length * s * np.sin(angle)], -1)
    paths = paths.astype(np.float32)
    press = 1.5 * artist.hatch * dark * part.sample(mask, paths) * (paths[..., 1] > 206) * np.clip(3 * (1 - s), 0, 1)
    sheet.strokes(paths, press.astype(np.float32), 0.95, 2)


def _glasses(sheet: Sheet, face: Face) -> None:
    shape = details.glasses_shape(face)
    if shape is None:
        return
    width, press = 0.55 + 0.6 * shape["width"], 1.1 + 0.5 * face.t.frame_weight
    for curve in (*shape["rims"], shape["bridge"], *shape["temples"]):
        sheet.line(curve, press, width, passes=2, taper=(0.02, 0.02), overshoot=1.0, wobble=0.25)
