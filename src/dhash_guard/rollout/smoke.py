"""Runs the smoke checks: small requests and commands, each with what to expect of its answer."""

from __future__ import annotations

import json
import re
from typing import Any

from dhash_guard.config.verbs import SmokeCheck
from dhash_guard.errors import CannotTell, NoGo, OutsideSilent, UsageProblem
from dhash_guard.records.canonical import loads
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.report.words import plural
from dhash_guard.rollout import deployments
from dhash_guard.rollout.commands import run_command
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.signals.path import Missing, find
from dhash_guard.system.http import Answer, NoAnswer


class SmokeFailed(NoGo):
    """At least one smoke check failed; `findings` has all of them."""

    code = "smoke-failed"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        bad = [finding for finding in findings if finding.status is not StageStatus.PASSED]
        text = f"{len(bad)} of {plural(len(findings), 'smoke check')} failed: {bad[0].check}: {bad[0].text}"
        super().__init__(text, findings=findings)


def prove_smoke(run: Guarded, *, quick: bool, address: str | None = None, timeout: float | None = None) -> Done:
    """Run every check (or only those marked quick); raise SmokeFailed after all of them ran, CannotTell without any."""
    checks = [check for check in run.configuration.environment.smoke if check.quick or not quick]
    if not checks:
        raise CannotTell("no smoke checks to run", cure="Add checks under smoke:, or mark some quick: true.")
    findings = tuple(_checked(run, check, address, timeout) for check in checks)
    for finding in findings:
        level = "info" if finding.status is StageStatus.PASSED else "error"
        run.log.line(level, f"smoke {finding.check} {finding.status.value}: {finding.text}", seconds=finding.seconds)
    if any(finding.status is not StageStatus.PASSED for finding in findings):
        raise SmokeFailed(findings)
    return Done(f"{len(findings)} of {plural(len(findings), 'check')} passed", findings)


def smoke(run: Guarded, *, quick: bool, address: str | None, timeout: float | None) -> Evidence:
    """The `smoke` verb; exit 0 or 1."""
    try:
        run.stage("smoke", lambda: prove_smoke(run, quick=quick, address=address, timeout=timeout))
    except SmokeFailed as problem:
        return run.seal(run.evidence(result="failed", exit_code=problem.exit_code))
    return run.seal(run.evidence(result="passed", exit_code=0))


def _checked(run: Guarded, check: SmokeCheck, address: str | None, timeout: float | None) -> Finding:
    limit = timeout if timeout is not None else float(check.timeout)
    began = run.machine.clock.monotonic()
    problem, said = _by_command(run, check, limit) if check.run is not None else _by_request(run, check, address, limit)
    return Finding(
        check=check.name,
        status=StageStatus.FAILED if problem else StageStatus.PASSED,
        text=problem or said,
        seconds=round(run.machine.clock.monotonic() - began, 4),
    )


def _by_command(run: Guarded, check: SmokeCheck, limit: float) -> tuple[str, str]:
    assert check.run is not None
    try:
        finished = run_command(run, check.run, {"tag": _tag(run)}, timeout=limit, changes=False)
    except (NoGo, OutsideSilent, UsageProblem) as problem:
        return problem.what, ""
    return "", f"exit 0 after {finished.seconds:.1f} s"


def _tag(run: Guarded) -> str:
    """The release that stands there: a rollback or a check by hand is not told which."""
    latest = deployments.legible(run.configuration)
    return run.facts.tag or (latest.tag if latest is not None else "")


def _by_request(run: Guarded, check: SmokeCheck, address: str | None, limit: float) -> tuple[str, str]:
    """What is wrong (empty: nothing), and what was seen."""
    method, path = next((verb, where) for verb in ("get", "head", "post") if (where := getattr(check, verb)) is not None)
    url = (address or base_url(run.configuration)).rstrip("/") + path
    answer = run.machine.http.request(method.upper(), url, timeout=limit, json_body=check.json)
    if isinstance(answer, NoAnswer):
        return f"{method.upper()} {path}: {answer.trouble.value} ({answer.detail})", ""
    problems = list(_faults(check, answer))
    took = f"{answer.seconds * 1000:.0f} ms"
    return (f"{method.upper()} {path}: {'; '.join(problems)}" if problems else ""), f"HTTP {answer.status}, {took}"


def _faults(check: SmokeCheck, answer: Answer) -> Any:
    if answer.status != check.expect:
        yield f"HTTP {answer.status}, expected {check.expect}"
    if check.below is not None and answer.seconds >= check.below:
        yield f"took {answer.seconds * 1000:.0f} ms, must be below {check.below * 1000:g} ms"
    for name, value in check.headers.items():
        if value.lower() not in answer.headers.get(name.lower(), "").lower():
            yield f"header {name} is {answer.headers.get(name.lower(), 'missing')!r}, expected {value!r}"
    text = answer.body.decode("utf-8", "replace")
    if check.contains is not None and check.contains not in text:
        yield f"the answer does not contain {check.contains!r}"
    if check.at is not None:
        text = ""
        try:
            found = find(loads(answer.body), check.at)
        except ValueError:
            yield "the answer is not JSON"
            return
        if isinstance(found, Missing):
            yield f"nothing at {check.at}"
            return
        text = found if isinstance(found, str) else json.dumps(found)
    if check.matches is not None and not re.search(check.matches, text):
        yield f"{check.at or 'the answer'} is {text[:60]!r}, which does not match {check.matches!r}"
    if check.equals is not None and text != check.equals:
        yield f"{check.at or 'the answer'} is {text[:60]!r}, expected {check.equals!r}"
