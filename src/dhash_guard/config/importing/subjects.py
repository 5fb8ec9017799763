"""Decides what a gate of a foreign file is about: which of our gates it becomes, and which signal that reads."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.config.importing.patterns import snake


@frozen(kw_only=True)
class Subject:
    """Something that can be watched: our name for its gate, the signal, and what a limit without a unit counts.

    `unit` is percent, ms, count, or looks (consecutive ones). `core` gates are the four that every document rolls back
    for; `host` ones are about the machine; `least` means that less is worse.
    """

    gate: str
    signal: str
    unit: str
    core: bool = False
    host: bool = False
    least: bool = False
    names: tuple[str, ...] = ()


SUBJECTS = (
    Subject(
        gate="health", signal="health", unit="looks", core=True,
        names=("health", "health_failures", "health_failure", "health_checks", "health_check_failures"),
    ),
    Subject(
        gate="extraction", signal="extraction_failure_rate", unit="percent", core=True,
        names=("extraction_failure_rate", "extraction_failures_rate", "extraction_failures", "extraction_failure"),
    ),
    Subject(gate="p95-hash-time", signal="p95_hash_time", unit="ms", core=True, names=("p95_hash_time", "hash_time_p95")),
    Subject(
        gate="low-confidence", signal="low_confidence_queue", unit="count", core=True,
        names=(
            "low_confidence_queue", "low_confidence_queue_length", "low_confidence_queue_size", "queue_length",
            "low_confidence",
        ),
    ),
    Subject(gate="error-rate", signal="error_rate", unit="percent", names=("error_rate", "general_error_rate")),
    Subject(gate="memory", signal="host.memory", unit="percent", host=True, names=("memory_usage", "memory")),
    Subject(gate="cpu", signal="host.cpu", unit="percent", host=True, names=("cpu_usage", "cpu")),
    Subject(gate="disk", signal="host.disk", unit="percent", host=True, names=("disk_usage", "disk")),
    Subject(gate="latency", signal="health.latency", unit="ms", names=("response_time",)),
    Subject(gate="latency-p95", signal="health.latency", unit="ms", names=("response_time_p95",)),
    Subject(gate="latency-p99", signal="health.latency", unit="ms", names=("response_time_p99",)),
    Subject(gate="availability", signal="health.success_ratio", unit="percent", least=True, names=("availability",)),
)  # fmt: skip

_BY_NAME = {name: subject for subject in SUBJECTS for name in subject.names}


def subject_of(name: str) -> Subject | None:
    """What a gate of this name is about, in any spelling; None where nothing of ours could watch it."""
    return _BY_NAME.get(snake(name))


def known() -> list[str]:
    """The names that are understood, one for each subject."""
    return [subject.names[0] for subject in SUBJECTS]
