"""Answers what evidence is asked for: that this commit was rehearsed, watched elsewhere, and that its boxes are ticked."""

from __future__ import annotations

from collections.abc import Iterator

from dhash_guard.config import load
from dhash_guard.config.verbs import MonitoredRequirement
from dhash_guard.errors import CannotTell, GuardError
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.github.ports import Issues
from dhash_guard.github.provenance import Provenance
from dhash_guard.records.checklist import Memory
from dhash_guard.records.outcome import Status
from dhash_guard.records.stage import StageStatus
from dhash_guard.records.units import format_duration
from dhash_guard.report.comment import marker
from dhash_guard.report.memory import boxes_in, observed, remembered
from dhash_guard.rollout import deployments
from dhash_guard.rollout.approvals import chosen, pull_of, subject_of_commit
from dhash_guard.rollout.conditions import Answer, Condition, answer_of
from dhash_guard.rollout.finding import find
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.trusted import Relied, Unfounded, Wanted, aged, tier_of


def rehearsed(run: Guarded, reviews: ReviewReader | None, source: Provenance | None) -> Condition:
    """The latest rehearsal of this environment over this commit or tree: it went through, and is young enough."""
    wanted = Wanted(
        verb="premerge",
        environment=run.environment,
        configuration=run.configuration.digest,
        max_age=run.configuration.trust.max_age,
        tier=tier_of(run, "premerge"),
        words=f"rehearsal of {run.environment}",
    )
    limit, cure = f"proceed, {_limit(wanted)}", f"dhash-guard premerge --env {run.environment}"
    found = find(run, wanted, source, _commits(run, reviews))
    if isinstance(found, Unfounded):
        return _without("premerge", found, limit, cure)
    evidence = found.evidence
    value = f"{evidence.result} {format_duration(round(aged(run, found)))} ago"
    may_skip = {leg.value for leg in run.configuration.premerge.may_skip}
    left_out = [
        stage.name
        for stage in evidence.stages
        if stage.status is StageStatus.SKIPPED and stage.reason_code == "skip" and stage.name not in may_skip
    ]
    answer = Answer.GO
    if evidence.result == "no-go" or aged(run, found) >= wanted.max_age:
        answer = Answer.NO_GO
    elif evidence.result != "proceed" or left_out:
        answer = Answer.CANNOT_TELL
        value += f", left out: {', '.join(left_out)}" if left_out else ""
    return _with("premerge", found, answer, value, limit, cure)


def monitored(run: Guarded, asked: MonitoredRequirement, source: Provenance | None) -> Condition:
    """The latest watch of the other environment over this very commit or tree: healthy, and young enough."""
    cure = f"dhash-guard monitor --env {asked.environment}"
    limit = f"{asked.environment} {asked.verdict}"
    layout = run.configuration.layout
    try:
        configuration = load(run.configuration.path, layout.root, run.machine.environ, asked.environment).digest
    except GuardError as problem:
        value = f"the configuration of {asked.environment} cannot be read: {problem.what.splitlines()[0]}"
        return Condition(name="monitored", answer=Answer.CANNOT_TELL, value=value, limit=limit, cure=problem.cure)
    wanted = Wanted(
        verb="monitor",
        environment=asked.environment,
        configuration=configuration,
        max_age=asked.within if asked.within is not None else run.configuration.trust.max_age,
        tier=tier_of(run, "monitor"),
        words=f"watch of {asked.environment}",
    )
    limit += f", {_limit(wanted)}"
    found = find(run, wanted, source, [run.facts.commit])
    if isinstance(found, Unfounded):
        return _without("monitored", found, limit, cure)
    verdict, judged = found.evidence.verdict, found.evidence.judged
    if verdict is None or judged is None or judged.recorded:
        value = "no verdict" if verdict is None else f"the latest {wanted.words} judged a log, not the service"
        return _with("monitored", found, Answer.CANNOT_TELL, value, limit, cure)
    value = f"{verdict.status.value} {format_duration(round(aged(run, found)))} ago"
    unjudged = [o.gate for o in verdict.outcomes if o.action.decides and o.status is Status.NOT_JUDGED]
    answer = Answer.GO
    if verdict.status is Status.CANNOT_TELL or unjudged:
        answer = Answer.CANNOT_TELL
        value += f", not judged: {', '.join(unjudged)}" if unjudged else ""
    elif verdict.status.value != asked.verdict or aged(run, found) >= wanted.max_age:
        answer = Answer.NO_GO
    elif gone := _taken_back(run, asked.environment, found.evidence.deployment):
        answer, value = Answer.NO_GO, gone
    return _with("monitored", found, answer, value, limit, cure)


def _taken_back(run: Guarded, place: str, watched: str) -> str:
    """That the deployment which was watched has been rolled back since, or is being, as far as this disk knows.

    A watch without a deployment saw what stands there after a rollback, whatever commit was checked out meanwhile.
    """
    there = deployments.latest_of(run.configuration.layout, place)
    if there is None or there.state not in deployments.TAKEN_BACK:
        return ""
    about_it = there.id == watched or (not watched and there.commit == run.facts.commit)
    return f"{there.tag} was rolled back ({there.state.value})" if about_it else ""


def _limit(wanted: Wanted) -> str:
    return f"younger than {format_duration(wanted.max_age)}, vouched for by {wanted.tier.value}"


def _with(name: str, found: Relied, answer: Answer, value: str, limit: str, cure: str) -> Condition:
    cure = "" if answer is Answer.GO else cure
    digests = (found.digest,)
    return Condition(name=name, answer=answer, value=value, limit=limit, source=found.source, cure=cure, relies_on=digests)


def _without(name: str, found: Unfounded, limit: str, cure: str) -> Condition:
    answer = answer_of(found.refused) if found.refused is not None else Answer.CANNOT_TELL
    cure = found.cure or cure
    return Condition(name=name, answer=answer, value=found.value, limit=limit, source=found.source, cure=cure)


def _commits(run: Guarded, reviews: ReviewReader | None) -> list[str]:
    """The commit itself, and the head of the pull request that was merged as it: their trees are the same where nothing
    else was merged meanwhile."""
    commits = [run.facts.commit]
    if reviews is None or not run.facts.commit:
        return commits
    try:
        found = chosen(reviews.pulls_of(run.facts.commit), run.facts.commit)
    except GuardError:
        return commits  # what is about the commit itself may be enough
    return commits if isinstance(found, str) else list(dict.fromkeys([*commits, found.head_sha]))


def ticked(run: Guarded, reviews: ReviewReader | None) -> Condition:
    """The required boxes of the comment on the pull request that this commit came from; a silent GitHub cannot tell."""
    limit = "every required box, for the commit that was merged"
    if reviews is None:
        cure = "Ask in the workflow, with a token."
        return Condition(name="checklist", answer=Answer.CANNOT_TELL, value="unknown here", limit=limit, cure=cure)
    try:
        pull = pull_of(run, reviews, subject_of_commit(reviews.api.transport.context, run.facts.commit))
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


def _comment(run: Guarded, issues: Issues, number: int) -> str:
    """The body of our comment; a marker that somebody else pasted is none of ours."""
    first = marker("premerge", run.environment)
    marked = [one for one in issues.comments(number) if one.body.startswith(first)]
    author = issues.identity().casefold() if marked else ""
    ours = [one for one in marked if one.author.casefold() == author]
    if not ours:
        raise CannotTell("the pull request has no comment of the rehearsal", cure="Let its workflow run.")
    return ours[0].body
