"""The hash tells the truth, and the pictures are the same each time they are drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="needs Pillow: pip install 'dhash-guard[demo]'")

from PIL import Image

import dhash
import pictures

RISING = [[10 * column for column in range(9)] for _ in range(8)]
FALLING = [row[::-1] for row in RISING]
FLAT = [[77] * 9 for _ in range(8)]


def test_rising_falling_and_flat_rows() -> None:
    assert dhash.hash_of_rows(RISING) == "f" * 16
    assert dhash.hash_of_rows(FALLING) == "0" * 16
    assert dhash.hash_of_rows(FLAT) == "0" * 16


def test_each_pair_has_its_own_bit() -> None:
    # One brighter pixel gives a rise before it and a fall after it: one bit, in a known place.
    for row in range(8):
        for column in range(1, 9):
            rows = [list(each) for each in FLAT]
            rows[row][column] += 1
            assert int(dhash.hash_of_rows(rows), 16) == 1 << (63 - (row * 8 + column - 1))


def test_hash_is_invariant_to_brightness_and_contrast() -> None:
    rows = dhash.gray_rows(pictures.picture(0, seed=7)[1])
    brighter = [[value + 40 for value in row] for row in rows]
    stretched = [[value * 3 for value in row] for row in rows]
    assert dhash.hash_of_rows(brighter) == dhash.hash_of_rows(stretched) == dhash.hash_of_rows(rows)
    assert dhash.confidence_of_rows(brighter) == dhash.confidence_of_rows(rows)


def test_a_darkened_picture_keeps_nearly_all_bits_and_another_does_not() -> None:
    one, other = (pictures.picture(index, seed=7)[1] for index in (0, 3))
    darkened = one.point(lambda value: value * 0.8)
    assert dhash.distance(dhash.dhash(one), dhash.dhash(darkened)) <= 2
    assert dhash.distance(dhash.dhash(one), dhash.dhash(other)) > 10


def test_a_picture_of_nine_by_eight_is_hashed_as_it_is() -> None:
    image = Image.frombytes("L", (9, 8), bytes(value for row in RISING for value in row))
    assert dhash.gray_rows(image) == RISING
    assert dhash.fingerprint(image) == ("f" * 16, 10 / dhash.CLEAR_DIFFERENCE)


def test_confidence_runs_from_flat_to_full() -> None:
    assert dhash.confidence_of_rows(FLAT) == 0
    assert dhash.confidence_of_rows([[0, 255] * 4 + [0]] * 8) == 1
    assert dhash.confidence(Image.new("RGB", (50, 50), "teal")) == 0


def test_transparent_is_white() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(file, "PNG")
    assert dhash.decode(file.getvalue()).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("cut", [0, 10, 40, 1000])
def test_broken_pictures_are_refused(cut: int) -> None:
    file = io.BytesIO()
    pictures.picture(0, seed=7)[1].save(file, "PNG")
    with pytest.raises(dhash.NotAPictureError):
        dhash.decode(file.getvalue()[:cut])


def test_same_seed_same_pixels_whatever_the_count(tmp_path: Path) -> None:
    for name, count, seed in (("a", 6, 7), ("b", 3, 7), ("c", 3, 8)):
        pictures.draw_all(tmp_path / name / "uploads", tmp_path / name / "library.json", count, seed)
    first = {file.name: file.read_bytes() for file in (tmp_path / "a" / "uploads").iterdir()}
    again = {file.name: file.read_bytes() for file in (tmp_path / "b" / "uploads").iterdir()}
    other = {file.name: file.read_bytes() for file in (tmp_path / "c" / "uploads").iterdir()}
    assert len(first) == 6
    assert again == {name: first[name] for name in again}
    assert all(other[name] != first[name] for name in other)

    listed = json.loads((tmp_path / "b" / "library.json").read_bytes())
    assert listed["schema"] == 1
    assert listed["components"][0]["id"] == "meeple-001"
    assert [each["image"] for each in listed["components"]] == [f"uploads/{each['id']}.png" for each in listed["components"]]
