"""Labelled watches: what is made carries true labels and comes from its seed, what is read is refused where it is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.judging import kinds
from benchmarks.judging.series import AFTER, BEFORE
from benchmarks.judging.traces import GAP, load

from dhash_guard.records.sample import Absence, Counts

MADE = [kinds.drawn("test", number) for number in range(400)]


def test_the_same_seed_makes_the_same_watch() -> None:
    assert kinds.drawn("test", 17) == MADE[17]
    assert kinds.drawn("train", 17) != MADE[17]


def test_every_kind_of_both_families_appears_with_its_label() -> None:
    assert {(trace.family, trace.kind) for trace in MADE} == {
        (family, kind) for family in ("latency", "errors") for kind in (*kinds.CLEAN, *kinds.FAULTS)
    }
    assert all((trace.onset is None) == (trace.kind in kinds.CLEAN) for trace in MADE)
    assert all((len(trace.before), len(trace.after)) == (BEFORE, AFTER) for trace in MADE)


def test_values_can_be_measured() -> None:
    for trace in MADE:
        for value in (*trace.before, *trace.after):
            if isinstance(value, Counts):
                assert 0 <= value.part <= value.whole
            else:
                assert isinstance(value, Absence) or (isinstance(value, float) and 0 < value <= 30)


def test_only_gaps_miss_looks() -> None:
    for trace in MADE:
        missing = sum(isinstance(value, Absence) for value in (*trace.before, *trace.after))
        assert bool(missing) == ("gaps" in trace.kind)
        assert missing <= 0.5 * (BEFORE + AFTER)


LINE: dict[str, Any] = {"name": "a", "family": "errors", "before": [[0, 9], None], "after": [0.5, [1, 9]], "onset": 1}


def test_reads_json_lines(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(json.dumps(LINE) + "\n\n" + json.dumps(LINE | {"onset": None, "kind": "calm"}))
    first, second = load(tmp_path)
    assert (first.before, first.after) == ((Counts(0, 9), GAP), (0.5, Counts(1, 9)))
    assert (first.onset, first.kind, second.onset, second.kind) == (1, "given", None, "calm")


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "memory"},
        {"onset": 2},
        {"onset": True},
        {"after": [-1]},
        {"after": [[3, 2]]},
        {"after": ["1"]},
        {"after": [True]},
        {"after": [float("nan")]},
        {"before": 3},
    ],
)
def test_refuses_what_is_no_watch_and_says_where(tmp_path: Path, wrong: dict[str, Any]) -> None:
    (tmp_path / "b.jsonl").write_text(json.dumps(LINE) + "\n" + json.dumps(LINE | wrong))
    with pytest.raises(ValueError, match=r"b\.jsonl:2: "):
        load(tmp_path)


def test_refuses_a_folder_without_a_watch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no watch"):
        load(tmp_path)
