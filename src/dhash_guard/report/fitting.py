"""Decides how much of a run fits into a budget: first the details go, then the rows that passed, never the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from dhash_guard.report.rows import GateRow, StageRow
from dhash_guard.report.views import View


@frozen
class Fit:
    """How much is shown: rows that matter, rows that passed, stages, lines of detail, and characters of a value."""

    failing: int
    passing: int
    stages: int
    details: int
    most: int


FITS = (
    Fit(400, 400, 200, 100, 600),
    Fit(200, 200, 60, 40, 300),
    Fit(100, 60, 30, 20, 200),
    Fit(50, 20, 20, 10, 120),
    Fit(25, 0, 10, 0, 80),
    Fit(8, 0, 4, 0, 40),
)
"""From generous to bare; the last stays small whatever the values hold, because each of them is cut."""


def fitted(render: Callable[[Fit], str], size: Callable[[str], int], budget: int) -> str:
    """The most generous rendering within the budget."""
    text = ""
    for fit in FITS:
        text = render(fit)
        if size(text) <= budget:
            break
    return text


def cut(shown: View, fit: Fit) -> Mapping[str, Any]:
    """The view's rows as far as they fit, and a note on what was left out."""
    failing, passing = _parted(shown.gates)
    stages = _stages(shown.stages, fit.stages)
    kept: dict[str, Any] = {
        "failing": failing[: fit.failing],
        "passing": passing[: fit.passing],
        "stages": stages,
        "absences": shown.absences[: fit.details],
        "deliveries": shown.deliveries[: fit.details],
        "warnings": shown.warnings[: fit.details],
        "findings": [(stage.name, finding) for stage in stages for finding in stage.findings][: fit.details],
    }
    gone = (
        (len(failing) - len(kept["failing"]), "gate in need of attention", "gates in need of attention"),
        (len(passing) - len(kept["passing"]), "other gate", "other gates"),
        (len(shown.stages) - len(stages), "stage", "stages"),
        (sum(len(stage.findings) for stage in shown.stages) - len(kept["findings"]), "finding", "findings"),
        (len(shown.absences) - len(kept["absences"]), "signal with absences", "signals with absences"),
        (len(shown.warnings) - len(kept["warnings"]), "warning", "warnings"),
        (len(shown.deliveries) - len(kept["deliveries"]), "message", "messages"),
    )
    left_out = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in gone if count > 0)
    return kept | {"left_out": left_out, "view": shown, "stages_open": not shown.gates}


def _parted(rows: Sequence[GateRow]) -> tuple[list[GateRow], list[GateRow]]:
    return [row for row in rows if row.matters], [row for row in rows if not row.matters]


def _stages(rows: Sequence[StageRow], most: int) -> list[StageRow]:
    """The stages that matter before the others where not all fit, in their own order."""
    chosen = sorted(range(len(rows)), key=lambda i: (not rows[i].matters, i))[:most]
    return [rows[i] for i in sorted(chosen)]
