"""Decides what stands in the HTML report: one file without scripts or anything from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.report.plots import plots
from dhash_guard.report.templates import render_html
from dhash_guard.report.views import view


def render_report(evidence: Evidence, ticks: Sequence[Tick], *, templates: Path | None = None) -> str:
    """The report as one self-contained HTML document; equal input gives equal bytes."""
    from markupsafe import Markup

    shown, drawn = view(evidence, ticks), plots(evidence, ticks)
    # The drawings are the only markup made in Python; every text in them is escaped where they are written.
    figures = [{"plot": plot, "svg": Markup(plot.svg)} for plot in drawn]  # noqa: S704
    signals = {row.signal for row in shown.gates}
    context = {"view": shown, "figures": figures, "not_drawn": len(signals) - len(drawn)}
    return render_html("report.html", context, templates)
