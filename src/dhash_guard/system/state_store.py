"""Says what keeps an environment's shared state: it is read whole, and replaced only where nobody was quicker."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from dhash_guard.records.shared_state import SharedState

NOTHING = ""
"""The version of a state that nobody has written yet."""


@frozen(kw_only=True)
class Versioned:
    """The state and the version that it was read at; an opaque text."""

    state: SharedState
    version: str


class StateStore(Protocol):
    """Keeps one environment's state. Both methods raise GuardError where the store is silent, refuses, or holds nonsense.

    A read may be late and show an older state; a swap never is: it succeeds only where `version` is still the newest.
    """

    @property
    def where(self) -> str:
        """The place, as people are told it."""

    @property
    def shared(self) -> bool:
        """Whether other machines see it too; otherwise this disk's lock already keeps others out."""

    def read(self) -> Versioned:
        """The newest state that is known here; an empty one at NOTHING where there is none."""

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        """Replace the state of this version; the new version, or None where somebody was quicker.

        `why` is one line for whoever reads the history. After an error the state may or may not have been replaced.
        """
