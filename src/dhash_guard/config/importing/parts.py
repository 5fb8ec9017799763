"""Decides what a key says about its gate: a limit in some unit, a window, an action, or nothing that can be judged."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from dhash_guard.config.importing.subjects import Subject, subject_of
from dhash_guard.config.node import Node


class Role(Enum):
    """What a value does for its gate."""

    LIMIT = "limit"
    WINDOW = "window"
    SUSTAINED = "sustained"
    CHECKS = "checks"
    SAMPLES = "samples"
    ACTION = "action"
    ENABLED = "enabled"
    UNIT = "unit"
    RATIO = "ratio"
    QUEUE = "queue"
    UNKNOWN = "unknown"
    LEFT = "left"


@frozen
class Part:
    """One value of a gate: its role, the unit that its key states (empty: none), and the reason where it is left."""

    role: Role
    unit: str = ""
    reason: str = ""


TEXT = "text for people"
SEVERITY = "how loudly to speak is written under notify, by level"
INTERVAL = "every look reads all signals, so the watch has one interval (monitor.interval)"


def _all(part: Part, keys: str) -> dict[str, Part]:
    return dict.fromkeys(keys.split(), part)


PARTS: dict[str, Part] = {
    **_all(Part(Role.LIMIT), "threshold value max_threshold"),
    **_all(Part(Role.LIMIT, "percent"), "threshold_percent threshold_percentage max_percent max_percentage"),
    **_all(Part(Role.LIMIT, "percent"), "max_failure_percentage max_error_percentage max_usage_percentage"),
    **_all(Part(Role.LIMIT, "fraction"), "threshold_fraction threshold_ratio"),
    **_all(Part(Role.LIMIT, "ms"), "threshold_ms max_time_ms max_ms"),
    **_all(Part(Role.LIMIT, "s"), "threshold_seconds max_time_seconds"),
    **_all(Part(Role.LIMIT, "count"), "threshold_count max_queue_length max_length max_items"),
    **_all(Part(Role.LIMIT, "looks"), "consecutive_failures max_consecutive_failures consecutive_failures_threshold"),
    **_all(Part(Role.WINDOW, "m"), "window_minutes time_window_minutes evaluation_window_minutes time_window window"),
    **_all(Part(Role.WINDOW, "s"), "window_seconds time_window_seconds evaluation_window_seconds"),
    **_all(Part(Role.SUSTAINED, "s"), "sustained sustained_seconds"),
    **_all(Part(Role.CHECKS), "check_count consecutive_checks"),
    **_all(Part(Role.SAMPLES), "min_sample_size min_samples"),
    **_all(Part(Role.ACTION), "action actions auto_rollback"),
    **_all(Part(Role.ENABLED), "enabled"),
    **_all(Part(Role.UNIT), "unit units"),
    **_all(Part(Role.RATIO), "baseline_multiplier"),
    **_all(Part(Role.QUEUE), "queue_name"),
    **_all(Part(Role.LEFT, reason=INTERVAL), "check_interval_seconds check_interval_ms"),
    **_all(Part(Role.LEFT, reason=SEVERITY), "severity priority"),
    **_all(Part(Role.LEFT, reason=TEXT), "description rationale comment note notes name title"),
}
"""By the key below the gate, in snake case; `threshold: {…}` around it changes nothing."""


@frozen
class Flat:
    """A key that names gate and limit in one word; `hold` is what its own name says about how long (a settings key)."""

    gate: str
    unit: str = ""
    hold: tuple[tuple[str, tuple[int, int]], ...] = ()
    why: str = ""


_P95 = "the file gives no window; over 5 looks in a hundred are over 1 in 20"
_P99 = "the file gives no window; the highest of a hundred looks may be above, not two"

FLAT: dict[str, Flat] = {
    "response_time_max_ms": Flat("response_time", "ms", why="a maximum: each look is judged"),
    "response_time_p95_ms": Flat("response_time_p95", "ms", (("of_last", (2, 20)),), _P95),
    "response_time_p99_ms": Flat("response_time_p99", "ms", (("of_last", (2, 100)),), _P99),
    "error_rate_max_percent": Flat("error_rate", "percent"),
    "error_rate_threshold": Flat("error_rate"),
    "availability_threshold": Flat("availability"),
    "cpu_usage_max_percent": Flat("cpu_usage", "percent"),
    "cpu_usage_threshold": Flat("cpu_usage"),
    "memory_usage_max_percent": Flat("memory_usage", "percent"),
    "memory_usage_threshold": Flat("memory_usage"),
    "disk_usage_max_percent": Flat("disk_usage", "percent"),
    "disk_usage_threshold": Flat("disk_usage"),
    "failure_threshold": Flat("health", "nth"),
}
_WINDOWS = ("_window_minutes", "_time_window", "_window")


@frozen
class Piece:
    """One value that belongs to a gate of an environment."""

    leaf: Node
    key: str
    part: Part
    flat: Flat | None = None


def nested(leaf: Node, keys: tuple[str, ...]) -> Piece:
    """The piece of a gate that has its own mapping; without keys the leaf is the bare limit.

    An unknown key may change what the gate means, so that only sentences (text with spaces) are taken for prose.
    """
    inner = ".".join(keys[1:] if len(keys) > 1 and keys[0] == "threshold" else keys) or "threshold"
    prose = isinstance(leaf.value, str) and " " in leaf.value.strip()
    return Piece(leaf, inner, PARTS.get(inner, Part(Role.LEFT, reason=TEXT) if prose else Part(Role.UNKNOWN)))


def flat(leaf: Node, name: str) -> tuple[Subject, Piece] | None:
    """The subject and piece of a word that names both (`p95_hash_time_window`); None where it means nothing."""
    if (meant := FLAT.get(name)) is not None and (subject := subject_of(meant.gate)) is not None:
        return subject, Piece(leaf, "threshold", Part(Role.LIMIT, meant.unit), meant)
    if (found := subject_of(name)) is not None:
        return found, Piece(leaf, "threshold", Part(Role.LIMIT))
    for ending in _WINDOWS:
        if name.endswith(ending) and (found := subject_of(name.removesuffix(ending))) is not None:
            return found, Piece(leaf, "window", Part(Role.WINDOW, "m"))
    return None


UNWATCHED = {
    "throughput_min_rps": "no signal of ours counts requests per second",
    "network_latency_ms": "the network alone is not measured, only the service's whole answer (health.latency)",
}
"""Limits of which the cause is known why no gate can be made of them."""
