"""The comment that the legs share: no leg lost, nothing foreign acts, the same legs read the same."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.legs import BUDGET, merged, render_legs, slim

SYSTEMS = ("ubuntu-latest", "macos-latest", "windows-latest")


def report(leg: str, result: str = "proceed", commit: str = "a" * 40, **stage: object) -> LegReport:
    plain = {"name": "check", "status": StageStatus.PASSED, "text": "fine", "findings": ()}
    code = {"proceed": 0, "no-go": 1, "cannot-tell": 3}[result]
    return LegReport(
        leg=leg,
        service="dhash",
        environment="production",
        commit=commit,
        result=result,
        exit_code=code,
        stages=(LegStage(**{**plain, **stage}),),  # type: ignore[arg-type]  # test builder
    )


def test_the_first_visible_lines_say_verdict_and_next_action() -> None:
    body = render_legs({name: report(name) for name in SYSTEMS}, SYSTEMS)
    lines = [line for line in body.splitlines() if line]
    assert lines[0].startswith("<!-- dhash-guard:v1:premerge:production -->")
    assert lines[1] == "## ✅ Ready to merge: **dhash for production** — 3 of 3 systems passed · `aaaaaaa`"
    assert lines[2].startswith("**Next:** merge when the review agrees")


def test_a_failing_leg_is_named_with_what_to_do() -> None:
    bad = report(SYSTEMS[2], "no-go", status=StageStatus.FAILED, text="1 of 3", findings=("file x: missing → Create x.",))
    body = render_legs({SYSTEMS[0]: report(SYSTEMS[0]), SYSTEMS[2]: bad}, SYSTEMS)
    assert "## ❌ Not ready" in body
    assert "mend “check” on windows-latest: file x: missing" in body
    assert "| … |" in body, "a leg that has not reported is shown as such"


def test_what_several_systems_say_alike_stands_once_and_the_widest_first() -> None:
    def stages(smoke: str, migrate: StageStatus) -> tuple[LegStage, ...]:
        failed = LegStage(name="smoke", status=StageStatus.FAILED, text="1 of 12", findings=(f"upload: {smoke} → Mend it.",))
        return LegStage(name="migrate", status=migrate, text="row 811 has no hash"), failed

    ok, bad = StageStatus.PASSED, StageStatus.FAILED
    said = (("HTTP 500", ok), ("HTTP 500", bad), ("no answer", ok))
    told = {name: evolve(report(name, "no-go"), stages=stages(*one)) for name, one in zip(SYSTEMS, said, strict=True)}
    body = render_legs(told, SYSTEMS)
    assert "**Next:** mend “smoke” on all 3 systems: upload: HTTP 500 → Mend it." in body
    assert body.index("| `smoke` |") < body.index("| `migrate` |"), "three failures before one"
    assert body.count("<details open>") == 3
    both = "on <code>ubuntu-latest</code>, <code>macos-latest</code></summary>"
    assert f"<summary><code>smoke</code> {both}" in body
    assert body == render_legs(dict(reversed(told.items())), SYSTEMS)


def test_a_leg_that_has_not_reported_is_no_success() -> None:
    assert "⏳ Waiting" in render_legs({SYSTEMS[0]: report(SYSTEMS[0])}, SYSTEMS)
    assert "❔ Cannot tell" in render_legs({SYSTEMS[0]: report(SYSTEMS[0], "cannot-tell")}, SYSTEMS[:1])


def test_what_was_left_out_is_the_next_thing_to_do() -> None:
    body = render_legs({"one": report("one", "cannot-tell", status=StageStatus.SKIPPED, text="left out on request")}, ())
    assert "❔ Cannot tell" in body
    assert "**Next:** rehearse on one without leaving anything out: check." in body


def test_warnings_are_counted_and_folded() -> None:
    body = render_legs({"one": report("one", warnings=("lodash: high: bad",))}, ())
    assert "✅ passed, ⚠️ 1 warning" in body
    assert "<details><summary>Warnings</summary>" in body
    assert "✅ Ready to merge" in body


@given(st.permutations(SYSTEMS))
def test_legs_may_report_in_any_order(order: list[str]) -> None:
    body = ""
    for name in order:
        body = render_legs(merged([body], report(name)), SYSTEMS)
    assert body == render_legs({name: report(name) for name in SYSTEMS}, SYSTEMS)


def test_two_comments_of_a_race_become_one_with_all_legs() -> None:
    one, two = (render_legs(merged([], report(name)), SYSTEMS) for name in SYSTEMS[:2])
    assert set(merged([one, two], report(SYSTEMS[2]))) == set(SYSTEMS)


def test_legs_of_another_commit_are_dropped() -> None:
    old = render_legs(merged([], report(SYSTEMS[0], commit="b" * 40)), SYSTEMS)
    assert set(merged([old], report(SYSTEMS[1]))) == {SYSTEMS[1]}


@pytest.mark.parametrize(
    "body", ["", "<!-- dhash-guard:legs:AAAA -->", "<!-- dhash-guard:legs:eJwrBgAAcwBz -->", "x" * 1000]
)
def test_what_cannot_be_read_is_not_there(body: str) -> None:
    assert set(merged([body], report("one"))) == {"one"}


@given(st.text(max_size=200), st.text(max_size=200))
def test_foreign_text_stays_text(text: str, finding: str) -> None:
    hostile = report("ubuntu-latest", "no-go", status=StageStatus.FAILED, text=text, findings=(finding,))
    body = render_legs({"ubuntu-latest": hostile}, ())
    assert body.count("<!--") == 7, "marker, legs, boxes, and the ids of four boxes"
    assert body.count("<details") == 2, "one for the stage, one for the checklist"
    assert set(merged([body], report("other"))) == {"ubuntu-latest", "other"}


def test_three_systems_with_hundreds_of_findings_stay_within_the_budget() -> None:
    findings = tuple(f"{i}: " + "z" * 1000 for i in range(300))
    stages = tuple(LegStage(name=f"s{i}", status=StageStatus.FAILED, text="x" * 5000, findings=findings) for i in range(7))
    legs = {}
    for name in SYSTEMS:
        big = LegReport(leg=name, service="s", environment="e", commit="", result="no-go", exit_code=1, stages=stages)
        legs[name] = slim(big)
    body = render_legs(legs, SYSTEMS)
    assert len(body) <= BUDGET
    assert set(merged([body], report("other", commit=""))) == {"other"}, "another environment"
    assert "❌ Not ready" in body


def test_a_huge_report_stays_within_the_budget() -> None:
    stages = tuple(
        LegStage(name=f"s{i}", status=StageStatus.FAILED, text="x" * 500, findings=("y" * 500,) * 2) for i in range(40)
    )
    huge = LegReport(leg="a", service="s", environment="e", commit="", result="no-go", exit_code=1, stages=stages)
    assert len(render_legs({"a": huge}, ())) <= BUDGET
