"""Asks for leave to deploy: the gate first, and again right before the first change, both for the same commit."""

from __future__ import annotations

import math
from collections.abc import Collection

from attrs import frozen

from dhash_guard.errors import NoGo
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.rollout.conditions import relied_on
from dhash_guard.rollout.gate import conditions, go
from dhash_guard.rollout.hold import Hold
from dhash_guard.rollout.run import Done, Guarded, revision


class RefMoved(NoGo):
    """What was judged is no longer what would be deployed."""

    code = "ref-moved"


@frozen
class Leave:
    """Leave to deploy, and the sha256 of the evidence that it relies on."""

    relies_on: tuple[str, ...] = ()


def ask(run: Guarded, *, without: Collection[str] = (), again: bool = False) -> Leave:
    """Ask every condition but those named; raise as the gate does. An environment that requires nothing is open.

    A dry run asks nothing: it is what a pull request rehearses, long before the evidence is there.
    """
    if not _asks(run):
        return Leave()
    held: list[Leave] = []

    def work() -> Done:
        found = tuple(conditions(run, _reviews(run), without=without))
        if run.configuration.environment.requires is None:
            found = tuple(one for one in found if one.name != "requires")
        said = go(found)
        held.append(Leave(relied_on(found)))
        return said

    run.stage("gate again" if again else "gate", work, after_change=True)
    return held[0] if held else Leave()


def same_commit(run: Guarded) -> None:
    """Raise RefMoved where checkout, branch or tag no longer are the commit that was judged.

    A branch that went on has a run of its own for what is newer; deploying the older one after it would take it back.
    """
    if not run.facts.commit:
        return

    def work() -> str:
        commit, _ = revision(run.machine, run.configuration.layout.root)
        if commit != run.facts.commit:
            raise RefMoved(
                f"the checkout is at {commit[:12] or 'no commit'} now, and {run.facts.commit[:12]} was judged",
                cure="Deploy from a checkout that nobody else uses.",
            )
        return f"{run.facts.commit[:12]}, {_same_ref(run)}"

    run.stage("same commit", work, after_change=True)


def use_up(run: Guarded, hold: Hold, leave: Leave) -> None:
    """Use the evidence up: this deployment of this release acts on it, and no other may; raise NoGo where one has."""

    def work() -> str:
        for digest in leave.relies_on:
            hold.consume(digest, keep=_longest(run), target=run.facts.tag, attempt=run.facts.attempt)
        return ", ".join(digest[:12] for digest in leave.relies_on)

    if leave.relies_on:
        run.stage("evidence used", work)


def _asks(run: Guarded) -> bool:
    """Whether anything is asked: by `requires`, or because of waves before this one."""
    target, waves = run.configuration.target, run.configuration.waves
    return run.configuration.environment.requires is not None or (target is not None and bool(waves.before(target.wave)))


def _longest(run: Guarded) -> float:
    """Seconds up to which evidence may count: for so long its use has to be remembered."""
    requires, trust = run.configuration.environment.requires, run.configuration.trust
    within = 0.0
    if requires is not None and requires.monitored is not None:
        within = requires.monitored.within if requires.monitored.within is not None else math.inf
    return 2.0 * max(trust.max_age, trust.lifetime, within)


def _same_ref(run: Guarded) -> str:
    """What GitHub says of the ref that the run was started for, where it was checked out."""
    if run.hub is None:
        return "no GitHub to ask"
    context = run.hub.transport.context
    if not context.ref.startswith(("refs/heads/", "refs/tags/")) or context.event_sha != run.facts.commit:
        return "not the commit of the run's ref"
    from dhash_guard.github.deployments import commit_of

    now = commit_of(run.hub, context.ref)
    if now != run.facts.commit:
        raise RefMoved(
            f"{context.ref} is at {now[:12]} now, and {run.facts.commit[:12]} was judged",
            cure="Let the run of the newer commit deploy, or run this again from a tag.",
        )
    return f"{context.ref} is still there"


def _reviews(run: Guarded) -> ReviewReader | None:
    return ReviewReader(run.hub) if run.hub is not None else None
