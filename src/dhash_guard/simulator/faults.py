"""Decides which request meets which misfortune: by method, path and count, never by chance, so that a run repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum
from fnmatch import fnmatchcase

from attrs import define, frozen

from dhash_guard.simulator.call import Refusal

LONGEST_DELAY = 30.0
"""Seconds; a state file must not be able to hang a test suite."""


class FaultKind(Enum):
    """What happens to the request."""

    STATUS = "status"
    """`status` is answered, nothing happens."""
    LOST_ANSWER = "lost-answer"
    """The request takes effect, but `status` is answered."""
    TOO_MANY = "too-many"
    """429; with `retry_after`, or without the header."""
    PRIMARY_LIMIT = "primary-limit"
    """403: the hour's requests are used up; `retry_after` seconds until they come back."""
    SECONDARY_LIMIT = "secondary-limit"
    """403 in the words of the abuse protection; with `retry_after`, or without the header."""
    TIMEOUT = "timeout"
    """Nothing for `seconds`, then the connection closes."""
    TRUNCATED = "truncated"
    """The request takes effect; half of the answer arrives."""
    RESET = "reset"
    """The connection is reset before the request takes effect."""
    LAG = "lag"
    """The write takes effect, but the next `reads` list reads do not show it."""
    REORDER = "reorder"
    """The list is answered in the opposite order."""


@frozen(kw_only=True)
class Fault:
    """A misfortune for the requests that match: the first `skip` pass, then `times` are hit (0: all that follow).

    `path` is a glob over the path without the query. `share` below 1 hits only that part of them, chosen by `seed` and
    the count of matching requests.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    times: int = 1
    skip: int = 0
    share: float = 1.0
    seed: int = 0
    status: int = 502
    message: str = "Server Error"
    """What `status` and `lost-answer` say."""
    retry_after: int | None = None
    seconds: float = 1.0
    reads: int | None = None

    @property
    def lag(self) -> int:
        """How many list reads do not show what the request wrote; a lost answer may be late as well."""
        return self.reads if self.reads is not None else 3 if self.kind is FaultKind.LAG else 0


@define
class _Armed:
    fault: Fault
    met: int = 0
    hit: int = 0


class Faults:
    """The faults that are still to come."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._armed = [_Armed(fault) for fault in faults]

    def add(self, faults: Sequence[Fault]) -> None:
        self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        self._armed.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets: the first that matches and is not used up."""
        for armed in self._armed:
            fault = armed.fault
            if fault.method not in ("*", method) or not fnmatchcase(path, fault.path):
                continue
            if fault.times and armed.hit >= fault.times:
                continue
            armed.met += 1
            if armed.met > fault.skip and _drawn(fault, armed.met):
                armed.hit += 1
                return fault
        return None


def answer_of(fault: Fault, at: float) -> Refusal | None:
    """The error body that a fault answers with; None where it answers nothing of its own."""
    wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    match fault.kind:
        case FaultKind.STATUS | FaultKind.LOST_ANSWER:
            return Refusal(fault.status, fault.message)
        case FaultKind.TOO_MANY:
            return Refusal(429, "Too many requests", headers=wait)
        case FaultKind.PRIMARY_LIMIT:
            return used_up("the simulator's fault", at + (fault.retry_after or 60))
        case FaultKind.SECONDARY_LIMIT:
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            return Refusal(403, message, headers=wait)
        case _:
            return None


def used_up(who: str, reset: float) -> Refusal:
    """GitHub's 403 when the requests of the hour are used up."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset))}
    return Refusal(403, f"API rate limit exceeded for {who}.", headers=headers)


def _drawn(fault: Fault, count: int) -> bool:
    drawn = hashlib.sha256(f"{fault.seed}/{count}".encode()).digest()
    return int.from_bytes(drawn[:4], "big") / 2**32 < fault.share
