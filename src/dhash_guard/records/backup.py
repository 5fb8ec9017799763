"""What is known of a backup without opening it again, and what a restore did."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen


class Purpose(Enum):
    """Why a backup was taken; snapshots before a rollback are never a rollback's default target."""

    BACKUP = "backup"
    PRE_ROLLBACK = "pre-rollback"


@frozen(kw_only=True)
class BackupFacts:
    """A sealed archive as the catalogue sees it.

    `name` is the path relative to the project root with forward slashes, `sealed_at` UTC epoch seconds,
    `sequence` the order within the environment (not a clock). `problem` is empty or says why it cannot be used;
    then the other facts are what could still be read. `note` is what to know of one that another tool made: such have the
    sequence 0, before every other.
    """

    name: str
    environment: str
    purpose: Purpose
    sequence: int
    sealed_at: float
    size: int
    sha256: str
    members: int
    components: tuple[str, ...]
    problem: str = ""
    note: str = ""

    def lacking(self, needed: Iterable[str]) -> list[str]:
        """Which of these components it does not hold."""
        return [name for name in needed if name not in self.components]

    def holds(self, needed: Iterable[str]) -> bool:
        """Whether it holds all of these components."""
        return not self.lacking(needed)


@frozen(kw_only=True)
class Verification:
    """The result of reading a backup whole: every problem found, none means verified.

    Without `members_read` only the archive's hash was compared, of a backup that lies elsewhere and is not fetched.
    """

    name: str
    sha256: str
    members: int
    bytes_read: int
    problems: tuple[str, ...] = ()
    members_read: bool = True

    @property
    def proof(self) -> str:
        """What was done to find no problem."""
        return "every member read and sound" if self.members_read else "its hash agrees; its members were not read"

    @property
    def ok(self) -> bool:
        return not self.problems


@frozen(kw_only=True)
class RestoredRoot:
    """One root that a restore put back: `digest` is the sha256 over its entries' paths, kinds, modes and hashes."""

    path: str
    kind: str
    files: int
    digest: str


@frozen(kw_only=True)
class Restoration:
    """What a restore did; `identical` means every file was read back from its final place with the manifest's hash.

    Where it was not, `unloaded` are files that were not given to the commands that load them.
    """

    backup: str
    roots: tuple[RestoredRoot, ...]
    files: int
    bytes_written: int
    identical: bool
    seconds: float
    unloaded: tuple[str, ...] = ()
