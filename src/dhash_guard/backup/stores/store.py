"""Says what a store of backups is: sealed pairs by name, under a lease, and how one fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import Protocol

from dhash_guard.errors import OutsideSilent
from dhash_guard.records.backup import BackupFacts

Block = Callable[[bytes], object]
"""Takes the bytes of an archive one block after the other."""


class StoreSilent(OutsideSilent):
    """The store did not do what it was asked; `transient` says whether asking again may help."""

    def __init__(self, what: str, *, where: str = "", cure: str = "", transient: bool = True) -> None:
        super().__init__(what, where=where, cure=cure)
        self.transient = transient


class WrongBytes(StoreSilent):
    """The store returned other bytes than belong to the checksum that it keeps itself, or there was damage on the way."""


class Put(Enum):
    """What became of an upload: sealed by it, or there already with the same hash."""

    SEALED = "sealed"
    PRESENT = "present"


class Lease(Protocol):
    """The right to change the store, until it ends or is lost. `number` grows with every change of hands.

    `confirm` asks the store and raises Locked where somebody else has taken over: it comes before every commit. `keep` is
    called again and again while something takes long: it renews the lease in time, at the price of a look at the clock.
    """

    @property
    def number(self) -> int: ...

    def confirm(self) -> None: ...

    def keep(self) -> None: ...


class Store(Protocol):
    """Sealed backups by name: `<archive>.zip`, or `pre_rollback/<archive>.zip` for snapshots before a rollback.

    An archive without its checksum file is never listed or fetched. Everything raises StoreSilent where the store does
    not answer; `put` and `delete` need the lease of `lease`. `where` is for people and holds no secret, `guard` says how
    an archive that is already there is kept from being overwritten.
    """

    @property
    def where(self) -> str: ...

    @property
    def guard(self) -> str: ...

    def listing(self) -> Mapping[str, int]:
        """Bytes of every sealed archive by name."""

    def facts(self, names: Collection[str]) -> Mapping[str, BackupFacts]:
        """What was known of these when they were stored; one that cannot be read is missing. Not proof: a fetch proves."""

    def put(self, name: str, archive: Path, facts: BackupFacts, lease: Lease) -> Put:
        """Upload, read back whole, and seal. Raise Damaged where the file is not what `facts` says, NoGo where the store
        has another archive of this name."""

    def fetch(self, name: str, size: int, block: Block) -> str:
        """Hand the archive's bytes on and return its sha256; raise Damaged where that is not the sealed one, and CannotTell
        where the store has no such sealed archive."""

    def delete(self, name: str, lease: Lease) -> str:
        """Remove a backup, its checksum file first; empty, or why it stays."""

    def lease(self, holder: str, size: int, wait: float) -> AbstractContextManager[Lease]:
        """Hold the store's lock long enough for `size` bytes; raise Locked where another holds it after `wait` seconds."""
