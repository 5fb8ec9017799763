"""Verifies a rollback: the service is well several times in a row, its smoke checks pass, its queue does not grow."""

from __future__ import annotations

from contextlib import suppress

from dhash_guard.errors import CannotTell, GuardError
from dhash_guard.gates.drainage import ENOUGH
from dhash_guard.rollout import artifacts, deployments
from dhash_guard.rollout.health import prove_healthy
from dhash_guard.rollout.queue import prove_drained
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.smoke import prove_smoke


def verify_service(run: Guarded) -> None:
    """Look at everything that is configured; raise where one of it is not shown, whatever the reason."""
    environment = run.configuration.environment
    settings = environment.rollback
    if environment.base_url is None:
        raise CannotTell("the service has no base_url, so nothing shows that it is well")
    run.stage(
        "rollback health",
        lambda: prove_healthy(run, consecutive=settings.consecutive, apart=settings.apart, patience=3 * settings.apart),
        after_change=True,
    )
    if environment.smoke:
        quick = any(check.quick for check in environment.smoke)
        run.stage("rollback smoke", lambda: prove_smoke(run, quick=quick), after_change=True)
    else:
        run.skip("rollback smoke", "not-configured", "the environment has no smoke checks")
    if environment.queue is not None:
        run.stage("rollback queue", lambda: prove_drained(run, samples=ENOUGH, interval=settings.apart), after_change=True)
    else:
        run.skip("rollback queue", "not-configured", "the environment has no queue")


def keep_artifacts(run: Guarded) -> None:
    """Collect what explains the rollback; that it failed is recorded, and undoes nothing that was proven."""
    with suppress(GuardError):
        run.stage(
            "rollback artifacts",
            lambda: artifacts.collect(run, deployments.legible(run.configuration)),
            after_change=True,
        )
