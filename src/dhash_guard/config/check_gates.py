"""Finds gates and signals that contradict each other, before a deployment depends on them."""

from __future__ import annotations

from collections.abc import Iterator

from dhash_guard.config.names import suggest
from dhash_guard.config.node import KeyPath, Node
from dhash_guard.config.schema import Environment
from dhash_guard.gates import guardrails
from dhash_guard.gates.plan import Mode, WatchPlan
from dhash_guard.signals import absent_unhealthy, counted, dimensions, with_past
from dhash_guard.signals.health import dimensions as health_dimensions

Findings = Iterator[tuple[KeyPath, str]]
"""Paths below the environment, each with a sentence: what is wrong; what to do."""

MOST_LOOKS = 100_000


def signals(environment: Environment) -> Findings:
    """Contradictions inside a signal, and names that two sources give."""
    owners = dict.fromkeys(health_dimensions(), "health")
    for name, signal in environment.signals.items():
        for below, text in signal.faults():
            yield ("signals", name, *below), text
        for value in signal.dimensions(name):
            if value in owners:
                at = ("signals", name, "values", value)
                yield at, f"the signal {value} is already given by {owners[value]}; rename one of them"
            owners[value] = f"signals.{name}"


def names(environment: Environment, tree: Node) -> Findings:
    """Gates over signals that nobody gives."""
    known = dimensions(environment.signals)
    for name, gate in environment.gates.items():
        if gate.signal not in known:
            yield _unknown(name, gate.signal, list(known), tree)


def gates(environment: Environment, tree: Node, shortened: bool) -> Findings:
    """Limits and holds that this watch could never judge."""
    known = dimensions(environment.signals)
    yield from _windows(environment)
    too_many = _looks(environment.monitor)
    judged = {} if too_many else environment.gates  # counting so many looks would take minutes
    if too_many:
        yield ("monitor", "interval"), too_many
    yield from guardrails.problems(
        judged, environment.monitor, known, counted=counted(environment.signals), shortened=shortened
    )
    if tree.get("gates") is None and tree.get("monitor") is not None:
        yield ("gates",), "there is a watch, but no gate to judge it by; write gates: {preset: default}"


def unrecorded(environment: Environment) -> Findings:
    """Gates that decide at checkpoints over what no source records; only a collector has it, and that stands nowhere."""
    past = with_past(environment.signals)
    for name, gate in environment.gates.items() if environment.monitor.mode is Mode.CHECKPOINT else ():
        if gate.action.decides and gate.signal not in past:
            text = f"at a checkpoint only a collector can tell {gate.signal}; where none runs"
            yield ("gates", name, "signal"), f"{text} (dhash-guard monitor --collect), no verdict is healthy"


def _windows(environment: Environment) -> Findings:
    """Aggregates and tests have no place for "absent means unhealthy": it would be left out, and the rest would pass."""
    unhealthy = absent_unhealthy(environment.signals)
    for name, gate in environment.gates.items():
        if gate.signal not in unhealthy:
            continue
        if gate.over is not None:
            yield (
                ("gates", name, "over"),
                f"{gate.signal} says absent: unhealthy, which a window cannot add up; use consecutive",
            )
        elif gate.test is not None:
            yield (
                ("gates", name, "test"),
                f"{gate.signal} says absent: unhealthy, which a test cannot rank; use consecutive in its place",
            )


def _unknown(name: str, signal: str, known: list[str], tree: Node) -> tuple[KeyPath, str]:
    gate = tree.get("gates", name)
    if gate is not None and gate.mark.origin:
        how = f"define {signal} as a value under signals, or write {name}: off under gates"
        if signal.startswith("host."):
            how = f"write host: {{kind: host}} under signals, or {name}: off under gates"
        return ("gates", name, "signal"), f"the signal {signal} is not defined; {how}"
    return ("gates", name, "signal"), f"there is no signal {signal}; {suggest(signal, known)}"


def _looks(plan: WatchPlan) -> str:
    """Why the plan has too many looks, or nothing."""
    intervals = [plan.interval] + ([plan.then.interval] if plan.then is not None else [])
    shortest = min(intervals)
    if shortest <= 0 or plan.duration / shortest <= MOST_LOOKS:
        return ""
    return f"plans more than {MOST_LOOKS} looks; write a longer interval or a shorter duration"
