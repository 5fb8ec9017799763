"""Decides the 64-bit difference hash of a picture and how far that hash can be trusted."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image

Image.preinit()  # loads the common decoders now, so that the first picture does not pay for it

COLUMNS = 9
"""Nine columns give eight left/right pairs in each row."""
ROWS = 8

CLEAR_DIFFERENCE = 24.0
"""Mean grey step between neighbours from which a hash is fully trusted."""

GrayRows = Sequence[Sequence[int]]


class NotAPictureError(ValueError):
    """The bytes cannot be decoded as a picture."""


def decode(data: bytes) -> Image.Image:
    """The picture in `data` as RGB; what is transparent becomes white, as on the printed page."""
    try:
        with Image.open(io.BytesIO(data)) as source:
            if not source.has_transparency_data:
                return source.convert("RGB")
            layer = source.convert("RGBA")
    # Pillow reports a broken file by any of these, depending on the format and on where it breaks.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NotAPictureError(f"not a readable picture: {error}") from error
    page = Image.new("RGBA", layer.size, "white")
    page.alpha_composite(layer)
    return page.convert("RGB")


def gray_rows(image: Image.Image) -> list[list[int]]:
    """The picture reduced to eight rows of nine grey values (0..255)."""
    # Grey first: one channel is a third of the resizing work, and the result is the same.
    small = image.convert("L").resize((COLUMNS, ROWS), Image.Resampling.LANCZOS)
    pixels = small.tobytes()
    return [list(pixels[start : start + COLUMNS]) for start in range(0, COLUMNS * ROWS, COLUMNS)]


def hash_of_rows(rows: GrayRows) -> str:
    """One bit per pair, set where the right neighbour is brighter; first pair in the highest bit."""
    bits = 0
    for row in rows:
        for left, right in pairwise(row):
            bits = bits << 1 | (right > left)
    return f"{bits:016x}"


def confidence_of_rows(rows: GrayRows) -> float:
    """0..1: a flat picture has tiny steps, so noise alone could turn its bits over."""
    steps = [abs(right - left) for row in rows for left, right in pairwise(row)]
    return min(1.0, sum(steps) / len(steps) / CLEAR_DIFFERENCE)


def dhash(image: Image.Image) -> str:
    """The difference hash: 64 bits as 16 lower-case hex digits."""
    return hash_of_rows(gray_rows(image))


def confidence(image: Image.Image) -> float:
    """How far `dhash(image)` can be trusted, 0..1."""
    return confidence_of_rows(gray_rows(image))


def fingerprint(image: Image.Image) -> tuple[str, float]:
    """Hash and confidence from one reduction, for callers which want both."""
    rows = gray_rows(image)
    return hash_of_rows(rows), confidence_of_rows(rows)


def distance(one: str, other: str) -> int:
    """In how many of the 64 bits two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
