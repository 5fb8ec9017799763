"""Judges whether a piece of evidence may be relied on: what is asked of it, who vouches for it, and why not."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.errors import CannotTell
from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.gates.trust import BEFORE_MERGE, Expected, contradiction, judge
from dhash_guard.ledger import keyed
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.statement import Statement, Tier
from dhash_guard.records.units import Seconds
from dhash_guard.rollout.run import Guarded


@frozen(kw_only=True)
class Wanted:
    """What a condition needs evidence of; `configuration` is the digest that it must have been made under."""

    verb: str
    environment: str
    configuration: str
    max_age: Seconds
    tier: Tier
    words: str
    """How people call it, such as `rehearsal of production`."""


@frozen(kw_only=True)
class Relied:
    """Evidence that may be relied on: its record, its sha256, where it was found and who vouches for it."""

    evidence: Evidence
    digest: str
    tier: Tier
    place: str
    at: float
    """When it was made, in UTC seconds."""

    @property
    def source(self) -> str:
        """For people: place, tier, and the beginning of the hash."""
        return f"{self.place}, {self.tier.value}, {self.digest[:12]}"


@frozen(kw_only=True)
class Unfounded:
    """Nothing may be relied on: why, and what to do; `source` is what was looked at."""

    refused: Refused | None
    value: str
    cure: str = ""
    source: str = ""


def tier_of(run: Guarded, verb: str) -> Tier:
    """Who has to vouch: as configured, else GitHub in one of its jobs and the ledger elsewhere.

    Before the merge no key is there, so that GitHub's word on a rehearsal is enough.
    """
    asked = run.configuration.trust.tier
    tier = asked if asked is not None else Tier.RUN if run.in_job else Tier.LOCAL
    return Tier.RUN if tier is Tier.KEYED and verb == "premerge" else tier


def opened(run: Guarded, content: bytes | None, wanted: Wanted) -> Statement | Refused:
    """The statement that a key vouches for; raise CannotTell where this process has no key."""
    trust = run.configuration.trust
    key = keyed.key_of(run.machine.environ, trust.key_env or "", trust.key_id)
    if key is None:
        raise CannotTell("the key that vouches for evidence is not here", cure=f"Set {trust.key_env or 'trust.key_env'}.")
    if content is None:
        cure = f"Make it where {trust.key_env} is set."
        return Refused(Reason.DOWNGRADED_TIER, f"no key vouches for the latest {wanted.words}", cure)
    return keyed.read(content, key)


def expected_of(run: Guarded, wanted: Wanted, evidence: Evidence | None, digest: str, repository: str) -> Expected:
    """What a statement about this evidence has to say; before any is at hand only who made it can be asked.

    `repository` is owner/name, empty where the evidence was made off GitHub.
    """
    trust, environ = run.configuration.trust, run.machine.environ
    number = environ.get("GITHUB_REPOSITORY_ID", "")
    return Expected(
        tier=wanted.tier,
        evidence=digest,
        samples=evidence.samples.sha256 if evidence is not None and evidence.samples is not None else "",
        environment=wanted.environment,
        verb=wanted.verb,
        commit=run.facts.commit,
        tree=run.facts.tree,
        configuration=wanted.configuration,
        # Before a merge there is no release yet that a rehearsal could be about.
        target=run.facts.tag if wanted.verb == "monitor" else "",
        repository=repository,
        repository_id=int(number) if repository and number.isdecimal() else 0,
        workflows=trust.workflows,
        workflow_sha=environ.get("GITHUB_WORKFLOW_SHA", ""),
        events=tuple(event for event in trust.events if wanted.verb == "premerge" or event not in BEFORE_MERGE),
        max_age=wanted.max_age,
    )


def relied(
    run: Guarded, wanted: Wanted, evidence: Evidence, statement: Statement | Refused, expected: Expected, place: str
) -> Relied | Unfounded:
    """The evidence, where its statement is accepted and says what the evidence says."""
    refused = _refusal(statement, evidence, expected, run.machine.clock.now())
    if refused is None:
        assert isinstance(statement, Statement)
        at = min(statement.issued_at, evidence.verdict.ended_at if evidence.verdict is not None else evidence.run.ended_at)
        return Relied(evidence=evidence, digest=expected.evidence, tier=statement.tier, place=place, at=at)
    return unfounded(refused, wanted, f"{place}, {expected.evidence[:12]}")


def _refusal(statement: Statement | Refused, evidence: Evidence, expected: Expected, now: float) -> Refused | None:
    if isinstance(statement, Refused):
        return statement
    judged = judge(statement, expected, now)
    return judged if isinstance(judged, Refused) else contradiction(statement, evidence)


def unfounded(refused: Refused, wanted: Wanted, source: str) -> Unfounded:
    """A refusal as the gate tells it: reason, what it is about, why."""
    value = f"{refused.reason.value}: the latest {wanted.words}: {refused.what}"
    return Unfounded(refused=refused, value=value, cure=refused.cure, source=source)


def aged(run: Guarded, found: Relied) -> float:
    """Seconds since it was made, never less than none."""
    return max(0.0, run.machine.clock.now() - found.at)
