"""Answers whether an environment may be deployed to: every condition of `requires`, each with value, limit and source."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from attrs import frozen

from dhash_guard.backup import latest, receipts_for
from dhash_guard.backup.retention import SLACK
from dhash_guard.config import Configuration, load
from dhash_guard.config.verbs import Requirements
from dhash_guard.errors import CannotTell, GuardError, Locked, NoGo
from dhash_guard.gates.approvals import ApprovalRequirement, Standing
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.ledger import chain, verify
from dhash_guard.ledger.seal import EVIDENCE_FILE
from dhash_guard.records.backup import Purpose
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Status
from dhash_guard.records.receipt import Proof
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.units import Seconds, format_duration
from dhash_guard.rollout.approvals import ask, subject_of, summary
from dhash_guard.rollout.freeze import freeze_now
from dhash_guard.rollout.run import Done, Guarded


class Answer(Enum):
    """How one condition stands."""

    GO = "go"
    NO_GO = "no-go"
    CANNOT_TELL = "cannot-tell"
    FROZEN = "frozen"


@frozen(kw_only=True)
class Condition:
    """One condition of the gate: what was found, what was asked, where it was found, what to do."""

    name: str
    answer: Answer
    value: str
    limit: str
    source: str = ""
    cure: str = ""


def gate(run: Guarded, reviews: ReviewReader | None = None) -> Evidence:
    """The `gate` verb: 0 go, 1 no-go, 3 cannot tell, 8 frozen. `reviews` asks GitHub, where that can be reached."""
    found = tuple(conditions(run, reviews))
    problem = _combined(found)

    def work() -> Done:
        if problem is not None:
            raise problem
        return Done(f"go: {len(found)} conditions hold", findings_of(found))

    try:
        run.stage("gate", work)
    except GuardError as no:
        return run.seal(run.evidence(result=no.code, exit_code=no.exit_code))
    return run.seal(run.evidence(result="go", exit_code=0))


def findings_of(found: tuple[Condition, ...]) -> tuple[Finding, ...]:
    """Conditions as findings of a stage."""
    statuses = {Answer.GO: StageStatus.PASSED, Answer.CANNOT_TELL: StageStatus.CANNOT_TELL}
    return tuple(
        Finding(
            check=condition.name,
            status=statuses.get(condition.answer, StageStatus.FAILED),
            text=f"{condition.value}; asked: {condition.limit}" + (f" ({condition.source})" if condition.source else ""),
            cure=condition.cure,
        )
        for condition in found
    )


def conditions(run: Guarded, reviews: ReviewReader | None = None) -> Iterator[Condition]:
    """Every condition, answered from what this machine knows and GitHub tells; what nobody can be asked cannot be told."""
    asked = run.configuration.environment.requires
    yield _not_frozen(run)
    if asked is None:
        yield Condition(
            name="requires",
            answer=Answer.CANNOT_TELL,
            value="nothing is asked for",
            limit="requires",
            cure=f"Give environments.{run.environment}.requires: without it no evidence is judged.",
        )
        return
    if asked.backup is not None:
        yield _backup(run, asked)
    if asked.monitored is not None:
        yield _monitored(run, asked)
    if asked.approvals is not None and reviews is not None:
        yield _approved(run, asked.approvals, reviews)
    elif asked.approvals is not None:
        yield Condition(
            name="approvals",
            answer=Answer.CANNOT_TELL,
            value="unknown here",
            limit=str(asked.approvals),
            cure="Only GitHub knows; ask in the workflow.",
        )
    yield from _before_the_merge(run, asked, reviews)


def _before_the_merge(run: Guarded, asked: Requirements, reviews: ReviewReader | None) -> Iterator[Condition]:
    """What was proven before the merge: the rehearsal, and the checklist."""
    from dhash_guard.rollout import gate_evidence  # it knows this module

    if asked.premerge is not None:
        yield gate_evidence.rehearsed(run)
    if asked.checklist is not None:
        yield gate_evidence.ticked(run, reviews)


def _combined(found: tuple[Condition, ...]) -> GuardError | None:
    kinds: tuple[tuple[Answer, type[GuardError]], ...] = (
        (Answer.FROZEN, Locked),
        (Answer.NO_GO, NoGo),
        (Answer.CANNOT_TELL, CannotTell),
    )
    for answer, kind in kinds:
        bad = [condition for condition in found if condition.answer is answer]
        if bad:
            text = "; ".join(f"{condition.name}: {condition.value}, asked: {condition.limit}" for condition in bad)
            return kind(f"{answer.value}: {text}", cure=bad[0].cure, findings=findings_of(found))
    return None


def _not_frozen(run: Guarded) -> Condition:
    frozen = freeze_now(run)
    answer, value = (Answer.GO, "none now") if frozen is None else (Answer.FROZEN, frozen)
    return Condition(name="freeze", answer=answer, value=value, limit="no freeze")


def _backup(run: Guarded, asked: Requirements) -> Condition:
    assert asked.backup is not None
    younger = asked.backup.younger_than
    limit = "verified" + (f", younger than {format_duration(younger)}" if younger is not None else "")
    backups = [facts for facts in run.vault.listing() if not facts.problem and facts.purpose is Purpose.BACKUP]
    if not backups:
        return Condition(
            name="backup", answer=Answer.CANNOT_TELL, value="there is none", limit=limit, cure="dhash-guard backup create"
        )
    newest = backups[-1]
    age = run.machine.clock.now() - newest.sealed_at
    if problems := run.vault.verify(newest).problems:
        return Condition(name="backup", answer=Answer.NO_GO, value=problems[0], limit=limit, source=newest.name)
    value = f"verified, {format_duration(max(0, round(age)))} old"
    if age < -SLACK or (younger is not None and age >= younger):
        return Condition(name="backup", answer=Answer.NO_GO, value=value, limit=limit, source=newest.name)
    if asked.backup.drilled_within is not None:
        return _drilled(run, asked.backup.drilled_within, value, limit, newest.name)
    return Condition(name="backup", answer=Answer.GO, value=value, limit=limit, source=newest.name)


def _drilled(run: Guarded, within: Seconds, value: str, limit: str, source: str) -> Condition:
    """What the newest drill of the environment says of the way back, whichever backup it was done with."""
    now = run.machine.clock.now()
    limit += f", drilled within {format_duration(within)}"
    newest = latest(receipts_for(run.configuration.layout, run.environment), Proof.DRILLED, now)
    answer, cure = Answer.CANNOT_TELL, "dhash-guard backup drill"
    if newest is None:
        value += ", never drilled"
    else:
        ago = format_duration(max(0, round(now - newest.at)))
        value += f", drilled {ago} ago" if newest.ok else f", the drill {ago} ago failed: {newest.problem.splitlines()[0]}"
        source = newest.backup
        if newest.ok and now - newest.at < within:
            answer, cure = Answer.GO, ""
        else:
            answer = Answer.NO_GO
    return Condition(name="backup", answer=answer, value=value, limit=limit, source=source, cure=cure)


def _monitored(run: Guarded, asked: Requirements) -> Condition:
    """The latest watch of the other environment over this very commit or tree."""
    wanted = asked.monitored
    assert wanted is not None
    limit = f"{wanted.environment} {wanted.verdict}"
    limit += f" within {format_duration(wanted.within)}" if wanted.within is not None else ""
    told = _latest_watch(run.configuration, wanted.environment, run)
    if isinstance(told, str):
        return Condition(
            name="monitored",
            answer=Answer.CANNOT_TELL,
            value=told,
            limit=limit,
            cure=f"dhash-guard monitor --env {wanted.environment}",
        )
    path, evidence = told
    verdict = evidence.verdict
    if verdict is None:
        return Condition(name="monitored", answer=Answer.CANNOT_TELL, value="no verdict", limit=limit, source=str(path))
    age = run.machine.clock.now() - verdict.ended_at
    value = f"{verdict.status.value} {format_duration(max(0, round(age)))} ago"
    source = run.configuration.layout.relative(path)
    unjudged = [o.gate for o in verdict.outcomes if o.action.decides and o.status is Status.NOT_JUDGED]
    answer = Answer.GO
    if verdict.status is Status.CANNOT_TELL or unjudged:
        answer = Answer.CANNOT_TELL
        value += f", not judged: {', '.join(unjudged)}" if unjudged else ""
    elif verdict.status.value != wanted.verdict or age < 0 or (wanted.within is not None and age >= wanted.within):
        answer = Answer.NO_GO
    return Condition(name="monitored", answer=answer, value=value, limit=limit, source=source)


def _approved(run: Guarded, wanted: ApprovalRequirement, reviews: ReviewReader) -> Condition:
    """The approvals of the pull request that this commit came from; a silent or refusing GitHub cannot tell."""
    limit = f"at least {wanted.at_least}, stale: {wanted.stale.value}"
    limit += "".join(f", {team} {number}" for team, number in sorted(wanted.teams.items()))
    try:
        asked = ask(run, reviews, subject_of(reviews.api.transport.context, run.facts.commit), wanted)
    except GuardError as problem:
        value = problem.what.splitlines()[0]
        return Condition(name="approvals", answer=Answer.CANNOT_TELL, value=value, limit=limit, cure=problem.cure)
    standing = asked.answer.standing
    return Condition(
        name="approvals",
        answer={Standing.VERIFIED: Answer.GO, Standing.MISSING: Answer.NO_GO}.get(standing, Answer.CANNOT_TELL),
        value=summary(asked),
        limit=limit,
        source=f"pull request {asked.pull.number} at {asked.pull.head_sha[:12]}, {asked.requests} requests",
        cure=next((one.cure for one in asked.answer.requirements if one.standing is standing), ""),
    )


def _latest_watch(configuration: Configuration, environment: str, run: Guarded) -> tuple[Path, Evidence] | str:
    """The newest sealed watch of the other environment, checked, where it is of this commit or tree; or why not.

    Only the newest counts: an older one must not speak where a newer one is gone, was of a log, or judged otherwise.
    """
    if not run.facts.commit:
        return "this checkout has no commit to compare with"
    layout = configuration.layout
    entries = [entry for entry in chain.read(layout.ledger) if entry.environment == environment and entry.verb == "monitor"]
    if not entries:
        return f"no watch of {environment} is recorded"
    path = layout.run(environment, entries[-1].run) / EVIDENCE_FILE
    if not path.exists():
        return f"the record of the latest watch of {environment} is gone"
    verify.verify(layout, path)
    evidence = verify.load(path)
    if evidence.run.commit != run.facts.commit and evidence.run.tree != run.facts.tree:
        return f"the latest watch of {environment} is of commit {evidence.run.commit[:12]}, not {run.facts.commit[:12]}"
    if evidence.judged is None or evidence.judged.recorded:
        return f"the latest watch of {environment} judged a log, not the service"
    try:
        expected = load(configuration.path, layout.root, run.machine.environ, environment).digest
    except GuardError as problem:
        return f"the configuration of {environment} cannot be read: {problem.what.splitlines()[0]}"
    if evidence.configuration != expected:
        return f"the latest watch of {environment} was made under another configuration, or with other options"
    return path, evidence
