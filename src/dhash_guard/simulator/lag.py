"""Decides what a list shows while a write has not yet arrived everywhere: the thing as it was, for so many more reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from attrs import define


class Numbered(Protocol):
    """Anything that GitHub gives an id."""

    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=Numbered)


@define
class _Lag:
    family: str
    id: int
    before: Numbered | None
    reads: int


class Lags:
    """Writes that lists do not show yet."""

    def __init__(self) -> None:
        self._lags: list[_Lag] = []

    def wrote(self, family: str, number: int, before: Numbered | None, reads: int) -> None:
        """Tell that `number` was created (`before` is None), changed or deleted, and how many reads will not show it."""
        if reads > 0:
            self._lags.append(_Lag(family, number, before, reads))

    def seen(self, family: str, things: Iterable[T], *, backwards: bool = False) -> Sequence[T]:
        """What a list read of this moment shows, in the order of ids; each call is one read."""
        view: dict[int, Numbered] = {thing.id: thing for thing in things}
        # Of several writes to one thing the earliest that has not arrived says what is seen, so it is applied last.
        for lag in reversed([lag for lag in self._lags if lag.family == family]):
            if lag.before is None:
                view.pop(lag.id, None)
            else:
                view[lag.id] = lag.before
            lag.reads -= 1
        self._lags = [lag for lag in self._lags if lag.reads > 0]
        shown: list[T] = [view[number] for number in sorted(view, reverse=backwards)]  # type: ignore[misc]
        return shown
