"""Answers whether an environment may be deployed to: every condition of `requires`, each with value, limit and source."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dhash_guard.backup.receipts import latest, receipts_for
from dhash_guard.backup.retention import SLACK
from dhash_guard.config.verbs import Requirements
from dhash_guard.errors import CannotTell, Damaged, GuardError, Locked, NoGo
from dhash_guard.gates.approvals import ApprovalRequirement, Standing
from dhash_guard.github.approvals import ReviewReader
from dhash_guard.github.provenance import Provenance
from dhash_guard.records.backup import Purpose
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.receipt import Proof
from dhash_guard.records.units import Seconds, format_duration
from dhash_guard.rollout import gate_evidence, gate_waves
from dhash_guard.rollout.approvals import ask, subject_of_commit, summary
from dhash_guard.rollout.conditions import Answer, Condition, findings_of
from dhash_guard.rollout.freeze import closed_now, freeze_now
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.safety import belonging


def gate(run: Guarded, reviews: ReviewReader | None = None) -> Evidence:
    """The `gate` verb: 0 go, 1 no-go, 3 cannot tell, 4 evidence was altered, 8 frozen.

    `reviews` asks GitHub, where that can be reached.
    """

    def work() -> Done:
        return go(tuple(conditions(run, reviews)))

    try:
        run.stage("gate", work)
    except GuardError as no:
        return run.seal(run.evidence(result=no.code, exit_code=no.exit_code))
    return run.seal(run.evidence(result="go", exit_code=0))


def go(found: tuple[Condition, ...]) -> Done:
    """What to say where all conditions hold; raise what the worst one that does not stands for."""
    problem = _combined(found)
    if problem is not None:
        raise problem
    return Done(f"go: {len(found)} conditions hold", findings_of(found))


def conditions(run: Guarded, reviews: ReviewReader | None = None, *, without: Collection[str] = ()) -> Iterator[Condition]:
    """Every condition, answered from what this machine knows and GitHub tells; what nobody can be asked cannot be told.

    `without` leaves `backup` out, which takes reading it: a deployment that takes its own asks for it afterwards.
    Looking uses nothing up: `conditions.relied_on` names what a deployment that follows has to.
    """
    asked = run.configuration.environment.requires
    source = Provenance(reviews.api, run.machine.http, run.artifacts) if reviews is not None else None
    yield _not_frozen(run)
    if run.configuration.environment.maintenance.windows:
        yield _window_open(run)
    yield from gate_waves.waved(run, source)
    if asked is None:
        yield Condition(
            name="requires",
            answer=Answer.CANNOT_TELL,
            value="nothing is asked for",
            limit="requires",
            cure=f"Give environments.{run.configuration.waves.environment}.requires: without it no evidence is judged.",
        )
        return
    if asked.backup is not None and "backup" not in without:
        yield _backup(run, asked)
    if asked.monitored is not None:
        yield gate_evidence.monitored(run, asked.monitored, source)
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
    if asked.premerge is not None:
        yield gate_evidence.rehearsed(run, reviews, source)
    if asked.checklist is not None:
        yield gate_evidence.ticked(run, reviews)


def _combined(found: tuple[Condition, ...]) -> GuardError | None:
    kinds: tuple[tuple[Answer, type[GuardError]], ...] = (
        (Answer.ALTERED, Damaged),
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


def _window_open(run: Guarded) -> Condition:
    closed = closed_now(run)
    answer, value = (Answer.GO, "open now") if closed is None else (Answer.FROZEN, closed)
    return Condition(name="window", answer=answer, value=value, limit="an open maintenance window")


def _backup(run: Guarded, asked: Requirements) -> Condition:
    assert asked.backup is not None
    younger = asked.backup.younger_than
    limit = "verified" + (f", younger than {format_duration(younger)}" if younger is not None else "")
    backups = [facts for facts in run.vault.listing() if not facts.problem and facts.purpose is Purpose.BACKUP]
    if not backups:
        return Condition(
            name="backup", answer=Answer.CANNOT_TELL, value="there is none", limit=limit, cure="dhash-guard backup create"
        )
    needed = belonging(run.configuration)
    whole = [facts for facts in backups if facts.holds(needed)]
    if not whole:
        value = f"none holds all of {', '.join(needed)}"
        return Condition(
            name="backup", answer=Answer.CANNOT_TELL, value=value, limit=limit, cure="dhash-guard backup create"
        )
    newest = whole[-1]
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
    """What the newest drill of the environment says of the way back, whichever backup it was done with.

    One that passed with a backup that lacked something, or may have, shows no way back.
    """
    now, needed = run.machine.clock.now(), set(belonging(run.configuration))
    limit += f", drilled within {format_duration(within)}"
    receipts = receipts_for(run.configuration.layout, run.environment)
    telling = [each for each in receipts if not each.ok or needed.issubset(each.components)]
    newest = latest(telling, Proof.DRILLED, now)
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


def _approved(run: Guarded, wanted: ApprovalRequirement, reviews: ReviewReader) -> Condition:
    """The approvals of the pull request that this commit came from; a silent or refusing GitHub cannot tell."""
    limit = f"at least {wanted.at_least}, stale: {wanted.stale.value}"
    limit += "".join(f", {team} {number}" for team, number in sorted(wanted.teams.items()))
    try:
        asked = ask(run, reviews, subject_of_commit(reviews.api.transport.context, run.facts.commit), wanted)
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
