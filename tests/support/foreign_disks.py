"""What disks of Windows and macOS refuse, as contracts on this one: names, cases, open files, exchange, links."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dhash_guard.system.files import SystemFiles

DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
UNSAID = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$')
"""What no name of Windows holds, and how none ends."""


class Caseless(SystemFiles):
    """A disk on which names that differ only in case are one, as on Windows and as macOS is sold."""

    def _takes(self, path: Path) -> None:
        """Refuse a new name whose other spelling is there."""
        folder = Path(path).parent
        if any(there.casefold() == path.name.casefold() and there != path.name for there in os.listdir(folder)):
            raise FileExistsError(errno.EEXIST, "File exists, in another spelling", str(path))

    def create(self, path: Path, mode: int = 0o640) -> BinaryIO:
        self._takes(path)
        return super().create(path, mode)

    def write_new(self, path: Path | str, blocks: Iterable[bytes | memoryview], mode: int, mtime_ns: int) -> None:
        self._takes(Path(path))
        super().write_new(path, blocks, mode, mtime_ns)


class Mac(Caseless):
    """A volume that swaps no names, such as exFAT or a share; APFS does."""

    def exchange(self, one: Path, other: Path) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported", str(one), None, str(other))


class Windows(Caseless):
    """NTFS: no exchange, nothing is renamed onto a folder, what is open stays where it is, devices have names."""

    def __init__(self, *, links: bool = True, swallows: bool = False) -> None:
        """Without `links` this user lacks the privilege for them; `swallows` is how older ones take a device's name."""
        self._links, self._swallows = links, swallows
        self._open: set[Path] = set()
        self.renames = 0

    @contextmanager
    def held(self, path: Path) -> Iterator[None]:
        """Somebody has the file open, and lets nobody else move or remove it."""
        self._open.add(path)
        try:
            yield
        finally:
            self._open.discard(path)

    def _free(self, path: Path) -> None:
        if any(one.is_relative_to(path) for one in self._open):
            # As Python tells ERROR_SHARING_VIOLATION and ERROR_ACCESS_DENIED.
            why = "The process cannot access the file because it is being used by another process"
            raise PermissionError(errno.EACCES, why, str(path))

    def _takes(self, path: Path) -> None:
        if UNSAID.search(path.name) or (DEVICES.fullmatch(path.name) and not self._swallows):
            raise OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is incorrect", str(path))
        super()._takes(path)

    def exchange(self, one: Path, other: Path) -> None:
        raise OSError(errno.ENOSYS, "this system cannot exchange two names")

    def rename(self, source: Path, target: Path) -> None:
        self.renames += 1
        for path in (source, target):
            self._free(path)
        if target.is_dir() and not target.is_symlink():
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        super().rename(source, target)

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        self._free(path)
        super().write_atomic(path, content, mode)

    def write_new(self, path: Path | str, blocks: Iterable[bytes | memoryview], mode: int, mtime_ns: int) -> None:
        if self._swallows and DEVICES.fullmatch(Path(path).name):
            for _ in blocks:  # the device takes every byte, and keeps none
                pass
            return
        super().write_new(path, blocks, mode, mtime_ns)

    def link_symbolic(self, path: Path, target: str) -> None:
        if not self._links:
            raise OSError(errno.EPERM, "A required privilege is not held by the client", str(path))
        super().link_symbolic(path, target)

    def remove(self, path: Path) -> None:
        self._free(path)
        super().remove(path)

    def remove_tree(self, path: Path) -> None:
        self._free(path)
        super().remove_tree(path)

    def sync_directory(self, path: Path) -> None:
        return

    def sync_filesystem(self, path: Path) -> None:
        return
