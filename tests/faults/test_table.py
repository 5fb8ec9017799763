"""The page of faults says what it shows: how much was run, what was left out, what this machine does not let happen."""

from __future__ import annotations

from faults.table import LEFT_OUT, Row, table

RAN = [
    Row("create", "rename archive", "killed before"),
    Row("create", "rename archive", "killed before", violations=("lost",)),
]


def test_a_whole_run_says_so() -> None:
    page = table(RAN)
    assert "2 faults, 1 with violations" in page
    assert "Every test was run in full." in page
    assert "| rename archive | 1 of 2 |" in page


def test_a_run_in_part_names_what_is_missing() -> None:
    """Each process of a run tells of the same tests."""
    left_out = [Row("Not run here", f"test_round[{n}]", "test_concurrent", skipped=LEFT_OUT) for n in (1, 2, 2)]
    page = table([*RAN, *left_out, Row("Not run here", "test_cut", "test_power_cuts", skipped="no loop devices")])
    assert "Run in part, without 2 of `test_concurrent`." in page
    assert "| test_power_cuts: test_cut | no loop devices |" in page
    assert "test_round" not in page
