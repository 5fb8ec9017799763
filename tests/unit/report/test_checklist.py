"""Boxes are ticked by evidence alone, name it, and follow the project's own template."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageResult, StageStatus
from dhash_guard.report.checklist import Box, boxes, leg_proofs, render_checklist
from support import report_stories as stories


def stage(name: str, status: StageStatus = StageStatus.PASSED) -> StageResult:
    return StageResult(name=name, status=status, reason_code="", text="said", started_at=0, seconds=0)


def test_a_rollback_ticks_what_it_has_proven() -> None:
    base, _ = stories.rolled_back()
    proven = tuple(f"rollback {name}" for name in ("snapshot", "restore", "health", "smoke", "queue", "artifacts"))
    shown = boxes(evolve(base, stages=tuple(map(stage, proven))))
    assert [box.ticked for box in shown] == [True] * 6
    assert base.restoration is not None
    assert base.restoration.backup in shown[1].evidence


def test_what_was_not_done_stays_open() -> None:
    base, _ = stories.rolled_back()
    failed = evolve(base, restoration=None, stages=(stage("rollback health", StageStatus.FAILED), stage("rollback stop")))
    assert [box.ticked for box in boxes(failed)] == [False] * 6


def test_a_watch_that_rolled_nothing_back_has_no_checklist() -> None:
    evidence, _ = stories.healthy()
    assert boxes(evolve(evidence, stages=())) == ()
    assert render_checklist(()) == ""


def test_a_leg_proves_only_what_passed_on_every_system() -> None:
    passed = LegStage(name="check", status=StageStatus.PASSED, text="")
    skipped = LegStage(name="smoke", status=StageStatus.SKIPPED, text="")
    leg = LegReport(
        leg="a", service="s", environment="e", commit="", result="proceed", exit_code=0, stages=(passed, skipped)
    )
    proofs = leg_proofs({"a": leg, "b": evolve(leg, leg="b")}, ("a", "b"))
    assert {name: proof.holds for name, proof in proofs.items()} == {"rehearsed": True, "check": True, "smoke": False}
    proofs = leg_proofs({"a": leg, "b": evolve(leg, leg="b", result="cannot-tell")}, ("a", "b", "c"))
    assert not proofs["rehearsed"].holds
    assert proofs["rehearsed"].text == "1 of 3 systems; not b, c"
    assert proofs["check"].text == "passed on 2 of 3 systems; not c"


def test_the_template_is_the_projects_to_change(tmp_path: Path) -> None:
    (tmp_path / "checklist.md").write_text("{% for box in boxes %}{{ box.mark }} {{ box.text | upper }}\n{% endfor %}")
    text = render_checklist([Box(text="Rehearsed on a|b", ticked=False, evidence="")], templates=tmp_path)
    assert text == "- [ ] REHEARSED ON A&#124;B\n"
