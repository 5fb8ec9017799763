"""Decides how a run is summed up: what happened, in one line, and the one thing to do next."""

from __future__ import annotations

import shlex
from enum import Enum

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Decision, Ending, Status, Verdict
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.words import GATES, STAGES, Mark, plural


class Situation(Enum):
    """What a run came to; the next action follows from it."""

    HEALTHY = Mark("✅", "Healthy", "good")
    PASSED = Mark("✅", "Passed", "good")
    RESTORED = Mark("↩️", "Rolled back", "good")
    ROLLED_BACK = Mark("↩️", "Degraded and rolled back", "bad")
    WOULD_ROLL_BACK = Mark("❌", "Degraded, would roll back", "bad")
    NEEDS_PERSON = Mark("🆘", "A person is needed now", "bad")
    HELD = Mark("❌", "Degraded and held", "bad")
    FAILED = Mark("❌", "Failed", "bad")
    ON_COURSE = Mark("⏳", "On course, not decided yet", "unknown")
    CANNOT_TELL = Mark("❔", "Cannot tell", "unknown")
    ABORTED = Mark("❔", "Aborted, cannot tell", "unknown")


@frozen(kw_only=True)
class Headline:
    """The first line of everything: verdict, target, counts, short commit."""

    mark: Mark
    target: str
    counts: str
    commit: str
    dry_run: bool

    @property
    def text(self) -> str:
        """The line as plain text, foreign words and all: whoever shows it escapes it."""
        tail = f" · {self.commit}" if self.commit else ""
        return f"{'Dry run: ' if self.dry_run else ''}{self.mark.word}: {self.target} — {self.counts}{tail}"


@frozen
class NextAction:
    """The one thing to do now: a sentence, and the command where there is one."""

    text: str
    command: str = ""


def situation(evidence: Evidence) -> Situation:
    """What the record says happened; nothing is called good unless verdict, stages and exit code all agree."""
    if evidence.exit_code == 6:
        return Situation.NEEDS_PERSON
    if evidence.verdict is not None:
        return _of_verdict(evidence, evidence.verdict)
    if evidence.exit_code == 3:
        return Situation.CANNOT_TELL
    if evidence.exit_code == 5:
        return Situation.ROLLED_BACK
    if evidence.exit_code or any(stage.status is StageStatus.FAILED for stage in evidence.stages):
        return Situation.FAILED
    if any(stage.status is StageStatus.CANNOT_TELL for stage in evidence.stages):
        return Situation.CANNOT_TELL
    if evidence.restoration is not None:
        return Situation.RESTORED if evidence.restoration.identical else Situation.NEEDS_PERSON
    return Situation.PASSED


def _of_verdict(evidence: Evidence, verdict: Verdict) -> Situation:
    if verdict.ending is Ending.ABORTED:
        return Situation.ABORTED
    match verdict.decision:
        case Decision.PROCEED:
            return Situation.FAILED if evidence.exit_code or verdict.status is not Status.HEALTHY else Situation.HEALTHY
        case Decision.ROLL_BACK if evidence.run.dry_run:
            return Situation.WOULD_ROLL_BACK
        case Decision.ROLL_BACK:
            proven = evidence.restoration is None or evidence.restoration.identical
            return Situation.ROLLED_BACK if evidence.exit_code == 5 and proven else Situation.NEEDS_PERSON
        case Decision.HOLD if evidence.result == "on-course" and evidence.exit_code == 0:
            return Situation.ON_COURSE
        case Decision.HOLD:
            return Situation.HELD if verdict.status is Status.DEGRADED else Situation.CANNOT_TELL


def headline(evidence: Evidence) -> Headline:
    """Sum the run up."""
    run = evidence.run
    return Headline(
        mark=situation(evidence).value,
        target=f"{run.service} {run.verb} on {run.environment}",
        counts=_counts(evidence),
        commit=run.commit[:7],
        dry_run=run.dry_run,
    )


def _counts(evidence: Evidence) -> str:
    if evidence.verdict is None or not evidence.verdict.outcomes:
        marks = [STAGES[stage.status] for stage in evidence.stages]
        return _count("stage", marks) if marks else "no stages"
    outcomes = evidence.verdict.outcomes
    warned = sum(outcome.warned for outcome in outcomes)
    return _count("gate", [GATES[outcome.status] for outcome in outcomes]) + (
        f", {plural(warned, 'warning')}" if warned else ""
    )


def _count(noun: str, marks: list[Mark]) -> str:
    """`13 of 14 gates healthy, 1 degraded`: the good first, then everything that is not."""
    good = "healthy" if noun == "gate" else "passed"
    words = [mark.word for mark in marks]
    others = [f"{words.count(word)} {word}" for word in dict.fromkeys(words) if word != good]
    return ", ".join([f"{words.count(good)} of {plural(len(words), noun)} {good}", *others])


def next_action(evidence: Evidence) -> NextAction:  # noqa: C901  # one case per situation is the point
    """Exactly one thing to do; commands are quoted for a shell, because names come from outside."""
    run = evidence.run
    if run.dry_run and situation(evidence) in (Situation.PASSED, Situation.HEALTHY):
        return NextAction("nothing was changed; run it without --dry-run when you mean it.")
    match situation(evidence):
        case Situation.HEALTHY | Situation.PASSED:
            return _after_success(evidence)
        case Situation.RESTORED:
            return NextAction("watch the restored version for half an hour.", _command(evidence, "monitor", "--no-rollback"))
        case Situation.ROLLED_BACK:
            return NextAction(f"mend {_culprit(evidence)} and deploy again; {run.environment} runs what it ran before.")
        case Situation.WOULD_ROLL_BACK | Situation.HELD:
            return NextAction("put the last good version back.", _command(evidence, "rollback", "--reason", "degraded"))
        case Situation.NEEDS_PERSON:
            return NextAction("choose a backup and roll back by hand.", _command(evidence, "rollback", "--list"))
        case Situation.ON_COURSE:
            return NextAction("wait for the next checkpoint, then look again.", _command(evidence, "monitor"))
        case Situation.CANNOT_TELL if evidence.verdict is None:
            return NextAction(f"supply what {_culprit(evidence)} lacks, then run {run.verb} again.")
        case Situation.CANNOT_TELL:
            return NextAction(
                f"find out why {_culprit(evidence)} has no data, then watch again.", _command(evidence, "monitor")
            )
        case Situation.ABORTED:
            return NextAction("nothing was decided; watch again.", _command(evidence, "monitor"))
        case Situation.FAILED:
            return NextAction(f"mend {_culprit(evidence)}: {_cure(evidence)}")


def _after_success(evidence: Evidence) -> NextAction:
    match evidence.run.verb:
        case "premerge":
            return NextAction("merge; this evidence opens the way to production.")
        case "deploy" | "migrate" | "smoke" if evidence.verdict is None:
            return NextAction("watch it.", _command(evidence, "monitor"))
        case "gate":
            return NextAction("deploy; every condition holds.")
        case "check" | "security" | "logs" | "approvals" | "protection":
            return NextAction("nothing to do; go on.")
        case verb if verb.startswith("maintain "):
            return NextAction("do what is left to people, and tick it.")
        case _:
            return NextAction(f"nothing to do; {evidence.run.tag or 'this version'} stays on {evidence.run.environment}.")


def _culprit(evidence: Evidence) -> str:
    """What stands in the way: the gate that decided, else the first stage that did not pass."""
    verdict = evidence.verdict
    if verdict is not None and verdict.gate:
        return f"“{verdict.gate}”"
    if verdict is not None and (
        bad := [o.gate for o in verdict.outcomes if o.status is verdict.status is not Status.HEALTHY]
    ):
        return f"“{bad[0]}”"
    bad = [s.name for s in evidence.stages if s.status in (StageStatus.FAILED, StageStatus.CANNOT_TELL)]
    return f"“{bad[0]}”" if bad else "the run"


def _cure(evidence: Evidence) -> str:
    failed = [stage for stage in evidence.stages if stage.status is StageStatus.FAILED]
    cures = [finding.cure for stage in failed for finding in stage.findings if finding.cure and _hurts(finding.status)]
    texts = [stage.text for stage in failed]
    return next(iter(cures + texts), "") or evidence.result or "read the details below."


def _hurts(status: StageStatus) -> bool:
    return status in (StageStatus.FAILED, StageStatus.CANNOT_TELL)


def _command(evidence: Evidence, *words: str) -> str:
    return shlex.join(["dhash-guard", words[0], "--env", evidence.run.environment, *words[1:]])
