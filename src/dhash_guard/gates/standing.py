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

    def skim(self, times: Sequence[float], interval: float, values: Sequence[float | Health]) -> None:
        """Take in looks that are all fine and not more than two intervals apart; the same as observing each."""
        ...

    def skimmable(self) -> bool:
        """Whether fine looks, however many, can lead to nothing but a fine level from where the hold stands."""
        ...

    def standing(self) -> Standing:
        """How the hold stands after its latest look."""
        ...


def unknown(reason_code: str, text: str, samples: int) -> Standing:
    """The standing of a hold that cannot tell."""
    return Standing(level=None, reason_code=reason_code, text=text, samples=samples)
