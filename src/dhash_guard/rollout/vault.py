"""Backups as the verbs use them: take, find, verify, restore; in a dry run the same verbs only say what would happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from dhash_guard.backup import facade as backup
from dhash_guard.config import Configuration
from dhash_guard.records.backup import BackupFacts, Purpose, Restoration, Verification
from dhash_guard.records.stage import Change
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.alone import PATIENCE
from dhash_guard.system import Machine


@frozen(kw_only=True)
class Taken:
    """A backup that was taken, or in a dry run would be: `facts` is None then.

    `missing` are the paths of its components where nothing stands.
    """

    text: str
    facts: BackupFacts | None = None
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@frozen(kw_only=True)
class PutBack:
    """A restore that was done, or in a dry run would be: `restoration` is None then."""

    text: str
    restoration: Restoration | None


class Vault(Protocol):
    """Everything a verb does with backups. Reading is the same in both worlds; taking and restoring differ.

    `after` is the newest backup that is known of elsewhere: the next one's number goes on from it. `require` has a backup
    that was chosen before at hand, sealed as it was then; it raises CannotTell or Damaged where it is not. `unsent` are
    the names of what may lie nowhere but here although a store is to have it, each with why.
    """

    def take(self, purpose: Purpose, components: Sequence[str] | None = None, after: BackupFacts | None = None) -> Taken: ...

    def rehearse(self) -> Taken: ...

    def wait_until_free(self) -> None: ...

    def listing(self) -> list[BackupFacts]: ...

    def find(self, reference: str, from_environment: str | None = None) -> BackupFacts: ...

    def verify(self, facts: BackupFacts) -> Verification: ...

    def require(self, facts: BackupFacts) -> None: ...

    def unsent(self) -> Mapping[str, str]: ...

    def restore(self, facts: BackupFacts) -> PutBack: ...


class _Reading:
    """The reading half, shared by both vaults."""

    def __init__(self, machine: Machine, configuration: Configuration) -> None:
        self._machine = machine
        self._configuration = configuration
        self._layout = configuration.layout
        self._settings = configuration.environment.backup

    def rehearse(self) -> Taken:
        """What a backup would hold, after every check that reads; raise as taking it would."""
        plan = self._plan(None)
        missing = self._present(plan, Purpose.BACKUP)
        return Taken(text=f"{_described(plan)}{_not_there(missing)}", missing=missing)

    def listing(self) -> list[BackupFacts]:
        return backup.listing(self._layout, self._configuration.name)

    def find(self, reference: str, from_environment: str | None = None) -> BackupFacts:
        return backup.find(self._layout, reference, self._configuration.name, from_env=from_environment or "")

    def verify(self, facts: BackupFacts) -> Verification:
        return backup.read_whole(self._machine, self._layout, facts)

    def require(self, facts: BackupFacts) -> None:
        backup.require_sealed(self._layout, facts)

    def unsent(self) -> Mapping[str, str]:
        return {}

    def _present(self, plan: backup.BackupPlan, purpose: Purpose) -> tuple[str, ...]:
        """The paths where nothing stands; raise NoGo where a component is not there at all. A snapshot keeps what is."""
        if purpose is not Purpose.BACKUP:
            return ()
        parts = {name: self._settings.components[name] for name in plan.collection.components}
        return backup.require_present(self._layout, parts)

    def _plan(self, components: Sequence[str] | None) -> backup.BackupPlan:
        chosen = None if components is None else tuple(components)
        return backup.plan(self._machine, self._layout, self._settings, self._configuration.name, chosen)


def _described(plan: backup.BackupPlan) -> str:
    return f"{plan.collection.entries} entries, {format_bytes(plan.bytes)}, of {', '.join(plan.collection.components)}"


def _not_there(missing: Sequence[str]) -> str:
    return f"; not there: {', '.join(missing)}" if missing else ""


class LocalVault(_Reading):
    """Backups in the project's own directory."""

    def take(self, purpose: Purpose, components: Sequence[str] | None = None, after: BackupFacts | None = None) -> Taken:
        plan = self._plan(components)
        missing = self._present(plan, purpose)
        facts = backup.create(self._machine, self._layout, self._settings, plan, purpose, after=after)
        text = f"{facts.name}, {facts.members} entries, {format_bytes(facts.size)}, sha256 {facts.sha256[:12]}…, read back"
        return Taken(text=f"{text}{_not_there(missing)}", facts=facts, left_out=plan.collection.left_out, missing=missing)

    def wait_until_free(self) -> None:
        """Let a backup that is under way end first: a rollback must not fail on the nightly backup."""
        backup.wait_until_free(self._machine, self._layout, PATIENCE)

    def restore(self, facts: BackupFacts) -> PutBack:
        done = backup.restore(self._machine, self._layout, facts, self._settings, self._configuration.name)
        self._proven(facts, done.bytes_written)
        proof = "every file read back with its sha256" if done.identical else "NOT identical to the backup"
        text = f"{done.files} files in {len(done.roots)} roots from {done.backup}, {proof}"
        return PutBack(text=text, restoration=done)

    def _proven(self, facts: BackupFacts, size: int) -> None:
        """Restoring reads the archive whole as well."""
        found = Verification(name=facts.name, sha256=facts.sha256, members=facts.members, bytes_read=size)
        backup.note_verified(self._machine, self._layout, facts, found)


class DryVault(_Reading):
    """Says what would be taken or restored, and touches nothing."""

    def take(self, purpose: Purpose, components: Sequence[str] | None = None, after: BackupFacts | None = None) -> Taken:
        plan = self._plan(components)
        missing = self._present(plan, purpose)
        what = f"{_described(plan)}{_not_there(missing)}"
        self._note("back up", what)
        return Taken(text=f"would back up {what}", left_out=plan.collection.left_out, missing=missing)

    def wait_until_free(self) -> None:
        """Nothing is taken, so nothing is in the way."""

    def restore(self, facts: BackupFacts) -> PutBack:
        roots = backup.rehearse(self._machine, self._layout, facts, self._settings)
        what = f"{facts.members} entries in {', '.join(roots)} from {facts.name}"
        self._note("put back", what)
        return PutBack(text=f"would put back {what}", restoration=None)

    def _note(self, verb: str, text: str) -> None:
        if self._machine.plan is not None:
            self._machine.plan.append(Change(verb, text))
