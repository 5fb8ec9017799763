#!/usr/bin/env python3
"""Draws pictures of board-game components from a seed, and lists them in a schema 1 library file."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

import atomic
import library

SIZE = 640
"""Edge of a picture in pixels: large enough that decoding one is real work (5 to 10 ms)."""

Color = tuple[int, int, int]
Point = tuple[float, float]

PAINTS: dict[str, Color] = {
    "Red": (204, 52, 46),
    "Blue": (46, 98, 190),
    "Green": (58, 146, 72),
    "Yellow": (232, 190, 52),
    "White": (236, 232, 222),
    "Orange": (226, 124, 40),
    "Purple": (132, 76, 160),
}
LIGHT_TABLES: tuple[Color, ...] = ((214, 192, 158), (188, 204, 212), (198, 208, 180), (222, 214, 204))
DARK_TABLES: tuple[Color, ...] = ((44, 34, 28), (26, 36, 50), (28, 42, 34))

DARK_IN_TWENTY = frozenset({2, 5, 8, 11, 14, 17, 19})
"""Which of each twenty pictures lie on a dark table: spread evenly, so that any run has about 35 %."""
FADED_IN_FORTY = 21
"""Which of each forty pictures is washed out, as an old scan is: too flat to trust its hash."""


class Pen:
    """Draws in a unit square (0..1, y downwards), so that shapes need not know the picture's size."""

    def __init__(self, image: Image.Image, rng: Random, paint: Color) -> None:
        self.draw = ImageDraw.Draw(image)
        self.size = image.width
        self.rng = rng
        self.paint = paint

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return (x0 * self.size, y0 * self.size, x1 * self.size, y1 * self.size)

    def polygon(self, points: list[Point], fill: Color) -> None:
        self.draw.polygon([(x * self.size, y * self.size) for x, y in points], fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: Color) -> None:
        self.draw.ellipse(self.box(x - radius, y - radius, x + radius, y + radius), fill=fill)

    def slab(self, x0: float, y0: float, x1: float, y1: float, corner: float, fill: Color) -> None:
        self.draw.rounded_rectangle(self.box(x0, y0, x1, y1), radius=corner * self.size, fill=fill)


def shade(color: Color, factor: float) -> Color:
    """The colour made lighter (factor over 1) or darker."""
    red, green, blue = (max(0, min(255, round(channel * factor))) for channel in color)
    return red, green, blue


def regular(x: float, y: float, radius: float, corners: int, turn: float) -> list[Point]:
    """The corners of a regular polygon."""
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def draw_meeple(pen: Pen) -> None:
    x, y, scale = pen.rng.uniform(0.4, 0.6), pen.rng.uniform(0.24, 0.32), pen.rng.uniform(0.8, 1.1)
    half = [(0.1, 0.08), (0.34, 0.2), (0.32, 0.3), (0.14, 0.3), (0.26, 0.56), (0.05, 0.56), (0.0, 0.44)]
    outline = [*half, *((-right, down) for right, down in reversed(half[:-1]))]
    for offset, fill in ((0.02, shade(pen.paint, 0.5)), (0.0, pen.paint)):  # the first is the shadow
        pen.polygon([(x + dx * scale + offset, y + dy * scale + offset) for dx, dy in outline], fill)
        pen.disc(x + offset, y + offset, 0.12 * scale, fill)


def draw_die(pen: Pen) -> None:
    left, top, edge = pen.rng.uniform(0.14, 0.3), pen.rng.uniform(0.14, 0.3), pen.rng.uniform(0.46, 0.56)
    pen.slab(left + 0.02, top + 0.03, left + edge + 0.02, top + edge + 0.03, 0.08, shade(pen.paint, 0.5))
    pen.slab(left, top, left + edge, top + edge, 0.08, pen.paint)
    corners = [(0.22, 0.22), (0.78, 0.78), (0.22, 0.78), (0.78, 0.22), (0.22, 0.5), (0.78, 0.5)]
    value = pen.rng.randint(1, 6)
    pips = corners[: value - value % 2] + [(0.5, 0.5)] * (value % 2)
    ink = (24, 24, 28) if sum(pen.paint) > 380 else (244, 240, 230)
    for across, down in pips:
        pen.disc(left + across * edge, top + down * edge, edge * 0.09, ink)


def draw_card(pen: Pen) -> None:
    left, top = pen.rng.uniform(0.16, 0.34), pen.rng.uniform(0.08, 0.16)
    pen.slab(left + 0.02, top + 0.02, left + 0.54, top + 0.78, 0.04, (40, 36, 34))
    pen.slab(left, top, left + 0.52, top + 0.76, 0.04, (238, 232, 216))
    pen.slab(left + 0.04, top + 0.05, left + 0.48, top + 0.4, 0.02, pen.paint)
    pen.polygon(regular(left + 0.26, top + 0.22, 0.13, pen.rng.randint(3, 8), 0.4), shade(pen.paint, 1.5))
    for line in range(pen.rng.randint(2, 5)):
        down = top + 0.46 + 0.06 * line
        pen.slab(left + 0.06, down, left + pen.rng.uniform(0.3, 0.46), down + 0.025, 0.01, (96, 88, 80))


def draw_hex(pen: Pen) -> None:
    x, y, radius = pen.rng.uniform(0.45, 0.55), pen.rng.uniform(0.45, 0.55), pen.rng.uniform(0.34, 0.42)
    turn = pen.rng.choice((0.0, math.pi / 6))
    pen.polygon(regular(x, y, radius, 6, turn), shade(pen.paint, 0.6))
    pen.polygon(regular(x, y, radius * 0.9, 6, turn), pen.paint)
    for _ in range(pen.rng.randint(4, 9)):  # woods or hills
        distance, angle = radius * pen.rng.uniform(0.1, 0.6), pen.rng.uniform(0, 2 * math.pi)
        crown = (x + distance * math.cos(angle), y + distance * math.sin(angle))
        tone = shade(pen.paint, pen.rng.uniform(0.4, 1.5))
        pen.polygon(regular(*crown, radius * 0.16, 3, -math.pi / 2), tone)


def draw_token(pen: Pen) -> None:
    x, y, radius = pen.rng.uniform(0.4, 0.6), pen.rng.uniform(0.4, 0.6), pen.rng.uniform(0.26, 0.36)
    pen.disc(x + 0.02, y + 0.03, radius, shade(pen.paint, 0.4))
    pen.disc(x, y, radius, shade(pen.paint, 0.8))
    pen.disc(x, y, radius * 0.82, pen.paint)
    pen.polygon(regular(x, y, radius * 0.5, pen.rng.randint(3, 7), pen.rng.uniform(0, 2)), (246, 240, 220))


def draw_cube(pen: Pen) -> None:
    x, y, edge = pen.rng.uniform(0.42, 0.58), pen.rng.uniform(0.46, 0.54), pen.rng.uniform(0.26, 0.36)
    ring = regular(x, y, edge, 6, -math.pi / 2)  # seen from a corner, a cube's outline is a hexagon
    pen.polygon([ring[5], ring[0], ring[1], (x, y)], shade(pen.paint, 1.25))
    pen.polygon([ring[1], ring[2], ring[3], (x, y)], shade(pen.paint, 0.9))
    pen.polygon([ring[3], ring[4], ring[5], (x, y)], shade(pen.paint, 0.6))


def draw_board(pen: Pen) -> None:
    cells = pen.rng.randint(4, 7)
    pen.slab(0.08, 0.08, 0.92, 0.92, 0.03, shade(pen.paint, 0.5))
    step = 0.76 / cells
    for row in range(cells):
        for column in range(cells):
            light = pen.rng.choice((0.7, 1.0, 1.4))
            left, top = 0.12 + column * step, 0.12 + row * step
            pen.slab(left, top, left + step * 0.94, top + step * 0.94, 0.01, shade(pen.paint, light))


def draw_pawn(pen: Pen) -> None:
    x, top, scale = pen.rng.uniform(0.36, 0.64), pen.rng.uniform(0.16, 0.24), pen.rng.uniform(0.85, 1.1)
    for offset, fill in ((0.02, shade(pen.paint, 0.5)), (0.0, pen.paint)):
        body = [(-0.06, 0.1), (0.06, 0.1), (0.2, 0.56), (-0.2, 0.56)]
        pen.polygon([(x + dx * scale + offset, top + dy * scale + offset) for dx, dy in body], fill)
        pen.disc(x + offset, top + 0.1 * scale + offset, 0.12 * scale, fill)


KINDS: dict[str, Callable[[Pen], None]] = {
    "meeple": draw_meeple,
    "die": draw_die,
    "card": draw_card,
    "hex": draw_hex,
    "token": draw_token,
    "cube": draw_cube,
    "board": draw_board,
    "pawn": draw_pawn,
}


def table(rng: Random, color: Color) -> Image.Image:
    """An empty table top with light falling across it."""
    # A few random spots of light, enlarged smoothly: cheap, never flat, and the same for a seed.
    spots = Image.frombytes("L", (5, 5), bytes(rng.randrange(150, 256) for _ in range(25)))
    light = spots.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", light.size, color), Image.new("RGB", light.size), light)


def picture(index: int, seed: int) -> tuple[dict[str, str], Image.Image]:
    """Component number `index` (from 0): what it is, and its picture."""
    kind = list(KINDS)[index % len(KINDS)]
    identity = f"{kind}-{index // len(KINDS) + 1:03d}"
    # Seeded by its own name: a picture does not depend on how many were drawn before it.
    rng = Random(f"{seed}:{identity}")
    paint = rng.choice(list(PAINTS))
    tables = DARK_TABLES if index % 20 in DARK_IN_TWENTY else LIGHT_TABLES
    image = table(rng, rng.choice(tables))
    KINDS[kind](Pen(image, rng, PAINTS[paint]))
    if index % 40 == FADED_IN_FORTY:
        image = Image.blend(image, Image.new("RGB", image.size, (226, 222, 214)), 0.94)
    return {"id": identity, "name": f"{paint} {kind}", "kind": kind}, image


def draw_all(out: Path, library_file: Path, count: int, seed: int) -> None:
    """Write `count` pictures into `out` and list them in `library_file`."""
    out.mkdir(parents=True, exist_ok=True)
    base = library_file.resolve().parent
    components = []
    for index in range(count):
        component, image = picture(index, seed)
        file = out / f"{component['id']}.png"
        image.save(file, compress_level=6)
        components.append({**component, "image": Path(os.path.relpath(file.resolve(), base)).as_posix()})
    atomic.write(library_file, library.serialize({"schema": 1, "components": components}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("uploads"), help="folder of the pictures")
    parser.add_argument("--library", type=Path, default=Path("library.json"), help="list of the pictures")
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    draw_all(options.out, options.library, options.count, options.seed)
    print(f"{options.count} pictures in {options.out}, listed in {options.library}")


if __name__ == "__main__":
    main()
