"""Keeps archives and their checksum files as objects, in an order that no crash and no lying answer breaks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from dhash_guard.backup import sidecar
from dhash_guard.backup.stores.lease import Chain, Hold
from dhash_guard.backup.stores.objects import Beat, Objects, idle, record, returns
from dhash_guard.backup.stores.store import Block, Lease, Put, StoreSilent, WrongBytes
from dhash_guard.errors import CannotTell, Damaged, NoGo
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data

BLOCK = 16 * 1024 * 1024
_SMALL = 65_536
_FACTS = ".json"


class ObjectPairs:
    """A store over objects. Three for each backup: `X.zip`, `X.zip.json` (its facts, for lists) and `X.zip.sha256`, which
    is created last: that is the commit. Removing begins with it."""

    def __init__(self, objects: Objects, chain: Callable[[str], Chain]) -> None:
        """`chain` makes the leases of a holder."""
        self._objects = objects
        self._chain = chain
        self._refusing: bool | None = None
        self.where = objects.where

    @property
    def guard(self) -> str:
        if self._refusing is False:
            return "this store ignores conditional puts: only a look before each upload keeps backups from being overwritten"
        return "creation is conditional (If-None-Match: *): the store itself refuses to overwrite"

    def listing(self) -> Mapping[str, int]:
        with _told(self.where):
            sizes = self._objects.sizes()
        return {name: size for name, size in sizes.items() if name.endswith(".zip") and name + sidecar.SUFFIX in sizes}

    def facts(self, names: Collection[str]) -> Mapping[str, BackupFacts]:
        found = {}
        with _told(self.where):
            contents = self._objects.read_each([name + _FACTS for name in names])
        for key, content in contents.items():
            try:
                found[key.removesuffix(_FACTS)] = record(BackupFacts, content)
            except ValueError:  # whoever fetches the archive finds out
                continue
        return found

    def put(self, name: str, archive: Path, facts: BackupFacts, lease: Lease) -> Put:
        if _hash_of(archive, lease.keep) != facts.sha256:
            raise Damaged("the archive is not what its checksum file says; it was not uploaded", where=facts.name)
        with _told(self.where):
            if (there := self._sealed_hash(name)) is not None:
                if there != facts.sha256:
                    raise NoGo(f"the store has another backup called {name}", where=self.where, cure="Take a new backup.")
                if self._objects.sizes(name).get(name) == facts.size:
                    return Put.PRESENT
                lease.confirm()
                self._objects.remove(name + sidecar.SUFFIX)  # somebody removed the archive and left its checksum file
            lease.confirm()
            self._place(name, archive, facts, lease)
            self._note(name + _FACTS, canonical(to_data(facts)))
            lease.confirm()
            self._seal(name, sidecar.line(facts.sha256, facts.name), lease)
        return Put.SEALED

    def fetch(self, name: str, size: int, block: Block) -> str:
        with _told(self.where):
            sealed = self._sealed_hash(name)
            if sealed is None:
                raise CannotTell(f"the store has no sealed backup {name}", where=self.where)
            try:
                actual = self._read_all(name, size, block)
            except WrongBytes as problem:
                raise Damaged(f"the store returned other bytes for {name}: {problem.what}", where=self.where) from problem
        if actual != sealed:
            raise Damaged(f"the store returned other bytes for {name} than were sealed (sha256 {actual})", where=self.where)
        return sealed

    def delete(self, name: str, lease: Lease) -> str:
        lease.confirm()
        for key in (name + sidecar.SUFFIX, name, name + _FACTS):
            try:
                self._objects.remove(key)
            except FileNotFoundError:
                continue
            except PermissionError as problem:
                return f"{key} is locked or may not be deleted: {problem}"
        return ""

    def lease(self, holder: str, size: int, wait: float) -> AbstractContextManager[Hold]:
        chain = self._chain(holder)
        return _Watched(self.where, chain.held(size, wait), lambda: self._remember(chain))

    def _remember(self, chain: Chain) -> None:
        self._refusing = chain.refusing

    def _place(self, name: str, archive: Path, facts: BackupFacts, lease: Lease) -> None:
        """The archive under its name, read back whole; what an interrupted upload left is finished or replaced."""
        try:
            self._objects.upload(name, archive, facts.sha256, lease.keep)
        except FileExistsError:
            if self._stands(name, facts, lease.keep):
                return
            # Without a checksum file it belongs to nobody; with the lease, nobody is about to write one.
            lease.confirm()
            self._objects.remove(name)
            self._objects.upload(name, archive, facts.sha256, lease.keep)
        if not self._stands(name, facts, lease.keep):
            lease.confirm()
            self._objects.remove(name)
            raise StoreSilent(f"the store returned other bytes for {name} than were uploaded", where=self.where)

    def _stands(self, name: str, facts: BackupFacts, beat: Beat) -> bool:
        """Whether the store returns exactly this archive."""
        try:
            if self._objects.sizes(name).get(name, facts.size) != facts.size:  # a stale list may not know it yet
                return False
            return self._read_all(name, facts.size, lambda _: None, beat) == facts.sha256
        except (FileNotFoundError, WrongBytes):
            return False

    def _note(self, key: str, content: bytes) -> None:
        """A small object, whatever an interrupted upload left under its name."""
        with suppress(FileExistsError):
            self._objects.create(key, content)
        if not returns(self._objects, key, content):
            self._objects.remove(key)
            self._objects.create(key, content)
            if not returns(self._objects, key, content):
                raise StoreSilent(f"the store returned another {key} than was written", where=self.where)

    def _seal(self, name: str, line: bytes, lease: Lease) -> None:
        """The commit, read back: from here on others see the backup."""
        key = name + sidecar.SUFFIX
        with suppress(FileExistsError):  # the answer to our own first attempt was lost
            self._objects.create(key, line)
        if not returns(self._objects, key, line):
            lease.confirm()
            self._objects.remove(key)
            raise StoreSilent(f"the store returned another checksum file for {name} than was written", where=self.where)

    def _sealed_hash(self, name: str) -> str | None:
        """The hash that the checksum file states; None where there is none. Raise Damaged where it states no hash."""
        try:
            content = self._objects.read(name + sidecar.SUFFIX, 0, _SMALL)
        except FileNotFoundError:
            return None
        except WrongBytes as problem:
            raise Damaged(f"the store returned other bytes for the checksum file of {name}", where=self.where) from problem
        try:
            return sidecar.parse(content.decode("utf-8-sig"))
        except ValueError as problem:
            raise Damaged(f"the checksum file of {name} states no single hash: {problem}", where=self.where) from problem

    def _read_all(self, name: str, size: int, block: Block, beat: Beat = idle) -> str:
        """Hand on the bytes and return their sha256; one byte more than expected is asked for, so that more is noticed."""
        digest = hashlib.sha256()
        start = 0
        while start <= size:
            asked = min(BLOCK, size + 1 - start)
            got = self._objects.read(name, start, asked)
            beat()
            block(got)
            digest.update(got)
            start += len(got)
            if len(got) < asked:
                break
        return digest.hexdigest()


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What the objects raise, in the words of a store."""
    try:
        yield
    except PermissionError as problem:
        raise StoreSilent(f"the store forbids it: {problem}", where=where, transient=False) from problem
    except FileNotFoundError as problem:
        raise CannotTell(f"an object is gone from the store: {problem}", where=where) from problem
    except FileExistsError as problem:
        raise StoreSilent(f"somebody else writes to the same names: {problem}", where=where) from problem


class _Watched(AbstractContextManager[Hold]):
    """The lease, and a look at what taking it has shown of the store."""

    def __init__(self, where: str, lease: AbstractContextManager[Hold], taken: Callable[[], None]) -> None:
        self._where = where
        self._lease = lease
        self._taken = taken

    def __enter__(self) -> Hold:
        with _told(self._where):
            hold = self._lease.__enter__()
        self._taken()
        return hold

    def __exit__(self, *error: object) -> bool | None:
        return self._lease.__exit__(*error)  # type: ignore[arg-type]


def _hash_of(archive: Path, beat: Beat) -> str:
    digest = hashlib.sha256()
    with archive.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
            beat()
    return digest.hexdigest()
