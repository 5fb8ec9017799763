"""Healthy needs the expected code and a word that says so; all else is a warning or unhealthy."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health
from dhash_guard.signals.health import HealthSettings, HealthSource
from dhash_guard.system.http import NoAnswer, Trouble
from unit.signals.canned import Canned, answer

PLAIN = HealthSettings()
CODE_ONLY = HealthSettings(status_at=None)
DEEP = HealthSettings(expect=204, status_at="checks.0.state", ok=("Green",), warn=("Amber",))


@pytest.mark.parametrize(
    ("settings", "reply", "health"),
    [
        *[(PLAIN, answer({"status": word}), Health.HEALTHY) for word in ("ok", "OK", "Healthy", "up", "pass")],
        *[(PLAIN, answer({"status": word}), Health.WARNING) for word in ("degraded", "WARNING")],
        *[
            (PLAIN, answer({"status": word}), Health.UNHEALTHY)
            for word in ("unhealthy", "down", "", "not ok", 1, True, None)
        ],
        (PLAIN, answer({"status": "ok"}, 503), Health.UNHEALTHY),
        (PLAIN, answer({"status": "ok"}, 201), Health.UNHEALTHY),
        (PLAIN, answer({"status": "degraded"}, 500), Health.UNHEALTHY),
        (PLAIN, answer({}), Health.UNHEALTHY),
        (PLAIN, answer(["ok"]), Health.UNHEALTHY),
        (PLAIN, answer(b"ok"), Health.UNHEALTHY),
        (PLAIN, answer(b""), Health.UNHEALTHY),
        (CODE_ONLY, answer(b"anything"), Health.HEALTHY),
        (CODE_ONLY, answer({"status": "unhealthy"}, 500), Health.UNHEALTHY),
        (DEEP, answer({"checks": [{"state": "GREEN"}]}, 204), Health.HEALTHY),
        (DEEP, answer({"checks": [{"state": "amber"}]}, 204), Health.WARNING),
        (DEEP, answer({"checks": [{"state": "green"}]}, 200), Health.UNHEALTHY),
        (PLAIN, NoAnswer(Trouble.UNREACHABLE, "refused"), Health.UNHEALTHY),
        (PLAIN, NoAnswer(Trouble.TIMEOUT, "5 s"), Health.UNHEALTHY),
        (PLAIN, NoAnswer(Trouble.REDIRECT, "elsewhere"), Health.UNHEALTHY),
    ],
)
def test_code_and_word(settings: HealthSettings, reply: Any, health: Health) -> None:
    seen = HealthSource(settings, "http://x", Canned(reply)).sample()
    assert seen["health"] is health
    assert seen["health.success_ratio"] == Counts(float(health is not Health.UNHEALTHY), 1.0, running=True)


@pytest.mark.parametrize(
    ("trouble", "kind"), [(Trouble.UNREACHABLE, AbsenceKind.UNREACHABLE), (Trouble.TIMEOUT, AbsenceKind.TIMEOUT)]
)
def test_without_an_answer_there_is_no_latency(trouble: Trouble, kind: AbsenceKind) -> None:
    seen = HealthSource(PLAIN, "http://x", Canned(NoAnswer(trouble, "why"))).sample()["health.latency"]
    assert seen == Absence(kind, f"{trouble.value}: why")


def test_the_ratio_counts_from_where_the_watch_had_come() -> None:
    source = HealthSource(PLAIN, "http://x/", Canned(answer({"status": "ok"})), Counts(3.0, 4.0, running=True))
    assert source.sample()["health.success_ratio"] == Counts(4.0, 5.0, running=True)
