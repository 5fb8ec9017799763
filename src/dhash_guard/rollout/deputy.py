"""Asks, before a rollback that a workflow runs, whether whoever ordered it may: the actor, the event, the target."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.errors import GuardError, NoGo
from dhash_guard.gates.deputy import Answer, Leave, Order, judge
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.deployment import DeploymentState
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Done, Guarded


class NotAllowed(NoGo):
    """Whoever ordered the rollback may not, or not to that backup."""

    code = "rollback-not-allowed"


@frozen
class _Asked:
    role: str | None
    why: str


def require_leave(run: Guarded, target: BackupFacts, *, forced: bool) -> None:
    """Raise NotAllowed where the order is refused; off a runner the rights of this machine decide, and nothing is asked."""
    if run.machine.environ.get("GITHUB_ACTIONS") != "true":
        return

    def work() -> Done:
        from dhash_guard.github.context import read_context

        context = read_context(run.machine.environ)
        asked = _role(run, context.actor)
        answer = judge(
            Order(
                event=context.event,
                actor=context.actor,
                role=asked.role,
                least=run.configuration.environment.rollback.by,
                target=target.name,
                target_known=_known(run, target),
                rolled_back_to=_rolled_back_to(run),
                forced=forced,
            )
        )
        return _done(run, answer, asked.why)

    run.stage("rollback leave", work)


def _done(run: Guarded, answer: Answer, why: str) -> Done:
    if answer.leave is Leave.REFUSED:
        raise NotAllowed(answer.text, cure=answer.cure)
    if answer.leave is Leave.UNPROVEN:
        run.say(f"warning: {answer.text} ({why})")
    return Done(answer.text)


def _role(run: Guarded, actor: str) -> _Asked:
    from dhash_guard.github.people import role_of

    if run.hub is None:
        return _Asked(None, "there is no token")
    try:
        return _Asked(role_of(run.hub, actor), "")
    except GuardError as problem:
        return _Asked(None, problem.what)


def _known(run: Guarded, target: BackupFacts) -> bool:
    """Whether the catalogue has it, sealed; snapshots of earlier rollbacks are in it too."""
    allowed = (Purpose.BACKUP, Purpose.PRE_ROLLBACK)
    return any(
        (facts.name, facts.sha256) == (target.name, target.sha256) and not facts.problem and facts.purpose in allowed
        for facts in run.vault.listing()
    )


def _rolled_back_to(run: Guarded) -> str:
    deployment = deployments.latest(run.configuration)
    done = deployment is not None and deployment.state is DeploymentState.ROLLED_BACK
    return deployment.rolled_back_to if deployment is not None and done else ""
