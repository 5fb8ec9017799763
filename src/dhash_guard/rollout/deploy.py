"""Carries out a deployment: a look before, backup, migration, the project's deploy command, proof; or the way back."""

from __future__ import annotations

from attrs import evolve, frozen

from dhash_guard.config.verbs import DeploySettings
from dhash_guard.errors import CannotTell, GuardError, Locked, UsageProblem
from dhash_guard.gates.baseline import baseline_of
from dhash_guard.records.backup import Purpose
from dhash_guard.records.deployment import Baseline, Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.rollout import deployments
from dhash_guard.rollout.automatic import roll_back_automatically
from dhash_guard.rollout.commands import run_command
from dhash_guard.rollout.health import prove_healthy
from dhash_guard.rollout.migrate import plan_migration, run_migration
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.smoke import prove_smoke
from dhash_guard.signals import Sampler


@frozen(kw_only=True)
class DeployOrders:
    """What the caller asks for; `automatic` says whether a failure rolls back by itself."""

    tag: str
    backup_first: bool = False
    backup_file: str | None = None
    skip_health_check: bool = False
    automatic: bool = True


def deploy(run: Guarded, orders: DeployOrders) -> Evidence:
    """The `deploy` verb: 0 done, 5 rolled back and verified, 6 a person is needed, 1 failed before anything changed."""
    settings = run.configuration.environment.deploy
    if settings is None:
        raise UsageProblem("no deploy section in the configuration", cure="Give deploy: {run: […]}.")
    configuration = run.configuration
    refuse_frozen(run)
    with run.machine.files.lock(configuration.layout.lock(configuration.name), f"deploy {run.facts.id}"):
        try:
            deployment = _prepare(run, settings, orders)
        except GuardError as problem:
            return _failed(run, problem)
        try:
            _change(run, settings, deployment, orders)
        except GuardError as problem:
            why, failed = f"deployment of {orders.tag} failed: {problem.what}", problem
        else:
            return _succeeded(run, deployment, orders)
    # Outside the lock: the rollback takes it itself, because a person may have ordered one meanwhile.
    run.tell("deploy-failed", Level.ERROR, "Deployment failed", why)
    evidence = evolve(run.evidence(result=failed.code, exit_code=failed.exit_code), deployment=deployment.id)
    if orders.automatic and not run.machine.dry:
        evidence = roll_back_automatically(run, evidence, why, backup=deployment.backup or None)
    return run.seal(evidence)


def refuse_frozen(run: Guarded) -> None:
    """Raise Locked while a freeze of the environment is on."""
    now = run.machine.clock.now()
    for freeze in run.configuration.environment.freeze:
        if freeze.since <= now < freeze.until:
            text = f"{run.environment} is frozen until {iso(freeze.until)} ({freeze.reason or 'no reason given'})"
            raise Locked(text, cure="Wait, or remove the freeze in the configuration.")


def _prepare(run: Guarded, settings: DeploySettings, orders: DeployOrders) -> Deployment:
    """Everything that must be true before the first change; nothing is changed here but the backups."""
    held: dict[str, str] = {}
    baselines: list[Baseline] = []

    def look() -> str:
        baselines.append(take_baseline(run))
        return _told(baselines[0])

    def plan() -> str:
        assert settings.plan is not None
        finished = run_command(run, settings.plan, {"tag": orders.tag}, timeout=settings.timeout, changes=False)
        return " ".join(finished.output.split()) or "planned"

    def backup() -> str:
        taken = run.vault.take(Purpose.BACKUP)
        held["backup"] = taken.facts.name if taken.facts is not None else ""
        return taken.text

    def given() -> str:
        facts = run.vault.find(orders.backup_file or "")
        if problems := run.vault.verify(facts).problems:
            raise CannotTell(f"{facts.name}: {problems[0]}")
        held["backup"] = facts.name
        return f"{facts.name} verified"

    if run.configuration.environment.base_url is not None:
        run.stage("look before", look)
    if settings.plan is not None:
        run.stage("deploy plan", plan)
    if orders.backup_first:
        run.stage("backup", backup)
    elif orders.backup_file is not None:
        run.stage("backup", given)
    known = [facts.sequence for facts in run.vault.listing() if not facts.problem]
    return Deployment(
        id=run.facts.id,
        environment=run.environment,
        tag=orders.tag,
        commit=run.facts.commit,
        begun_at=run.machine.clock.now(),
        newest_sequence=max(known, default=0),
        backup=held.get("backup", ""),
        baseline=baselines[0] if baselines else None,
        state=DeploymentState.OPEN,
    )


def take_baseline(run: Guarded) -> Baseline:
    """Look at the running service as often as the configuration says, before anything changes."""
    environment = run.configuration.environment
    clock, plan = run.machine.clock, environment.monitor
    sampler = Sampler(
        environment.health, environment.signals, environment.base_url or "", run.configuration.layout.root, run.machine
    )
    ticks = []
    for index in range(plan.baseline):
        if index:
            # Never slower than once a second: a deployment must not wait minutes for its own baseline.
            clock.sleep(min(float(plan.interval), 1.0))
        ticks.append(sampler.look(index, round(clock.now(), 3)))
    return baseline_of(ticks, clock.now())


def _change(run: Guarded, settings: DeploySettings, deployment: Deployment, orders: DeployOrders) -> None:
    """From the first change on: the deployment is open until a verdict closes it."""
    migrates = settings.migrates and run.configuration.environment.migrate is not None
    opened = evolve(deployment, migrated=migrates)
    deployments.keep(run.machine, run.configuration, opened)
    run.tell("deploy-begun", Level.INFO, "Deployment begun", f"{orders.tag} to {run.environment}")
    if migrates:
        if run.machine.dry and run.configuration.environment.migrate is not None:
            run.stage("migrate plan", lambda: plan_migration(run, None, None))
        else:
            run.stage("migrate", lambda: run_migration(run))

    def change() -> str:
        finished = run_command(run, settings.run, {"tag": orders.tag, "backup": deployment.backup}, timeout=settings.timeout)
        return f"{' '.join(finished.command)} ({finished.seconds:.1f} s)"

    run.stage("deploy", change)
    if orders.skip_health_check:
        run.skip("health", "skip-health-check", "left out on request; this deployment stays unverified")
    elif run.configuration.environment.base_url is not None:
        run.stage(
            "health", lambda: prove_healthy(run, consecutive=1, apart=1.0, patience=settings.settle), after_change=True
        )
    if any(check.quick for check in run.configuration.environment.smoke) and not orders.skip_health_check:
        run.stage("smoke", lambda: prove_smoke(run, quick=True), after_change=True)


def _succeeded(run: Guarded, deployment: Deployment, orders: DeployOrders) -> Evidence:
    unverified = orders.skip_health_check or run.configuration.environment.base_url is None
    if unverified:
        latest = deployments.latest(run.configuration) or deployment
        deployments.keep(run.machine, run.configuration, evolve(latest, state=DeploymentState.UNVERIFIED))
    result = "planned" if run.machine.dry else "unverified" if unverified else "deployed"
    run.tell("deployed", Level.INFO, "Deployed", f"{orders.tag} to {run.environment}, {result}; now watch it")
    evidence = run.evidence(result=result, exit_code=0)
    return run.seal(evolve(evidence, deployment=deployment.id, backup=deployment.backup))


def _failed(run: Guarded, problem: GuardError) -> Evidence:
    """Failed before the first change: nothing to roll back."""
    run.tell("deploy-refused", Level.ERROR, "Deployment not begun", problem.what)
    return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))


def _told(baseline: Baseline) -> str:
    health = baseline.health.value if baseline.health is not None else "never answered"
    return f"{baseline.samples} looks, service {health}, {len(baseline.medians)} signals with values"
