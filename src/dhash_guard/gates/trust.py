"""Decides whether a statement about evidence is accepted: one reason for each thing that can be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from attrs import frozen

from dhash_guard.gates.refusals import IDENTITY, Reason, Refused
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.statement import SCHEMA_VERSION, Statement, Tier
from dhash_guard.records.units import format_duration

SKEW = 60.0
"""Seconds that the clocks of two machines may differ."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9a-f]{32,64}")
BEFORE_MERGE = ("pull_request", "pull_request_review", "pull_request_target")
"""Events in which the code of a pull request runs; no key is there, and nothing that is deployed is watched."""


@frozen(kw_only=True)
class Expected:
    """What evidence has to be about. Empty `repository`: evidence made off GitHub is expected; `target`: any is right,
    as it is where the evidence names none.

    `evidence` and `samples` are the hashes of the bytes at hand; `run` and `attempt` are the run that GitHub gave them
    with and its latest attempt, 0 where nobody was asked. `workflows` are paths, or path@commit; `workflow_sha` is the
    commit that our own workflow was read at.
    """

    tier: Tier
    evidence: str
    samples: str
    environment: str
    verb: str
    commit: str
    tree: str
    configuration: str
    target: str
    repository: str
    repository_id: int
    workflows: tuple[str, ...]
    workflow_sha: str
    events: tuple[str, ...]
    run: int = 0
    attempt: int = 0
    jobs_told: bool = False
    """Whether GitHub was asked how the jobs ended, so that nothing but success is right."""
    max_age: float


@frozen
class Accepted:
    """The statement holds."""

    statement: Statement


def judge(statement: Statement, expected: Expected, now: float) -> Accepted | Refused:
    """The first thing that is wrong, in the order of `Reason`, or that nothing is."""
    return next(_problems(statement, expected, now), None) or Accepted(statement)


def stranger(statement: Statement, expected: Expected, now: float) -> Refused | None:
    """Why the run that made it is none of ours, or nothing; looks at nothing but who ran what."""
    return next((found for found in _problems(statement, expected, now) if found.reason in IDENTITY), None)


def contradiction(statement: Statement, evidence: Evidence) -> Refused | None:
    """Why the evidence says something else than the statement about it, or nothing.

    GitHub knows the head of a run, the evidence what was checked out: for a pull request the merge, so the tree is enough.
    """
    run = evidence.run
    same_commit, same_tree = run.commit == statement.commit, bool(run.tree) and run.tree == statement.tree
    agrees = {
        "environment": run.environment == statement.environment,
        "command": run.verb == statement.verb,
        "configuration": evidence.configuration == statement.configuration,
        "result": evidence.result == statement.result,
        "samples": (evidence.samples.sha256 if evidence.samples is not None else "") == statement.samples,
        "release": run.tag == statement.target,
        "commit": (same_commit or same_tree) if statement.tier is Tier.RUN else (same_commit and run.tree == statement.tree),
    }
    wrong = next((name for name, right in agrees.items() if not right), "")
    if not wrong:
        return None
    return Refused(Reason.CONTRADICTS_EVIDENCE, f"the evidence is of another {wrong} than is said of it", "Find out why.")


def _problems(statement: Statement, expected: Expected, now: float) -> Iterator[Refused]:
    for check in _CHECKS:
        yield from check(statement, expected, now)


def _form(it: Statement, expected: Expected, now: float) -> Iterator[Refused]:
    if it.schema_version != SCHEMA_VERSION or not _SHA256.fullmatch(it.evidence) or not _NONCE.fullmatch(it.nonce):
        yield Refused(Reason.MALFORMED, "it is no statement of this version, or its hash or nonce is none", _AGAIN)
    if it.samples and not _SHA256.fullmatch(it.samples):
        yield Refused(Reason.MALFORMED, "the hash of its samples is none", _AGAIN)
    if not it.issued_at < it.expires_at:  # also true of nothing that is no number
        yield Refused(Reason.MALFORMED, "it ends before it begins", _AGAIN)
    if (it.tier is Tier.KEYED) != bool(it.key):
        yield Refused(
            Reason.MALFORMED, f"tier {it.tier.value} {'without' if it.tier is Tier.KEYED else 'with'} a key", _AGAIN
        )
    if it.tier.rank < expected.tier.rank:
        cure = "Let a trusted workflow make it, where the key is, or ask for less in trust.tier."
        yield Refused(Reason.DOWNGRADED_TIER, f"{it.tier.value} vouches for it, {expected.tier.value} is asked for", cure)
    if (it.evidence, it.samples) != (expected.evidence, expected.samples):
        yield Refused(
            Reason.DIGEST_MISMATCH, "its hashes are not those of the files", "Somebody altered them; find out who."
        )


def _who(it: Statement, expected: Expected, now: float) -> Iterator[Refused]:
    """Repository, head, workflow and event; evidence that is made off GitHub has none of them."""
    ours = (expected.repository.casefold(), expected.repository_id)
    if (it.repository.casefold(), it.repository_id) != ours:
        what = f"it is of {it.repository or 'no repository'} ({it.repository_id}), not of {expected.repository or 'none'}"
        yield Refused(Reason.WRONG_REPOSITORY, what, "Only runs of this very repository count.")
    if not expected.repository and not it.repository:
        return
    if it.head_repository.casefold() != expected.repository.casefold():
        what = f"its commit comes from {it.head_repository or 'an unknown repository'}"
        yield Refused(
            Reason.FOREIGN_HEAD_REPOSITORY, what, "Let a run of this repository prove it: a push, or a merge queue."
        )
    yield from _workflow(it, expected)
    if it.event not in expected.events:
        what = f"it was started by {it.event or 'an unknown event'}, not by {' or '.join(expected.events) or 'any'}"
        yield Refused(Reason.WRONG_EVENT, what, "Name the event in trust.events, where it may be trusted.")
    elif it.tier is Tier.KEYED and it.event in BEFORE_MERGE:
        yield Refused(Reason.WRONG_EVENT, f"a key was there in {it.event}", "Take the key away from pull requests.")


def _workflow(it: Statement, expected: Expected) -> Iterator[Refused]:
    named = [one.partition("@") for one in expected.workflows]
    pins = [pin for path, _, pin in named if path == it.workflow]
    spoken = f"{it.repository}/{it.workflow}@"
    if not pins or (it.workflow_ref and not it.workflow_ref.casefold().startswith(spoken.casefold())):
        what = f"it was made by {it.workflow or 'an unknown workflow'}"
        yield Refused(Reason.UNTRUSTED_WORKFLOW, what, "Name the path in trust.workflows, where it may be trusted.")
    # Without a pin the file must be part of what is judged, so that whoever reviewed the change has seen it.
    right = {pin for pin in pins if pin} or {it.commit, expected.workflow_sha}
    if not it.workflow_sha or it.workflow_sha not in right:
        what = f"its workflow was read at {it.workflow_sha[:12] or 'an unknown commit'}"
        yield Refused(Reason.WRONG_WORKFLOW_SHA, what, "Run the workflow as it is in the commit that is deployed.")


def _run(it: Statement, expected: Expected, now: float) -> Iterator[Refused]:
    if expected.run and it.run != expected.run:
        yield Refused(Reason.WRONG_RUN, f"it is of run {it.run}, but came with run {expected.run}", _AGAIN)
    if expected.attempt and it.attempt != expected.attempt:
        what = f"it is of attempt {it.attempt}, the latest is {expected.attempt}"
        yield Refused(Reason.SUPERSEDED_ATTEMPT, what, "Run all jobs again, not only those that failed.")
    if it.conclusion not in (("success",) if expected.jobs_told else ("", "success")):
        what = f"its job ended as {it.conclusion or 'nobody knows what'}"
        yield Refused(Reason.JOB_NOT_SUCCESSFUL, what, "Wait for it, or run it again.")


def _about(it: Statement, expected: Expected, now: float) -> Iterator[Refused]:
    if it.environment != expected.environment:
        what = f"it is of environment {it.environment or 'unknown'}, not {expected.environment}"
        yield Refused(Reason.WRONG_ENVIRONMENT, what)
    if it.verb != expected.verb:
        yield Refused(Reason.WRONG_VERB, f"it is of {it.verb or 'an unknown command'}, not {expected.verb}")
    same_commit = bool(it.commit) and it.commit == expected.commit
    same_tree = bool(it.tree) and it.tree == expected.tree
    if not (same_commit or same_tree):
        what = f"it is of commit {it.commit[:12] or 'unknown'}, not {expected.commit[:12] or 'unknown'}"
        yield Refused(Reason.WRONG_COMMIT, what, "Prove the commit that is to be deployed.")
    if not it.configuration or it.configuration != expected.configuration:
        what = "it was made under another configuration, or with other options"
        yield Refused(Reason.WRONG_CONFIGURATION, what, "Make it again under the configuration of this commit.")
    if expected.target and it.target and it.target != expected.target:
        yield Refused(Reason.WRONG_TARGET, f"it is about release {it.target}, not {expected.target}")


def _when(it: Statement, expected: Expected, now: float) -> Iterator[Refused]:
    if it.issued_at > now + SKEW:
        yield Refused(Reason.NOT_YET_ISSUED, "it is from the future", "Set the clocks right.")
    if now >= it.expires_at:
        yield Refused(Reason.EXPIRED, "it has expired", "Make it again.")
    if now - it.issued_at >= expected.max_age:
        old, limit = format_duration(round(now - it.issued_at)), format_duration(expected.max_age)
        yield Refused(Reason.TOO_OLD, f"it is {old} old, the limit is {limit}", "Make it again.")


_AGAIN = "Make it again."
_CHECKS: tuple[Callable[[Statement, Expected, float], Iterator[Refused]], ...] = (_form, _who, _run, _about, _when)
