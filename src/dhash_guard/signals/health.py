"""Asks a service how it is: status code and status word must both say yes, and an unreachable service is unhealthy."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from dhash_guard.records.canonical import loads
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Value
from dhash_guard.records.units import Dimension, Seconds
from dhash_guard.signals.endpoint import absence_of
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.source import Dimensions
from dhash_guard.system.http import Http, NoAnswer


@frozen(kw_only=True)
class HealthSettings:
    """The `health:` section. With `status_at` the body must be JSON and carry one of the words; else the code decides."""

    path: str = "/health"
    expect: int = 200
    status_at: str | None = "status"
    ok: tuple[str, ...] = ("ok", "healthy", "up", "pass")
    warn: tuple[str, ...] = ("degraded", "warning")
    timeout: Seconds = Seconds(5.0)


@frozen
class HealthLook:
    """One look: the state, why, and the seconds to the complete answer (None without one; `missing` then says why)."""

    health: Health
    reason: str
    seconds: float | None
    missing: AbsenceKind = AbsenceKind.UNREACHABLE


def dimensions() -> Dimensions:
    """The signals that every environment has."""
    return {"health": None, "health.latency": Dimension.TIME, "health.success_ratio": Dimension.RATIO}


def counted() -> frozenset[str]:
    """Those of them that are ratios kept as counts."""
    return frozenset({"health.success_ratio"})


def look(settings: HealthSettings, base_url: str, http: Http) -> HealthLook:
    """Probe once."""
    answer = http.request("GET", base_url.rstrip("/") + settings.path, timeout=settings.timeout)
    if isinstance(answer, NoAnswer):
        return HealthLook(Health.UNHEALTHY, f"{answer.trouble.value}: {answer.detail}", None, absence_of(answer).kind)
    if answer.status != settings.expect:
        return HealthLook(Health.UNHEALTHY, f"HTTP {answer.status}, expected {settings.expect}", answer.seconds)
    if settings.status_at is None:
        return HealthLook(Health.HEALTHY, f"HTTP {answer.status}", answer.seconds)
    health, reason = _word(settings, answer.body)
    return HealthLook(health, f"HTTP {answer.status}, {reason}", answer.seconds)


def _word(settings: HealthSettings, body: bytes) -> tuple[Health, str]:
    """What the status word of the body says; a body without a readable word is not healthy."""
    assert settings.status_at is not None
    try:
        document = loads(body)
    except ValueError:
        return Health.UNHEALTHY, "body is not JSON"
    word = find(document, settings.status_at)
    if isinstance(word, Missing) or not isinstance(word, str):
        return Health.UNHEALTHY, f"no status word at {settings.status_at}"
    lower = word.lower()
    if lower in {known.lower() for known in settings.ok}:
        return Health.HEALTHY, f"status {word}"
    if lower in {known.lower() for known in settings.warn}:
        return Health.WARNING, f"status {word}"
    return Health.UNHEALTHY, f"status {word}"


class HealthSource:
    """The signals `health`, `health.latency` and `health.success_ratio` (counts since the watch began)."""

    def __init__(self, settings: HealthSettings, base_url: str, http: Http, so_far: Counts | None = None) -> None:
        self._settings = settings
        self._base_url = base_url
        self._http = http
        self._counts = so_far or Counts(0.0, 0.0, running=True)
        self.latest: HealthLook | None = None

    def sample(self) -> Mapping[str, Value]:
        seen = self.latest = look(self._settings, self._base_url, self._http)
        good = seen.health is not Health.UNHEALTHY
        self._counts = Counts(self._counts.part + good, self._counts.whole + 1, running=True)
        latency: Value = Absence(seen.missing, seen.reason) if seen.seconds is None else round(seen.seconds, 6)
        return {"health": seen.health, "health.latency": latency, "health.success_ratio": self._counts}
