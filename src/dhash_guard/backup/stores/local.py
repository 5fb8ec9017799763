"""The store that is none: archives stay in the project's backups directory."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from dhash_guard.system.machine import Machine


@frozen(kw_only=True)
class LocalStore:
    """Archives stay in the project's `backups` directory."""

    kind: Literal["local"] = "local"

    def open(self, machine: Machine) -> None:
        """Nothing to open: there is no other place."""
