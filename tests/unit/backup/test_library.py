"""Which entries of a JSON library came and went; what cannot be told is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dhash_guard.backup.library import CAP, compare_documents
from dhash_guard.records.blast import LibraryChange


def changes(then: Any, now: Any) -> tuple[LibraryChange, ...]:
    return compare_documents("library.json", json.dumps(then).encode(), json.dumps(now).encode())


def one(then: Any, now: Any) -> LibraryChange:
    (found,) = changes(then, now)
    return found


A, B, C = {"id": "a"}, {"id": "b"}, {"id": "c", "x": 1}


@pytest.mark.parametrize(
    ("then", "now", "section"),
    [
        ([A, B], [B, C], ""),
        ({"version": 1, "games": [A, B]}, {"version": 2, "games": [B, C]}, "games"),
        ({"version": 1, "games": {"a": {}, "b": {}}}, {"version": 1, "games": {"b": {}, "c": {}}}, "games"),
        ({"a": {"h": 1}, "b": {"h": 2}}, {"b": {"h": 2}, "c": {"h": 3}}, ""),
        (["a", "b"], ["b", "c"], ""),
        ({"components": {"a": {}, "b": {}}}, {"components": {"b": {}, "c": {}}}, "components"),
    ],
)
def test_entries_added_and_removed(then: Any, now: Any, section: str) -> None:
    found = one(then, now)
    assert (found.section, found.added, found.removed, found.changed, found.problem) == (section, 1, 1, 0, "")
    names = (found.added_names, found.removed_names)
    assert names == ((("c",), ("a",)) if then != ["a", "b"] else (('"c"',), ('"a"',)))


def test_changed_entries_are_counted() -> None:
    found = one([A, {"id": "c"}], [A, C])
    assert (found.added, found.removed, found.changed) == (0, 0, 1)


def test_several_groups_are_told_apart() -> None:
    found = changes({"v": 1, "games": [A], "queue": [B]}, {"v": 1, "games": [], "queue": [B, C]})
    assert [(change.section, change.added, change.removed) for change in found] == [("games", 0, 1), ("queue", 1, 0)]


def test_entries_whose_fields_are_mappings_hide_no_entry() -> None:
    found = one({"c1": {"dhash": {"x": {}}}}, {"c1": {"dhash": {"x": {}}}, "c2": {"name": "n"}})
    assert (found.section, found.added, found.added_names) == ("", 1, ("c2",))


def test_an_empty_library_and_a_full_one() -> None:
    assert one({"v": 1, "games": {}}, {"v": 1, "games": {"a": {}}}).added == 1
    assert one({"v": 1, "games": [A]}, {"v": 1}).removed == 1


def test_what_changed_outside_of_every_group_is_no_entry() -> None:
    assert changes({"v": 1, "games": [A]}, {"v": 2, "games": [A]}) == ()


def test_only_the_first_names_are_kept() -> None:
    found = one([], [{"id": str(i)} for i in range(1000)])
    assert (found.added, len(found.added_names)) == (1000, 10)


@pytest.mark.parametrize(
    ("then", "now", "why"),
    [
        (b"{", b"[]", "the backup's version cannot be read"),
        (b"[]", b"[" * 100_000, "the present version cannot be read"),
        (b"[]", b'[{"id": 1, "id": 2}]', "the present version cannot be read"),
        (b"[]", b"[1" + b" " * CAP + b"]", "too large"),
        (b'{"schema": 1}', b'{"schema": 2}', "no list and no mapping"),
        (b"[]", b"{}", "no list and no mapping"),
        (b"1", b"2", "no list and no mapping"),
        (b'[{"id": "a"}]', b'[{"id": "a"}, {"id": "a"}]', "two of its entries are called 'a'"),
        (b'[{"x": "a"}]', b'[{"y": "a"}]', "to tell them apart by"),
        (b'{"v": 1, "g": [{"id": 1}]}', b'{"v": 1, "g": {"1": {}}}', "no group of entries in both"),
    ],
)
def test_what_cannot_be_told_is_said_and_not_guessed(then: bytes, now: bytes, why: str) -> None:
    (found,) = compare_documents("library.json", then, now)
    assert why in found.problem
    assert (found.added, found.removed, found.changed) == (0, 0, 0)
