"""Decides what the named sets of gates are: the thresholds of the operations guide, and ours for any service."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from dhash_guard.config.names import suggest
from dhash_guard.config.node import Fault, Mark, Node

_GateData = dict[str, str | int]


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

DEFAULT: dict[str, _GateData] = {
    "health": {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"},
    "success-rate": {"signal": "health.success_ratio", "fail_below": "70%", "min_samples": 5, "action": "rollback"},
    "latency": {"signal": "health.latency", "fail_above": "2000ms", "consecutive": 5, "action": "alert"},
}
"""For any service: reads only the signals that every environment has. Latency alerts: no document gives it a limit."""

PRESETS = {
    "guarded-rollout/production": Preset(True, PRODUCTION),
    "guarded-rollout/staging": Preset(False, STAGING),
    "default": Preset(True, DEFAULT),
}


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
    return Node(data, mark)
