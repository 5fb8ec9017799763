"""Records read back from text that somebody else may have written."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import pytest
from attrs import frozen

from dhash_guard.records.canonical import loads
from dhash_guard.records.codec import from_json


@frozen(kw_only=True)
class Thing:
    name: str
    size: int = 0


@pytest.mark.parametrize("content", [b'{"name":"a","size":2}', '{"name":"a","size":2}'])
def test_a_record_is_read_from_its_text(content: bytes | str) -> None:
    assert from_json(Thing, content) == Thing(name="a", size=2)


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '"a"',
        "null",
        "{",
        b"\xff",
        '{"name":"a","more":1}',
        '{"size":1}',
        deep(100_000),
        '{"a":' * 5000,
        "[" * 100_000,
    ],
    ids=lambda content: str(content)[:20],
)
def test_whatever_else_it_is_is_a_value_error(content: bytes | str) -> None:
    with pytest.raises(ValueError):
        from_json(Thing, content)


@pytest.mark.parametrize("left", range(0, 300, 20))
def test_what_can_be_read_and_not_be_shown_is_no_other_error(left: int) -> None:
    with suppress(ValueError):
        from_json(Thing, '{"name":' + deep(sys.getrecursionlimit() - left) + "}")


def test_what_is_nested_deeper_than_can_be_read_says_so() -> None:
    found: Any = loads(b'{"a": [1, "x"]}')
    assert found == {"a": [1, "x"]}
    with pytest.raises(ValueError, match="nested"):
        loads(deep(100_000))
