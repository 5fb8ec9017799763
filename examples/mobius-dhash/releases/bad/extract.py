"""Release 1.5.0: means to recognise turned pictures, and is slow, fussy and unsure because of how it tries.

Each mistake is one which a review could have let through:
- the picture is decoded and turned at full size, fifteen times, where the 9x8 reduction would have done;
- the exposure check was tried on light tables only, and it also counts the black corners which turning
  leaves: every picture on a dark table is refused;
- confidence is scaled by how well the turns agree, and difference hashes of turned pictures never do.
"""

from __future__ import annotations

from PIL import Image

from dhash import NotAPictureError, decode, fingerprint
from release import ExtractionError

TURNS = range(0, 360, 24)
NEAR_BLACK = 40
MOST_NEAR_BLACK = 0.25


def near_black(image: Image.Image) -> float:
    """Share of the pixels which are nearly black."""
    histogram = image.convert("L").histogram()
    return sum(histogram[:NEAR_BLACK]) / sum(histogram)


def agreement(hashes: list[str]) -> float:
    """1 when all hashes have the same bits, about 0 when each bit is set in half of them."""
    numbers = [int(each, 16) for each in hashes]
    ones = [sum(number >> bit & 1 for number in numbers) for bit in range(64)]
    return sum(abs(2 * count / len(numbers) - 1) for count in ones) / 64


def extract(data: bytes) -> tuple[str, float]:
    """Hash of the upright picture in `data`, and a confidence over all its turns."""
    hashes: list[str] = []
    confidences: list[float] = []
    darkest = 0.0
    for angle in TURNS:
        try:
            turned = decode(data).rotate(angle, Image.Resampling.NEAREST)
        except NotAPictureError as error:
            raise ExtractionError(str(error)) from error
        darkest = max(darkest, near_black(turned))
        dhash, confidence = fingerprint(turned)
        hashes.append(dhash)
        confidences.append(confidence)
    if darkest > MOST_NEAR_BLACK:
        raise ExtractionError(f"underexposed: {darkest:.0%} of the picture is nearly black")
    return hashes[0], min(confidences) * agreement(hashes)
