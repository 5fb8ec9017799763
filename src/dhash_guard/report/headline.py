"""Decides how a run is summed up: what happened, in one line, and the one thing to do next."""

from __future__ import annotations

import shlex
from enum import Enum

from attrs import frozen

from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Decision, Ending, Status, Verdict
from dhash_guard.records.stage import StageResult, StageStatus
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
    """The one thing to do now: a sentence, and the command where there is one; `cure` is what the reason says of it too."""

    text: str
    command: str = ""
    cure: str = ""


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
        case Situation.RESTORED if run.verb == "backup restore":
            return NextAction(_RESTART)
        case Situation.RESTORED:
            return NextAction("watch the restored version for half an hour.", _command(evidence, "monitor", "--no-rollback"))
        case Situation.ROLLED_BACK:
            return NextAction(f"mend {_culprit(evidence)} and deploy again; {run.environment} runs {_restored(evidence)}.")
        case Situation.WOULD_ROLL_BACK | Situation.HELD:
            return NextAction("put the last good version back.", _command(evidence, "rollback", "--reason", "degraded"))
        case Situation.NEEDS_PERSON:
            return NextAction("choose a backup and roll back by hand.", _command(evidence, "rollback", "--list"))
        case Situation.ON_COURSE:
            return NextAction("wait for the next checkpoint, then look again.", _command(evidence, "monitor"))
        case Situation.CANNOT_TELL if evidence.verdict is None:
            return _mending(evidence, StageStatus.CANNOT_TELL, f"supply what {_culprit(evidence)} lacks")
        case Situation.CANNOT_TELL:
            return NextAction(
                f"find out why {_culprit(evidence)} has no data, then watch again.", _command(evidence, "monitor")
            )
        case Situation.ABORTED:
            return NextAction("nothing was decided; watch again.", _command(evidence, "monitor"))
        case Situation.FAILED:
            return _mending(evidence, StageStatus.FAILED, f"mend {_culprit(evidence)}")


_RESTART = "restart the service: what it has open is what stood there before."

_AFTER = {
    "premerge": ("merge; this evidence opens the way to production.", ""),
    "deploy": ("watch it.", "monitor"),
    "migrate": ("watch it.", "monitor"),
    "smoke": ("watch it.", "monitor"),
    "gate": ("deploy; every condition holds.", ""),
    "health": ("nothing to do by this one look; only a watch judges a release.", "monitor"),
    "collect": ("judge what was collected.", "monitor"),
    "service stop": ("start it again when you are done.", "service start"),
    "service start": ("see that it is well.", "health"),
    "service restart": ("see that it is well.", "health"),
    "backup create": ("nothing to do; it can be gone back to.", ""),
    "backup prune": ("nothing to do; what was kept can be gone back to.", ""),
    "backup undo": (_RESTART, ""),
    "lock take": ("give it back when you are done; until then nobody else deploys.", "lock release"),
    "lock release": ("nothing to do; others may deploy again.", ""),
    "notify": ("nothing to do; the deliveries say whom it reached.", ""),
}
"""What is left to do after a verb that did what it was asked to, and with which command; of others there is nothing."""


def _after_success(evidence: Evidence) -> NextAction:
    run = evidence.run
    if evidence.verdict is not None:
        return NextAction(f"nothing to do; {run.tag or 'this version'} stays on {run.environment}.")
    if run.verb.startswith("maintain "):
        return NextAction("do what is left to people, and tick it.")
    verb = evidence.stages[0].name if run.verb == "service" and evidence.stages else run.verb
    text, command = _AFTER.get(verb, ("nothing to do; go on.", ""))
    return NextAction(text, _command(evidence, command) if command else "")


def _restored(evidence: Evidence) -> str:
    """What a rollback brought back: the release where it is known, and the backup that holds it."""
    backup = evidence.backup or (evidence.restoration.backup if evidence.restoration is not None else "a backup")
    return f"{evidence.restored_tag} again, from {backup}" if evidence.restored_tag else f"what {backup} holds"


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


def _mending(evidence: Evidence, status: StageStatus, otherwise: str) -> NextAction:
    """The cure of the first stage that ended so, in its own words; where it has none, only whose fault it was."""
    stage = next((stage for stage in evidence.stages if stage.status is status), None)
    cure = _cure(stage) if stage is not None else ""
    if not cure:
        return NextAction(f"{otherwise}, then run {evidence.run.verb} again.")
    return NextAction(f"{_culprit(evidence)}: {cure}", cure=cure)


def _cure(stage: StageResult) -> str:
    """What the stage's error says below its first line, unless that begins a list; else the first cure of its findings."""
    what, *below = stage.text.splitlines() or [""]
    if below and not what.rstrip().endswith(":"):
        return below[-1].strip()
    cures = [finding.cure for finding in stage.findings if finding.cure and finding.status in _BAD]
    return next(iter(cures), "")


_BAD = (StageStatus.FAILED, StageStatus.CANNOT_TELL)


def _command(evidence: Evidence, *words: str) -> str:
    return shlex.join(["dhash-guard", *words[0].split(), "--env", evidence.run.environment, *words[1:]])
