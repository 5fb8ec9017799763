"""Decides what the named sets of gates are: the thresholds of the operations guide, and ours for any service."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from dhash_guard.config.names import suggest
from dhash_guard.config.node import Fault, Mark, Node
from dhash_guard.config.structure import structure
from dhash_guard.gates.settings import Gate

_GateData = dict[str, str | int | float | list[int]]


@frozen
class Preset:
    """Gates by name, as a configuration would write them, and whether a breach rolls back by itself."""

    automatic: bool
    gates: dict[str, _GateData]


PRODUCTION: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
    "extraction": {
        "signal": "extraction_failure_rate", "fail_above": "5%", "over": "10m", "aggregate": "mean", "action": "rollback",
    },
    "p95-hash-time": {
        "signal": "p95_hash_time", "fail_above": "2000ms", "over": "15m", "aggregate": "mean", "action": "rollback",
    },
    "low-confidence": {"signal": "low_confidence_queue", "fail_above": 1000, "action": "rollback"},
    "memory": {"signal": "host.memory", "fail_above": "85%", "action": "alert"},
    "error-rate": {"signal": "error_rate", "fail_above": "3%", "over": "5m", "aggregate": "mean", "action": "alert"},
}  # fmt: skip
"""The guide's "more than 2 consecutive" is `consecutive: 3`: the third triggers."""

STAGING: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 4, "action": "block"},
    "extraction": {
        "signal": "extraction_failure_rate", "fail_above": "10%", "over": "5m", "aggregate": "mean", "action": "block",
    },
    "p95-hash-time": {
        "signal": "p95_hash_time", "fail_above": "3000ms", "over": "10m", "aggregate": "mean", "action": "block",
    },
    "low-confidence": {"signal": "low_confidence_queue", "fail_above": 500, "action": "block"},
}  # fmt: skip
"""The guide's "alert only" blocks: nothing is rolled back, but a sick staging must not open production."""

CONSERVATIVE: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
    "success-rate": {"signal": "health.success_ratio", "fail_below": "70%", "min_samples": 5, "action": "rollback"},
    "p95-latency": {"signal": "p95_latency", "fail_above": "5000ms", "consecutive": 5, "action": "rollback"},
    "error-rate": {"signal": "error_rate", "fail_above": "5%", "consecutive": 5, "action": "rollback"},
}  # fmt: skip
"""The framework's triggers; its "consistently" is read as five in a row, as it says of its error rate."""

RUNBOOK: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
    "degradation": {
        "signal": "health.latency", "baseline": "before-deploy", "fail_ratio": 1.5, "at_least": "50ms",
        "over": "5m", "aggregate": "median", "without_baseline": "not-judged", "action": "rollback",
    },
    "response-time": {
        "signal": "health.latency", "warn_from": "1000ms", "fail_above": "5000ms", "consecutive": 3, "action": "block",
    },
    "error-rate": {"signal": "error_rate", "warn_from": "1%", "fail_above": "5%", "consecutive": 3, "action": "block"},
    "cpu": {"signal": "host.cpu", "warn_from": "70%", "fail_above": "90%", "consecutive": 3, "action": "alert"},
    "memory": {"signal": "host.memory", "warn_from": "80%", "fail_above": "90%", "consecutive": 3, "action": "alert"},
    "disk": {"signal": "host.disk", "warn_from": "80%", "fail_above": "95%", "action": "alert"},
    "uptime": {
        "signal": "health.success_ratio", "warn_below": "100%", "fail_below": "99.9%", "min_samples": 5, "action": "alert",
    },
}  # fmt: skip
"""The runbook's table: its warning bands include their lower end. Only what it lists as a trigger rolls back."""

MIGRATION: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "block"},
    "avg-hash-time": {"signal": "avg_hash_time", "fail_from": "50ms", "over": "5m", "aggregate": "mean", "action": "alert"},
    "p95-hash-time": {
        "signal": "p95_hash_time", "fail_from": "200ms", "over": "5m", "aggregate": "mean", "action": "alert",
    },
    "extraction": {"signal": "extraction_failure_rate", "fail_above": "5%", "action": "alert"},
    "queue-spike": {
        "signal": "low_confidence_queue", "fail_above": 100, "over": "10m", "aggregate": "rise", "action": "alert",
    },
}  # fmt: skip
"""What the migration guide expects of the first hour. Its "unexpected spike" has no number: 100 in ten minutes is ours."""

OPERATIONS: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
    "errors-1m": {"signal": "error_rate", "fail_above": "10%", "over": "1m", "aggregate": "mean", "action": "block"},
    "errors-5m": {"signal": "error_rate", "fail_above": "5%", "over": "5m", "aggregate": "mean", "action": "block"},
    "errors-15m": {"signal": "error_rate", "fail_above": "3%", "over": "15m", "aggregate": "mean", "action": "block"},
    "degradation": {
        "signal": "health.latency", "baseline": "before-deploy", "fail_ratio": 1.5, "at_least": "50ms",
        "over": "5m", "aggregate": "median", "without_baseline": "not-judged", "action": "block",
    },
    "queue-backlog": {
        "signal": "low_confidence_queue", "fail_above": 50, "over": "15m", "aggregate": "trend", "min_samples": 5,
        "clear_after": 3, "action": "alert",
    },
    "cpu": {
        "signal": "host.cpu", "fail_above": "90%", "over": "5m", "aggregate": "min", "clear_after": 3, "action": "alert",
    },
    "memory": {
        "signal": "host.memory", "fail_above": "90%", "clear_below": "85%", "over": "5m", "aggregate": "min",
        "clear_after": 3, "action": "alert",
    },
    "disk": {"signal": "host.disk", "fail_above": "90%", "action": "alert"},
}  # fmt: skip
"""The operations guide names windows and kinds of alerts without numbers; the numbers are ours."""

DEFAULT: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
    "success-rate": {
        "signal": "health.success_ratio", "fail_below": "70%", "confidence": "95%", "min_samples": 5, "action": "rollback",
    },
    "latency": {
        "signal": "health.latency", "baseline": "before-deploy", "fail_ratio": 1.25, "at_least": "20ms", "spread": 2.5,
        "of_last": [6, 8], "without_baseline": "not-judged", "action": "rollback",
    },
}  # fmt: skip
"""For any service: reads only the signals that every environment has.

Latency is compared with the service's own past, its unrest included; docs/reference/benchmarks.md says how it does.
"""

COUNTED: dict[str, _GateData] = {
    **DEFAULT,
    "errors": {
        "signal": "error_rate", "baseline": "before-deploy", "fail_ratio": 3, "at_least": "0.5%",
        "of_last": [6, 8], "without_baseline": "not-judged", "action": "rollback",
    },
    "errors-slow": {
        "signal": "error_rate", "baseline": "before-deploy", "fail_ratio": 3, "at_least": "3%", "confidence": "99%",
        "over": "20m", "aggregate": "ratio", "without_baseline": "not-judged", "action": "rollback",
    },
}  # fmt: skip
"""The default for a service that counts its errors: `error_rate` with part_at and whole_at."""

PRESETS = {
    "guarded-rollout/production": Preset(True, PRODUCTION),
    "guarded-rollout/staging": Preset(False, STAGING),
    "conservative": Preset(False, CONSERVATIVE),
    "runbook": Preset(False, RUNBOOK),
    "migration": Preset(False, MIGRATION),
    "operations": Preset(False, OPERATIONS),
    "default": Preset(True, DEFAULT),
    "default/errors": Preset(True, COUNTED),
}


def gates_of(name: str) -> dict[str, Gate]:
    """The gates of a preset as records."""
    mark = Mark(f"preset {name}", 0)
    return {gate: structure(_node(data, mark.below(gate)), Gate) for gate, data in PRESETS[name].gates.items()}


_PROGRAM = "default of the program"


def with_preset(environment: Node) -> tuple[Node, list[Fault]]:
    """The environment with `gates.preset` replaced by its gates, and `rollback.automatic` settled.

    A gate written beside the preset replaces the preset's of the same name as a whole; `off` removes one.
    """
    gates = environment.get("gates")
    if gates is None or not isinstance(gates.value, dict):
        return _automatic(environment, False, _PROGRAM), []
    written = {name: node for name, node in gates.value.items() if name != "preset"}
    chosen = gates.value.get("preset")
    if chosen is None or chosen.off:
        return _automatic(_with(environment, "gates", evolve(gates, value=_laid({}, written))), False, _PROGRAM), []
    preset = PRESETS.get(str(chosen.value))
    if preset is None:
        fault = chosen.fault(f"{chosen.shown} is no preset; {suggest(str(chosen.value), PRESETS)}")
        return _with(environment, "gates", evolve(gates, value=written)), [fault]
    origin = f"preset {chosen.value}"
    # A preset's gate stands on the line that names the preset, under the path where it would be written.
    mark = evolve(gates.mark, line=chosen.mark.line, origin=origin)
    table = {name: _node(gate, mark.below(name)) for name, gate in preset.gates.items()}
    return _automatic(_with(environment, "gates", evolve(gates, value=_laid(table, written))), preset.automatic, origin), []


def _laid(table: dict[str, Node], written: dict[str, Node]) -> dict[str, Node]:
    """The written gates upon the preset's."""
    laid = dict(table)
    for name, node in written.items():
        removes = node.removes or name in table
        # Switched off in `defaults` for those environments whose preset has it: elsewhere there is nothing to do.
        elsewhere = node.mark.path[:1] == ("defaults",) and any(name in preset.gates for preset in PRESETS.values())
        if not node.off or removes or not elsewhere:
            laid[name] = evolve(node, removes=removes)
    return laid


def _automatic(environment: Node, automatic: bool, origin: str) -> Node:
    """The environment with `rollback.automatic` as the preset has it, unless it is written."""
    rollback = environment.get("rollback")
    if rollback is not None and (not isinstance(rollback.value, dict) or "automatic" in rollback.value):
        return environment
    own = rollback.value if rollback is not None and isinstance(rollback.value, dict) else {}
    mark = evolve(environment.mark.below("rollback"), origin=origin)
    automatic_node = Node(automatic, mark.below("automatic"))
    base = rollback or Node({}, mark)
    return _with(environment, "rollback", evolve(base, value={**own, "automatic": automatic_node}))


def _with(node: Node, key: str, child: Node) -> Node:
    assert isinstance(node.value, dict)
    return evolve(node, value={**node.value, key: child})


def _node(data: Any, mark: Mark) -> Node:
    if isinstance(data, dict):
        return Node({key: _node(value, mark.below(key)) for key, value in data.items()}, mark)
    if isinstance(data, list):
        return Node([_node(value, mark.below(index)) for index, value in enumerate(data)], mark)
    return Node(data, mark)
