"""Changes the disk: every step that can be interrupted by a crash is one method here, so that tests can stop at each."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from dhash_guard.errors import Locked, UsageProblem

PRIVATE_DIRECTORY = 0o750
PRIVATE_FILE = 0o640


class Files(Protocol):
    """The writing half of a file system; reading goes through `pathlib`.

    Each method is one step: a crash leaves it entirely done or entirely undone, or (write_new, remove_tree) leaves a
    part that no reader looks at. All raise OSError. `lock` raises Locked where somebody else still holds it after
    `wait` seconds.
    """

    def make_directory(self, path: Path, mode: int = PRIVATE_DIRECTORY) -> None: ...

    def create(self, path: Path, mode: int = PRIVATE_FILE) -> BinaryIO: ...

    def finish(self, file: BinaryIO) -> None: ...

    def write_atomic(self, path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None: ...

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def exchange(self, one: Path, other: Path) -> None: ...

    def write_new(self, path: Path | str, blocks: Iterable[bytes | memoryview], mode: int, mtime_ns: int) -> None: ...

    def link_symbolic(self, path: Path, target: str) -> None: ...

    def set_times(self, path: Path, mtime_ns: int) -> None: ...

    def set_mode(self, path: Path, mode: int) -> None: ...

    def remove(self, path: Path) -> None: ...

    def remove_tree(self, path: Path) -> None: ...

    def sync_directory(self, path: Path) -> None: ...

    def sync_filesystem(self, path: Path) -> None: ...

    @contextmanager
    def lock(self, path: Path, holder: str, *, wait: float = 0.0) -> Iterator[None]: ...


class SystemFiles:
    """The real disk."""

    def make_directory(self, path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
        """Create `path` and its missing parents; an existing directory is left as it is."""
        missing = []
        probe = path
        while not probe.exists():
            missing.append(probe)
            probe = probe.parent
        for directory in reversed(missing):
            try:
                directory.mkdir(mode=mode)
            except FileExistsError:  # another process was quicker
                continue

    def create(self, path: Path, mode: int = PRIVATE_FILE) -> BinaryIO:
        """Open a file that must not exist yet, never through a link."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags, mode), "w+b")

    def finish(self, file: BinaryIO) -> None:
        """Flush to the disk itself and close."""
        file.flush()
        _full_sync(file.fileno())
        file.close()

    def write_atomic(self, path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
        """Replace `path` by `content`: a reader, also after a crash, sees the old bytes or the new ones."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                os.chmod(temporary, mode)
                file.write(content)
                file.flush()
                _full_sync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        self.sync_directory(path.parent)

    def append(self, path: Path, content: bytes, *, durable: bool = False) -> None:
        """Append in one write call, so that lines of several processes do not mix."""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
        try:
            written = os.write(descriptor, content)
            if written != len(content):
                raise OSError(errno.ENOSPC, "short write", str(path))
            if durable:
                _full_sync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def exchange(self, one: Path, other: Path) -> None:
        """Swap two names in one step; raise OSError(ENOSYS) where the system cannot."""
        _exchange(one, other)

    def write_new(self, path: Path | str, blocks: Iterable[bytes | memoryview], mode: int, mtime_ns: int) -> None:
        """Write a file that must not exist yet, never through a link, with its permissions and time; not synced."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            for block in blocks:
                written = os.write(descriptor, block)
                while written < len(block):
                    written += os.write(descriptor, memoryview(block)[written:])
            if os.chmod in os.supports_fd:
                os.chmod(descriptor, mode)
                os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(descriptor)
        if os.chmod not in os.supports_fd:  # Windows
            os.chmod(path, mode)
            os.utime(path, ns=(mtime_ns, mtime_ns))

    def link_symbolic(self, path: Path, target: str) -> None:
        os.symlink(target, path)

    def set_times(self, path: Path, mtime_ns: int) -> None:
        os.utime(path, ns=(mtime_ns, mtime_ns), follow_symlinks=os.utime not in os.supports_follow_symlinks)

    def set_mode(self, path: Path, mode: int) -> None:
        os.chmod(path, mode)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def remove_tree(self, path: Path) -> None:
        """Remove a file, a link or a directory tree; nothing there is fine.

        Where a file system is mounted in it, nothing is removed: what is mounted belongs to somebody else.
        """
        try:
            kind = path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(kind):
            path.unlink()
            return
        if mounted := mounts_in(path):
            raise OSError(errno.EBUSY, "a file system is mounted in it", str(mounted[0]))
        try:
            _remove_tree(path)
        except RecursionError:
            raise OSError(errno.ENAMETOOLONG, "its folders lie too deep in each other to be removed", str(path)) from None

    def sync_directory(self, path: Path) -> None:
        if os.name != "posix":  # Windows cannot sync a directory
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_filesystem(self, path: Path) -> None:
        """Bring everything written to the file system of `path` to the disk, in one call where there is one."""
        if sys.platform == "linux":
            descriptor = os.open(path, os.O_RDONLY)
            try:
                if _libc().syncfs(descriptor) != 0:
                    code = ctypes.get_errno()
                    raise OSError(code, os.strerror(code), str(path))
            finally:
                os.close(descriptor)
        elif os.name == "posix":
            os.sync()

    @contextmanager
    def lock(self, path: Path, holder: str, *, wait: float = 0.0) -> Iterator[None]:
        """Hold an exclusive lock that dies with this process; `holder` is told to whoever is refused."""
        from filelock import FileLock, Timeout

        self.make_directory(path.parent)
        note = path.with_suffix(".holder")
        held = FileLock(path, timeout=wait)
        try:
            held.acquire()
        except Timeout:
            by = ""
            with suppress(OSError):
                by = note.read_text("utf-8").strip()
            raise Locked(
                f"{path.stem} is locked by {by or 'another process'}",
                cure="Wait until it has finished; the lock ends with it.",
            ) from None
        try:
            with suppress(OSError):  # on a full disk the lock holds without it
                note.write_text(holder + "\n", "utf-8")
            yield
        finally:
            with suppress(OSError):
                note.unlink(missing_ok=True)
            held.release()


def _remove_tree(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except PermissionError:  # a folder that was restored read-only lets nobody remove what is in it
        os.chmod(path, stat.S_IRWXU)
        for folder, below, _ in os.walk(path):
            for inner in (Path(folder, name) for name in below):
                if not inner.is_symlink():
                    os.chmod(inner, stat.S_IRWXU)
        shutil.rmtree(path)


def inside(root: Path, relative: str) -> Path:
    """The path `relative` below `root`; raise UsageProblem where it is absolute or leads out of it."""
    candidate = Path(os.path.normpath(root / relative))
    if Path(relative).is_absolute() or not candidate.is_relative_to(root) or candidate == root:
        raise UsageProblem(f"{relative!r} does not lie inside the project", cure="Give a path relative to the project root.")
    return candidate


def access_cure(problem: OSError) -> str:
    """What to do where the system refuses access: whose it is, and who may give it; empty for every other problem."""
    if problem.errno != errno.EACCES or os.name != "posix" or not isinstance(problem.filename, str | bytes):
        return ""
    path = Path(os.fsdecode(problem.filename))
    for place in (path, *path.parents):
        with suppress(OSError):  # one that is not there, or that nobody may look at
            return f"{place} belongs to {_owner(place)}: run this as that user, or let this one in with chown or chmod."
    return ""


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


def only_grows(path: Path) -> bool:
    """Whether a directory is append-only (`chattr +a`): names may be made in it, and neither changed nor removed."""
    if sys.platform != "linux":
        return False
    import fcntl

    get_flags, append_only = 0x80086601 if sys.maxsize > 2**32 else 0x80046601, 0x20  # linux/fs.h
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        flags = fcntl.ioctl(descriptor, get_flags, bytes(8))
    except OSError:  # a file system without such attributes
        return False
    finally:
        os.close(descriptor)
    return bool(int.from_bytes(flags[:4], sys.byteorder) & append_only)


def mounts_in(path: Path) -> list[Path]:
    """Where file systems are mounted at `path` or below it, bind mounts included where the system lists them."""
    top = Path(os.path.realpath(path.parent), path.name)
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        below = (Path(folder, name) for folder, names, _ in os.walk(top) for name in names)
        return [each for each in (top, *below) if os.path.ismount(each)]
    named = (re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), line.split()[4]) for line in lines)
    return [each for each in (Path(os.fsdecode(name)) for name in named) if each.is_relative_to(top)]


def _full_sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # fsync on macOS stops at the drive's cache
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _exchange(one: Path, other: Path) -> None:
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(_libc(), "renameat2"):
        at_cwd, rename_exchange = -100, 2
        failed = _libc().renameat2(at_cwd, first, at_cwd, second, rename_exchange)
    elif sys.platform == "darwin":
        rename_swap = 2
        failed = _libc().renamex_np(first, second, rename_swap)
    else:
        raise OSError(errno.ENOSYS, "this system cannot exchange two names")
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(one), None, str(other))
