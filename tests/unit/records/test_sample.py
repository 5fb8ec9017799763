"""Ticks as lines: what is written is read back, and an unknown shape is no value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Tick, Value

numbers = st.floats(allow_nan=False, allow_infinity=False)
values: st.SearchStrategy[Value] = st.one_of(
    numbers,
    st.builds(Counts, numbers, numbers),
    st.sampled_from(Health),
    st.builds(Absence, st.sampled_from(AbsenceKind), st.text(max_size=20), st.booleans()),
)


@given(st.integers(0, 10**6), st.floats(0, 4e9), st.dictionaries(st.text(min_size=1, max_size=8), values, max_size=4))
def test_a_tick_survives_its_line(index: int, at: float, samples: dict[str, Value]) -> None:
    tick = Tick(index, at, samples)
    assert Tick.from_data(json.loads(json.dumps(tick.to_data()))) == tick


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"tick": 1, "at": 1.0},
        {"tick": "1", "at": 1.0, "samples": {}},
        {"tick": True, "at": 1.0, "samples": {}},
        {"tick": 1, "at": "now", "samples": {}},
        {"tick": 1, "at": 1.0, "samples": {"x": "7"}},
        {"tick": 1, "at": 1.0, "samples": {"x": True}},
        {"tick": 1, "at": 1.0, "samples": {"x": None}},
        {"tick": 1, "at": 1.0, "samples": {"x": {"health": "fine"}}},
        {"tick": 1, "at": 1.0, "samples": {"x": {"absent": "sometimes"}}},
        {"tick": 1, "at": 1.0, "samples": {"x": {"part": 1}}},
        {"tick": 1, "at": float("nan"), "samples": {}},
    ],
)
def test_an_unknown_shape_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Tick.from_data(data)
