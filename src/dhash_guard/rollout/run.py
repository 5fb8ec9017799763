"""Opens a run: who and what it is for, its log, its channels, its stages; and closes it with sealed evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from dhash_guard import __version__
from dhash_guard.backup.restoring.recover import Recovery, recover
from dhash_guard.config import Configuration
from dhash_guard.errors import GuardError, Locked, NoGo
from dhash_guard.ledger import seal
from dhash_guard.notify.channels import open_channel
from dhash_guard.notify.notifier import Notifier
from dhash_guard.notify.settings import LogChannel
from dhash_guard.records.event import Event, Level
from dhash_guard.records.evidence import Evidence, Run
from dhash_guard.records.layout import run_id, stamp
from dhash_guard.records.stage import Finding, StageResult, StageStatus
from dhash_guard.rollout.remote import open_vault
from dhash_guard.rollout.vault import Vault
from dhash_guard.rollout.vouching import Voucher, open_voucher, vouch
from dhash_guard.system import Machine
from dhash_guard.system.files import access_cure
from dhash_guard.system.log import RunLog
from dhash_guard.system.redaction import Redactor

if TYPE_CHECKING:
    from dhash_guard.github.api import GithubApi

Say = Callable[[str], None]
"""Tells the person at the terminal one line of progress."""


@define
class Guarded:
    """One run of a verb against one environment: what every stage is given, and what it leaves behind."""

    machine: Machine
    configuration: Configuration
    facts: Run
    log: RunLog
    notifier: Notifier
    redactor: Redactor
    vault: Vault
    say: Say
    hub: GithubApi | None = None
    """GitHub, where it can be asked."""
    voucher: Voucher | None = None
    """Who vouches for its evidence with a key."""
    stages: list[StageResult] = field(factory=list)
    artifacts: dict[str, bytes] = field(factory=dict)
    """What was fetched from GitHub, by its sha256: a second look asks what is there now, and fetches only what is new."""

    @property
    def in_job(self) -> bool:
        """Whether a runner of GitHub's runs this."""
        return self.machine.environ.get("GITHUB_ACTIONS") == "true"

    @property
    def environment(self) -> str:
        return self.configuration.name

    @property
    def folder(self) -> Path:
        return self.configuration.layout.run(self.environment, self.facts.id)

    def stage(self, name: str, work: Callable[[], str | Done], *, after_change: bool = False) -> StageResult:
        """Run one stage; its failure is recorded, then raised.

        `after_change` marks a stage that looks at what an earlier one changed: in a dry run there is nothing to see. What
        says there that it `would …` was not done either.
        """
        began, start = self.machine.clock.now(), self.machine.clock.monotonic()
        if self.machine.dry and after_change:
            return self._record(
                StageResult(
                    name=name,
                    status=StageStatus.PLANNED,
                    reason_code="dry-run",
                    text="would be done",
                    started_at=began,
                    seconds=0.0,
                )
            )
        self.say(f"{name} …")
        try:
            done = _tried(work)
        except GuardError as problem:
            status = StageStatus.CANNOT_TELL if problem.exit_code == 3 else StageStatus.FAILED
            self._record(self._result(name, status, problem.code, str(problem), began, start, problem.findings))
            raise
        if isinstance(done, str):
            done = Done(done)
        status, code = StageStatus.PASSED, "done"
        if self.machine.dry and done.text.startswith("would "):
            status, code = StageStatus.PLANNED, "dry-run"
        return self._record(self._result(name, status, code, done.text, began, start, done.findings))

    def _result(
        self, name: str, status: StageStatus, code: str, text: str, began: float, start: float, findings: tuple[Finding, ...]
    ) -> StageResult:
        seconds = round(self.machine.clock.monotonic() - start, 3)
        return StageResult(
            name=name, status=status, reason_code=code, text=text, started_at=began, seconds=seconds, findings=findings
        )

    def _record(self, result: StageResult) -> StageResult:
        self.stages.append(result)
        level = "info" if result.status in (StageStatus.PASSED, StageStatus.PLANNED, StageStatus.SKIPPED) else "error"
        self.log.line(level, f"{result.name} {result.status.value}: {result.text}", seconds=result.seconds)
        return result

    def skip(self, name: str, reason_code: str, text: str) -> None:
        """Record that a stage was left out, and why; it never counts as done."""
        now = self.machine.clock.now()
        self._record(
            StageResult(
                name=name, status=StageStatus.SKIPPED, reason_code=reason_code, text=text, started_at=now, seconds=0.0
            )
        )

    def tell(self, name: str, level: Level, title: str, text: str, **facts: str) -> None:
        """Tell the channels; whatever becomes of it changes nothing here."""
        self.notifier.tell(
            Event(
                name=name,
                level=level,
                environment=self.environment,
                title=title,
                text=self.redactor.text(text),
                at=self.machine.clock.now(),
                facts=tuple(facts.items()),
            )
        )

    def seal(self, evidence: Evidence) -> Evidence:
        """Close the run: complete its evidence, seal it, and return it."""
        complete = evolve(
            evidence,
            run=evolve(self.facts, ended_at=self.machine.clock.now()),
            stages=tuple(self.stages),
            deliveries=tuple(self.notifier.deliveries),
        )
        clean = seal.redacted(complete, self.redactor)
        if self.machine.dry:
            return clean
        try:
            path = seal.seal(self.machine, self.configuration.layout, clean)
            if self.voucher is not None:
                vouch(self.machine, self.configuration, clean, path, self.voucher)
        except (GuardError, OSError) as problem:
            if clean.exit_code == 0:
                raise  # nothing may count as done without a record
            # What was done stays done and is told as it is; unsealed it proves nothing to any gate.
            self.tell("unsealed", Level.CRITICAL, "The record could not be sealed", str(problem))
            self.say(f"warning: the record could not be sealed: {problem}")
        return clean

    def evidence(self, *, result: str, exit_code: int) -> Evidence:
        """The evidence of this run so far; verbs add what is theirs with `attrs.evolve`."""
        return Evidence(run=self.facts, configuration=self.configuration.digest, result=result, exit_code=exit_code)


@define(frozen=True)
class Done:
    """What a stage says when it has done its work."""

    text: str
    findings: tuple[Finding, ...] = ()


def _tried(work: Callable[[], str | Done]) -> str | Done:
    """A disk that fails in the middle of a stage is a failed stage, so that whoever can go back does."""
    try:
        return work()
    except OSError as problem:
        where, cure = str(problem.filename or ""), access_cure(problem)
        raise NoGo(f"{problem.strerror or problem}", where=where, cure=cure) from problem


def open_run(
    machine: Machine,
    configuration: Configuration,
    verb: str,
    say: Say,
    *,
    tag: str = "",
    reason: str = "",
    verbose: bool = False,
    hub: GithubApi | None = None,
) -> Guarded:
    """Begin a run: finish what a killed one left undone, name this one, open its log and channels."""
    voucher = open_voucher(machine, configuration, verb, say)
    finish_restores(machine, configuration, say)
    layout = configuration.layout
    commit, tree = revision(machine, layout.root)
    now = machine.clock.now()
    attempt = int(machine.environ.get("GITHUB_RUN_ATTEMPT") or 1)
    facts = Run(
        id=run_id(now, commit, attempt),
        verb=verb,
        service=layout.service,
        environment=configuration.name,
        kind=configuration.environment.kind.value,
        commit=commit,
        tree=tree,
        attempt=attempt,
        tag=tag,
        started_at=now,
        ended_at=now,
        tool=f"dhash-guard {__version__}",
        dry_run=machine.dry,
        actor=_actor(machine),
        reason=reason,
    )
    redactor = Redactor.of(machine.environ)
    path = layout.logs / _log_name(verb, layout.service, facts)
    log = RunLog(path, configuration.name, machine.clock, machine.files, redactor, say if verbose else None)
    settings = configuration.environment.notify.channels or {"log": LogChannel(kind="log")}
    channels = [open_channel(name, channel, log, machine.clock) for name, channel in settings.items()]
    notifier = Notifier(machine, channels, layout.fallback, redactor)
    vault = open_vault(machine, configuration, lambda text: say(redactor.text(text)))
    return Guarded(
        machine, configuration, facts, log, notifier, redactor, vault, lambda text: say(redactor.text(text)), hub, voucher
    )


def _actor(machine: Machine) -> str:
    """Who gave the order; the environment does not tell it in containers and under cron, and the system does."""
    named = (machine.environ.get(name, "") for name in ("GITHUB_ACTOR", "USER", "LOGNAME"))
    return next(filter(None, named), "") or machine.host.account()


def finish_restores(machine: Machine, configuration: Configuration, say: Say) -> None:
    """Bring a restore that a crash interrupted to its end, before anything else looks at the files."""
    if machine.dry or not configuration.layout.journal.exists():
        return
    try:
        recovery = recover(machine, configuration.layout)
    except Locked:
        return  # another process is restoring at this very moment, and will finish
    if recovery is not None:
        say(recovery_text(recovery))


def recovery_text(recovery: Recovery, *, ended: str = "was") -> str:
    """One line on how an interrupted restore or undo ended, or would be."""
    how = "carried through" if recovery.forward else "taken back"
    text = f"an interrupted {recovery.operation} of {recovery.backup} {ended} {how}: {', '.join(recovery.roots)}"
    if recovery.identical:
        text += ", every file read back with its sha256"
    elif recovery.identical is False:
        text += f"; what stands there now is not what {recovery.backup} holds: something else wrote there"
    if recovery.unloaded:
        text += f"; {', '.join(recovery.unloaded)} was perhaps not loaded: restore the backup once more"
    return text


def revision(machine: Machine, root: Path) -> tuple[str, str]:
    """Commit and tree of the checkout; empty where there is no git or no commit."""
    command = ["git", "rev-parse", "HEAD^{commit}", "HEAD^{tree}"]
    found = machine.processes.run(command, cwd=root, timeout=10.0, changes=False)
    lines = found.output.split()
    return (lines[0], lines[1]) if found.ok and len(lines) == 2 else ("", "")


def _log_name(verb: str, service: str, facts: Run) -> str:
    """The documents look for deploy_*.log, smoke_tests_*.log and <service>_<env>_*.log."""
    start = {"deploy": f"deploy_{facts.environment}", "smoke": f"smoke_tests_{facts.environment}"}.get(
        verb, f"{service}_{facts.environment}"
    )
    return f"{start}_{stamp(facts.started_at)}_{facts.id.rsplit('-', 2)[-2]}.log"
