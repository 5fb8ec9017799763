"""What a hold is: it folds the values of one signal, and says in words, only when asked, how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from dhash_guard.gates.reading import Level
from dhash_guard.records.sample import Health, Value


@frozen(kw_only=True)
class Standing:
    """How a hold stands after a look.

    `level` is None while nothing can be said, and then `reason_code` and `text` say why; otherwise FAIL means the
    breach has lasted as long as the gate asks, and `reason_code` is empty. `strikes` is (so far, needed), for the eye.
    """

    level: Level | None
    text: str
    samples: int
    reason_code: str = ""
    observed: float | None = None
    strikes: tuple[int, int] | None = None


class Hold(Protocol):
    """Folds the looks at one signal. Times are UTC epoch seconds, `interval` is the planned distance of looks then.

    Hot: a day has 86,400 looks, so a look costs a few comparisons, and words are made by `standing` alone.
    """

    def observe(self, at: float, interval: float, value: Value) -> Level | None:
        """Take in one look; FAIL where the breach has lasted long enough, None where nothing can be said."""
        ...

    def calm(self, times: Sequence[float], values: Sequence[float | Health]) -> bool:
        """Whether these looks, not more than two intervals apart, can lead to nothing but a fine level at every one."""
        ...

    def skim(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> None:
        """Take in looks that are `calm`; the same as observing each."""
        ...

    def fold(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> Folded:
        """Take in looks that are not more than two intervals apart, up to the first that tells FAIL; as observing each."""
        ...

    def standing(self) -> Standing:
        """How the hold stands after its latest look."""
        ...


Folded = tuple[int, set[Level]]
"""How many looks were taken in, and which levels but FINE they told; FAIL is that of the last."""


def one_by_one(hold: Hold, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> Folded:
    """Fold by observing each look, where nothing is won by another way."""
    told: set[Level] = set()
    for taken, (at, value) in enumerate(zip(times, values, strict=True), 1):
        level = hold.observe(at, interval, value)
        if level is not None and level is not Level.FINE:
            told.add(level)
        if level is Level.FAIL:
            return taken, told
    return len(times), told


def unknown(reason_code: str, text: str, samples: int) -> Standing:
    """The standing of a hold that cannot tell."""
    return Standing(level=None, reason_code=reason_code, text=text, samples=samples)
