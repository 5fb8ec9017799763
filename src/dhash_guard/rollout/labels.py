"""Reads what people know of recorded runs: which were clean, and when the others' faults began."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from dhash_guard.config import source as yaml_source
from dhash_guard.config.names import suggest
from dhash_guard.config.node import Node, Wrong
from dhash_guard.config.scalars import instant
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from dhash_guard.gates.backtest import Label
from dhash_guard.records.units import parse_duration
from dhash_guard.rollout.recordings import Log


@frozen(kw_only=True)
class Known:
    """The label of a log and the line that says so."""

    label: Label
    where: str


def labels(path: Path, logs: Sequence[Log]) -> dict[str, Known]:
    """The labels by log name; raise ConfigurationProblem for every one that is wrong or that no log bears."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise UsageProblem(f"cannot read the labels: {problem.strerror}", where=str(path)) from problem
    if not content.strip():
        raise UsageProblem("is empty", where=f"{path}:1", cure="Write one line for each run: <run id>: clean")
    top = yaml_source.read(content, str(path))
    names = {alias: log.name for log in logs for alias in (log.name, *log.aliases)}
    found: dict[str, Known] = {}
    problems: list[str] = []
    assert isinstance(top.value, dict)
    for name, node in top.value.items():
        here = f"{node.mark.file}:{node.mark.line}"
        log = names.get(name)
        if log is None:
            problems.append(f"{here}: {name} is none of these logs; {suggest(name, {log.name for log in logs})}")
        elif log in found:
            problems.append(f"{here}: {name} has a label already, at {found[log].where}")
        else:
            try:
                found[log] = Known(label=_label(node), where=here)
            except Wrong as problem:
                problems += [str(fault) for fault in problem.faults]
    if problems:
        raise ConfigurationProblem(problems)
    return found


def _label(node: Node) -> Label:
    if node.value == "clean":
        return Label(clean=True)
    fault = node.get("fault_at")
    if not isinstance(node.value, dict) or fault is None or len(node.value) != 1:
        raise Wrong(
            node.fault("write clean, or {fault_at: 12m}, {fault_at: 2026-11-21T03:15:00Z} or {fault_at: 7} (a look)")
        )
    if isinstance(fault.value, int) and not isinstance(fault.value, bool) and fault.value >= 0:
        return Label(look=fault.value)
    if isinstance(fault.value, str) and fault.value[-1:].isalpha() and not fault.value.endswith("Z"):
        try:
            return Label(after=parse_duration(fault.value))
        except ValueError as problem:
            raise Wrong(fault.fault(str(problem))) from problem
    if isinstance(fault.value, str):
        return Label(at=instant(fault))
    raise Wrong(fault.fault(f"{fault.shown} is no moment; write 12m, 2026-11-21T03:15:00Z, or the number of a look"))
