"""Lets an archive share the blocks of the files in it, on file systems that can (XFS, btrfs): no copy, no space."""

from __future__ import annotations

import os
import struct
import sys
import tempfile
from pathlib import Path

BLOCK = 4096
"""Where a shared range must begin."""

WORTHWHILE = 64 << 10
"""Bytes from which a file is cloned: below, the block of its header costs more than is saved."""

_FICLONERANGE = 0x4020940D  # linux/fs.h: _IOW(0x94, 13, struct file_clone_range)


def clone(source: int, target: int, at: int) -> None:
    """Make the file `target` show all bytes of the file `source` from `at` on; raise OSError where that is not possible."""
    if sys.platform != "linux":
        raise OSError("this system cannot share blocks between files")
    import fcntl

    fcntl.ioctl(target, _FICLONERANGE, struct.pack("<qQQQ", source, 0, 0, at))


def can_clone(folder: Path) -> bool:
    """Whether files in `folder` can share blocks: tried with two files that have no name."""
    if sys.platform != "linux":
        return False
    try:
        with tempfile.TemporaryFile(dir=folder) as one, tempfile.TemporaryFile(dir=folder) as other:
            one.write(bytes(BLOCK))
            one.flush()
            clone(one.fileno(), other.fileno(), 0)
            return os.fstat(other.fileno()).st_size == BLOCK
    except OSError:
        return False


def padding(at: int) -> int:
    """How many bytes of extra field make data that would begin at `at` begin at a block; none, or at least six."""
    missing = -at % BLOCK
    return missing if missing == 0 or missing >= 6 else missing + BLOCK
