"""Shows who holds an environment, and lets a person take and give it back by hand, on the record."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from dhash_guard.errors import CannotTell, GuardError, Locked, UsageProblem
from dhash_guard.gates import claim
from dhash_guard.gates.claim import BY_HAND
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.records.shared_state import Holder, SharedState
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import shared
from dhash_guard.rollout.claiming import Hold, described, told
from dhash_guard.rollout.hold import claimant
from dhash_guard.rollout.run import Guarded


@frozen(kw_only=True)
class Shown:
    """What there is to see: the state, where it is kept, and whether the holder's lease has run out."""

    state: SharedState
    where: str
    expired: bool

    def lines(self) -> list[str]:
        """For people."""
        holder, live = self.state.holder, self.state.live
        ended = ", its lease has run out" if self.expired else ""
        lines = [
            f"{self.state.environment} is held by {described(holder)}{ended} (fencing number {holder.fencing})"
            if holder is not None
            else f"{self.state.environment} is free (last fencing number {self.state.fencing})"
        ]
        if live is not None:
            what = live.tag or (f"what was before, from {live.backup}" if live.backup else live.run)
            lines.append(f"live since {iso(live.at)}: {what}" + (f" ({live.commit[:12]})" if live.commit else ""))
        if self.state.ledger_count:
            lines.append(f"ledger: entry {self.state.ledger_count}, {self.state.ledger_head[:12]}")
        return [*lines, f"evidence used: {len(self.state.consumed)}", f"kept in {self.where}"]


def show(run: Guarded) -> Shown:
    """The state as it is now, what was left to be reconciled entered first; raise GuardError where nobody answers."""
    store = shared.open_state(run, reads_only=True)
    shared.reconcile(run, store)
    state = store.read().state
    ended = state.holder is not None and claim.expired(state.holder, run.machine.clock.now())
    return Shown(state=state, where=store.where, expired=ended)


def take(run: Guarded, lease: Seconds) -> Evidence:
    """Hold the environment by hand for so long: 0, or 8 where somebody else has it. A rollback still takes it over."""
    if lease <= 0:
        raise UsageProblem("--for must be longer than nothing", cure="Write --for 2h.")

    def work() -> str:
        store = shared.open_state(run)
        shared.reconcile(run, store)
        hold = Hold(store=store, who=claimant(run, BY_HAND), clock=run.machine.clock, lease=lease)
        with run.machine.files.lock(run.configuration.layout.lock(run.environment), f"lock take {run.facts.id}"):
            granted = hold.take()
        return f"{told(granted, store)} until {iso(granted.holder.until)}"

    return _recorded(run, "lock take", work)


def release(run: Guarded, *, force: bool) -> Evidence:
    """Give back what the same person took by hand; with `force` take the claim away from whoever has it."""
    if force and not run.facts.reason:
        raise UsageProblem("--force takes the environment away from somebody", cure="Say why with --reason.")

    def work() -> str:
        store = shared.open_state(run, reads_only=True)
        shared.reconcile(run, store)
        seen = store.read()
        holder = seen.state.holder
        if holder is None:
            return "nobody held it"
        if not force and not _own(run, holder):
            raise Locked(
                f"it is held by {described(holder)}, not by you",
                where=store.where,
                cure="Wait until that has ended; or take it away with --force and --reason.",
            )
        why = f"released by hand by {run.facts.actor or run.facts.id}: {run.redactor.text(run.facts.reason) or 'their own'}"
        if not run.machine.dry and store.swap(seen.version, claim.free(seen.state).state, why) is None:
            raise CannotTell("somebody else changed it at this moment", where=store.where, cure="Look again.")
        return f"taken away from {described(holder)}" if force else f"given back: {described(holder)}"

    return _recorded(run, "lock release", work)


def _own(run: Guarded, holder: Holder) -> bool:
    return holder.verb == BY_HAND and holder.actor != "" and holder.actor == run.facts.actor


def _recorded(run: Guarded, name: str, work: Callable[[], str]) -> Evidence:
    """Do it as a stage, and seal what came of it."""
    try:
        run.stage(name, work)
    except GuardError as problem:
        run.say(str(problem))
        return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    return run.seal(run.evidence(result="planned" if run.machine.dry else "done", exit_code=0))
