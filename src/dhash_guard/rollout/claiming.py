"""Keeps a claim on an environment: made by compare-and-swap, proved before each step, renewed, and given back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define

from dhash_guard.errors import GuardError, Locked, NoGo
from dhash_guard.gates import claim
from dhash_guard.gates.claim import AlreadyConsumed, Changed, Claimant, Ended, Granted, Held, Lost
from dhash_guard.records.layout import iso
from dhash_guard.records.shared_state import Consumption, Holder, Live, SharedState
from dhash_guard.system.clock import Clock
from dhash_guard.system.state_store import StateStore, Versioned

LEASE = 900.0
"""Seconds that a claim holds without being renewed, and so keeps others out after its holder was killed.

A step that may take longer is claimed for as long, and keeps them out as long.
"""

_TRIES = 8
_PAUSE = 0.25
"""Seconds after the first lost race; each further one waits twice as long."""
_AGAIN = 15.0
"""Seconds between attempts of a heartbeat that got no answer."""

Step = Callable[[SharedState], Granted | Held | Changed | Lost | AlreadyConsumed]
Rescue = Callable[[GuardError], StateStore]
"""Says where to go on where the store fails; asked again where that fails too, until it names one that cannot."""


@define
class Hold:
    """A claim on `store`, made by `take`; all else raises Locked once somebody else has fenced it out.

    What asks whether the claim still holds writes: a read may be late, a swap is not. With `rescue` a store that fails is
    left for another one. Lease and pauses count on the clock's monotonic time.
    """

    store: StateStore
    who: Claimant
    clock: Clock
    lease: float = LEASE
    rescue: Rescue | None = None
    ended: Ended = Ended()
    fencing: int = 0
    _seen: Versioned | None = None
    _over: bool = False
    _renewed: float = 0.0
    _asked: float = 0.0
    _lasts: float = 0.0
    _newest: int = 0
    _lost: bool = False
    _uses: int = 0

    def take(self, *, over: bool = False, spares: tuple[str, ...] = (claim.ROLLBACK,)) -> Granted:
        """Claim; with `over` from any live holder but of the verbs that it `spares`. Raise Locked where somebody has it."""
        self._over = over
        asked = partial(claim.take_over, spares=spares) if over else claim.claim
        began = self.clock.monotonic()
        found = self._update(
            lambda state: asked(state, self.who, self.clock.now(), self.lease, self._ended()),
            f"{self.who.verb} claimed by {self.who.owner}",
        )
        if not isinstance(found, Granted):
            raise _locked(found, self.store)
        self.fencing, self._lost = found.fencing, False
        self._renewed = self._asked = began
        self._lasts = self.lease
        return found

    def _ended(self) -> Ended:
        return self.ended if self.store.shared else Ended(all=True)

    def check(self, lasting: float = 0.0) -> None:
        """Ask right before acting for up to `lasting` seconds: raise Locked where somebody else has fenced this out."""
        self._prove(lambda state: Changed(state=state), "renewed", lasting)

    def _prove(self, step: Callable[[SharedState], Changed | AlreadyConsumed], why: str, lasting: float) -> object:
        lease = max(self.lease, lasting + claim.SKEW)
        began = self.clock.monotonic()
        found = self._under(step, why, lease)
        if isinstance(found, Changed):
            self._renewed = self._asked = began
            self._lasts = lease
        return found

    def beat(self) -> None:
        """Renew where a third of the lease has gone; to be called often. No answer is borne until the lease ends."""
        now = self.clock.monotonic()
        if now - self._renewed < self._lasts / 3 or (now - self._asked < _AGAIN and self._renewed != self._asked):
            return
        self._asked = now
        try:
            self.check()
        except Locked:
            raise
        except GuardError:
            if now - self._renewed > self._lasts - claim.SKEW:
                raise

    def consume(self, *evidence: str, keep: float, target: str = "", attempt: int = 0, lasting: float = 0.0) -> None:
        """`check`, and in the same write use the evidence (each by its sha256) up; raise NoGo where one was used before.

        All of it is used up or none. Uses older than `keep` seconds are forgotten; it has to be longer than the age up to
        which evidence counts. `target` is the release that is deployed.
        """
        environment = self._now().state.environment
        self._uses += 1
        uses = [
            Consumption(
                evidence=one,
                environment=environment,
                target=target,
                attempt=attempt,
                by=f"{self.who.owner} ({self.fencing}.{self._uses})",
                at=self.clock.now(),
            )
            for one in evidence
        ]

        def step(state: SharedState) -> Changed | AlreadyConsumed:
            for use in uses:
                found = claim.consume(state, use, keep)
                if isinstance(found, Changed):
                    state = found.state
                elif found.use != use:  # the very same use is our own, whose answer was lost
                    return found
            return Changed(state=state)

        found = self._prove(step, f"evidence {', '.join(one[:12] for one in evidence)} used", lasting)
        if isinstance(found, AlreadyConsumed):
            release = f"for {found.use.target} " if found.use.target else ""
            raise NoGo(
                f"the evidence {found.use.evidence[:12]} was used before, {release}by {found.use.by} at {iso(found.use.at)}",
                where=self.store.where,
                cure="Evidence opens the gate once: let the workflow make new evidence.",
            )

    def lives(
        self,
        run: str,
        *,
        tag: str = "",
        commit: str = "",
        backup: str = "",
        begun_at: float = 0.0,
        newest_sequence: int = 0,
    ) -> None:
        """Tell what is live from now on: the deployment or rollback `run`."""
        live = Live(
            run=run,
            tag=tag,
            commit=commit,
            at=self.clock.now(),
            fencing=self.fencing,
            backup=backup,
            begun_at=begun_at,
            newest_sequence=newest_sequence,
        )
        self._under(lambda state: claim.lives(state, live), f"{tag or backup or run} is live")

    def overtaken(self, run: str, fencing: int, begun_at: float) -> Live | None:
        """What another machine made live since that deployment began; of this one its own records tell, and no clock."""
        return claim.overtaken(self._now().state, run, fencing, begun_at) if self.store.shared else None

    def tell(self, digest: str, count: int) -> None:
        """Tell the ledger's head, whoever holds the environment."""
        self._update(lambda state: claim.head(state, digest, count), "the ledger's head")

    def release(self, head: tuple[str, int] | None = None) -> None:
        """Give back what is still ours, and tell the ledger's head with it; raise GuardError where nobody answers."""
        if self._lost:
            return

        def step(state: SharedState) -> Changed | Lost:
            freed = claim.release(state, self.who.token, self.fencing)
            return claim.head(freed.state, *head) if isinstance(freed, Changed) and head else freed

        self._lost = True
        self._update(step, f"{self.who.verb} released by {self.who.owner}")

    def _under(self, step: Callable[[SharedState], Changed | AlreadyConsumed], why: str, lease: float = 0.0) -> object:
        """Change the state while the claim is still ours; raise Locked where it is not."""

        def renewed(state: SharedState) -> Changed | Lost | AlreadyConsumed:
            kept = claim.renew(state, self.who.token, self.fencing, self.clock.now(), lease or self.lease)
            return step(kept.state) if isinstance(kept, Changed) else kept

        if self._lost:
            raise _fenced_out(None, self.store)
        found = self._update(renewed, f"{self.who.verb}: {why} by {self.who.owner}")
        if isinstance(found, Lost):
            self._lost = True
            raise _fenced_out(found.to, self.store)
        return found

    def _update(self, step: Step, why: str) -> Granted | Held | Changed | Lost | AlreadyConsumed:
        while True:
            try:
                return self._swapped(step, why)
            except Locked:
                raise
            except GuardError as problem:
                if self.rescue is None:
                    raise
                self.store, self._seen, self._newest = self.rescue(problem), None, 0
                if self.fencing and not self._lost:
                    self.take(over=self._over)

    def _swapped(self, step: Step, why: str) -> Granted | Held | Changed | Lost | AlreadyConsumed:
        """Compare and swap until it succeeds, or until a state that was just read says no."""
        fresh = self._seen is None
        for again in range(_TRIES):
            seen = self._now()
            found = step(seen.state)
            refused = isinstance(found, Held | Lost | AlreadyConsumed)
            if refused and fresh:
                return found
            if not isinstance(found, Held | Lost | AlreadyConsumed):
                if found.state == seen.state:
                    return found
                version = self.store.swap(seen.version, found.state, why)
                if version is not None:
                    self._seen, self._newest = Versioned(state=found.state, version=version), found.state.sequence
                    return found
                # Everybody who lost waits differently long, or they would all meet again.
                self.clock.sleep(_PAUSE * 2.0**again * (0.5 + int(self.who.token[:4] or "0", 16) / 0xFFFF))
            self._seen, fresh = None, True
        raise Locked(
            f"the shared state was moved by others {_TRIES} times in a row",
            where=self.store.where,
            cure="Run it again; `dhash-guard lock show` tells who is at it.",
        )

    def _now(self) -> Versioned:
        """The state that was seen last, or is read now; one that is older than what was seen already is a late read."""
        for again in range(_TRIES):
            if self._seen is not None:
                self._newest = max(self._newest, self._seen.state.sequence)
                return self._seen
            seen = self.store.read()
            self._seen = seen if seen.state.sequence >= self._newest else None
            if self._seen is None:
                self.clock.sleep(_PAUSE * 2.0**again)
        raise Locked(
            "the shared state is older than what this run has seen of it",
            where=self.store.where,
            cure="Look who moved it back; nothing that was claimed since can be relied on.",
        )


def told(granted: Granted, store: StateStore) -> str:
    """A claim in one line: its number, and whose place it took."""
    text = f"held with fencing number {granted.fencing} ({store.where})"
    before = granted.displaced
    return f"{text}; taken from {described(before)}" if before is not None else text


def described(holder: Holder) -> str:
    """A holder in a few words."""
    by = f", {holder.actor}" if holder.actor else ""
    why = f": {holder.reason}" if holder.reason else ""
    return f"{holder.verb} {holder.owner}{by} until {iso(holder.until)}{why}"


def _locked(found: object, store: StateStore) -> Locked:
    assert isinstance(found, Held)
    return Locked(
        f"it is held by {described(found.by)} (fencing number {found.by.fencing})",
        where=store.where,
        cure="Wait until that has ended; `dhash-guard lock show` looks again, and `lock release --force` takes it away.",
    )


def _fenced_out(to: Holder | None, store: StateStore) -> Locked:
    by = f"by {described(to)} (fencing number {to.fencing})" if to is not None else "and nobody holds it now"
    return Locked(
        f"this run no longer holds the environment: it was fenced out {by}",
        where=store.where,
        cure="Nothing further was changed by it; look what the other run did before you begin anew.",
    )
