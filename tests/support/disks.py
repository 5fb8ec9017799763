"""File systems of their own for tests: images on loop devices, memory of a few megabytes, read-only and bind mounts."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.programs import lacking, program

MAKERS = {
    "xfs": (["mkfs.xfs", "-q", "-f"], 320 << 20, "xfsprogs"),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], 256 << 20, "btrfs-progs"),
    "ext4": (["mkfs.ext4", "-q", "-F"], 32 << 20, "e2fsprogs"),
}
"""How each is made, the smallest size that its maker accepts with room for a test, and what installs the maker."""


def require_root() -> None:
    """Mounting needs root; a laptop skips, CI is root."""
    if os.name != "posix" or os.geteuid() != 0:
        lacking("needs root to mount: sudo make faults")


@contextmanager
def powerless() -> Iterator[None]:
    """Root, on Linux, without its right to pass over the modes of files; every other user is so already."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield
        return
    libc, header = ctypes.CDLL(None, use_errno=True), struct.pack("=Ii", 0x20080522, 0)
    rights = ctypes.create_string_buffer(24)
    assert libc.capget(header, rights) == 0
    effective, *others = struct.unpack("=6I", rights.raw)
    past_modes = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, struct.pack("=6I", effective & ~past_modes, *others)) == 0
    try:
        yield
    finally:
        libc.capset(header, rights)


def refused(command: Sequence[str]) -> str:
    """Run a command; return why it failed, empty where it did not."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip() or f"exit {done.returncode}"


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Run `mount` with these options at `folder`, and take it off again; skip where this machine does not let it."""
    require_root()
    folder.mkdir(parents=True, exist_ok=True)
    if why := refused(["mount", *options, str(folder)]):
        lacking(f"cannot mount here (a container without loop devices or without the right to?): {why}")
    try:
        yield folder
    finally:
        if refused(["umount", str(folder)]):
            refused(["umount", "-l", str(folder)])


def image(path: Path, kind: str, size: int = 0, *options: str) -> Path:
    """Make an empty file system of `kind` in a sparse file."""
    command, least, package = MAKERS[kind]
    program(command[0], package)
    with path.open("wb") as file:
        file.truncate(max(size, least) if kind != "ext4" else size or least)
    if why := refused([*command, *options, str(path)]):
        lacking(f"{command[0]}: {why}")
    return path


@contextmanager
def disk(above: Path, kind: str, size: int = 0, *options: str) -> Iterator[Path]:
    """A file system of its own, mounted below `above`; its image is `<kind>.img` there."""
    require_root()
    with mounted(above / kind, "-o", "loop", str(image(above / f"{kind}.img", kind, size, *options))) as folder:
        yield folder


@contextmanager
def attributed(path: Path, attribute: str) -> Iterator[None]:
    """Set a file attribute such as `+i` (immutable), and take it off again; skip where the file system has none."""
    require_root()
    program("chattr", "e2fsprogs")
    if why := refused(["chattr", attribute, str(path)]):
        lacking(f"no file attributes here: {why}")
    try:
        yield
    finally:
        refused(["chattr", attribute.replace("+", "-"), str(path)])


def used(folder: Path) -> int:
    """Bytes in use on the file system of `folder`, after everything was brought to it."""
    subprocess.run(["sync", "-f", str(folder)], check=True)
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def copied(source: Path, target: Path) -> Path:
    """A copy of a tree that keeps links, modes and times."""
    shutil.copytree(source, target, symlinks=True)
    return target
