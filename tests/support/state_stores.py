"""A shared state in memory, and states to begin with."""

from __future__ import annotations

from attrs import define, field

from dhash_guard.gates.claim import Claimant
from dhash_guard.records.shared_state import SharedState
from dhash_guard.system.state_store import NOTHING, Versioned

NOON = 1_790_000_000.0
PRODUCTION = "production"


def claimant(name: str, verb: str = "deploy") -> Claimant:
    """Somebody whose token is its name."""
    return Claimant(owner=f"{name}/1", token=name, verb=verb, actor=name, reason="")


@define
class MemoryStore:
    """Keeps `StateStore`; `history` has every state that was ever written, with what was said of it."""

    shared: bool = True
    where: str = "memory"
    history: list[tuple[SharedState, str]] = field(factory=list)

    def read(self) -> Versioned:
        if not self.history:
            return Versioned(state=SharedState(environment=PRODUCTION), version=NOTHING)
        return Versioned(state=self.history[-1][0], version=str(len(self.history)))

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        if version != self.read().version:
            return None
        self.history.append((new, why))
        return str(len(self.history))
