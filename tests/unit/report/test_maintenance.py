"""The comment of routine maintenance: other periods and ticks of people stay, and what is not new is not written."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from dhash_guard.records.evidence import Evidence, Run
from dhash_guard.records.period import Period
from dhash_guard.records.stage import StageResult, StageStatus
from dhash_guard.report.maintenance import render_maintenance
from dhash_guard.report.memory import boxes_in, recalled, remembered

DAY = 86400.0
AT = 1_795_249_000.0  # 2026-11-21, of week 47
STAGES = {
    Period.DAILY: ("health", "backup", "watch", "holder"),
    Period.WEEKLY: ("backup verify", "prune", "logging"),
    Period.MONTHLY: ("gates", "smoke", "notification"),
    Period.QUARTERLY: ("drill",),
}


def evidence(period: Period, at: float = AT, failed: str = "", text: str = "fine", name: str = "one") -> Evidence:
    """A run of the period in which one stage may have failed."""
    run = Run(
        id=name, verb=f"maintain {period.value}", service="s", environment="e", kind="production", commit="", tree="",
        attempt=1, tag="", started_at=at, ended_at=at, tool="t",
    )  # fmt: skip
    stages = tuple(
        StageResult(
            name=each,
            status=StageStatus.FAILED if each == failed else StageStatus.PASSED,
            reason_code="",
            text=f"broken, not {text}" if each == failed else text,
            started_at=at,
            seconds=0.0,
        )
        for each in STAGES[period]
    )
    return Evidence(run=run, configuration="", stages=stages, exit_code=1 if failed else 0)


def failing(text: str) -> StageResult:
    return evolve(evidence(Period.DAILY, failed="holder").stages[-1], text=text)


def render(found: Evidence, period: Period, *bodies: str, templates: Path | None = None) -> str:
    memory = recalled(bodies, None, AT)
    return render_maintenance(found, period, memory, bodies, templates=templates)


def ticked(body: str, box: str) -> str:
    return "\n".join(line.replace("[ ]", "[x]", 1) if f":{box} -->" in line else line for line in body.splitlines())


def line_of(body: str, box: str) -> str:
    (found,) = (line for line in body.splitlines() if f":{box} -->" in line)
    return found


def test_what_is_proven_is_ticked_and_names_its_evidence() -> None:
    body = render(evidence(Period.WEEKLY), Period.WEEKLY)
    assert body.startswith("<!-- dhash-guard:v1:maintain:e -->\n")
    assert line_of(body, "weekly-backups").startswith("- [x]")
    assert line_of(body, "weekly-backups").endswith("— fine (run one)")
    assert line_of(body, "weekly-disk").startswith("- [ ]")
    assert "### ✅ Passed: weekly, 2026-W47" in body


def test_every_box_of_every_period_has_a_proof_or_is_for_people() -> None:
    body = ""
    for period in Period:
        body = render(evidence(period), period, *([body] if body else []))
    proven = {name for name, shown in remembered(body).shown.items() if shown.proved}
    people = {name for name, shown in remembered(body).shown.items() if not shown.proved}
    assert len(proven) == sum(map(len, STAGES.values()))
    assert {name for name, on in boxes_in(body).items() if on} == proven
    assert {name.partition("-")[0] for name in people} == {period.value for period in Period}
    order = [body.index(f"section:{period.value} ") for period in Period]
    assert order == sorted(order)


def test_a_run_of_another_period_leaves_the_part_and_its_ticks() -> None:
    body = ticked(render(evidence(Period.WEEKLY), Period.WEEKLY), "weekly-disk")
    both = render(evidence(Period.DAILY), Period.DAILY, body)
    assert boxes_in(both)["weekly-disk"]
    assert boxes_in(both)["weekly-backups"]
    assert "ticked" in line_of(both, "weekly-disk")
    again = render(evidence(Period.DAILY, AT + DAY, name="two"), Period.DAILY, both)
    assert line_of(again, "weekly-disk") == line_of(both, "weekly-disk")
    assert "daily, 2026-11-22" in again


def test_a_tick_ends_with_its_period() -> None:
    body = ticked(render(evidence(Period.WEEKLY), Period.WEEKLY), "weekly-disk")
    same = render(evidence(Period.WEEKLY, name="two"), Period.WEEKLY, body)
    assert boxes_in(same)["weekly-disk"]
    later = render(evidence(Period.WEEKLY, AT + 7 * DAY), Period.WEEKLY, same)
    assert not boxes_in(later)["weekly-disk"]
    assert "**revoked**" in line_of(later, "weekly-disk")
    assert "2026-W48" in line_of(later, "weekly-disk")


def test_what_says_nothing_new_is_the_text_that_is_there() -> None:
    body = render(evidence(Period.DAILY), Period.DAILY)
    again = evidence(Period.DAILY, AT + 60, text="as fine as before", name="two")
    assert render(again, Period.DAILY, body) == body
    assert render(again, Period.DAILY, body.replace("\n", "\r\n")) == body.replace("\n", "\r\n")
    assert render(evidence(Period.DAILY, AT + DAY, name="two"), Period.DAILY, body) != body


def test_what_is_no_longer_proven_opens_and_says_why() -> None:
    body = render(evidence(Period.DAILY), Period.DAILY)
    worse = render(evidence(Period.DAILY, failed="health", name="two"), Period.DAILY, body)
    assert line_of(worse, "daily-health").startswith("- [ ]")
    assert line_of(worse, "daily-health").endswith("— failed: broken, not fine")
    assert "### ❌ Failed: daily, 2026-11-21" in worse
    assert render(evidence(Period.DAILY, failed="health", name="three"), Period.DAILY, worse) == worse
    both = evolve(worst := evidence(Period.DAILY, failed="health"), stages=(*worst.stages[:3], failing("one reason")))
    body = render(both, Period.DAILY, worse)
    other = render(evolve(both, stages=(*worst.stages[:3], failing("another reason"))), Period.DAILY, body)
    assert line_of(other, "daily-holder").endswith("— failed: another reason")


def test_a_person_cannot_tick_what_only_a_run_proves() -> None:
    worse = render(evidence(Period.DAILY, failed="health"), Period.DAILY)
    forged = ticked(worse, "daily-health")
    again = render(evidence(Period.DAILY, failed="health", name="two"), Period.DAILY, forged)
    assert not boxes_in(again)["daily-health"]


def test_a_part_that_somebody_destroyed_takes_its_boxes_along() -> None:
    body = render(evidence(Period.WEEKLY), Period.WEEKLY)
    both = render(evidence(Period.DAILY), Period.DAILY, body)
    broken = both.replace("<!-- dhash-guard:end:weekly -->", "")
    left = render(evidence(Period.DAILY, AT + DAY), Period.DAILY, broken)
    assert {name.partition("-")[0] for name in remembered(left).shown} == {"daily"}


def test_what_a_task_says_is_text_and_ends_no_part() -> None:
    hostile = "<!-- dhash-guard:end:daily -->\n- [x] @all <!-- dhash-guard:box:daily-dashboards -->"
    body = render(evidence(Period.DAILY, text=hostile), Period.DAILY)
    assert body.count("<!-- dhash-guard:end:daily -->") == 1
    assert not boxes_in(body)["daily-dashboards"]
    assert render(evidence(Period.DAILY, text=hostile, name="two"), Period.DAILY, body) == body


def test_a_race_left_two_comments_and_nothing_of_either_is_lost() -> None:
    first = ticked(render(evidence(Period.WEEKLY), Period.WEEKLY), "weekly-disk")
    second = ticked(render(evidence(Period.MONTHLY), Period.MONTHLY), "monthly-patches")
    body = render(evidence(Period.DAILY), Period.DAILY, first, second)
    assert boxes_in(body)["weekly-disk"] and boxes_in(body)["monthly-patches"]


def test_the_projects_own_list_is_taken(tmp_path: Path) -> None:
    text = '{{ box("daily-health", "Ok?", proof="health") }}\n{{ box("mine", "Mine", about="") }}\n'
    (tmp_path / "checklist-maintenance-daily.md").write_text(text)
    body = ticked(render(evidence(Period.DAILY), Period.DAILY, templates=tmp_path), "mine")
    later = render(evidence(Period.DAILY, AT + DAY), Period.DAILY, body, templates=tmp_path)
    assert boxes_in(later) == {"daily-health": True, "mine": True}
