"""Asks for leave to deploy: the gate first, and again right before the first change, both for the same commit."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

from dhash_guard.errors import CannotTell, NoGo
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.rollout.check_tag import commit_here, commit_on_github
from dhash_guard.rollout.conditions import relied_on
from dhash_guard.rollout.gate import conditions, go
from dhash_guard.rollout.hold import Hold
from dhash_guard.rollout.run import Done, Guarded, revision

_SHORT = 7
"""Digits of a commit id that name it, where a release is called by them."""


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
    """Raise RefMoved where checkout, release or branch are not the commit that was judged, CannotTell where none says so.

    A branch that went on has a run of its own for what is newer; deploying the older one after it would take it back. A
    release may be a mere label where nothing was asked for, or GitHub cannot be.
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
        return f"{run.facts.commit[:12]}, {_same_ref(run)}, {_same_tag(run)}"

    run.stage("same commit", work, after_change=True)


def use_up(run: Guarded, hold: Hold, leave: Leave, *, lasting: float) -> None:
    """Prove that the environment is held, for `lasting` seconds of change, and in the same write use the evidence up.

    This deployment acts on it, and no other may. Raise Locked where somebody else has fenced it out, NoGo where another
    deployment has used a piece of it, else GuardError; nothing is used up then.
    """

    def work() -> str:
        keep, facts = _longest(run), run.facts
        hold.consume(*leave.relies_on, keep=keep, target=facts.tag, attempt=facts.attempt, lasting=lasting)
        return ", ".join(digest[:12] for digest in leave.relies_on)

    if leave.relies_on:
        run.stage("evidence used", work)
    else:
        hold.check(lasting)


def _asks(run: Guarded) -> bool:
    """Whether anything is asked: by `requires`, or because of waves before this one."""
    target, waves = run.configuration.target, run.configuration.waves
    return run.configuration.environment.requires is not None or (target is not None and bool(waves.before(target.wave)))


def _longest(run: Guarded) -> float:
    """Seconds up to which evidence may count: for so long its use has to be remembered."""
    requires, trust = run.configuration.environment.requires, run.configuration.trust
    monitored = requires.monitored if requires is not None else None
    within = monitored.within if monitored is not None else None
    return 2.0 * max(trust.max_age, trust.lifetime, within or 0.0)


def _same_tag(run: Guarded) -> str:
    """What the tag of the release is at, here and on GitHub."""
    judged, release = run.facts.commit, run.facts.tag
    tag = f"refs/tags/{release}"
    found = {"here": commit_here(run, tag), "on GitHub": commit_on_github(run, tag)}
    for place, commit in found.items():
        if commit and commit != judged:
            raise RefMoved(
                f"{tag} is at {commit[:12]} {place}, and {judged[:12]} was judged",
                cure=f"Check the release out, and let it be judged: git checkout {release}.",
            )
    if any(found.values()):
        return f"{tag} is at it"
    if judged.startswith(release) and len(release) >= _SHORT:
        return "which the release is called by"
    if run.hub is not None and _asks(run):
        raise CannotTell(
            f"{release} is no tag, here or on GitHub, and so nothing says that it is {judged[:12]}, which was judged",
            cure=f"Push it: git tag {release} {judged[:12]} && git push origin {release}.",
        )
    return f"{release} is no tag"


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
