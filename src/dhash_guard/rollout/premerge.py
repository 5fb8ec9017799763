"""Rehearses a deployment before the merge: every leg runs, each leaves its log, and one result says how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from attrs import evolve

from dhash_guard.config.verbs import Leg
from dhash_guard.errors import CannotTell, GuardError, NoGo, UsageProblem
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.sample import Health
from dhash_guard.records.stage import Finding, StageResult, StageStatus
from dhash_guard.report.junit import junit
from dhash_guard.rollout.check import prove_ready
from dhash_guard.rollout.commands import run_command
from dhash_guard.rollout.health import base_url, prove_healthy
from dhash_guard.rollout.migrate import plan_migration
from dhash_guard.rollout.proof import prove_backup
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.service import control
from dhash_guard.rollout.smoke import prove_smoke
from dhash_guard.signals.health import look

LOGS = {
    Leg.DEPLOY: "deploy-dryrun.log",
    Leg.MIGRATE: "migrate-dryrun.log",
    Leg.SMOKE: "postdeploy-smoketests.log",
}
"""The documents' own names; every other leg is `<leg>.log`."""

_NOTHING = {Leg.DEPLOY: "deploy", Leg.MIGRATE: "migrate", Leg.SMOKE: "smoke"}


def premerge(run: Guarded, *, leg: str, skipped: Sequence[str], tag: str) -> tuple[Evidence, LegReport]:
    """The `premerge` verb: 0 when every leg that ran passed, 1 when one failed, 3 when one could not be told.

    `leg` names this part of the matrix (an operating system). A leg the project has nothing for is skipped and said so.
    """
    _known(run, skipped)
    for name in run.configuration.premerge.legs:
        if name.value in skipped:
            run.skip(name.value, "skip", "left out on request")
        elif name in _NOTHING and not getattr(run.configuration.environment, _NOTHING[name]):
            run.skip(name.value, "not-configured", f"the project has no {_NOTHING[name]} section")
        else:
            _run_leg(run, name, tag)
    result, code = _result(run.stages)
    evidence = run.seal(run.evidence(result=result, exit_code=code))
    report = LegReport(
        leg=leg,
        service=run.facts.service,
        environment=run.environment,
        commit=run.facts.commit,
        result=result,
        exit_code=code,
        stages=tuple(_told(stage) for stage in evidence.stages),
        evidence=run.facts.id,
    )
    _leave(run, evidence, report)
    return evidence, report


def _known(run: Guarded, skipped: Sequence[str]) -> None:
    names = [leg.value for leg in run.configuration.premerge.legs]
    for name in skipped:
        if name not in names:
            raise UsageProblem(f"there is no leg {name!r} to skip", cure=f"The legs are {', '.join(names)}.")


def _run_leg(run: Guarded, leg: Leg, tag: str) -> None:
    """Run one leg; its failure is recorded and the next one runs all the same."""
    work: dict[Leg, Callable[[], str | Done]] = {
        Leg.CHECK: lambda: prove_ready(run, reachable=False),
        Leg.BACKUP: lambda: run.vault.rehearse() if run.machine.dry else prove_backup(run),
        Leg.DEPLOY: lambda: _plan(run, tag),
        Leg.MIGRATE: lambda: plan_migration(run, None, run.configuration.layout.artifacts / "migrate-dryrun.json"),
        Leg.SMOKE: lambda: _smoke(run),
    }
    run.machine.files.make_directory(run.configuration.layout.artifacts)
    try:
        run.stage(leg.value, work.get(leg, lambda: _unbuilt(leg)))
    except GuardError as problem:
        run.say(f"{leg.value}: {problem}")


def _unbuilt(leg: Leg) -> str:
    raise CannotTell(f"this version has no {leg.value} leg yet", cure=f"Take {leg.value} out of premerge.legs for now.")


def _plan(run: Guarded, tag: str) -> str:
    settings = run.configuration.environment.deploy
    if settings is None or settings.plan is None:
        raise CannotTell("deploy has no plan command", cure="Give deploy.plan, a command that says what it would do.")
    finished = run_command(run, settings.plan, {"tag": tag}, timeout=settings.timeout, changes=False)
    return " ".join(finished.output.split()) or "planned"


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


def _result(stages: Sequence[StageResult]) -> tuple[str, int]:
    statuses = {stage.status for stage in stages}
    if StageStatus.FAILED in statuses:
        return "no-go", NoGo.exit_code
    if StageStatus.CANNOT_TELL in statuses or StageStatus.PASSED not in statuses:
        return "cannot-tell", CannotTell.exit_code
    return "proceed", 0


def _told(stage: StageResult) -> LegStage:
    bad = [
        f"{f.check}: {f.text}" + (f" → {f.cure}" if f.cure else "")
        for f in stage.findings
        if f.status is not StageStatus.PASSED
    ]
    return LegStage(name=stage.name, status=stage.status, text=stage.text, findings=tuple(bad))


def _leave(run: Guarded, evidence: Evidence, report: LegReport) -> None:
    """Logs, result and JUnit in the artifacts directory."""
    folder, files = run.configuration.layout.artifacts, run.machine.files
    files.make_directory(folder)
    for stage in evidence.stages:
        leg = next((known for known in LOGS if known.value == stage.name), None)
        name = LOGS[leg] if leg is not None else f"{stage.name}.log"
        lines = [
            f"{stage.name} {stage.status.value}: {stage.text}",
            *(f"{f.status.value} {f.check}: {f.text}" for f in stage.findings),
        ]
        files.write_atomic(folder / name, ("\n".join(lines) + "\n").encode("utf-8", "replace"))
    content = json.dumps(to_data(report), ensure_ascii=False, indent=2).encode("utf-8", "replace")
    files.write_atomic(folder / f"result-{report.leg}.json", content + b"\n")
    files.write_atomic(folder / "junit.xml", junit(_with_cases(evidence)))


def _with_cases(evidence: Evidence) -> Evidence:
    """Each stage as a JUnit case, so that a stage without findings is seen too."""
    stages = [
        evolve(
            stage,
            findings=stage.findings
            or (Finding(check=stage.name, status=stage.status, text=stage.text, seconds=stage.seconds),),
        )
        for stage in evidence.stages
        if stage.status is not StageStatus.SKIPPED
    ]
    return evolve(evidence, stages=tuple(stages))
