"""Asks, before a rollback that a workflow runs, whether whoever ordered it may: the people, the event, the target."""

from __future__ import annotations

from dhash_guard.errors import GuardError, NoGo
from dhash_guard.gates.deputy import Leave, Order, Person, judge
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.deployment import DeploymentState
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Done, Guarded


class NotAllowed(NoGo):
    """Whoever ordered the rollback may not, or not to that backup."""

    code = "rollback-not-allowed"


def require_leave(run: Guarded, target: BackupFacts, *, forced: bool) -> None:
    """Raise NotAllowed where the order is refused; off a runner the rights of this machine decide, and nothing is asked."""
    if not run.in_job:
        return

    def work() -> Done:
        from dhash_guard.github.context import read_context

        context = read_context(run.machine.environ)
        answer = judge(
            Order(
                event=context.event,
                people=tuple(_person(run, login) for login in _logins(run, context.actor)),
                least=run.configuration.environment.rollback.by,
                target=target.name,
                target_known=_known(run, target),
                rolled_back_to=_rolled_back_to(run),
                forced=forced,
            )
        )
        if answer.leave is Leave.REFUSED:
            raise NotAllowed(answer.text, cure=answer.cure)
        if answer.leave is Leave.UNPROVEN:
            run.say(f"warning: {answer.text}")
        return Done(answer.text)

    run.stage("rollback leave", work)


def _logins(run: Guarded, actor: str) -> tuple[str, ...]:
    """Whoever caused the run, and whoever ran it again: of such a run GitHub still calls the first one its actor."""
    again = run.machine.environ.get("GITHUB_TRIGGERING_ACTOR", "")
    return (actor, again) if again and again.casefold() != actor.casefold() else (actor,)


def _person(run: Guarded, login: str) -> Person:
    from dhash_guard.github.people import role_of

    if run.hub is None:
        return Person(login, None, "there is no token")
    try:
        return Person(login, role_of(run.hub, login))
    except GuardError as problem:
        return Person(login, None, problem.what.splitlines()[0])


def _known(run: Guarded, target: BackupFacts) -> bool:
    """Whether the catalogue has it, sealed; snapshots of earlier rollbacks are in it too."""
    allowed = (Purpose.BACKUP, Purpose.PRE_ROLLBACK)
    return any(
        (facts.name, facts.sha256) == (target.name, target.sha256) and not facts.problem and facts.purpose in allowed
        for facts in run.vault.listing()
    )


def _rolled_back_to(run: Guarded) -> str:
    deployment = deployments.legible(run.configuration)
    done = deployment is not None and deployment.state is DeploymentState.ROLLED_BACK
    return deployment.rolled_back_to if deployment is not None and done else ""
