"""Runs a release's extraction over the library's pictures, one at a time, and measures it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import library
from metrics import Metrics
from release import ExtractionError, Release


class UnknownComponentError(Exception):
    """No component of the library has this id or kind."""


@dataclass(frozen=True)
class Result:
    component: str
    dhash: str
    confidence: float
    ms: float


class Worker:
    """One lock around the work: a measured time is of the work itself, not of sharing a processor."""

    def __init__(self, root: Path, document: library.Document, release: Release, metrics: Metrics) -> None:
        self._release = release
        self._metrics = metrics
        self._busy = threading.Lock()
        self._counting = threading.Lock()
        self._pending = 0
        self._pictures: dict[str, Path] = {}
        self._first_of_kind: dict[str, str] = {}
        for component in document["components"]:
            self._pictures[component["id"]] = root / component["image"]
            self._first_of_kind.setdefault(component["kind"], component["id"])

    @property
    def pending(self) -> int:
        """Requests which wait for their turn; the one being worked on is not among them."""
        return self._pending

    def hash(self, name: str) -> Result:
        """Hash the component with this id, or the first one of this kind."""
        component = name if name in self._pictures else self._first_of_kind.get(name)
        if component is None:
            raise UnknownComponentError(f"no component or kind {name!r}")
        self._count(+1)
        with self._busy:
            self._count(-1)
            return self._measured(component)

    def _count(self, step: int) -> None:
        with self._counting:
            self._pending += step

    def _measured(self, component: str) -> Result:
        confidence = None  # stays so unless the extraction succeeds, whatever it raises
        start = time.perf_counter()
        try:
            dhash, confidence = self._release.extract(self._pictures[component].read_bytes())
        except OSError as error:
            raise ExtractionError(f"picture of {component}: {error.strerror}") from error
        finally:
            seconds = time.perf_counter() - start
            self._metrics.record(seconds, confidence)
        return Result(component, dhash, round(confidence, 4), round(seconds * 1000, 3))
