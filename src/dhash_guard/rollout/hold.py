"""Holds an environment while something acts on it, on the record of its run; a rollback holds it whatever fails."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from dhash_guard.errors import GuardError
from dhash_guard.gates.claim import ROLLBACK, Claimant, Ended
from dhash_guard.rollout import shared
from dhash_guard.rollout.claiming import LEASE, Hold, told
from dhash_guard.rollout.run import Guarded

__all__ = ["LEASE", "Hold", "claimant", "held", "keep_tokens", "publish_head", "tokens_used"]


@contextmanager
def held(
    run: Guarded,
    verb: str,
    *,
    over: bool = False,
    spares: tuple[str, ...] = (ROLLBACK,),
    fails_safe: bool = False,
    lease: float = LEASE,
) -> Iterator[Hold]:
    """Hold the run's environment until the block ends, however it ends; to be entered under the local lock.

    `over` takes it from any live holder but of the verbs that it `spares`. With `fails_safe` a store that cannot be reached
    is left for this disk, and what happens is written down to be reconciled. Raise Locked where somebody has it, else
    GuardError.
    """
    shared.warn_alone(run)
    rescuer = shared.Rescuer(run, run.machine.clock.now())
    store, who = rescuer.opened() if fails_safe else shared.open_state(run), claimant(run, verb)
    used = tokens_used(run) if store.shared else ()
    hold = Hold(
        store=store,
        who=who,
        clock=run.machine.clock,
        lease=lease,
        rescue=rescuer if fails_safe else None,
        ended=Ended(tokens=used),
    )

    def work() -> str:
        try:
            shared.reconcile(run, hold.store)
        except GuardError:
            if not fails_safe:
                raise
        if store.shared:  # whoever holds by a token from before does so until this claim is granted
            keep_tokens(run, (*used, who.token))
        granted = hold.take(over=over, spares=spares)
        if hold.store.shared:
            keep_tokens(run, (who.token,))
        return told(granted, hold.store)

    if hold.store.shared:
        run.stage(f"{verb} lock", work)
    else:
        work()
    try:
        yield hold
    finally:
        _give_back(run, hold)
        rescuer.finish()


def claimant(run: Guarded, verb: str) -> Claimant:
    """The run as one who claims; the token is new each time."""
    number = run.machine.environ.get("GITHUB_RUN_ID", "").strip()
    return Claimant(
        owner=f"{number}/{run.facts.attempt}" if number else run.facts.id,
        token=secrets.token_hex(8),
        verb=verb,
        actor=run.facts.actor,
        reason=run.redactor.text(run.facts.reason),
    )


def tokens_used(run: Guarded) -> tuple[str, ...]:
    """The tokens of the last claim that was granted to this disk, and of those that were tried since.

    Whoever holds the lock of this disk knows that the processes behind them have ended.
    """
    try:
        return tuple(run.configuration.layout.claimed(run.environment).read_text("utf-8", "replace").split())
    except OSError:
        return ()


def keep_tokens(run: Guarded, tokens: Sequence[str]) -> None:
    """Remember them instead; a disk that takes nothing costs no more than the wait for a lease."""
    path = run.configuration.layout.claimed(run.environment)
    with suppress(OSError):
        run.machine.files.make_directory(path.parent)
        run.machine.files.write_atomic(path, "".join(f"{token}\n" for token in tokens).encode())


def publish_head(run: Guarded) -> None:
    """Tell the shared state the newest ledger entry, once a record is sealed; that nobody answers is only said."""
    head = shared.ledger_head(run)
    if head is None or run.machine.dry or run.configuration.layout.unreconciled(run.environment).exists():
        return
    try:
        hold = Hold(store=shared.open_state(run), who=claimant(run, "ledger"), clock=run.machine.clock)
        hold.tell(*head)
    except GuardError as problem:
        run.say(f"warning: the shared state was not told of the record: {problem.what}")


def _give_back(run: Guarded, hold: Hold) -> None:
    """Release; where nobody answers the lease ends by itself."""
    try:
        hold.release(shared.ledger_head(run))
    except (GuardError, OSError) as problem:
        run.say(f"warning: {run.environment} was not given back, and is free when the lease ends: {problem}")
