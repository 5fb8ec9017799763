"""Decides the words, symbols and tones by which people know a status; a symbol never stands without its word."""

from __future__ import annotations

import math

from attrs import frozen

from dhash_guard.records.layout import iso
from dhash_guard.records.outcome import Status
from dhash_guard.records.stage import StageStatus
from dhash_guard.records.units import Dimension, format_duration, format_value


@frozen
class Mark:
    """A status as it is shown: symbol, word, and the tone that colours it."""

    symbol: str
    word: str
    tone: str


GATES = {
    Status.HEALTHY: Mark("✅", "healthy", "good"),
    Status.DEGRADED: Mark("❌", "degraded", "bad"),
    Status.CANNOT_TELL: Mark("❔", "cannot tell", "unknown"),
    Status.NOT_JUDGED: Mark("➖", "not judged", "quiet"),
}
WARNED = Mark("⚠️", "warning", "warn")
CLEARED = Mark("⚠️", "alerted, cleared", "warn")
STAGES = {
    StageStatus.PASSED: Mark("✅", "passed", "good"),
    StageStatus.FAILED: Mark("❌", "failed", "bad"),
    StageStatus.CANNOT_TELL: Mark("❔", "cannot tell", "unknown"),
    StageStatus.SKIPPED: Mark("➖", "skipped", "quiet"),
    StageStatus.PLANNED: Mark("📝", "planned", "quiet"),
}


def dimension_of(word: str) -> Dimension:
    """The dimension that evidence names; anything else (a health word) is written as a bare number."""
    return Dimension(word) if word in {d.value for d in Dimension} else Dimension.COUNT


def number(value: float, dimension: Dimension) -> str:
    """A number for people; evidence may come from strangers, so what is not finite or absurd is still written."""
    return format_value(value, dimension) if math.isfinite(value) and abs(value) < 1e15 else f"{value:.4g}"


def span(seconds: float) -> str:
    """A duration for people: `1m30s`; nothing is `0s`, nonsense is a question mark."""
    if not math.isfinite(seconds):
        return "?"
    return format_duration(max(seconds, 0.0)) or "0s"


def moment(at: float) -> str:
    """A UTC time for people, to the second; nonsense is written as the number it is."""
    return f"{iso(at)[:19].replace('T', ' ')} UTC" if 0 <= at < 1e11 else f"{at:.4g}"


def clock(seconds: float) -> str:
    """A span since the start: +0:07, +12:30, +1:02:03."""
    if not math.isfinite(seconds):
        return "?"
    sign, whole = ("-" if seconds < -0.5 else "+"), round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours}:{minutes:02d}:{left:02d}" if hours else f"{sign}{minutes}:{left:02d}"


def tally(counts: dict[str, int]) -> str:
    """`timeout ×12, stale ×3`: the most frequent first."""
    return ", ".join(f"{word} ×{count}" for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def plural(count: int, noun: str) -> str:
    """`1 gate`, `2 gates`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def sentences(text: str) -> str:
    """The lines of a message as sentences of one line: what went wrong, and what to do about it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ended = [line if line.endswith((".", ":", ";", ",")) else f"{line}." for line in lines[:-1]]
    return " ".join([*ended, *lines[-1:]])
