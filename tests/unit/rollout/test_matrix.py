"""The gate over the matrix: every way in which a leg can be less than passed, and none of them is success."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.records.codec import to_data
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.rollout.matrix import Asked, Result, judge
from dhash_guard.rollout.matrix_gate import results

HEAD, OLD = "a" * 40, "b" * 40
SYSTEMS = ("ubuntu-latest", "macos-latest", "windows-latest")
LEGS = ("check", "backup", "smoke")
ASKED = Asked(service="s", environment="e", systems=SYSTEMS, legs=LEGS, head=HEAD, run="42", attempt=2)


def report(system: str, **stages: StageStatus) -> LegReport:
    told = dict.fromkeys(LEGS, StageStatus.PASSED) | stages
    return LegReport(
        leg=system,
        service="s",
        environment="e",
        commit="c" * 40,
        head=HEAD,
        run="42",
        attempt=2,
        result="proceed",
        exit_code=0,
        stages=tuple(LegStage(name=name, status=status, text="said") for name, status in told.items()),
    )


def result(one: LegReport, source: str = "x") -> Result:
    return Result(system=one.leg, source=source, report=one)


def whole() -> list[Result]:
    return [result(report(system)) for system in SYSTEMS]


def answer(results: list[Result], asked: Asked = ASKED, jobs: str = "success", others: Sequence[str] = ()) -> str:
    """The worst of all findings."""
    statuses = {finding.status for finding in judge(results, asked, jobs, others)}
    if StageStatus.FAILED in statuses:
        return "no-go"
    return "cannot-tell" if StageStatus.CANNOT_TELL in statuses else "proceed"


def test_all_legs_of_all_systems_are_success() -> None:
    assert answer(whole()) == "proceed"
    assert [one.check for one in judge(whole(), ASKED)][:4] == [
        "ubuntu-latest check", "ubuntu-latest backup", "ubuntu-latest smoke", "macos-latest check",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (StageStatus.FAILED, "no-go"),
        (StageStatus.CANNOT_TELL, "cannot-tell"),
        (StageStatus.SKIPPED, "cannot-tell"),
        (StageStatus.PLANNED, "cannot-tell"),
    ],
)
def test_a_leg_that_did_not_pass_is_no_success_whatever_its_report_says(status: StageStatus, expected: str) -> None:
    assert answer([*whole()[:2], result(report(SYSTEMS[2], smoke=status))]) == expected


BAD = {
    "another commit": {"head": OLD},
    "no head, another commit": {"head": "", "commit": OLD},
    "another run": {"run": "41"},
    "no run": {"run": ""},
    "an earlier attempt": {"attempt": 1},
    "a later attempt": {"attempt": 3},
    "another environment": {"environment": "other"},
    "another service": {"service": "other"},
    "no stages": {"stages": ()},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_result_that_is_not_of_this_run_is_no_success(changes: dict[str, object]) -> None:
    stale = evolve(report(SYSTEMS[2]), **changes)  # type: ignore[arg-type]  # test builder
    assert answer([*whole()[:2], result(stale)]) == "cannot-tell"


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ("success", "proceed"),
        ("", "proceed"),
        ("failure", "no-go"),
        ("cancelled", "cannot-tell"),
        ("skipped", "cannot-tell"),
    ],
)
def test_what_github_says_of_the_jobs_counts_too(jobs: str, expected: str) -> None:
    assert answer(whole(), jobs=jobs) == expected


def test_other_jobs_have_to_succeed_and_no_system_that_may_be_missing_excuses_them() -> None:
    assert answer(whole(), others=["success", "success"]) == "proceed"
    assert answer(whole(), others=["success", "failure"]) == "no-go"
    assert answer(whole(), others=["cancelled"]) == answer(whole(), others=["skipped"]) == "cannot-tell"
    borne = evolve(ASKED, may_miss=frozenset({SYSTEMS[2]}))
    assert answer(whole()[:2], borne, "cancelled", ["failure"]) == "no-go"


def test_missing_malformed_and_contradicting_results_are_no_success() -> None:
    two = whole()[:2]
    assert answer([]) == "cannot-tell"
    assert answer(two) == "cannot-tell"
    assert answer([*two, Result(system=SYSTEMS[2], source="x", problem="cannot be read")]) == "cannot-tell"
    other = evolve(report(SYSTEMS[2]), result="no-go")
    assert answer([*two, result(report(SYSTEMS[2]), "a"), result(other, "b")]) == "cannot-tell"
    assert answer(whole(), evolve(ASKED, head="")) == "cannot-tell"


def test_the_trusted_configuration_may_name_what_is_allowed() -> None:
    skipped = [*whole()[:2], result(report(SYSTEMS[2], smoke=StageStatus.SKIPPED))]
    assert answer(skipped, evolve(ASKED, may_skip=frozenset({"smoke"}))) == "proceed"
    assert answer(skipped, evolve(ASKED, may_skip=frozenset({"check"}))) == "cannot-tell"
    borne = evolve(ASKED, may_miss=frozenset({SYSTEMS[2]}))
    assert answer(whole()[:2], borne, "cancelled") == "proceed"
    assert answer(whole()[1:], borne) == "cannot-tell"
    assert answer(whole(), borne, "failure") == "no-go", "nothing is missing that would explain it"
    failed = [*whole()[:2], result(report(SYSTEMS[2], smoke=StageStatus.FAILED))]
    assert answer(failed, borne) == "no-go", "what may be missing may not fail"
    early = [*whole()[:2], result(evolve(report(SYSTEMS[2]), attempt=1))]
    assert answer(early, evolve(ASKED, earlier_attempts=True)) == "proceed"
    assert answer(early, evolve(ASKED, earlier_attempts=True, attempt=1)) == "cannot-tell"


def test_of_several_attempts_the_latest_counts() -> None:
    early = evolve(report(SYSTEMS[2]), attempt=1)
    late = report(SYSTEMS[2], check=StageStatus.FAILED)
    asked = evolve(ASKED, earlier_attempts=True)
    assert answer([*whole()[:2], result(early, "z"), result(late, "a")], asked) == "no-go"


def test_a_leg_that_nobody_asked_for_may_fail_nothing_but_itself() -> None:
    assert answer([*whole(), result(report("freebsd", check=StageStatus.FAILED))]) == "no-go"
    assert answer([*whole()[:2], result(report(SYSTEMS[2], extra=StageStatus.SKIPPED))]) == "proceed"


@given(st.permutations(range(3)), st.sampled_from(list(StageStatus)))
def test_the_text_does_not_depend_on_the_order_of_the_files(order: list[int], status: StageStatus) -> None:
    files = [*whole()[:2], result(report(SYSTEMS[2], smoke=status))]
    assert judge([files[i] for i in order], ASKED, "success") == judge(files, ASKED, "success")


def written(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_files_are_read_as_strangers_wrote_them(tmp_path: Path) -> None:
    good = json.dumps(to_data(report("good"))).encode()
    secret = tmp_path / "secret.json"
    secret.write_bytes(good)
    folder = tmp_path / "results"
    written(folder, "premerge-good/result-good.json", good)
    written(folder, "a/result-lies.json", good)
    written(folder, "a/result-half.json", good[:-20])
    written(folder, "a/result-more.json", good[:-1] + b', "extra": 1}')
    written(folder, "a/result-empty.json", b"")
    written(folder, "a/result-deep.json", b"[" * 100_000)
    written(folder, "a/result-vast.json", b" " * 4_000_001)
    written(folder, "a/result-.. ..json", good)
    written(folder, "a/b/c/d/result-far.json", good)
    (folder / "a/result-link.json").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    found = {one.source: one for one in results(folder)}
    assert [source for source, one in found.items() if one.report is not None] == ["premerge-good/result-good.json"]
    assert "a/b/c/d/result-far.json" not in found
    assert not any(source.startswith("linked/") for source in found)
    assert "says it is of good" in found["a/result-lies.json"].problem
    assert len(found) == 9
