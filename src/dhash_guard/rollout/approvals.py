"""Answers whether a pull request, or the one that a commit came from, has the approvals that an environment asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from dhash_guard.errors import CannotTell, GuardError, NoGo, UsageProblem
from dhash_guard.gates.approvals import ApprovalRequirement, Approvals, Requirement, Standing, judge
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.records.context import RunContext
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.review import PullFacts
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.rollout.run import Done, Guarded

_QUEUED = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]{1,12})-[0-9a-f]{40,64}")
"""The branches of merge queues, which GitHub alone can make."""

TRIES, APART = 3, 2.0
"""Looks for the pull request of a commit, seconds apart: right after a merge GitHub does not know it yet."""

_STATUS = {
    Standing.VERIFIED: StageStatus.PASSED,
    Standing.MISSING: StageStatus.FAILED,
    Standing.UNVERIFIABLE: StageStatus.CANNOT_TELL,
}


class Missing(NoGo):
    """Approvals are missing, or somebody asks for changes."""

    code = "approvals-missing"


class Unverifiable(CannotTell):
    """Whether the approvals are there cannot be proven, so they count as missing."""

    code = "approvals-unverifiable"


@frozen(kw_only=True)
class Subject:
    """What is asked about: a pull request and, where one is known, the commit that its approvals must be of."""

    pull: int | None = None
    commit: str = ""


@frozen(kw_only=True)
class Asked:
    """The answer, the pull request that it is about, and how many requests it took."""

    answer: Approvals
    pull: PullFacts
    requests: int


def approvals(run: Guarded, reader: ReviewReader, subject: Subject) -> tuple[Evidence, Asked | None]:
    """The `approvals` verb: 0 verified, 1 missing, 3 unverifiable. Raise UsageProblem where nothing is asked for."""
    requires = run.configuration.environment.requires
    if requires is None or requires.approvals is None:
        raise UsageProblem(
            f"environment {run.environment} asks for no approvals",
            where=str(run.configuration.path),
            cure="Add requires: {approvals: {at_least: 2}}.",
        )
    wanted, held = requires.approvals, list[Asked]()

    def work() -> Done:
        held.append(ask(run, reader, subject, wanted))
        return _told(held[0])

    try:
        run.stage("approvals", work)
    except UsageProblem:
        raise
    except GuardError as problem:
        evidence = run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    else:
        evidence = run.seal(run.evidence(result="approved", exit_code=0))
    return evidence, held[0] if held else None


def ask(run: Guarded, reader: ReviewReader, subject: Subject, wanted: ApprovalRequirement) -> Asked:
    """Read and judge; raise GithubProblem, or CannotTell where no one pull request is meant or it moved on."""
    before = reader.requests_made
    number = subject.pull if subject.pull is not None else _found(run, reader, subject.commit).number
    facts = reader.facts(number, wanted)
    _require_same(facts.pull, subject)
    return Asked(answer=judge(facts, wanted), pull=facts.pull, requests=reader.requests_made - before)


def pull_of(run: Guarded, reader: ReviewReader, subject: Subject) -> PullFacts:
    """The one pull request that is meant; raise GithubProblem, or CannotTell where there is none or it moved on."""
    pull = reader.pull(subject.pull) if subject.pull is not None else _found(run, reader, subject.commit)
    _require_same(pull, subject)
    return pull


def _require_same(pull: PullFacts, subject: Subject) -> None:
    if subject.commit and not belongs(pull, subject.commit):
        raise CannotTell(
            f"pull request {pull.number} is at {pull.head_sha[:12]}, not at {subject.commit[:12]}",
            cure="Ask again for the commit that it is at now.",
        )


def belongs(pull: PullFacts, commit: str) -> bool:
    """Whether the approvals of a pull request speak for this commit: its head, or what the merge made of it."""
    return commit in (pull.head_sha, pull.merge_commit)


def chosen(pulls: Sequence[PullFacts], commit: str) -> PullFacts | str:
    """The one pull request that a commit stands for, or why none is.

    What was merged as this very commit (also squashed) comes first, then what has it as its head; a pull request that only
    contains the commit says nothing about it.
    """
    for fits in (
        [pull for pull in pulls if pull.merged and pull.merge_commit == commit],
        [pull for pull in pulls if pull.merged and pull.head_sha == commit],
        [pull for pull in pulls if pull.open and pull.head_sha == commit],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            numbers = ", ".join(str(pull.number) for pull in sorted(fits, key=lambda pull: pull.number))
            return f"commit {commit[:12]} belongs to several pull requests: {numbers}"
    return f"no pull request was merged as {commit[:12]}, or has it as its head"


def subject_of(context: RunContext, commit: str) -> Subject:
    """What a run is about: the pull request of its event at the event's commit, else the commit of the checkout.

    An entry of a merge queue is about the pull request that its branch names: GitHub makes one for each.
    """
    if context.event == "merge_group" and (queued := _QUEUED.fullmatch(context.ref)):
        return Subject(pull=int(queued[1]))
    if context.pull_request is not None:
        return Subject(pull=context.pull_request, commit=context.sha)
    return Subject(commit=commit or context.sha)


def subject_of_commit(context: RunContext, commit: str) -> Subject:
    """What a commit that is to be deployed is about; the event's pull request only where the event's commit is that one.

    A comment on a pull request, or the end of its workflow, runs the default branch: what was said there of another commit
    says nothing of this one. Of a pull request's own events the test merge stands for its head.
    """
    test_merge = context.ref.startswith("refs/pull/") and commit == context.event_sha
    return subject_of(context, commit) if commit and (commit == context.sha or test_merge) else Subject(commit=commit)


def findings_of(asked: Asked) -> tuple[Finding, ...]:
    """The requirements, and the approvals that do not count, as findings of a stage."""
    told = [
        Finding(check=one.name, status=_STATUS[one.standing], text=sentence(one), cure=one.cure)
        for one in asked.answer.requirements
    ]
    told += [
        Finding(check="not counted", status=StageStatus.SKIPPED, text=f"{left.author}: {left.why}")
        for left in asked.answer.left_out
    ]
    return tuple(told)


def sentence(one: Requirement) -> str:
    """`verified: 2 of 2 (ada, grace), by the team API`."""
    who = f" ({', '.join(one.by)})" if one.by else ""
    how = f", by {one.source}" if one.source else ""
    if one.name == "changes-requested":
        return f"{one.standing.value}: {one.reason}"
    why = f": {one.reason}" if one.reason else ""
    return f"{one.standing.value}: {one.found} of {one.asked}{who}{how}{why}"


def summary(asked: Asked) -> str:
    """All requirements in one line."""
    return "; ".join(f"{one.name} {sentence(one)}" for one in asked.answer.requirements)


def _found(run: Guarded, reader: ReviewReader, commit: str) -> PullFacts:
    if not commit:
        raise CannotTell("there is no commit to ask about", cure="Check one out; `approvals` also takes --pull or --commit.")
    why = ""
    for left in reversed(range(TRIES)):
        found = chosen(reader.pulls_of(commit), commit)
        if isinstance(found, PullFacts):
            return found
        why = found
        if left:
            run.machine.clock.sleep(APART)
    raise CannotTell(why, cure="Name it with --pull, or deploy what a pull request was merged as.")


def _told(asked: Asked) -> Done:
    where = f"pull request {asked.pull.number} at {asked.pull.head_sha[:12]}"
    text = f"{where}: {summary(asked)} ({asked.requests} requests)"
    kind = {Standing.MISSING: Missing, Standing.UNVERIFIABLE: Unverifiable}.get(asked.answer.standing)
    if kind is None:
        return Done(text, findings_of(asked))
    cure = next(one.cure for one in asked.answer.requirements if one.standing is asked.answer.standing)
    raise kind(text, cure=cure, findings=findings_of(asked))
