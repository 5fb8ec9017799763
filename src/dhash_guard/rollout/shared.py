"""Chooses where the shared state is kept, and brings it up to date with what was done while it could not be reached."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from dhash_guard.config.verbs import StatePlace
from dhash_guard.errors import GuardError, Locked, OutsideSilent, UsageProblem
from dhash_guard.gates import claim
from dhash_guard.ledger import chain
from dhash_guard.ledger.state_file import StateFile
from dhash_guard.records.canonical import canonical, loads
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.shared_state import Live, SharedState, Unreconciled
from dhash_guard.rollout.run import Guarded
from dhash_guard.system.state_store import NOTHING, StateStore, Versioned

_TRIES = 5


def open_state(run: Guarded, *, reads_only: bool = False) -> StateStore:
    """The store of the run's environment; raise UsageProblem where a ref is asked for and GitHub cannot be asked.

    `auto` is the ref in a job that has a token, else this disk. In a dry run only who `reads_only` gets it.
    """
    if run.machine.dry and not reads_only:
        return Rehearsal(run.environment)
    kind = run.configuration.state.kind
    if kind is StatePlace.LOCAL or (kind is StatePlace.AUTO and (run.hub is None or not run.in_job)):
        return this_disk(run)
    if run.hub is None:
        raise UsageProblem(
            "state: {kind: ref} needs a repository and a token of GitHub",
            where=str(run.configuration.path),
            cure="Give the job's token (`contents: write`), or write state: {kind: local}.",
        )
    from dhash_guard.github.state_ref import StateRef

    return StateRef(run.hub, run.machine.clock, run.environment)


def warn_alone(run: Guarded) -> None:
    """Say it where a job would share its state, and has no token to do that with."""
    if run.configuration.state.kind is StatePlace.AUTO and run.hub is None and run.in_job and not run.machine.dry:
        run.say(
            f"warning: this job has no token of GitHub, so that no other machine is kept out of {run.environment}\n"
            "  Give it the job's token (`contents: write`); where no other machine deploys, write state: {kind: local}."
        )


def live_now(run: Guarded) -> Live | None:
    """What is live by the state that all runs share; None where that is not known, or nobody answers."""
    if run.hub is None or not run.in_job:
        return None
    try:
        return open_state(run, reads_only=True).read().state.live
    except GuardError as problem:
        run.say(f"warning: what is live cannot be told: {problem.what.splitlines()[0]}")
        return None


def this_disk(run: Guarded) -> StateFile:
    """The store on this disk."""
    return StateFile(run.machine.files, run.configuration.layout, run.environment)


def ledger_head(run: Guarded) -> tuple[str, int] | None:
    """The hash and number of the newest ledger entry on this disk; None where there is none, or where it is damaged."""
    try:
        entries = chain.read(run.configuration.layout.ledger)
    except (GuardError, OSError):
        return None
    return (entries[-1].hash, entries[-1].sequence) if entries else None


class Rehearsal:
    """Keeps `StateStore` in memory, for a dry run: everything is granted, and nothing is written."""

    shared = False
    where = "rehearsed"

    def __init__(self, environment: str) -> None:
        self._kept = Versioned(state=SharedState(environment=environment), version=NOTHING)

    def read(self) -> Versioned:
        return self._kept

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        self._kept = Versioned(state=new, version=str(new.sequence))
        return self._kept.version


class Rescuer:
    """Lets a rollback go on under this disk's lock where the shared state fails; notes what is to be reconciled."""

    def __init__(self, run: Guarded, began_at: float) -> None:
        self._run = run
        self._began_at = began_at
        self._store: StateStore | None = None
        self._note: Unreconciled | None = None

    def opened(self) -> StateStore:
        """The store, or this disk where none can be opened."""
        try:
            self._store = open_state(self._run)
        except GuardError as problem:
            return self(problem)
        return self._store

    def __call__(self, problem: GuardError) -> StateStore:
        """Where to go on: on this disk, and where that fails too, in memory; what has to be reconciled is noted."""
        run, shared = self._run, self._store is None or self._store.shared
        run.say(f"warning: the shared state cannot be used, going on under this machine's lock: {problem}")
        if not shared:
            self._store = Rehearsal(run.environment)
            return self._store
        self._store = this_disk(run)
        self._note = Unreconciled(
            environment=run.environment,
            run=run.facts.id,
            owner=run.machine.environ.get("GITHUB_RUN_ID", "").strip() or run.facts.id,
            actor=run.facts.actor,
            reason=run.redactor.text(run.facts.reason),
            began_at=self._began_at,
            why=run.redactor.text(problem.what)[:200],
        )
        self._write()
        return self._store

    def finish(self) -> None:
        """Write down how it ended, and reconcile at once where the state answers again."""
        if self._note is None or self._store is None:
            return
        run = self._run
        try:
            live = self._store.read().state.live
        except GuardError:
            live = None
        head, count = ledger_head(run) or ("", 0)
        self._note = evolve(
            self._note,
            ended_at=run.machine.clock.now(),
            live=live if isinstance(live, Live) and live.run == run.facts.id else None,
            ledger_head=head,
            ledger_count=count,
        )
        self._write()
        try:
            reconcile(run, open_state(run))
        except GuardError:
            run.say(f"the next command that reaches the shared state of {run.environment} will enter this rollback there")

    def _write(self) -> None:
        assert self._note is not None
        run, note = self._run, self._note
        try:
            _keep(run, (*(other for other in _unreconciled(run) if other.run != note.run), note))
        except GuardError as problem:  # a full disk must not stop a rollback
            run.say(f"warning: {problem.what}")


def reconcile(run: Guarded, store: StateStore) -> int:
    """Enter what was done without the shared state, one rollback after the other; how many there were.

    Raise GuardError where the store or this disk fails; what is left stays noted then.
    """
    if not store.shared or run.machine.dry:
        return 0
    notes = _unreconciled(run)
    for done, note in enumerate(notes, start=1):
        fencing = _enter(store, note)
        _keep(run, notes[done:])
        run.say(f"reconciled with {store.where}: rollback {note.run} as number {fencing}")
    return len(notes)


def _enter(store: StateStore, note: Unreconciled) -> int:
    """The fencing number that the rollback was given afterwards."""
    for _ in range(_TRIES):
        seen = store.read()
        entered = claim.reconcile(seen.state, note).state
        if store.swap(seen.version, entered, f"reconciled: rollback {note.run} without the shared state") is not None:
            return entered.fencing
    raise Locked("the shared state moves too fast to be reconciled", where=store.where, cure="Run it again.")


def _unreconciled(run: Guarded) -> tuple[Unreconciled, ...]:
    path = run.configuration.layout.unreconciled(run.environment)
    try:
        return tuple(from_data(Unreconciled, data) for data in loads(path.read_bytes())) if path.exists() else ()
    except (OSError, ValueError, TypeError) as problem:
        run.say(f"warning: {path} cannot be read, and is passed over: {problem}")
        return ()


def _keep(run: Guarded, notes: Sequence[Unreconciled]) -> None:
    """Write down what has to be reconciled; raise OutsideSilent where this disk does not take it."""
    path = run.configuration.layout.unreconciled(run.environment)
    try:
        if notes:
            run.machine.files.make_directory(path.parent)
            run.machine.files.write_atomic(path, canonical([to_data(note) for note in notes]))
        else:
            run.machine.files.remove(path)
    except OSError as problem:
        what = f"what has to be reconciled could not be written down: {problem.strerror or problem}"
        raise OutsideSilent(what, where=str(path), cure="Look at the disk.") from problem
