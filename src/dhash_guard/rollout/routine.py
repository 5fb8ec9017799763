"""Looks that only routine maintenance takes: newest backup, last watch, who holds the environment, gates, channels."""

from __future__ import annotations

from pathlib import Path

from dhash_guard.backup import facade as backup
from dhash_guard.backup.retention import SLACK
from dhash_guard.errors import CannotTell, Damaged, NoGo, RolledBack
from dhash_guard.gates.backtest import Replay, summary_of
from dhash_guard.ledger import chain
from dhash_guard.ledger import verify as proving
from dhash_guard.ledger.seal import EVIDENCE_FILE
from dhash_guard.notify.settings import LogChannel
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.event import Level
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import run_id
from dhash_guard.records.outcome import Status
from dhash_guard.records.receipt import Proof
from dhash_guard.records.stage import Change, Finding, StageStatus
from dhash_guard.records.units import format_duration
from dhash_guard.report.backtest import summary_lines
from dhash_guard.report.words import GATES, moment
from dhash_guard.rollout import backtest, labels, lock, recordings
from dhash_guard.rollout.checkpoint import ON_COURSE
from dhash_guard.rollout.freeze import freeze_now
from dhash_guard.rollout.health import prove_healthy
from dhash_guard.rollout.run import Done, Guarded

_REVIEWED = 30 * 86400.0
"""Seconds of recorded runs that a review of the gates looks back over."""


def prove_up(run: Guarded) -> Done:
    """One look at the service; raise Unhealthy, or CannotTell where it has no address."""
    if run.configuration.environment.base_url is None:
        raise CannotTell("the service has no base_url, so nothing shows that it is well")
    return prove_healthy(run, consecutive=1, apart=0.0, retries=0)


def prove_backed_up(run: Guarded) -> Done:
    """The newest backup reads back, by a receipt or now, and is as young as `requires` asks.

    Raise CannotTell where there is none, Damaged where it is no use, NoGo where it is too old.
    """
    newest = backup.last_taken(run.vault.listing())
    if newest is None:
        raise CannotTell(f"there is no backup of {run.environment}", cure="dhash-guard backup create")
    verified = _verified(run, newest)
    age = run.machine.clock.now() - newest.sealed_at
    asked = run.configuration.environment.requires
    younger = asked.backup.younger_than if asked is not None and asked.backup is not None else None
    text = f"{newest.name}, {format_duration(max(0, round(age)))} old, {verified}"
    if age < -SLACK or (younger is not None and age >= younger):
        limit = f", asked: younger than {format_duration(younger)}" if younger is not None else ", dated in the future"
        raise NoGo(f"{text}{limit}", cure="dhash-guard backup create")
    return Done(text)


def _verified(run: Guarded, newest: BackupFacts) -> str:
    """When it was last read whole, which is now where no receipt says so; raise Damaged where it did not read back."""
    if newest.problem:
        raise Damaged(newest.problem, where=newest.name, cure="dhash-guard backup create")
    receipts = backup.receipts_of(run.configuration.layout, newest)
    last = backup.latest(receipts, Proof.VERIFIED, run.machine.clock.now())
    if last is not None and last.ok:
        return f"verified {moment(last.at)}"
    problems = run.vault.verify(newest).problems
    if problems:
        raise Damaged(problems[0], where=newest.name, cure="dhash-guard backup create")
    return "verified now"


def prove_watched(run: Guarded) -> Done:
    """What the last watch of the service came to, its record computed again.

    Raise NoGo where it was degraded and nothing was put back, CannotTell where there is none or it could not tell, Damaged
    where the record was altered.
    """
    found = _last_watch(run)
    if found is None or found[0].verdict is None:
        cure = f"dhash-guard monitor --env {run.environment}"
        raise CannotTell(f"no watch of {run.environment} is recorded", cure=cure)
    told, put_back = found
    verdict = found[0].verdict
    ago = format_duration(max(0, round(run.machine.clock.now() - verdict.ended_at)))
    text = f"{GATES[verdict.status].word} {ago} ago, {told.run.id}"
    if verdict.status is Status.HEALTHY:
        return Done(text)
    if verdict.status is Status.DEGRADED:
        if told.exit_code == RolledBack.exit_code or put_back:
            text = f"{text}; it was rolled back"
            return Done(text, (Finding(check="watch", status=StageStatus.PASSED, text=verdict.reason, warned=True),))
        raise NoGo(f"{text}: {verdict.reason}", cure=f"dhash-guard rollback --env {run.environment} --list")
    raise CannotTell(f"{text}: {verdict.reason}", cure=f"dhash-guard monitor --env {run.environment}")


def _last_watch(run: Guarded) -> tuple[Evidence, bool] | None:
    """The newest verdict over the service itself, and whether a person rolled back since; a replayed log and a checkpoint
    on its way are no verdict."""
    layout = run.configuration.layout
    entries = [entry for entry in chain.read(layout.ledger) if entry.environment == run.environment]
    put_back = False
    for entry in reversed(entries):
        put_back = put_back or (entry.verb, entry.result) == ("rollback", "rolled-back")
        if entry.verb != "monitor" or entry.result == ON_COURSE:
            continue
        path = layout.run(run.environment, entry.run) / EVIDENCE_FILE
        found = proving.load(path)
        if found.judged is not None and not found.judged.recorded:
            proving.verify(layout, path)
            return found, put_back
    return None


def tell_holder(run: Guarded) -> Done:
    """Who holds the environment, and whether it is frozen; neither is a fault. Raise GuardError where nobody answers."""
    shown = lock.show(run)
    frozen = freeze_now(run)
    state = shown.lines()
    findings = [Finding(check="holder", status=StageStatus.PASSED, text=state[0], warned=shown.expired)]
    findings += [Finding(check="state", status=StageStatus.PASSED, text=line) for line in state[1:]]
    findings.append(Finding(check="freeze", status=StageStatus.PASSED, text=frozen or "none now"))
    return Done(f"{state[0]}; {frozen or 'no freeze'}", tuple(findings))


def review_gates(run: Guarded, known: Path | None) -> Done:
    """The runs of the last 30 days judged again by the gates of now; a verdict that flips, or a clean run (by the labels in
    `known`) that would be rolled back, is a warning. Raise CannotTell where no run is recorded."""
    everything = recordings.find([folder]) if (folder := run.configuration.layout.runs(run.environment)).is_dir() else []
    labelled = labels.labels(known, everything) if known is not None else {}
    since = run_id(run.machine.clock.now() - _REVIEWED, "", 1).partition("-")[0]
    done, _ = backtest.replays([log for log in everything if log.name >= since], run.configuration, labelled)
    if not done:
        what = f"no watch of {run.environment} was recorded in the last 30 days"
        raise CannotTell(what, cure=f"dhash-guard monitor --env {run.environment}")
    return Done(" ".join(summary_lines(summary_of(done))), tuple(map(_replayed, done)))


def _replayed(replay: Replay) -> Finding:
    now = GATES[replay.now.status].word + (" (rollback)" if replay.rolls_back else "")
    then = GATES[replay.then].word if replay.then is not None else "no verdict"
    label = f", labelled {replay.label}" if replay.label else ""
    false = replay.label == "clean" and replay.rolls_back
    text = f"then {then}, now {now}{label}"
    return Finding(check=replay.name, status=StageStatus.PASSED, text=text, warned=replay.flips or false)


def prove_channels(run: Guarded) -> Done:
    """Send a test message through every configured channel; raise NoGo where one fails, CannotTell where none takes it."""
    channels = run.configuration.environment.notify.channels
    if not channels:
        raise CannotTell("no channel is configured", cure="Name one in notify.channels.")
    listening = {name: channel for name, channel in channels.items() if channel.level <= Level.INFO}
    if not listening:
        raise CannotTell("no channel takes messages of level info", cure="Give one of notify.channels level: info.")
    if run.machine.plan is not None:
        run.machine.plan.append(Change("send", f"a test message to {', '.join(listening)}"))
        return Done(f"would send a test message to {', '.join(listening)}")
    before = len(run.notifier.deliveries)
    run.tell("notification-test", Level.INFO, "A test of the channels", f"{run.environment}: nothing has happened.")
    made = {delivery.channel: delivery for delivery in run.notifier.deliveries[before:]}
    findings = []
    for name, channel in channels.items():
        delivery = made.get(name)
        if name not in listening:
            text = f"takes nothing below {channel.level.name.lower()}"
            findings.append(Finding(check=name, status=StageStatus.SKIPPED, text=text))
        elif delivery is not None and delivery.status == "delivered":
            nobody = isinstance(channel, LogChannel)
            text = "delivered" + (", which reaches nobody outside" if nobody else "")
            findings.append(Finding(check=name, status=StageStatus.PASSED, text=text, warned=nobody))
        else:
            text = f"{delivery.status} {delivery.detail}".strip() if delivery is not None else "not delivered"
            findings.append(Finding(check=name, status=StageStatus.FAILED, text=text, cure="Mend this channel."))
    bad = [finding for finding in findings if finding.status is StageStatus.FAILED]
    if bad:
        raise NoGo("; ".join(f"{one.check}: {one.text}" for one in bad), cure=bad[0].cure, findings=tuple(findings))
    return Done(f"delivered to {', '.join(listening)}", tuple(findings))
