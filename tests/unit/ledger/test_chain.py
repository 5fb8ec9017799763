"""The ledger holds together, and says where it does not."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.errors import Damaged
from dhash_guard.ledger import chain
from dhash_guard.records.layout import Layout
from dhash_guard.system import this_machine


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / ".dhash-guard").mkdir()
    return Layout(root=tmp_path, service="s", backups=tmp_path / "b", logs=tmp_path / "l", artifacts=tmp_path / "a")


def add(layout: Layout, run: str) -> None:
    facts: dict[str, Any] = {
        "at": 1.0,
        "environment": "e",
        "run": run,
        "verb": "v",
        "result": "r",
        "evidence": "0",
        "sections": {},
    }
    chain.append(this_machine({}), layout, **facts)


def test_entries_follow_one_another(layout: Layout) -> None:
    for run in "abc":
        add(layout, run)
    entries = chain.read(layout.ledger)
    assert [entry.run for entry in entries] == ["a", "b", "c"]
    assert entries[2].previous == entries[1].hash


@pytest.mark.parametrize("change", ["edit", "drop", "swap", "repeat"])
def test_a_changed_line_is_named(layout: Layout, change: str) -> None:
    for run in "abcd":
        add(layout, run)
    one, two, three, four = layout.ledger.read_bytes().splitlines(keepends=True)
    lines = {
        "edit": [one, two.replace(b'"run":"b"', b'"run":"x"'), three, four],
        "drop": [one, three, four],
        "swap": [one, three, two, four],
        "repeat": [one, one, two, three],
    }[change]
    layout.ledger.write_bytes(b"".join(lines))
    with pytest.raises(Damaged, match=r"ledger.jsonl:2"):
        chain.read(layout.ledger)
    with pytest.raises(Damaged):
        add(layout, "e")


def test_a_torn_line_is_no_entry_and_does_not_swallow_the_next(layout: Layout) -> None:
    add(layout, "a")
    with layout.ledger.open("ab") as file:
        file.write(b'{"run":"half')
    assert [entry.run for entry in chain.read(layout.ledger)] == ["a"]
    add(layout, "b")
    assert [entry.run for entry in chain.read(layout.ledger)] == ["a", "b"]


def test_many_writers_one_chain(layout: Layout) -> None:
    threads = [threading.Thread(target=add, args=(layout, f"t{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(chain.read(layout.ledger)) == 8
