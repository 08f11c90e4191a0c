"""Hair, brows and beards under the pencil: some of the strands, drawn as dark as the hair is."""

from __future__ import annotations

import numpy as np

from lib.databases.portraits import beards, details
from lib.databases.portraits.artists import Artist
from lib.databases.portraits.geometry import MIDDLE, SIDES, Face
from lib.databases.portraits.pencil import Sheet
from lib.databases.portraits.photo import Sitter
from lib.databases.portraits.raster import Grid
from lib.databases.portraits.strands import Strands, colour


def draw_brows_and_beard(sheet: Sheet, face: Face, coverage: np.ndarray) -> None:
    """Some hairs of brows and beard, the brows lighter under hair of the head; coverage: (H, W)."""
    t, rng = face.t, sheet.rng
    tone = hair_tone(face)
    for side in SIDES:
        hairs = details.strokes_of_brow(face, side, int(50 + 60 * t.brow_density), rng)
        shape = np.interp(np.linspace(0, 1, 12), [0, 0.35, 1], [0.7, 1, 0.2])[None]
        press = shape * rng.uniform(0.6, 1.2, (len(hairs), 1))
        press = press * (0.62 + 0.38 * tone) * 1.25 * (1 - 0.6 * sheet.grid.sample(coverage, hairs))
        sheet.strokes(hairs.astype(np.float32), press.astype(np.float32), 0.85, 2)
    beard = beards.beard_hairs(face, rng)
    if beard is not None:
        hairs, edge = beard
        every = 3 if beards.beard_kind(face) == "full" else 2
        hairs, edge = hairs[::every], edge[::every]
        shape = np.interp(np.linspace(0, 1, 10), [0, 0.3, 1], [0.6, 1, 0.25])[None]
        weight = 0.75 if beards.beard_kind(face) == "stubble" else 1.15
        press = shape * edge[:, None] * weight * (0.25 + 0.75 * tone) * rng.uniform(0.5, 1.3, (len(hairs), 1))
        sheet.strokes(hairs.astype(np.float32), press.astype(np.float32), 0.85, 2)


def hair_tone(face: Face) -> float:
    """Darkness of the hair for the pencil, 0 (white) … 1 (black)."""
    base, grey = colour(face.t)
    light = float(np.sqrt(base.mean()))
    light = light + grey * 0.8 * (0.78 - light)
    return float(np.clip(1.12 - 1.15 * light, 0.12, 1))


def draw_hair(sheet: Sheet, sitter: Sitter, artist: Artist) -> None:
    """Hair of the head: a tone, then strokes with as much graphite as the hair is dark, however many they are."""
    face, relief, coverage = sitter.face, sitter.relief, sitter.coverage
    grid, rng, tone = sheet.grid, sheet.rng, hair_tone(face)
    mean = float((sitter.shine * coverage).sum() / max(coverage.sum(), 1))
    shine = sitter.shine * (0.55 / max(mean, 1e-3))  # whatever the photograph's light
    area = max(float(coverage.sum()) / grid.scale**2, 50.0)
    strokes = [_hair_strokes(layer, grid, shine, artist, rng) for layer in sitter.hair.front]
    ink = sum(float((press.mean(1) * _lengths(paths)).sum()) for paths, press in strokes) / area
    strength = artist.hair * (0.10 + 1.15 * tone) / max(ink, 0.05)
    sheet.tone(artist.hair * (0.06 + 0.45 * tone) * coverage * np.clip(1.5 - shine, 0.15, 1.3))
    for layer in sitter.hair.back:
        paths, press = _hair_strokes(layer, grid, shine, artist, rng)
        beside_neck = np.abs(paths[..., 0] - MIDDLE) > face.neck_half + 0.5
        bare = beside_neck & (relief.grid.sample(relief.inside, paths) < -0.5)
        sheet.strokes(paths, press * np.float32(1.6 * strength) * bare * (1 - grid.sample(coverage, paths)), 1.0, 1)
    for paths, press in strokes:
        sheet.strokes(paths, press * np.float32(strength), 1.0, 1)


def _lengths(paths: np.ndarray) -> np.ndarray:
    """Rough length of each path (n, m, 2), px."""
    few = paths[:, :: max(1, paths.shape[1] // 12)]
    return np.hypot(few[:, 1:, 0] - few[:, :-1, 0], few[:, 1:, 1] - few[:, :-1, 1]).sum(1)


def _hair_strokes(layer: Strands, grid: Grid, shine: np.ndarray, artist: Artist,
                  rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Some of a layer's strands (n, m, 2), each drawn over part of its length, and their pressure (n, m).

    Lighter where the hair shines; shine: (H, W).
    """
    n, m = layer.points.shape[:2]
    wanted = int(min(n, n * (0.42 if m > 30 else 0.9) * artist.hair_strokes))
    paths = layer.points[rng.permutation(n)[:wanted]]
    s = np.linspace(0, 1, m, dtype=np.float32)[None]
    span = rng.uniform(0.45, 1.1, (wanted, 1)) if m > 30 else np.full((wanted, 1), 1.1)
    first = rng.random((wanted, 1)) * np.maximum(1 - span, 0)
    inside = np.clip(np.minimum(s - first, first + span - s) / 0.12, 0, 1)
    bright = grid.sample(shine, paths)
    press = inside * np.clip(1.55 - 0.95 * bright, 0.06, 1.4) * rng.uniform(0.45, 1.35, (wanted, 1))
    return paths, press.astype(np.float32)
