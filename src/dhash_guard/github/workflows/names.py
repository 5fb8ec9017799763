"""Decides under which names the jobs of a workflow report: matrices expanded, callers and called workflows joined."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from attrs import frozen

from dhash_guard.github.workflows.expression import UNKNOWN, NotAnExpression, Unknown, evaluate
from dhash_guard.github.workflows.file import Job, Workflow

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_LONGEST = 100
"""Characters of a name that GitHub makes up of matrix values."""
_DEEPEST = 10
_LOCAL = "./.github/workflows/"
_MOST_CELLS = 256


@frozen
class Reported:
    """One check: the names under which it may report; what is not known stands as `\\0` for any text."""

    names: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Whether it may report under this name."""
        return any(_pattern(one).fullmatch(name) is not None for one in self.names)

    @property
    def shown(self) -> str:
        """The first name for people."""
        return self.names[0].replace("\0", "…")


def reported(job: Job, workflows: Mapping[str, Workflow], depth: int = 0) -> list[Reported]:
    """Every check that a job makes; one for each cell of a matrix, and for each job of a workflow that it calls."""
    own = own_names(job)
    if not job.uses:
        return own
    called = workflows.get(job.uses.removeprefix("./")) if job.uses.startswith(_LOCAL) else None
    if called is None or depth > _DEEPEST:
        return [Reported(tuple(f"{name} / \0" for name in one.names)) for one in own]
    inner = [found for each in called.jobs.values() for found in reported(each, workflows, depth + 1)]
    return [Reported(tuple(f"{a} / {b}" for a in one.names for b in two.names)) for one in own for two in inner]


def own_names(job: Job) -> list[Reported]:
    """The names of the job itself; those that it calls report below them."""
    cells = cells_of(job.matrix) if job.matrix is not None else None
    plain = job.name if job.name is not None else job.id
    if job.matrix is None:
        return [Reported((_filled(plain, {}),))]
    if cells is None:
        return [Reported((_filled(plain, UNKNOWN) if "${{" in plain else f"{plain} (\0)",))]
    if "${{" in plain:
        return list(dict.fromkeys(Reported((_filled(plain, every),)) for _, every in cells))
    # Whether values that an include adds are part of the name is not documented, so both names are accepted.
    return [Reported(tuple(dict.fromkeys((_suffixed(plain, axes), _suffixed(plain, every))))) for axes, every in cells]


def cells_of(matrix: Any) -> list[tuple[dict[str, Any], dict[str, Any]]] | None:
    """The cells of a matrix: the values of its axes, and these with what includes add; None where they are not known."""
    if not isinstance(matrix, dict):
        return None
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    include, exclude = matrix.get("include") or [], matrix.get("exclude") or []
    if not all(isinstance(values, list) for values in (*axes.values(), include, exclude)) or _unknown(matrix):
        return None
    combined = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    combined = [cell for cell in combined if not any(_covers(cell, one) for one in exclude)][:_MOST_CELLS]
    cells = [(cell, dict(cell)) for cell in combined]
    for one in include:
        fitting = [
            every
            for cell, every in cells
            if all(cell.get(name, value) == value for name, value in one.items() if name in axes)
        ]
        if fitting and combined:
            for every in fitting:
                every |= {name: value for name, value in one.items() if name not in axes}
        if not fitting or not combined:
            cells.append((dict(one), dict(one)))
    return cells


def _covers(cell: Mapping[str, Any], one: Any) -> bool:
    return isinstance(one, dict) and all(cell.get(name) == value for name, value in one.items())


def _unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_unknown, value.values()))
    return any(map(_unknown, value)) if isinstance(value, list) else isinstance(value, str) and "${{" in value


def _suffixed(name: str, cell: Mapping[str, Any]) -> str:
    values = [text for value in cell.values() for text in _leaves(value) if text]
    whole = f"{name} ({', '.join(values)})" if values else name
    return whole if len(whole) <= _LONGEST else whole[: _LONGEST - 3] + "..."


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [_text(value)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _filled(name: str, cell: Mapping[str, Any] | Unknown) -> str:
    def one(found: re.Match[str]) -> str:
        try:
            value = evaluate(found[1], {"matrix": cell, "strategy": UNKNOWN}, {})
        except NotAnExpression:
            value = UNKNOWN
        return (
            "\0" if isinstance(value, (Unknown, dict, list)) else f"{value:g}" if isinstance(value, float) else _text(value)
        )

    return _EXPRESSION.sub(one, name)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split("\0"))), re.DOTALL)
