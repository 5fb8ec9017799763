"""Asks whether the service is healthy now: so many times in a row, with so many further tries."""

from __future__ import annotations

from attrs import evolve

from dhash_guard.config import Configuration
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Health
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.report.words import plural
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.signals.health import HealthLook, look


class Unhealthy(NoGo):
    """The service did not answer as healthy; `findings` has every look."""

    code = "unhealthy"


def base_url(configuration: Configuration) -> str:
    """The environment's address; raise UsageProblem where there is none."""
    if configuration.environment.base_url is None:
        raise UsageProblem(f"environment {configuration.name} has no base_url", where=str(configuration.path))
    return configuration.environment.base_url


def prove_healthy(
    run: Guarded, *, consecutive: int, apart: float, retries: int | None = None, patience: float = 0.0
) -> Done:
    """Look until the service was healthy `consecutive` times in a row, `apart` seconds between looks.

    After a look that is not healthy the run starts over, at most `retries` times, or for `patience` seconds where
    `retries` is None. Raise Unhealthy when that is used up. A warning counts as healthy and is told.
    """
    settings = run.configuration.environment.health
    url = base_url(run.configuration)
    clock = run.machine.clock
    deadline = clock.monotonic() + patience
    findings: list[Finding] = []
    in_a_row = failures = 0
    while True:
        seen = look(settings, url, run.machine.http)
        findings.append(_finding(seen, len(findings) + 1))
        run.log.line("info", f"health {seen.health.value}: {seen.reason}, response time {_ms(seen)}")
        if seen.health is Health.UNHEALTHY:
            failures, in_a_row = failures + 1, 0
            used_up = failures > retries if retries is not None else clock.monotonic() >= deadline
            if used_up:
                raise Unhealthy(
                    f"not healthy after {plural(len(findings), 'look')}: {seen.reason}", findings=tuple(findings)
                )
        else:
            in_a_row += 1
            if in_a_row >= consecutive:
                return Done(
                    f"{in_a_row} of {consecutive} in a row, {seen.reason}, response time {_ms(seen)}", tuple(findings)
                )
        clock.sleep(apart)


def health(run: Guarded, *, consecutive: int, apart: float, retries: int) -> Evidence:
    """The `health` verb; exit 0 or 1."""
    try:
        run.stage("health", lambda: prove_healthy(run, consecutive=consecutive, apart=apart, retries=retries))
    except Unhealthy as problem:
        return run.seal(run.evidence(result="unhealthy", exit_code=problem.exit_code))
    return run.seal(run.evidence(result="healthy", exit_code=0))


def _finding(seen: HealthLook, number: int) -> Finding:
    status = StageStatus.FAILED if seen.health is Health.UNHEALTHY else StageStatus.PASSED
    plain = Finding(check=f"look {number}", status=status, text=f"{seen.health.value}: {seen.reason}")
    return plain if seen.seconds is None else evolve(plain, seconds=round(seen.seconds, 4))


def _ms(seen: HealthLook) -> str:
    return "none" if seen.seconds is None else f"{seen.seconds * 1000:.0f} ms"
