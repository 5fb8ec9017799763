"""Looks at the queue of the service, several times, and says its backlog, its rates, and whether it drains."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dhash_guard.config.verbs import QueueSettings
from dhash_guard.errors import CannotTell, GuardError, NoGo, UsageProblem
from dhash_guard.gates.drainage import Drainage, Flow, QueueLook, drainage
from dhash_guard.records.canonical import loads
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.reading import finite
from dhash_guard.system.http import NoAnswer


class Growing(NoGo):
    """The queue grows; `findings` has every look."""

    code = "queue-growing"


@frozen(kw_only=True)
class Looked:
    """Every look that was answered, what became of the others, and the judgement."""

    looks: tuple[QueueLook, ...]
    findings: tuple[Finding, ...]
    drainage: Drainage


def status(run: Guarded, *, samples: int, interval: float) -> tuple[Evidence, Looked | None]:
    """The `queue status` verb: exit 0 draining or stable, 1 growing, 3 cannot tell."""
    held: list[Looked] = []
    try:
        run.stage("queue", lambda: prove_drained(run, samples=samples, interval=interval, into=held))
    except UsageProblem:
        raise
    except GuardError as problem:
        evidence = run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    else:
        evidence = run.seal(run.evidence(result=held[0].drainage.flow.value, exit_code=0))
    return evidence, held[0] if held else None


def prove_drained(run: Guarded, *, samples: int, interval: float, into: list[Looked] | None = None) -> Done:
    """Look `samples` times, `interval` seconds apart; raise Growing, or CannotTell where it is not shown to drain."""
    looked = look(run, samples=samples, interval=interval)
    if into is not None:
        into.append(looked)
    verdict = looked.drainage
    text = sentence(verdict)
    if verdict.flow is Flow.GROWING:
        raise Growing(text, cure="See what the workers do; a rollback does not empty a queue.", findings=looked.findings)
    if verdict.flow is Flow.CANNOT_TELL:
        silent = next((finding.text for finding in looked.findings if finding.status is not StageStatus.PASSED), "")
        cure = (
            "Look longer: more --samples." if looked.looks else "See that the service runs, and mend base_url or queue.path."
        )
        raise CannotTell(f"{text} ({silent})" if silent else text, cure=cure, findings=looked.findings)
    return Done(text, looked.findings)


def look(run: Guarded, *, samples: int, interval: float) -> Looked:
    """Ask the queue's endpoint; raise UsageProblem where the environment has none."""
    settings = run.configuration.environment.queue
    if settings is None:
        raise UsageProblem(
            f"environment {run.environment} has no queue",
            where=str(run.configuration.path),
            cure="Add queue: {path: /api/dhash/queue/status, length_at: low_confidence}.",
        )
    url = base_url(run.configuration).rstrip("/") + settings.path
    looks: list[QueueLook] = []
    findings: list[Finding] = []
    for number in range(1, samples + 1):
        seen = _look(run, settings, url)
        answered = isinstance(seen, QueueLook)
        text = _told(seen) if isinstance(seen, QueueLook) else seen
        if isinstance(seen, QueueLook):
            looks.append(seen)
        kept = StageStatus.PASSED if answered else StageStatus.CANNOT_TELL
        findings.append(Finding(check=f"look {number}", status=kept, text=text))
        run.log.line("info" if answered else "warning", f"queue: {text}")
        if number < samples:
            run.machine.clock.sleep(interval)
    return Looked(looks=tuple(looks), findings=tuple(findings), drainage=drainage(looks))


def sentence(verdict: Drainage) -> str:
    """Backlog, direction and rates in one line."""
    parts = [verdict.flow.value.replace("-", " ")]
    if verdict.backlog is not None:
        parts.insert(0, f"{verdict.backlog:g} waiting")
    if verdict.grows_by is not None:
        parts.append(f"backlog {verdict.grows_by:+.3g} per second")
    if verdict.processes is not None:
        parts.append(f"{verdict.processes:.3g} processed per second")
    return f"{', '.join(parts)}: {verdict.reason}"


def as_data(looked: Looked) -> dict[str, Any]:
    """The queue as --json gives it; rates are entries per second, null where nothing tells them."""
    verdict = looked.drainage
    return {
        "length": verdict.backlog,
        "drainage": verdict.flow.value,
        "reason": verdict.reason,
        "processing_rate": verdict.processes,
        "backlog_rate": verdict.grows_by,
        "looks": [{"at": seen.at, "length": seen.length, "processed": seen.processed} for seen in looked.looks],
    }


def _look(run: Guarded, settings: QueueSettings, url: str) -> QueueLook | str:
    """One look, or why there is none."""
    answer = run.machine.http.request("GET", url, timeout=settings.timeout)
    at = round(run.machine.clock.monotonic(), 3)
    if isinstance(answer, NoAnswer):
        return f"{answer.trouble.value} ({answer.detail})"
    if answer.status != 200:
        return f"HTTP {answer.status}"
    try:
        document = loads(answer.body)
    except ValueError:
        return f"{len(answer.body)} bytes that are no JSON"
    length = _number(document, settings.length_at)
    if isinstance(length, str):
        return length
    processed = _number(document, settings.processed_at) if settings.processed_at is not None else None
    if isinstance(processed, str):
        return processed
    return QueueLook(at, length, processed)


def _number(document: Any, at: str) -> float | str:
    found = find(document, at)
    if isinstance(found, Missing):
        return f"nothing at {at}"
    number = finite(found)
    if number is None or number < 0:
        return f"{at} is no number of entries"
    return number


def _told(seen: QueueLook) -> str:
    return f"{seen.length:g} waiting" + (f", {seen.processed:g} processed so far" if seen.processed is not None else "")
