"""Counts the work done since the start and within the window, and decides how it is told."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from review import ReviewQueue
from window import Clock, Summary, Window

BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram in seconds."""


@dataclass(frozen=True)
class Totals:
    """Everything since the service started, and the window, seen at one moment."""

    window: Summary
    extractions: int
    failures: int
    seconds: float
    buckets: tuple[int, ...]
    low_confidence: int

    @property
    def hashes(self) -> int:
        return self.extractions - self.failures


class Metrics:
    """Safe to use from many threads; no number is ever seen half updated."""

    def __init__(self, window: float, unsure_below: float, reviews_per_second: float, clock: Clock = time.monotonic) -> None:
        self.window_seconds = window
        self._unsure_below = unsure_below
        self._lock = threading.Lock()
        self._window = Window(window, clock)
        self._review = ReviewQueue(reviews_per_second, clock)
        self._extractions = 0
        self._failures = 0
        self._seconds = 0.0
        self._buckets = [0] * (len(BUCKETS) + 1)

    def record(self, seconds: float, confidence: float | None) -> None:
        """Count one extraction; `confidence` is None when it failed."""
        with self._lock:
            self._window.add(seconds, failed=confidence is None)
            self._extractions += 1
            self._seconds += seconds
            self._buckets[bisect_left(BUCKETS, seconds)] += 1
            if confidence is None:
                self._failures += 1
            elif confidence < self._unsure_below:
                self._review.put()

    def totals(self) -> Totals:
        with self._lock:
            return Totals(
                window=self._window.summary(),
                extractions=self._extractions,
                failures=self._failures,
                seconds=self._seconds,
                buckets=tuple(accumulate(self._buckets)),
                low_confidence=len(self._review),
            )


def timestamp() -> str:
    """Now, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def as_json(totals: Totals, window_seconds: float) -> dict[str, float | str | None]:
    """The flat form a simple watcher reads. Times, rate and the two counts are of the window."""
    return {
        "avg_hash_time": rounded(totals.window.average_ms),
        "p95_hash_time": rounded(totals.window.p95_ms),
        "extraction_failures_rate": rounded(totals.window.failure_percent),
        "extraction_failures": totals.window.failures,
        "extractions": totals.window.extractions,
        "low_confidence_queue_length": totals.low_confidence,
        "total_hashes_generated": totals.hashes,
        "window_seconds": window_seconds,
        "timestamp": timestamp(),
    }


def as_prometheus(totals: Totals, version: str, release: str) -> str:
    """The same in Prometheus' text format; a gauge without a value is left out, not set to 0."""
    lines: list[str] = []

    def family(name: str, kind: str, help_text: str, *samples: tuple[str, float | None]) -> None:
        known = [f"{name}{suffix} {value:.10g}" for suffix, value in samples if value is not None]
        if known:
            lines.extend((f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *known))

    window = totals.window
    bounds = [f"{bound:g}" for bound in BUCKETS] + ["+Inf"]
    counted = zip(bounds, totals.buckets, strict=True)
    buckets = [(f'_bucket{{le="{bound}"}}', float(count)) for bound, count in counted]
    labels = f'{{release="{label(release)}",version="{label(version)}"}}'

    family("dhash_build_info", "gauge", "The release being run.", (labels, 1))
    family("dhash_extractions_total", "counter", "Extractions tried.", ("", totals.extractions))
    family("dhash_extraction_failures_total", "counter", "Extractions which failed.", ("", totals.failures))
    family("dhash_hashes_generated_total", "counter", "Hashes generated.", ("", totals.hashes))
    family(
        "dhash_low_confidence_queue_length",
        "gauge",
        "Low-confidence hashes waiting for review.",
        ("", totals.low_confidence),
    )
    family(
        "dhash_hash_time_avg_milliseconds",
        "gauge",
        "Mean time of an extraction within the window.",
        ("", window.average_ms),
    )
    family(
        "dhash_hash_time_p95_milliseconds",
        "gauge",
        "95th percentile of the time of an extraction within the window.",
        ("", window.p95_ms),
    )
    family(
        "dhash_extraction_failures_rate_percent",
        "gauge",
        "Share of the extractions within the window which failed.",
        ("", window.failure_percent),
    )
    family("dhash_window_extractions", "gauge", "Extractions within the window.", ("", window.extractions))
    family(
        "dhash_hash_seconds",
        "histogram",
        "Time of an extraction.",
        *buckets,
        ("_sum", totals.seconds),
        ("_count", totals.extractions),
    )
    return "\n".join(lines) + "\n"


def label(value: str) -> str:
    """A label's value with the characters escaped which the format gives a meaning to."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
