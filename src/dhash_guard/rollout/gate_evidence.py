"""Answers two conditions of the gate: that this commit was rehearsed, and that the required boxes are ticked."""

from __future__ import annotations

from collections.abc import Iterator

from dhash_guard.errors import CannotTell, GuardError
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.github.ports import Issues
from dhash_guard.ledger import chain, verify
from dhash_guard.ledger.seal import EVIDENCE_FILE
from dhash_guard.records.checklist import Memory
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.review import PullFacts
from dhash_guard.records.stage import StageStatus
from dhash_guard.records.units import format_duration
from dhash_guard.report.comment import marker
from dhash_guard.report.memory import boxes_in, observed, remembered
from dhash_guard.rollout.approvals import chosen, subject_of
from dhash_guard.rollout.gate import Answer, Condition
from dhash_guard.rollout.run import Guarded


def rehearsed(run: Guarded) -> Condition:
    """The latest rehearsal of this environment over this commit or tree: it went through, and is young enough."""
    most = run.configuration.trust.max_age
    limit = f"proceed, younger than {format_duration(most)}"
    cure = f"dhash-guard premerge --env {run.environment}"
    told = _latest(run)
    if isinstance(told, str):
        return Condition(name="premerge", answer=Answer.CANNOT_TELL, value=told, limit=limit, cure=cure)
    source, evidence = told
    age = run.machine.clock.now() - evidence.run.ended_at
    value = f"{evidence.result} {format_duration(max(0, round(age)))} ago"
    may_skip = {leg.value for leg in run.configuration.premerge.may_skip}
    left_out = [
        stage.name
        for stage in evidence.stages
        if stage.status is StageStatus.SKIPPED and stage.reason_code == "skip" and stage.name not in may_skip
    ]
    answer = Answer.GO
    if evidence.result == "no-go" or age >= most or age < 0:
        answer = Answer.NO_GO
    elif evidence.result != "proceed" or left_out:
        answer = Answer.CANNOT_TELL
        value += f", left out: {', '.join(left_out)}" if left_out else ""
    cure = "" if answer is Answer.GO else cure
    return Condition(name="premerge", answer=answer, value=value, limit=limit, source=source, cure=cure)


def _latest(run: Guarded) -> tuple[str, Evidence] | str:
    """The newest sealed rehearsal, checked, where it is of this commit or tree; or why not."""
    facts, layout = run.facts, run.configuration.layout
    if not facts.commit:
        return "this checkout has no commit to compare with"
    ours = [one for one in chain.read(layout.ledger) if one.environment == run.environment and one.verb == "premerge"]
    if not ours:
        return f"no rehearsal of {run.environment} is recorded"
    path = layout.run(run.environment, ours[-1].run) / EVIDENCE_FILE
    if not path.exists():
        return "the record of the latest rehearsal is gone"
    verify.verify(layout, path)
    evidence = verify.load(path)
    if evidence.run.commit != facts.commit and evidence.run.tree != facts.tree:
        return f"the latest rehearsal is of commit {evidence.run.commit[:12]}, not {facts.commit[:12]}"
    if evidence.configuration != run.configuration.digest:
        return "the latest rehearsal was made under another configuration"
    return layout.relative(path), evidence


def ticked(run: Guarded, reviews: ReviewReader | None) -> Condition:
    """The required boxes of the comment on the pull request that this commit came from; a silent GitHub cannot tell."""
    limit = "every required box, for the commit that was merged"
    if reviews is None:
        cure = "Ask in the workflow, with a token."
        return Condition(name="checklist", answer=Answer.CANNOT_TELL, value="unknown here", limit=limit, cure=cure)
    try:
        pull = _pull(run, reviews)
        body = _comment(run, reviews.api, pull.number)
    except GuardError as problem:
        value = problem.what.splitlines()[0]
        return Condition(name="checklist", answer=Answer.CANNOT_TELL, value=value, limit=limit, cure=problem.cure)
    answer, value, cure = standing(body, pull.head_sha)
    source = f"pull request {pull.number} at {pull.head_sha[:12]}"
    return Condition(name="checklist", answer=answer, value=value, limit=limit, source=source, cure=cure)


def standing(body: str, head: str) -> tuple[Answer, str, str]:
    """How the required boxes of a body stand for the commit `head`: the answer, in words, and what to do.

    A box that nobody is known to have ticked counts for nothing: who may tick is who may edit, and that must be told.
    """
    memory = observed(remembered(body), body, 0.0)
    required = [name for name, box in memory.shown.items() if box.required]
    if not required or not required_there(memory, body):
        return Answer.CANNOT_TELL, "no checklist is there, or it was altered", "Run the rehearsal again."
    if memory.commit != head:
        return Answer.CANNOT_TELL, f"the checklist is of commit {memory.commit[:12]}", "Run the rehearsal again."
    states = dict(_states(memory, required))
    for word, answer, cure in (
        ("open", Answer.NO_GO, "Tick them, or let their evidence be made."),
        ("of nobody known", Answer.CANNOT_TELL, "Let a workflow run `dhash-guard checklist` on issue_comment edited."),
    ):
        names = [name for name in required if states[name] == word]
        if names:
            return answer, f"{word}: {', '.join(names)}", cure
    return Answer.GO, f"{len(required)} of {len(required)} ticked", ""


def required_there(memory: Memory, body: str) -> bool:
    """Whether every box that the body was written with still stands in it."""
    return memory.shown.keys() <= boxes_in(body).keys()


def _states(memory: Memory, required: list[str]) -> Iterator[tuple[str, str]]:
    for name in required:
        shown, tick = memory.shown[name], memory.ticks.get(name)
        if shown.proved:
            yield name, "ticked" if shown.on else "open"
        elif tick is None or not tick.holds:
            yield name, "open"
        else:
            yield name, "ticked" if tick.who else "of nobody known"


def _pull(run: Guarded, reviews: ReviewReader) -> PullFacts:
    subject = subject_of(reviews.api.transport.context, run.facts.commit)
    if subject.pull is not None:
        return reviews.pull(subject.pull)
    found = chosen(reviews.pulls_of(subject.commit), subject.commit)
    if isinstance(found, str):
        raise CannotTell(found, cure="Deploy what a pull request was merged as.")
    return found


def _comment(run: Guarded, issues: Issues, number: int) -> str:
    """The body of our comment; a marker that somebody else pasted is none of ours."""
    first = marker("premerge", run.environment)
    marked = [one for one in issues.comments(number) if one.body.startswith(first)]
    author = issues.identity().casefold() if marked else ""
    ours = [one for one in marked if one.author.casefold() == author]
    if not ours:
        raise CannotTell("the pull request has no comment of the rehearsal", cure="Let its workflow run.")
    return ours[0].body
