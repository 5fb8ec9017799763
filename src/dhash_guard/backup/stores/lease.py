"""Decides who may change a store: a chain of numbered leases, each created only where nothing of that number is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from attrs import frozen

from dhash_guard.backup.stores.objects import Objects, record, returns
from dhash_guard.backup.stores.store import StoreSilent
from dhash_guard.errors import Locked
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data
from dhash_guard.records.layout import iso
from dhash_guard.system.clock import Clock

FOLDER = ".lease/"
SKEW = 30.0
"""Seconds that the clocks of two hosts may differ: a holder stops this much early, a successor waits this much longer."""

_SHORTEST = 300.0
_RENEWED = 60.0
"""Seconds after which a lease that is in use is renewed, so that four attempts of the slowest request find it held."""
_SLOWEST = 4 * 1024 * 1024  # bytes per second that an upload may take before its lease ends
_AGAIN = 5.0
_MOST = 4096


@frozen(kw_only=True)
class Held:
    """One link of the chain: the newest number counts. `token` tells two holders of one name apart."""

    version: int = 1
    number: int
    holder: str
    token: str
    expires_at: float
    released: bool = False


class Chain:
    """The leases of one store.

    Taking, renewing, releasing and taking over an expired one are all the creation of the next number, which a store
    grants once: between two who try, one is refused. Nothing is ever overwritten.
    """

    def __init__(self, objects: Objects, clock: Clock, holder: str, token: str) -> None:
        self._objects = objects
        self.clock = clock
        self._holder = holder
        self._token = token
        self.refusing: bool | None = None
        """Whether the store was seen to refuse a second creation; None before the first lease."""

    @contextmanager
    def held(self, size: int, wait: float) -> Iterator[Hold]:
        """Hold the lease long enough for `size` bytes; raise Locked where somebody else has it after `wait` seconds."""
        seconds = _SHORTEST + size / _SLOWEST
        number, began = self._take(seconds, wait)
        hold = Hold(self, number, began, seconds)
        with suppress(StoreSilent, OSError):
            self._forget_before(hold.number)
        try:
            yield hold
        finally:
            # What cannot be given back ends by itself.
            with suppress(StoreSilent, OSError):
                self.append(hold.number, 0.0, released=True)

    def newest(self) -> int:
        """The highest number that the store lists; 0 where there is none."""
        return max((_number(key) for key in self._objects.sizes(FOLDER)), default=0)

    def append(self, after: int, seconds: float, *, released: bool = False) -> Held | None:
        """Create the number after this one; None where somebody else was quicker."""
        held = Held(
            number=after + 1,
            holder=self._holder,
            token=self._token,
            expires_at=self.clock.now() + seconds,
            released=released,
        )
        content = canonical(to_data(held))
        try:
            self._objects.create(_key(held.number), content)
        except FileExistsError:
            there = self._read(held.number)
            return there if there is not None and there.token == self._token else None
        if not returns(self._objects, _key(held.number), content):
            self._objects.remove(_key(held.number))  # what nobody understands would keep everybody out
            raise StoreSilent("the store returned another lease than was written", where=self._objects.where)
        return held

    def _take(self, seconds: float, wait: float) -> tuple[int, float]:
        """The number of the new lease, and the monotonic time from which it counts."""
        end = self.clock.monotonic() + wait
        seen = 0
        while True:
            number = max(seen, self.newest())  # a stale list says less than was seen already
            there = self._read(number)
            if number and there is None:
                seen = 0  # older than what the list does not say yet, and tidied away
            elif there is None or there.released or self.clock.now() > there.expires_at + SKEW:
                began = self.clock.monotonic()
                taken = self.append(number, seconds)
                if taken is not None:
                    self.refusing = self._refuses(taken)
                    return taken.number, began
                seen = number + 1
                continue
            if self.clock.monotonic() >= end:
                by = f"{there.holder} until {iso(there.expires_at)}" if there is not None else "somebody else"
                raise Locked(
                    f"the store is being written to by {by} (lease {number})",
                    where=self._objects.where,
                    cure="Run `dhash-guard backup sync` when that has ended.",
                )
            self.clock.sleep(_AGAIN)

    def _refuses(self, held: Held) -> bool:
        """Whether the store really refuses what is there; some take no notice of the condition."""
        try:
            self._objects.create(_key(held.number), canonical(to_data(held)))
        except FileExistsError:
            return True
        return False

    def _read(self, number: int) -> Held | None:
        """The lease of this number; None where there is none."""
        try:
            return record(Held, self._objects.read(_key(number), 0, _MOST)) if number else None
        except FileNotFoundError:
            return None
        except ValueError as problem:
            raise Locked(
                f"the store's lease {_key(number)} cannot be understood",
                where=self._objects.where,
                cure="Remove it by hand where nobody is writing to the store.",
            ) from problem

    def forget(self, number: int) -> None:
        """Remove a link that another one follows; where that fails, whoever holds the lease next does it."""
        with suppress(StoreSilent, OSError):
            self._objects.remove(_key(number))

    def _forget_before(self, number: int) -> None:
        for key in self._objects.sizes(FOLDER):
            if 0 < _number(key) < number:
                self._objects.remove(key)


class Hold:
    """A lease that is held. It counts on this process's own time, so that a clock that jumps does not prolong it."""

    def __init__(self, chain: Chain, number: int, began: float, seconds: float) -> None:
        self._chain = chain
        self._seconds = seconds
        self._again = 0.0
        self._holding(number, began)

    def confirm(self) -> None:
        """Raise Locked unless the lease is still held, as the store sees it; renew it where its time has come."""
        if self._chain.clock.monotonic() >= self._until or self._chain.newest() > self.number:
            raise _lost()
        self._renew()

    def keep(self) -> None:
        """Renew the lease where its time has come, and raise Locked where it has ended.

        A store that stumbles is asked again at one of the next calls, as long as the lease lasts.
        """
        with suppress(StoreSilent, OSError):
            self._renew()
        if self._chain.clock.monotonic() >= self._until:
            raise _lost()

    def _renew(self) -> None:
        clock = self._chain.clock
        began = clock.monotonic()
        if began < self._again:
            return
        self._again = began + _AGAIN
        renewed = self._chain.append(self.number, self._seconds)
        # An answer that came after the end proves nothing: somebody may have found the old lease expired.
        if renewed is None or clock.monotonic() >= self._until:
            raise _lost()
        before = self.number
        self._holding(renewed.number, began)
        self._chain.forget(before)

    def _holding(self, number: int, began: float) -> None:
        """What is held from the monotonic time `began` on."""
        self.number = number
        self._until = began + self._seconds - SKEW
        self._again = began + _RENEWED


def _lost() -> Locked:
    return Locked(
        "the lease of the store was lost while writing to it: it took too long, or somebody else took over",
        cure="Run `dhash-guard backup sync`; it goes on where this ended.",
    )


def _key(number: int) -> str:
    return f"{FOLDER}{number:012d}.json"


def _number(key: str) -> int:
    digits = key.removeprefix(FOLDER).removesuffix(".json")
    return int(digits) if digits.isascii() and digits.isdigit() else 0
