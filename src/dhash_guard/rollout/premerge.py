"""Rehearses a deployment before the merge: every leg runs, each leaves its log, and one result says how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from attrs import evolve

from dhash_guard.config.schema import Environment
from dhash_guard.config.verbs import Leg
from dhash_guard.errors import CannotTell, GuardError, NoGo, UsageProblem
from dhash_guard.github.context import read_context
from dhash_guard.records.canonical import loads
from dhash_guard.records.codec import to_data
from dhash_guard.records.context import RunContext
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import NAME, LegReport, LegStage
from dhash_guard.records.sample import Health
from dhash_guard.records.stage import Finding, StageResult, StageStatus
from dhash_guard.report.junit import junit
from dhash_guard.rollout.check import prove_ready
from dhash_guard.rollout.commands import run_command
from dhash_guard.rollout.health import base_url, prove_healthy
from dhash_guard.rollout.logs import prove_logs
from dhash_guard.rollout.migrate import plan_migration
from dhash_guard.rollout.proof import prove_backup
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.security import prove_secure
from dhash_guard.rollout.service import control
from dhash_guard.rollout.smoke import prove_smoke
from dhash_guard.rollout.transcript import Transcript
from dhash_guard.signals.health import look

LOGS = {
    Leg.DEPLOY: "deploy-dryrun.log",
    Leg.MIGRATE: "migrate-dryrun.log",
    Leg.SMOKE: "postdeploy-smoketests.log",
}
"""The documents' own names; every other leg is `<leg>.log`."""

PLAN = "deploy-dryrun.json"
"""The plan of the deployment as data; that of the migration is what its command writes."""

_NOTHING = {Leg.DEPLOY: "deploy", Leg.MIGRATE: "migrate", Leg.SMOKE: "smoke"}


def premerge(run: Guarded, *, leg: str, skipped: Sequence[str], tag: str) -> tuple[Evidence, LegReport]:
    """The `premerge` verb: 0 when every leg that ran passed, 1 when one failed, 3 when one could not be told.

    `leg` names this part of the matrix (an operating system). A leg the project has nothing for is skipped and said so;
    one that is left out on request cannot be told, unless the configuration names it in `premerge.may_skip`.
    """
    _known(run, leg, skipped)
    environ = run.machine.environ
    context = read_context(environ) if environ.get("GITHUB_EVENT_NAME") else None
    asked = run.configuration.premerge
    for name in asked.legs:
        if not provided(run.configuration.environment, name):
            run.skip(name.value, "not-configured", f"the project has no {name.value} section")
        elif name.value in skipped:
            run.skip(name.value, "skip", "left out on request" + (", as may_skip allows" if name in asked.may_skip else ""))
        else:
            _run_leg(run, name, tag)
    allowed = {leg.value for leg in asked.may_skip}
    unproven = [stage.name for stage in run.stages if stage.reason_code == "skip" and stage.name not in allowed]
    result, code = _result(run.stages, unproven)
    evidence = run.seal(run.evidence(result=result, exit_code=code))
    report = _report(run, leg, evidence, context)
    _leave(run, evidence, report)
    return evidence, report


def scan(run: Guarded) -> Evidence:
    """The `security` verb: that leg alone, with its log, for a job of its own; 0, 1 or 3."""
    _run_leg(run, Leg.SECURITY, "")
    result, code = _result(run.stages, ())
    evidence = run.seal(run.evidence(result=result, exit_code=code))
    run.machine.files.write_atomic(run.configuration.layout.artifacts / "junit.xml", junit(_with_cases(evidence)))
    return evidence


def provided(environment: Environment, leg: Leg) -> bool:
    """Whether the project has anything for this leg to look at."""
    return leg not in _NOTHING or bool(getattr(environment, _NOTHING[leg]))


def _report(run: Guarded, leg: str, evidence: Evidence, context: RunContext | None) -> LegReport:
    return LegReport(
        leg=leg,
        service=run.facts.service,
        environment=run.environment,
        commit=run.facts.commit,
        result=evidence.result,
        exit_code=evidence.exit_code,
        stages=tuple(_told(stage) for stage in evidence.stages),
        evidence=run.facts.id,
        head=context.sha if context is not None else "",
        run=context.run_id if context is not None else "",
        attempt=context.attempt if context is not None else 0,
    )


def _known(run: Guarded, leg: str, skipped: Sequence[str]) -> None:
    if not NAME.fullmatch(leg):
        raise UsageProblem(
            f"{leg[:80]!r} is no name for a part of the matrix", cure="Use letters, digits, dots, hyphens and underscores."
        )
    names = [leg.value for leg in run.configuration.premerge.legs]
    for name in skipped:
        if name not in names:
            raise UsageProblem(f"there is no leg {name!r} to skip", cure=f"The legs are {', '.join(names)}.")


def _run_leg(run: Guarded, leg: Leg, tag: str) -> None:
    """Run one leg; its failure is recorded and the next one runs all the same. Its log holds what its commands said."""
    work: dict[Leg, Callable[[], str | Done]] = {
        Leg.CHECK: lambda: prove_ready(run, reachable=False),
        Leg.BACKUP: lambda: run.vault.rehearse().text if run.machine.dry else prove_backup(run),
        Leg.DEPLOY: lambda: _plan(run, tag),
        Leg.MIGRATE: lambda: plan_migration(run, None, run.configuration.layout.artifacts / "migrate-dryrun.json"),
        Leg.SMOKE: lambda: _smoke(run),
        Leg.SECURITY: lambda: prove_secure(run),
        Leg.LOGGING: lambda: prove_logs(run),
    }
    run.machine.files.make_directory(run.configuration.layout.artifacts)
    machine, transcript = run.machine, Transcript(run.machine.processes)
    run.machine = evolve(machine, processes=transcript)
    try:
        run.stage(leg.value, work[leg])
    except GuardError as problem:
        run.say(f"{leg.value}: {problem}")
    finally:
        run.machine = machine
        _leave_log(run, leg, transcript.lines)


def _leave_log(run: Guarded, leg: Leg, said: Sequence[str]) -> None:
    """The log of a leg, as soon as it ended: whoever is killed later has it."""
    stage = next((stage for stage in run.stages if stage.name == leg.value), None)
    lines = [f"{leg.value} interrupted"] if stage is None else _written(stage)
    content = run.redactor.text("\n".join([*lines, "", *said] if said else lines) + "\n")
    path = run.configuration.layout.artifacts / LOGS.get(leg, f"{leg.value}.log")
    run.machine.files.write_atomic(path, content.encode("utf-8", "replace"))


def _written(stage: StageResult) -> list[str]:
    lines = [f"{stage.name} {stage.status.value}: {stage.text}"]
    for finding in stage.findings:
        word = "warning" if finding.warned else finding.status.value
        lines.append(f"{word} {finding.check}: {finding.text}" + (f" → {finding.cure}" if finding.cure else ""))
    return lines


def _plan(run: Guarded, tag: str) -> str:
    """What the deployment would do: as text in the leg's log, as data in deploy-dryrun.json."""
    settings = run.configuration.environment.deploy
    if settings is None or settings.plan is None:
        raise CannotTell("deploy has no plan command", cure="Give deploy.plan, a command that says what it would do.")
    finished = run_command(run, settings.plan, {"tag": tag}, timeout=settings.timeout, changes=False)
    lines = finished.output.splitlines()
    try:
        said = loads(finished.output)
    except ValueError:
        said = None  # most plans are text
    plan = {"command": list(finished.command), "tag": tag, "lines": lines, "data": said}
    content = json.dumps(run.redactor.data(plan), ensure_ascii=False, indent=2).encode("utf-8", "replace")
    run.machine.files.write_atomic(run.configuration.layout.artifacts / PLAN, content + b"\n")
    return " ".join(finished.output.split())[:2000] or "planned"


def _smoke(run: Guarded) -> Done:
    with _served(run):
        return prove_smoke(run, quick=False)


@contextmanager
def _served(run: Guarded) -> Iterator[None]:
    """Have the service running: as it is, or started for this leg and stopped again."""
    environment = run.configuration.environment
    if environment.base_url is None:
        yield
        return
    if look(environment.health, base_url(run.configuration), run.machine.http).health is not Health.UNHEALTHY:
        yield
        return
    if environment.service_control is None:
        raise NoGo("the service does not run here", cure="Start it before, or give service_control.")
    control(run, "start")
    try:
        prove_healthy(run, consecutive=1, apart=0.5, patience=30.0)
        yield
    finally:
        control(run, "stop")


def _result(stages: Sequence[StageResult], unproven: Sequence[str]) -> tuple[str, int]:
    statuses = {stage.status for stage in stages}
    if StageStatus.FAILED in statuses:
        return "no-go", NoGo.exit_code
    if StageStatus.CANNOT_TELL in statuses or StageStatus.PASSED not in statuses or unproven:
        return "cannot-tell", CannotTell.exit_code
    return "proceed", 0


def _told(stage: StageResult) -> LegStage:
    bad = [_sentence(f) for f in stage.findings if f.status not in (StageStatus.PASSED, StageStatus.SKIPPED)]
    warned = [_sentence(f) for f in stage.findings if f.warned]
    return LegStage(
        name=stage.name,
        status=stage.status,
        text=stage.text,
        findings=tuple(bad),
        warnings=tuple(warned),
        seconds=stage.seconds,
    )


def _sentence(finding: Finding) -> str:
    return f"{finding.check}: {finding.text}" + (f" → {finding.cure}" if finding.cure else "")


def _leave(run: Guarded, evidence: Evidence, report: LegReport) -> None:
    """Logs of legs that did not run, the result of this system, and JUnit, in the artifacts directory."""
    folder, files = run.configuration.layout.artifacts, run.machine.files
    files.make_directory(folder)
    for stage in evidence.stages:
        if stage.status is StageStatus.SKIPPED:
            _leave_log(run, Leg(stage.name), ())
    content = json.dumps(to_data(report), ensure_ascii=False, indent=2).encode("utf-8", "replace")
    files.write_atomic(folder / f"result-{report.leg}.json", content + b"\n")
    files.write_atomic(folder / "junit.xml", junit(_with_cases(evidence)))


def _with_cases(evidence: Evidence) -> Evidence:
    """Each stage with a case that says how it ended, unless one of its findings says it already."""
    return evolve(evidence, stages=tuple(_with_case(stage) for stage in evidence.stages))


def _with_case(stage: StageResult) -> StageResult:
    if any(finding.status is stage.status for finding in stage.findings):
        return stage
    case = Finding(check=stage.name, status=stage.status, text=stage.text, seconds=stage.seconds)
    return evolve(stage, findings=(case, *stage.findings))
