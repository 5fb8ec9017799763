"""What a receipt says: that an archive was read whole or put back by a drill, when, and how that ended."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from attrs import frozen


class Proof(Enum):
    """What was done with the archive."""

    VERIFIED = "verified"
    DRILLED = "drilled"


class Result(Enum):
    """How it ended."""

    PASSED = "passed"
    FAILED = "failed"


@frozen(kw_only=True)
class Receipt:
    """One proof. `at` is UTC epoch seconds, `sha256` the hash that the checksum file stated; it counts for no other.

    `seconds` is how long the reading took (verified) or the restore (drilled: the time to restore), None where that was
    part of something longer. `probe` is the command that looked at what was restored, empty where none did. `components` are
    those that the archive held, none where that is not known.
    """

    version: Literal[1] = 1
    proof: Proof
    at: float
    environment: str
    backup: str
    sha256: str
    result: Result
    files: int
    bytes: int
    seconds: float | None
    tool: str
    probe: str = ""
    problem: str = ""
    components: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.result is Result.PASSED
