"""The fast reader gives what the strict one gives, value for value and refusal for refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.errors import UsageProblem
from dhash_guard.records.sample import Tick
from dhash_guard.signals import recorded
from dhash_guard.signals.recorded import ticks

NUMBERS = st.floats() | st.integers() | st.just(1e308)
VALUES: st.SearchStrategy[Any] = (
    NUMBERS
    | st.booleans()
    | st.text(max_size=3)
    | st.builds(lambda part, whole: {"part": part, "whole": whole}, NUMBERS, NUMBERS)
    | st.sampled_from([{"health": "healthy"}, {"health": "fine"}, {"absent": "timeout"}, {"absent": "gone"}, {}, [], None])
)


def strict(text: str) -> Tick | None:
    try:
        return Tick.from_data(json.loads(text))
    except ValueError:
        return None


@given(
    st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
    st.integers() | st.floats() | st.booleans(),
    NUMBERS,
    st.booleans(),
)
def test_it_reads_what_the_strict_reader_reads(
    tmp_path_factory: pytest.TempPathFactory, samples: dict[str, Any], index: object, at: object, link: bool
) -> None:
    text = json.dumps({"tick": index, "at": at, "samples": samples} | ({"link": "00"} if link else {}))
    path = tmp_path_factory.mktemp("log") / "samples.jsonl"
    path.write_text(text + "\n")
    expected = strict(text)
    if expected is None:
        with pytest.raises(UsageProblem) as caught:
            list(ticks(path))
        assert caught.value.where == f"{path}:1"
        return
    (found,) = ticks(path)
    assert found == expected
    assert [type(value) for value in found.samples.values()] == [type(value) for value in expected.samples.values()]


def test_finite_values_may_add_up_to_infinity(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"tick": 0, "at": 1.0, "samples": {"a": 1.7e308, "b": 1.7e308}}\n')
    assert next(ticks(path)).samples == {"a": 1.7e308, "b": 1.7e308}


@pytest.mark.parametrize("line", ["[]", "7", "{", '{"tick": 0}', '{"tick": 0, "at": 2.0, "samples": []}', "[" * 100_000])
def test_what_is_no_tick_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"tick": 0, "at": 1.0, "samples": {}}\n' + line + "\n")
    with pytest.raises(UsageProblem) as caught:
        list(ticks(path))
    assert caught.value.where == f"{path}:2"


def test_time_goes_forward(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"tick": 0, "at": 1.0, "samples": {}}\n{"tick": 1, "at": 1.0, "samples": {}}\n')
    with pytest.raises(UsageProblem, match="not in order"):
        list(ticks(path))


def test_a_torn_last_line_ends_the_log(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"tick": 0, "at": 1.0, "samples": {}}\n{"tick": 1, "at": 2.0, "samp')
    assert [tick.index for tick in ticks(path)] == [0]


@pytest.mark.parametrize("size", [1, 2, 3000])
def test_the_last_look_is_read_from_the_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "log.jsonl"
    rows = [{"tick": index, "at": float(index), "samples": {"x": 1.0, "y" * 40: 2.0}} for index in range(size)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"tick": 99')
    assert recorded.last(path) == list(recorded.ticks(path))[-1]


def test_the_last_look_may_be_long_and_an_empty_log_has_none(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"tick": 0, "at": 1.0, "samples": {f"signal-{n}": 1.0 for n in range(20_000)}}) + "\n")
    found = recorded.last(path)
    assert found is not None and len(found.samples) == 20_000
    for content in ("", '{"tick": 0'):
        path.write_text(content)
        assert recorded.last(path) is None


def test_a_last_look_that_is_broken_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"tick": 0, "at": 1.0, "samples": {}}\n{"tick": 1, "at": NaN, "samples": {}}\n')
    with pytest.raises(UsageProblem, match=r"log\.jsonl:2"):
        recorded.last(path)
