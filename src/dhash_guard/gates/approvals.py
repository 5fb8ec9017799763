"""Decides whether a pull request has the approvals that are asked for: each one verified, missing, or unverifiable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from attrs import field, frozen

from dhash_guard.records.review import Fact, Known, PullFacts, Review, ReviewFacts, ReviewState

GHOST = "ghost"
"""How GitHub calls everybody whose account was deleted."""

_OPINIONS = (ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED)
_NOT_ASKED = Fact(known=Known.UNKNOWN, reason="was not asked about", cure="Run it again.")


class Stale(Enum):
    """When an approval no longer counts."""

    HEAD_SHA = "head-sha"
    LAST_PUSH = "last-push"
    IGNORE = "ignore"


@frozen(kw_only=True)
class ApprovalRequirement:
    """How many approvals, and how many of them from which team.

    A team's members are those of `people` where it is listed there; else GitHub is asked. `team_ids` are the numbers under
    which rulesets name teams, for tokens that may not look into teams.
    """

    at_least: int = 2
    teams: dict[str, int] = field(factory=dict)
    people: dict[str, tuple[str, ...]] = field(factory=dict)
    team_ids: dict[str, int] = field(factory=dict)
    stale: Stale = Stale.HEAD_SHA


class Standing(Enum):
    """How one requirement stands; only `verified` lets a deployment pass."""

    VERIFIED = "verified"
    MISSING = "missing"
    UNVERIFIABLE = "unverifiable"


@frozen(kw_only=True)
class Requirement:
    """One requirement: how many were found of how many asked, by whom, who vouches for it, or why not and what to do."""

    name: str
    standing: Standing
    found: int
    asked: int
    by: tuple[str, ...] = ()
    source: str = ""
    reason: str = ""
    cure: str = ""


@frozen(kw_only=True)
class LeftOut:
    """An approval that does not count, and why."""

    author: str
    why: str


@frozen(kw_only=True)
class Approvals:
    """The answer: every requirement, the approvals that count, and those that do not."""

    requirements: tuple[Requirement, ...]
    counted: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def standing(self) -> Standing:
        """The whole: missing before unverifiable before verified."""
        found = {requirement.standing for requirement in self.requirements}
        for standing in (Standing.MISSING, Standing.UNVERIFIABLE):
            if standing in found:
                return standing
        return Standing.VERIFIED


@frozen
class _Voice:
    """Somebody's approval: whether it counts, is out, or cannot be told."""

    author: str
    counts: Known
    why: str = ""
    cure: str = ""


def judge(facts: ReviewFacts, asked: ApprovalRequirement) -> Approvals:
    """Judge the reviews; whatever is unknown can only make a requirement unverifiable, never verified or missing.

    Latest opinion per person: a comment after an approval leaves it, a dismissal or a request for changes takes it away.
    Authors, bots and deleted accounts have no voice; approvals of people without write access do not count.
    """
    latest = opinions(facts.reviews)
    voices = [
        _voice(review, facts, asked.stale)
        for review in latest
        if review.state is ReviewState.APPROVED and _has_voice(review, facts.pull)
    ]
    silent = [
        _Voice(review.author or GHOST, Known.NO, _why_silent(review, facts.pull))
        for review in _per_author(facts.reviews)
        if review.state is ReviewState.APPROVED and not _has_voice(review, facts.pull)
    ]
    blockers = [review for review in latest if review.state is ReviewState.CHANGES_REQUESTED]
    requirements = [
        _number("approvals", asked.at_least, voices, "reviews"),
        *_changes([review for review in blockers if _has_voice(review, facts.pull)], facts),
        *(_team(team, number, voices, facts) for team, number in sorted(asked.teams.items())),
    ]
    return Approvals(
        requirements=tuple(requirements),
        counted=tuple(voice.author for voice in voices if voice.counts is Known.YES),
        left_out=tuple(
            LeftOut(author=voice.author, why=voice.why) for voice in [*voices, *silent] if voice.counts is not Known.YES
        ),
    )


def opinions(reviews: Iterable[Review]) -> list[Review]:
    """The latest opinion of everybody, in the order in which they were given; comments are none.

    A review that was listed twice counts once; if it was dismissed meanwhile, as dismissed.
    """
    once: dict[int, Review] = {}
    for review in reviews:
        if review.id not in once or review.state is ReviewState.DISMISSED:
            once[review.id] = review
    latest: dict[str, Review] = {}
    for review in sorted(once.values(), key=lambda one: (one.at or 0.0, one.id)):
        if review.state in _OPINIONS and review.at is not None:
            latest[review.author.casefold()] = review
    return sorted(latest.values(), key=lambda one: (one.at or 0.0, one.id))


def candidates(reviews: Iterable[Review], pull: PullFacts) -> list[str]:
    """The people whose rights and teams matter, in lower case: those who approve or ask for changes, and have a voice."""
    return [
        review.author.casefold()
        for review in opinions(reviews)
        if review.state is not ReviewState.DISMISSED and _has_voice(review, pull)
    ]


def _per_author(reviews: Sequence[Review]) -> list[Review]:
    return opinions(reviews)


def _has_voice(review: Review, pull: PullFacts) -> bool:
    return not _why_silent(review, pull)


def _why_silent(review: Review, pull: PullFacts) -> str:
    if not review.author or review.author.casefold() == GHOST:
        return "the account was deleted"
    if review.bot or review.author.casefold().endswith("[bot]"):
        return "a bot"
    if review.author.casefold() == pull.author.casefold():
        return "the author"
    return ""


def _voice(review: Review, facts: ReviewFacts, stale: Stale) -> _Voice:
    """Whether one approval counts: what is certain to be out comes before what cannot be told."""
    name = review.author
    if name.casefold() in {login.casefold() for login in facts.pull.requested}:
        return _Voice(name, Known.NO, "was asked to review again")
    checks = (_fresh(review, facts, stale), _writes(name, facts))
    for wanted in (Known.NO, Known.UNKNOWN):
        for check in checks:
            if check.known is wanted:
                return _Voice(name, wanted, check.reason, check.cure)
    return _Voice(name, Known.YES)


def _fresh(review: Review, facts: ReviewFacts, stale: Stale) -> Fact:
    pull, push = facts.pull, facts.push
    if stale is Stale.IGNORE:
        return Fact(known=Known.YES)
    if stale is Stale.HEAD_SHA:
        if review.commit and review.commit == pull.head_sha:
            return Fact(known=Known.YES)
        old = review.commit[:12] or "an unknown commit"
        return Fact(known=Known.NO, reason=f"approved {old}, the head is {pull.head_sha[:12]}")
    if push.at is None:
        return Fact(known=Known.UNKNOWN, reason=push.reason or "nobody tells when the last push was", cure=push.cure)
    if push.by and push.by.casefold() == review.author.casefold():
        return Fact(known=Known.NO, reason="pushed last")
    at = review.at or 0.0
    # GitHub tells whole seconds: within the same one only the commit says which came first.
    if at > push.at or (at == push.at and review.commit == pull.head_sha):
        return Fact(known=Known.YES)
    return Fact(known=Known.NO, reason="approved before the last push")


def _writes(name: str, facts: ReviewFacts) -> Fact:
    found = facts.writers.get(name.casefold(), _NOT_ASKED)
    if found.known is Known.NO:
        return Fact(known=Known.NO, reason=found.reason or "may not write to the repository")
    return found


def _number(name: str, asked: int, voices: Sequence[_Voice], source: str) -> Requirement:
    """At least so many voices; those that cannot be told make it unverifiable only where they could make the difference."""
    sure = tuple(voice.author for voice in voices if voice.counts is Known.YES)
    maybe = [voice for voice in voices if voice.counts is Known.UNKNOWN]
    if len(sure) >= asked:
        return Requirement(name=name, standing=Standing.VERIFIED, found=len(sure), asked=asked, by=sure, source=source)
    if len(sure) + len(maybe) >= asked:
        first = maybe[0]
        return Requirement(
            name=name,
            standing=Standing.UNVERIFIABLE,
            found=len(sure),
            asked=asked,
            by=sure,
            reason="; ".join(f"{voice.author}: {voice.why}" for voice in maybe[:3]),
            cure=first.cure,
        )
    out = [f"{voice.author}: {voice.why}" for voice in voices if voice.counts is Known.NO]
    return Requirement(
        name=name,
        standing=Standing.MISSING,
        found=len(sure),
        asked=asked,
        by=sure,
        reason="; ".join(out[:3]),
        cure=f"Ask for {asked - len(sure)} more.",
    )


def _changes(blockers: Sequence[Review], facts: ReviewFacts) -> list[Requirement]:
    """One requirement more where somebody asks for changes; it stands until they approve or it is dismissed."""
    rights = [(review, _writes(review.author, facts)) for review in blockers]
    for known, standing in ((Known.YES, Standing.MISSING), (Known.UNKNOWN, Standing.UNVERIFIABLE)):
        found = [(review.author, fact) for review, fact in rights if fact.known is known]
        if found:
            names = tuple(name for name, _ in found)
            unknown = f" ({found[0][1].reason})" if known is Known.UNKNOWN else ""
            return [
                Requirement(
                    name="changes-requested",
                    standing=standing,
                    found=len(found),
                    asked=0,
                    by=names,
                    reason=f"{', '.join(names)} asked for changes{unknown}",
                    cure=found[0][1].cure or "Whoever asked approves, or the review is dismissed.",
                )
            ]
    return []


def _team(team: str, asked: int, voices: Sequence[_Voice], facts: ReviewFacts) -> Requirement:
    """So many of a team: the approvals of its members, or else a rule by which GitHub itself asked for them."""
    known = facts.members.get(team, {})
    members = [_both(voice, known.get(voice.author.casefold(), _NOT_ASKED)) for voice in voices]
    sources = sorted({fact.source for voice, fact in members if voice.counts is Known.YES and fact.source})
    found = _number(f"team {team}", asked, [voice for voice, _ in members], ", ".join(sources) or "reviews")
    if found.standing is not Standing.UNVERIFIABLE:
        return found
    rule = facts.vouched.get(team)
    if rule is not None and rule.known is Known.YES:
        return Requirement(
            name=found.name, standing=Standing.VERIFIED, found=asked, asked=asked, by=found.by, source=rule.source
        )
    if rule is None:
        return found
    return Requirement(
        name=found.name,
        standing=Standing.UNVERIFIABLE,
        found=found.found,
        asked=asked,
        by=found.by,
        reason=f"{found.reason}; {rule.reason}",
        cure=found.cure or rule.cure,
    )


def _both(voice: _Voice, member: Fact) -> tuple[_Voice, Fact]:
    """A voice for a team: it counts where it counts at all and its owner is a member."""
    if voice.counts is Known.NO or member.known is Known.YES:
        return voice, member
    return _Voice(voice.author, member.known, member.reason or "is no member", member.cure), member
