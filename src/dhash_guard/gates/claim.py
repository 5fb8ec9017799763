"""Decides who may hold an environment, for how long, who fences whom out, and whether evidence is used up."""

from __future__ import annotations

from attrs import evolve, frozen

from dhash_guard.records.shared_state import Consumption, Holder, Live, SharedState, Unreconciled

SKEW = 30.0
"""Seconds that a successor waits beyond a lease: the holder wrote its end by another clock.

Hosts that ask a time server differ by less than a second; half a minute also bears one that lost it for days. A clock
that is further off can cost a holder its lease early, and then the fencing number stops whoever lost it.
"""

BY_HAND = "lock"
"""The verb of a claim that a person made and that no process stands behind."""

ROLLBACK = "rollback"
"""The verb that takes over, and that nobody takes over from while its lease lasts."""

DEPLOYING = ("deploy", "migrate")
"""The verbs that a rollback fences out if a person orders it; one that nobody ordered must not stop the next release."""


@frozen(kw_only=True)
class Claimant:
    """Who asks; the fields are those of the holder that it would become."""

    owner: str
    token: str
    verb: str
    actor: str = ""
    reason: str = ""


@frozen(kw_only=True)
class Granted:
    """The claim holds, once `state` is written. `displaced` is the holder whose place it took, expired or not."""

    state: SharedState
    holder: Holder
    displaced: Holder | None = None

    @property
    def fencing(self) -> int:
        return self.holder.fencing


@frozen(kw_only=True)
class Held:
    """Somebody else holds the environment."""

    by: Holder


@frozen(kw_only=True)
class Changed:
    """The state to write."""

    state: SharedState


@frozen(kw_only=True)
class Lost:
    """The claim is no longer ours: `to` holds the environment now, or nobody does."""

    to: Holder | None


@frozen(kw_only=True)
class AlreadyConsumed:
    """The evidence was used for this before."""

    use: Consumption


@frozen(kw_only=True)
class Ended:
    """Which holders the caller knows to have ended, because it holds the lock of the disk that they worked on.

    `all` is for a state that lies on that disk itself: any holder but a person's. `tokens` are those used there.
    """

    all: bool = False
    tokens: tuple[str, ...] = ()

    def has(self, holder: Holder) -> bool:
        """Whether this holder is one of them."""
        return holder.verb != BY_HAND and (self.all or holder.token in self.tokens)


def claim(state: SharedState, who: Claimant, now: float, lease: float, ended: Ended = Ended()) -> Granted | Held:
    """Claim a free environment, or one whose holder's lease has run out, for `lease` seconds from `now` (UTC).

    Asking again with the same token keeps the number.
    """
    there = state.holder
    if there is not None and there.token == who.token and there.verb == who.verb:
        kept = evolve(there, until=max(there.until, now + lease))
        return Granted(state=_with(state, kept), holder=kept)
    if there is None or expired(there, now) or ended.has(there):
        return _granted(state, who, now, lease)
    return Held(by=there)


def take_over(
    state: SharedState,
    who: Claimant,
    now: float,
    lease: float,
    ended: Ended = Ended(),
    *,
    spares: tuple[str, ...] = (ROLLBACK,),
) -> Granted | Held:
    """Claim whatever lease there is, but from a live holder of the verbs that it `spares`: a rollback always is."""
    there = state.holder
    if there is not None and there.verb in (ROLLBACK, *spares):
        return claim(state, who, now, lease, ended)
    return _granted(state, who, now, lease)


def renew(state: SharedState, token: str, fencing: int, now: float, lease: float) -> Changed | Lost:
    """Keep one's own claim for `lease` seconds from `now`; a lease that has run out and that nobody took is kept too."""
    there = _own(state, token, fencing)
    if there is None:
        return Lost(to=state.holder)
    return Changed(state=_with(state, evolve(there, until=max(there.until, now + lease))))


def release(state: SharedState, token: str, fencing: int) -> Changed | Lost:
    """Give one's own claim back."""
    if _own(state, token, fencing) is None:
        return Lost(to=state.holder)
    return Changed(state=_with(state, None))


def free(state: SharedState) -> Changed:
    """Take the claim away from whoever holds it: the number counts up, so that the holder is fenced out."""
    return Changed(state=evolve(_with(state, None), fencing=state.fencing + 1))


def consume(state: SharedState, use: Consumption, keep: float) -> Changed | AlreadyConsumed:
    """Use evidence up; uses that are more than `keep` seconds older than this one are forgotten.

    `keep` has to be longer than the age up to which evidence is accepted at all.
    """
    wanted = _key(use)
    there = next((old for old in state.consumed if _key(old) == wanted), None)
    if there is not None:
        return AlreadyConsumed(use=there)
    young = tuple(old for old in state.consumed if old.at > use.at - keep)
    return Changed(state=_next(evolve(state, consumed=(*young, use))))


def head(state: SharedState, digest: str, count: int) -> Changed:
    """Tell the newest entry of the ledger and its number; what was told before stays in the history."""
    if (digest, count) == (state.ledger_head, state.ledger_count):
        return Changed(state=state)
    return Changed(state=_next(evolve(state, ledger_head=digest, ledger_count=count)))


def lives(state: SharedState, live: Live) -> Changed:
    """Tell what is live now."""
    return Changed(state=_next(evolve(state, live=live)))


def overtaken(state: SharedState, run: str, fencing: int, begun_at: float) -> Live | None:
    """What was made live after the deployment `run`, of that number and begun then (UTC); None where it is the last.

    The time says it, and the number only what clocks that differ leave open: another store counts another way, and a ref
    that was begun anew counts from one.
    """
    live = state.live
    if live is None or live.run == run:
        return None
    later = live.at - begun_at
    return live if later > SKEW or (later > -SKEW and live.fencing > fencing) else None


def reconcile(state: SharedState, note: Unreconciled) -> Changed:
    """Enter what was done while the state could not be reached: a number of its own, its ledger entry, what is live.

    Whoever claimed before that had ended is fenced out, having acted on something that was no longer so.
    """
    ended = note.began_at if note.ended_at is None else note.ended_at
    holder = state.holder if state.holder is not None and state.holder.since > ended else None
    entered = evolve(_with(state, holder), fencing=state.fencing + 1)
    if note.ledger_count:
        entered = evolve(entered, ledger_head=note.ledger_head, ledger_count=note.ledger_count)
    live = note.live
    if live is not None and (state.live is None or state.live.at <= live.at):
        entered = evolve(entered, live=evolve(live, fencing=entered.fencing))
    return Changed(state=entered)


def expired(holder: Holder, now: float) -> bool:
    """Whether a holder's lease has run out by any clock that is not further off than SKEW."""
    return now > holder.until + SKEW


def _granted(state: SharedState, who: Claimant, now: float, lease: float) -> Granted:
    holder = Holder(
        owner=who.owner,
        token=who.token,
        verb=who.verb,
        actor=who.actor,
        reason=who.reason,
        since=now,
        until=now + lease,
        fencing=state.fencing + 1,
    )
    return Granted(state=evolve(_with(state, holder), fencing=holder.fencing), holder=holder, displaced=state.holder)


def _own(state: SharedState, token: str, fencing: int) -> Holder | None:
    there = state.holder
    return there if there is not None and (there.token, there.fencing) == (token, fencing) else None


def _with(state: SharedState, holder: Holder | None) -> SharedState:
    return _next(evolve(state, holder=holder))


def _next(state: SharedState) -> SharedState:
    return evolve(state, sequence=state.sequence + 1)


def _key(use: Consumption) -> tuple[str, str, int]:
    """Without the release: evidence that names none would open the gate for any number of them."""
    return use.evidence, use.environment, use.attempt
