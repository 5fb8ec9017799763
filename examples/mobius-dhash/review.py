"""Decides how many low-confidence hashes wait for review, as slow reviewers take them off the queue."""

from __future__ import annotations

import math

from window import Clock


class ReviewQueue:
    """Grows by one with each result put in, shrinks steadily while anything waits.

    Only the length matters to anyone, so the queue is a number; and it is brought up to date when
    somebody looks, so no thread is needed. The caller sees to locking.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._waiting = 0.0  # a fraction is a result whose review is under way
        self._as_of = clock()

    def put(self) -> None:
        self._review()
        self._waiting += 1

    def __len__(self) -> int:
        self._review()
        return math.ceil(self._waiting)  # rounded up: a result under review still waits

    def _review(self) -> None:
        now = self._clock()
        self._waiting = max(0.0, self._waiting - (now - self._as_of) * self._per_second)
        self._as_of = now
