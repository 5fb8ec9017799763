"""Holds an environment while something acts on it, on the record of its run; a rollback holds it whatever fails."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from dhash_guard.errors import GuardError
from dhash_guard.gates.claim import ROLLBACK, Claimant, Ended
from dhash_guard.ledger import chain
from dhash_guard.rollout import shared
from dhash_guard.rollout.claiming import LEASE, Hold, told
from dhash_guard.rollout.run import Guarded

__all__ = ["LEASE", "Hold", "claimant", "held", "publish_head"]


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
    rescuer = shared.Rescuer(run, run.machine.clock.now())
    store, who = rescuer.opened() if fails_safe else shared.open_state(run), claimant(run, verb)
    hold = Hold(
        store=store,
        who=who,
        clock=run.machine.clock,
        lease=lease,
        rescue=rescuer if fails_safe else None,
        ended=Ended(token=shared.last_token(run, who.token) if store.shared else ""),
    )

    def work() -> str:
        try:
            shared.reconcile(run, hold.store)
        except GuardError:
            if not fails_safe:
                raise
        return told(hold.take(over=over, spares=spares), hold.store)

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


def publish_head(run: Guarded) -> None:
    """Tell the shared state the newest ledger entry, once a record is sealed; that nobody answers is only said."""
    head = ledger_head(run)
    if head is None or run.machine.dry or run.configuration.layout.unreconciled(run.environment).exists():
        return
    try:
        hold = Hold(store=shared.open_state(run), who=claimant(run, "ledger"), clock=run.machine.clock)
        hold.tell(*head)
    except GuardError as problem:
        run.say(f"warning: the shared state was not told of the record: {problem.what}")


def ledger_head(run: Guarded) -> tuple[str, int] | None:
    """The hash and number of the newest ledger entry on this disk; None where there is none, or where it is damaged."""
    try:
        entries = chain.read(run.configuration.layout.ledger)
    except GuardError:
        return None
    return (entries[-1].hash, entries[-1].sequence) if entries else None


def _give_back(run: Guarded, hold: Hold) -> None:
    """Release; where nobody answers the lease ends by itself."""
    try:
        hold.release(ledger_head(run))
    except (GuardError, OSError) as problem:
        run.say(f"warning: {run.environment} was not given back, and is free when the lease ends: {problem}")
