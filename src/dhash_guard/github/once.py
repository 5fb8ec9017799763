"""Makes a write happen once: after a failure that may have taken effect it looks before it writes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dhash_guard.github.errors import RateLimited, Silent
from dhash_guard.system.clock import Clock

T = TypeVar("T")

_TRIES = 3
_PAUSE = 2.0
"""Seconds before looking: what was just written may not be listed yet."""

_LONGEST_WAIT = 60.0


def once(write: Callable[[], T], look: Callable[[], T | None], clock: Clock) -> T:
    """What `write` returns, or, after an ambiguous failure of it, what `look` finds.

    `look` returns None where the write did not take effect; only then it is repeated, three tries in all. A rate limit
    is waited for, up to a minute altogether. Raise what the last `write`, or any `look`, raised.
    """
    waited = 0.0
    for left in reversed(range(_TRIES)):
        try:
            return write()
        except (Silent, RateLimited) as problem:
            wait = max(problem.wait, _PAUSE)
            waited += wait
            if waited > _LONGEST_WAIT:
                raise
            clock.sleep(wait)
            found = look()
            if found is not None:
                return found
            if not left:
                raise
    raise AssertionError("unreachable")
