"""Carries out a deployment: a look before, backup, migration, the project's deploy command, proof; or the way back."""

from __future__ import annotations

from attrs import evolve, frozen

from dhash_guard.backup.settings import Keep
from dhash_guard.config.verbs import DeploySettings
from dhash_guard.errors import Damaged, GuardError, Locked, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.deployment import Baseline, Deployment, DeploymentState
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.report.words import plural
from dhash_guard.rollout import deployments, leave, maintenance_mode, recording
from dhash_guard.rollout.automatic import warn_of_hazards
from dhash_guard.rollout.changing import begin, fall_back, interrupted, new_deployment, take_baseline
from dhash_guard.rollout.commands import require_filled, run_command
from dhash_guard.rollout.freeze import refuse_frozen
from dhash_guard.rollout.health import prove_healthy
from dhash_guard.rollout.hold import Hold, held, publish_head
from dhash_guard.rollout.maintenance_mode import in_maintenance
from dhash_guard.rollout.migrate import migration, plan_migration, require_migration, run_migration
from dhash_guard.rollout.prune import prune_stage
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.smoke import prove_smoke
from dhash_guard.system.interrupt import Interrupted


@frozen(kw_only=True)
class DeployOrders:
    """What the caller asks for; `automatic` says whether a failure rolls back by itself.

    `tag` may be empty where no command asks for it: the release is called by its commit then.
    `retention` is applied once the backup that `backup_first` asks for is sealed.
    """

    tag: str
    backup_first: bool = False
    retention: Keep | None = None
    backup_file: str | None = None
    skip_health_check: bool = False
    automatic: bool = True


def deploy(run: Guarded, orders: DeployOrders) -> Evidence:
    """The `deploy` verb: 0 done, 5 rolled back and verified, 6 a person is needed, 1 failed before anything changed."""
    evidence = _deployed(run, orders)
    publish_head(run)
    return evidence


def _deployed(run: Guarded, orders: DeployOrders) -> Evidence:
    settings = run.configuration.environment.deploy
    if settings is None:
        raise UsageProblem("no deploy section in the configuration", cure="Give deploy: {run: […]}.")
    _require_commands(run, settings, orders)
    run.facts = evolve(run.facts, tag=orders.tag or run.facts.commit[:12] or run.facts.id)
    refuse_frozen(run)
    local = run.machine.files.lock(run.configuration.layout.lock(run.environment), f"deploy {run.facts.id}")
    with local, held(run, "deploy") as hold:
        try:
            leave.ask(run, without=("backup",) if orders.backup_first else ())
            deployment, backup = _prepare(run, settings, orders)
            hold.beat()
            given = leave.ask(run, again=True)
            leave.same_commit(run)
            refuse_frozen(run)
            leave.use_up(run, hold, given, lasting=_longest(run, settings))
        except GuardError as problem:
            return _failed(run, problem)
        begun = begin(run, evolve(deployment, fencing=hold.fencing), given.relies_on)
        try:
            _change(run, settings, begun, orders, hold, backup)
        except Locked as problem:
            return _fenced_out(run, begun, problem)
        except GuardError as problem:
            why, failed = f"deployment of {begun.tag} failed: {problem.what}", problem
        except (KeyboardInterrupt, Interrupted):
            return interrupted(run, begun)
        else:
            return _succeeded(run, begun, orders)
    # Outside the lock: the rollback takes it itself, and gives up where a person ordered one meanwhile.
    return fall_back(run, begun, failed, why, automatic=orders.automatic)


def _way_back(run: Guarded) -> tuple[str, str]:
    """Take a backup and read every member of it; return what to say, and its name (empty in a dry run)."""
    taken = run.vault.take(Purpose.BACKUP)
    if taken.facts is None:
        return taken.text, ""
    if problems := run.vault.verify(taken.facts).problems:
        raise Damaged(f"{taken.facts.name}: {problems[0]}", cure="There is no way back yet; look at the disk.")
    return f"{taken.text}, every member verified", taken.facts.name


def _require_commands(run: Guarded, settings: DeploySettings, orders: DeployOrders) -> None:
    """Raise UsageProblem where a command of this deployment cannot be filled; in the middle of it that is found too late."""
    tag = {"tag": orders.tag}
    foreseen = "a backup" if orders.backup_first or orders.backup_file is not None else ""
    require_filled(run, [settings.run], tag | {"backup": foreseen})
    quick = [check.run for check in run.configuration.environment.smoke if check.quick]
    require_filled(run, [settings.plan, *quick], tag)
    maintenance_mode.require_hooks(run, tag=orders.tag)
    if _migrates(run, settings):
        require_migration(run, tag=orders.tag)


def _prepare(run: Guarded, settings: DeploySettings, orders: DeployOrders) -> tuple[Deployment, str]:
    """Everything that must be true before the first change; nothing is changed here but the backups.

    Return the deployment's record and the name of the backup that was taken or given.
    """
    baselines: list[Baseline] = []

    def look() -> str:
        baselines.append(take_baseline(run))
        return _told(baselines[0])

    def plan() -> str:
        assert settings.plan is not None
        finished = run_command(run, settings.plan, {"tag": orders.tag}, timeout=settings.timeout, changes=False)
        return " ".join(finished.output.split()) or "planned"

    named = None if orders.backup_file is None else run.vault.find(orders.backup_file)
    if run.configuration.environment.base_url is not None:
        run.stage("look before", look)
    if settings.plan is not None:
        run.stage("deploy plan", plan)
    taken = _secured(run, orders, named)
    fresh = new_deployment(run, run.facts.tag, taken, baselines[0] if baselines else None)
    deployment = evolve(fresh, migrated=fresh.migrated or _migrates(run, settings))
    if orders.automatic and not (run.machine.dry and orders.backup_first):  # the backup that would be there is not
        warn_of_hazards(run, deployment, named)
    return deployment, taken


def _secured(run: Guarded, orders: DeployOrders, named: BackupFacts | None) -> str:
    """Take a backup first, or verify the one that was named; return its name, empty where neither is asked for."""
    held = ""

    def backup() -> str:
        nonlocal held
        text, held = _way_back(run)
        return text

    def given() -> str:
        nonlocal held
        assert named is not None
        if problems := run.vault.verify(named).problems:
            raise Damaged(f"{named.name}: {problems[0]}", cure="Choose another backup.")
        held = named.name
        return f"{named.name} verified"

    if orders.backup_first:
        run.stage("backup", backup)
        if orders.retention is not None:
            _tidy(run, orders.retention)
    elif named is not None:
        run.stage("backup", given)
    return held


def _tidy(run: Guarded, keep: Keep) -> None:
    """Apply the retention; old backups that stay stop no deployment, a new one that does not read back does."""
    try:
        prune_stage(run, keep, [])
    except (NoGo, Locked) as problem:
        run.say(f"warning: {problem}")


def _migrates(run: Guarded, settings: DeploySettings) -> bool:
    return settings.migrates and run.configuration.environment.migrate is not None


def _longest(run: Guarded, settings: DeploySettings) -> float:
    """Seconds that the changing commands may take, one after the other; the claim is made to last as long."""
    migrating = migration(run.configuration).timeout if _migrates(run, settings) else 0.0
    return maintenance_mode.longest(run) + settings.timeout + migrating


def _change(
    run: Guarded, settings: DeploySettings, deployment: Deployment, orders: DeployOrders, hold: Hold, backup: str
) -> None:
    """From the first change on: the deployment is open until a verdict closes it. Raise Locked where somebody took over.

    `backup` is the one that was taken or given for it, empty where none was, or in a dry run.
    """

    def change() -> str:
        values = {"tag": orders.tag, "backup": backup or ("{backup}" if run.machine.dry else "")}
        finished = run_command(run, settings.run, values, timeout=settings.timeout)
        if run.machine.dry:
            return f"would run {' '.join(finished.command)}"
        return f"{' '.join(finished.command)} ({finished.seconds:.1f} s)"

    with in_maintenance(run):
        if _migrates(run, settings):
            if run.machine.dry:
                run.stage("migrate plan", lambda: plan_migration(run, None, None))
            else:
                run.stage("migrate", lambda: run_migration(run))
                _still_ours(hold)
        run.stage("deploy", change)
    _still_ours(hold)
    if orders.skip_health_check:
        run.skip("health", "skip-health-check", "left out on request; this deployment stays unverified")
    elif run.configuration.environment.base_url is not None:
        run.stage(
            "health", lambda: prove_healthy(run, consecutive=1, apart=1.0, patience=settings.settle), after_change=True
        )
    if any(check.quick for check in run.configuration.environment.smoke) and not orders.skip_health_check:
        run.stage("smoke", lambda: prove_smoke(run, quick=True), after_change=True)
    _tell_live(run, deployment, hold)


def _still_ours(hold: Hold) -> None:
    """Ask after a change; raise Locked where somebody took over. That nobody answers is no reason to take it back."""
    try:
        hold.check()
    except Locked:
        raise
    except GuardError:
        return


def _tell_live(run: Guarded, deployment: Deployment, hold: Hold) -> None:
    """Say in the shared state what is live; that nobody answers takes nothing back."""
    try:
        hold.lives(
            run.facts.id,
            tag=deployment.tag,
            commit=deployment.commit,
            begun_at=deployment.begun_at,
            newest_sequence=deployment.newest_sequence,
        )
    except Locked:
        raise
    except GuardError as problem:
        run.say(f"warning: the shared state does not know of this deployment: {problem}")


def _fenced_out(run: Guarded, begun: Deployment, problem: Locked) -> Evidence:
    """Somebody took the environment over in the middle, and decides what stands there: this run touches nothing more."""
    text = f"the deployment of {begun.tag} was overtaken: {problem.what}"
    run.tell("overtaken", Level.CRITICAL, "Deployment overtaken", text)
    run.say(str(problem))
    return run.seal(evolve(run.evidence(result=problem.code, exit_code=problem.exit_code), deployment=begun.id))


def _succeeded(run: Guarded, deployment: Deployment, orders: DeployOrders) -> Evidence:
    unverified = orders.skip_health_check or run.configuration.environment.base_url is None
    state = DeploymentState.UNVERIFIED if unverified else DeploymentState.OPEN
    stands = evolve(deployment, state=state, changed_at=run.machine.clock.now())
    deployments.keep(run.machine, run.configuration, stands)
    recording.told(run, stands)
    result = "planned" if run.machine.dry else "unverified" if unverified else "deployed"
    run.tell("deployed", Level.INFO, "Deployed", f"{deployment.tag} to {run.environment}, {result}; now watch it")
    evidence = run.evidence(result=result, exit_code=0)
    return run.seal(evolve(evidence, deployment=deployment.id, backup=deployment.backup))


def _failed(run: Guarded, problem: GuardError) -> Evidence:
    """Failed before the first change: nothing to roll back."""
    run.tell("deploy-refused", Level.ERROR, "Deployment not begun", problem.what)
    return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))


def _told(baseline: Baseline) -> str:
    health = baseline.health.value if baseline.health is not None else "never answered"
    recorded = max((each.count for each in baseline.medians.values()), default=0)
    more = f", {plural(recorded, 'look')} recorded before" if recorded > baseline.samples else ""
    looks, signals = plural(baseline.samples, "look"), plural(len(baseline.medians), "signal")
    return f"{looks}, service {health}, {signals} with values{more}"
