"""Makes a run readable for people: the HTML report beside its evidence, and the story for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.errors import UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.report.story import print_story
from dhash_guard.rollout.run import Guarded

REPORT_FILE = "report.html"


def publish(run: Guarded, evidence: Evidence, ticks: Sequence[Tick]) -> list[str]:
    """Write the report and return the story; trouble with the report never changes how the run ended."""
    where = ""
    if not run.machine.dry and (evidence.stages or evidence.verdict is not None):
        from dhash_guard.report.html import render_report

        path = run.folder / REPORT_FILE
        try:
            run.machine.files.write_atomic(
                path, render_report(evidence, ticks, templates=run.configuration.layout.templates).encode("utf-8")
            )
            where = run.configuration.layout.relative(path)
        except Exception as problem:  # noqa: BLE001  # the run is decided and sealed: no defect of a picture may change how it ended
            run.say(f"warning: no HTML report ({type(problem).__name__}: {problem})")
    return print_story(evidence, report=where)


def render(evidence: Evidence, ticks: Sequence[Tick], form: str) -> str:
    """Any report again, from the evidence alone: text, html, comment or summary."""
    match form:
        case "html":
            from dhash_guard.report.html import render_report

            return render_report(evidence, ticks)
        case "comment":
            from dhash_guard.report.comment import render_comment

            return render_comment(evidence, ticks)
        case "summary":
            from dhash_guard.report.summary import render_summary

            return render_summary(evidence, ticks)
        case "text":
            return "\n".join(print_story(evidence))
    raise UsageProblem(f"no report format {form!r}")
