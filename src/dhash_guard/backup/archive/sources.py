"""What is about to become a member, as it stood when it was found."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from dhash_guard.backup.archive.manifest import Kind


class Source(NamedTuple):
    """A file, directory or link below the project root.

    `path` is relative to it, `mode` the whole `st_mode`, `link` the text of a link, `grows` whether it may be appended to
    meanwhile, `location` where its content lies if that is not there (an absolute path). A plain tuple, because there may
    be a million of them, some of which travel to other processes.
    """

    path: str
    mode: int
    size: int
    mtime_ns: int
    device: int
    inode: int
    link: str = ""
    grows: bool = False
    location: str = ""

    @property
    def kind(self) -> Kind:
        """ABSENT stands for everything that is not a file, a directory or a link."""
        return kind_of(self.mode)


_KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}


def kind_of(mode: int) -> Kind:
    """The kind that an `st_mode` tells; ABSENT for what no backup can hold."""
    return _KINDS.get(stat.S_IFMT(mode), Kind.ABSENT)


def source_of(path: str, status: os.stat_result, link: str = "", *, grows: bool = False) -> Source:
    """The source at `path` with its status."""
    return Source(path, status.st_mode, status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino, link, grows)
