"""Decides whether a branch is protected as it has to be, and says of every answer which layer gave it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial

from attrs import field, frozen


class Layer(Enum):
    """Who was asked."""

    RULESETS = "rulesets API"
    CLASSIC = "branch protection API"
    FILES = "workflow files"


@frozen(kw_only=True)
class LayerAnswer:
    """Whether a layer answered, in words, and what would make it answer."""

    layer: Layer
    answered: bool
    text: str
    cure: str = ""


@frozen(kw_only=True)
class Protects:
    """What one layer asks of a branch; None where it does not tell.

    `checks` maps the names of required checks to the App that each must come from, 0 for any.
    """

    layer: Layer
    pull_request: bool | None = False
    approvals: int | None = 0
    dismiss_stale: bool | None = False
    last_push: bool | None = False
    checks: Mapping[str, int] | None = field(factory=dict)
    queue: bool | None = False
    no_force_push: bool | None = False
    no_deletion: bool | None = False
    admins_too: bool | None = True


@frozen(kw_only=True)
class Wanted:
    """What the project asks of the branch: approvals, whether they may be stale, and checks by name."""

    approvals: int = 1
    fresh: bool = False
    checks: Collection[str] = ()


class Grade(Enum):
    """How one question was answered."""

    GOOD = "good"
    HOLE = "hole"
    UNKNOWN = "unknown"
    NOTE = "note"
    """Worth knowing, and no reason to stop."""


@frozen(kw_only=True)
class Answer:
    """One question about the branch: how it stands, in words, by which layer, and what to do."""

    check: str
    grade: Grade
    text: str
    layer: Layer | None = None
    cure: str = ""


@frozen(kw_only=True)
class ProtectionFacts:
    """A branch as the layers describe it; a layer that did not answer describes nothing, and may ask for anything."""

    branch: str
    described: Sequence[Protects]
    layers: Sequence[LayerAnswer]

    @property
    def dark(self) -> bool:
        """Whether something may be asked for that nobody told."""
        return any(not layer.answered for layer in self.layers if layer.layer is not Layer.FILES)

    @property
    def checks(self) -> dict[str, int]:
        """Every check that is known to be required; bound to its App where one layer binds it."""
        found: dict[str, int] = {}
        for one in self.described:
            for name, app in (one.checks or {}).items():
                found[name] = found.get(name) or app
        return found

    @property
    def queue(self) -> bool:
        """Whether there is known to be a merge queue."""
        return any(one.queue for one in self.described)


def audit(facts: ProtectionFacts, wanted: Wanted) -> list[Answer]:
    """Every question with its answer; what no layer could tell is unknown, never good."""
    return list(_answers(facts, wanted))


def _answers(facts: ProtectionFacts, wanted: Wanted) -> Iterator[Answer]:
    branch = facts.branch
    yield _ask(
        facts,
        "pull-request",
        lambda one: one.pull_request,
        (f"{branch} takes changes by pull requests alone", f"{branch} can be pushed to without a pull request"),
        "Add the rule: require a pull request before merging.",
    )
    yield _ask(
        facts,
        "approvals",
        lambda one: None if one.approvals is None else one.approvals >= wanted.approvals,
        (f"{wanted.approvals} or more approvals are asked for", f"fewer than {wanted.approvals} approvals are asked for"),
        f"Require {wanted.approvals} approvals.",
    )
    if wanted.fresh:
        stale = _ask(
            facts,
            "stale",
            lambda one: _either(one.dismiss_stale, one.last_push),
            ("approvals do not outlive a push", "approvals stay when the branch is pushed to; only `approvals` notices"),
            "Dismiss stale approvals, or ask for approval of the last push.",
        )
        yield (
            stale
            if stale.grade is Grade.GOOD
            else Answer(check=stale.check, grade=Grade.NOTE, text=stale.text, cure=stale.cure)
        )
    yield from _checks(facts, wanted)
    for check, how, words in (
        ("force-push", lambda one: one.no_force_push, "force-pushed"),
        ("deletion", lambda one: one.no_deletion, "deleted"),
    ):
        told = (f"{branch} cannot be {words}", f"{branch} can be {words}")
        yield _ask(facts, check, how, told, f"Forbid that {branch} is {words}.")
    yield from _admins(facts)


def _checks(facts: ProtectionFacts, wanted: Wanted) -> Iterator[Answer]:
    known = facts.checks
    for name in wanted.checks:
        yield _ask(
            facts,
            f"required check {name}",
            partial(_requires, name),
            ("is required", "is not required: a pull request can be merged without it"),
            f"Add {name!r} to the required status checks.",
        )
    if not wanted.checks:
        yield _ask(
            facts,
            "checks",
            lambda one: None if one.checks is None else bool(one.checks),
            (f"required: {', '.join(sorted(known))}", "no check is required: whatever fails, it can be merged"),
            "Require the check of the gate job.",
        )
    loose = sorted(name for name, app in known.items() if not app)
    if loose:
        text = f"whoever may write statuses can set {', '.join(loose)}"
        yield Answer(check="source", grade=Grade.NOTE, text=text, cure="Bind each to the App that reports it.")


def _requires(name: str, one: Protects) -> bool | None:
    return None if one.checks is None else name in one.checks


def _admins(facts: ProtectionFacts) -> Iterator[Answer]:
    classic = [one for one in facts.described if one.layer is Layer.CLASSIC]
    if classic and classic[0].admins_too is False:
        alone = not any(one.pull_request for one in facts.described if one.layer is Layer.RULESETS)
        yield Answer(
            check="administrators",
            grade=Grade.HOLE if alone else Grade.NOTE,
            text="administrators may pass by the branch protection",
            layer=Layer.CLASSIC,
            cure="Do not allow bypassing the above settings.",
        )


def _ask(
    facts: ProtectionFacts,
    check: str,
    how: Callable[[Protects], bool | None],
    words: tuple[str, str],
    cure: str,
) -> Answer:
    """Good where one layer says so; a hole only where every layer answered, and none does."""
    told = [(one.layer, how(one)) for one in facts.described]
    for layer, answer in told:
        if answer:
            return Answer(check=check, grade=Grade.GOOD, text=words[0], layer=layer)
    if facts.dark or any(answer is None for _, answer in told):
        silent = next((layer for layer in facts.layers if not layer.answered and layer.layer is not Layer.FILES), None)
        text = f"cannot be told: {silent.text}" if silent is not None else "cannot be told: it needs an administrator's view"
        return Answer(check=check, grade=Grade.UNKNOWN, text=text, cure=silent.cure if silent is not None else cure)
    return Answer(check=check, grade=Grade.HOLE, text=words[1], cure=cure)


def _either(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False
