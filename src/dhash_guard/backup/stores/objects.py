"""Says what the stores need of a place that keeps bytes under keys, and asks it again where it stumbles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from attrs import frozen

from dhash_guard.backup.stores.store import StoreSilent, WrongBytes
from dhash_guard.records.codec import from_json
from dhash_guard.system.clock import Clock

T = TypeVar("T")

Beat = Callable[[], object]
"""Called again and again while something takes long; what it raises ends that."""


def idle() -> None:
    """The beat of whoever holds no lease."""


class Objects(Protocol):
    """Bytes under keys. A key is there whole or not at all; `create` and `upload` never replace one.

    Raises FileExistsError where the key is taken, FileNotFoundError where it is absent, PermissionError where the place
    forbids it, StoreSilent for everything else.
    """

    @property
    def where(self) -> str: ...

    def sizes(self, below: str = "") -> Mapping[str, int]: ...

    def create(self, key: str, content: bytes) -> None: ...

    def upload(self, key: str, source: Path, sha256: str, beat: Beat = idle) -> None: ...

    def read(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; fewer only at the end."""

    def read_each(self, keys: Collection[str]) -> Mapping[str, bytes]:
        """The whole of each of these small objects; what cannot be read is missing."""

    def remove(self, key: str) -> None: ...


@frozen(kw_only=True)
class Patience:
    """How often a transient failure is asked again, and the seconds before the second attempt, doubled each time."""

    attempts: int = 4
    pause: float = 0.5


HASTY = Patience(attempts=1)
"""For whoever has local backups to go on with."""


def record(kind: type[T], content: bytes) -> T:
    """The record that a small object holds; raise ValueError where it holds something else."""
    return from_json(kind, content)


def returns(objects: Objects, key: str, content: bytes) -> bool:
    """Whether the place returns exactly this small object."""
    try:
        return objects.read(key, 0, len(content) + 1) == content
    except WrongBytes:
        return False


class Patient:
    """The same objects, asked again where a failure is transient.

    An upload whose answer was lost is refused the second time as taken: whoever creates looks at what is there then.
    """

    def __init__(self, objects: Objects, clock: Clock, patience: Patience) -> None:
        self._objects = objects
        self._clock = clock
        self._patience = patience

    @property
    def where(self) -> str:
        return self._objects.where

    def sizes(self, below: str = "") -> Mapping[str, int]:
        return self._ask(lambda: self._objects.sizes(below))

    def create(self, key: str, content: bytes) -> None:
        self._ask(lambda: self._objects.create(key, content))

    def upload(self, key: str, source: Path, sha256: str, beat: Beat = idle) -> None:
        self._ask(lambda: self._objects.upload(key, source, sha256, beat))

    def read(self, key: str, start: int, length: int) -> bytes:
        return self._ask(lambda: self._objects.read(key, start, length))

    def read_each(self, keys: Collection[str]) -> Mapping[str, bytes]:
        return self._ask(lambda: self._objects.read_each(keys))

    def remove(self, key: str) -> None:
        self._ask(lambda: self._objects.remove(key))

    def _ask(self, question: Callable[[], T]) -> T:
        for attempt in range(1, self._patience.attempts):
            try:
                return question()
            except StoreSilent as problem:
                if not problem.transient:
                    raise
            self._clock.sleep(self._patience.pause * 2 ** (attempt - 1))
        return question()
