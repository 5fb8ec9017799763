"""System calls of the installed program fail, one at a time: what the kernel refuses breaks no promise."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults import checker
from faults.arena import change, child
from faults.installed import aftermath, arguments_of, guard, injecting
from faults.table import judged
from support.programs import program

if TYPE_CHECKING:
    from faults.arena import Arena

CALLS = {
    "create": ("write", "fsync", "rename", "chmod", "unlink"),
    "restore": ("write", "fsync", "rename", "renameat2", "mkdir", "symlink", "fchmod", "utimensat", "syncfs", "unlink"),
    "undo": ("write", "fsync", "rename", "renameat2", "unlink"),
    "prune": ("write", "fsync", "rename", "unlink"),
}
ERRORS = {"write": ("ENOSPC", "EIO"), "fsync": ("EIO", "ENOSPC"), "mkdir": ("ENOSPC",), "symlink": ("ENOSPC",)}
CASES = [(does, call, error) for does, calls in CALLS.items() for call in calls for error in ERRORS.get(call, ("EIO",))]
SHORT = [
    ("create", "write", "ENOSPC"),
    ("create", "fsync", "EIO"),
    ("restore", "write", "ENOSPC"),
    ("restore", "renameat2", "EIO"),
]


def _prepare(arena: Arena, operation: str) -> None:
    change(arena.prepared)
    if operation == "undo":
        assert child(arena.prepared, "restore").returncode == 0
    if operation == "prune":
        assert child(arena.prepared, "create").returncode == 0


def _each(arena: Arena, operation: str, call: str, what: str, *, every: int) -> int:
    """Fail the n-th call for each n in steps of `every`, until a run has none left to fail; return how many were hit."""
    _prepare(arena, operation)
    reference = arena.copy("reference")
    old = checker.tree(reference)
    assert guard(reference, *arguments_of(operation, reference)).returncode == 0
    trees = (old, checker.tree(reference))
    hits, nth = 0, 1
    while True:
        root, log = arena.copy(f"{call}-{nth}"), arena.work / "log"
        before = checker.good(root)
        done = guard(root, *arguments_of(operation, root), under=[*injecting(call, what, nth), str(log)])
        hit = "(INJECTED)" in log.read_text("utf-8", "replace")
        if not hit:
            assert done.returncode == 0, f"untouched, but it failed: {done.stderr}"
        wrong = aftermath(root, before, trees, sorted(before)[:-1] if operation == "prune" else ())
        if done.returncode in (70, -6, -11) or "Traceback" in done.stderr:
            wrong.append(f"it ended with {done.returncode}: {done.stderr[-300:]}")
        judged(operation, f"{call}" if hit else "untouched", what.replace("error=", ""), wrong)
        shutil.rmtree(root)
        if not hit:
            return hits
        hits, nth = hits + 1, nth + every


@pytest.mark.full
@pytest.mark.parametrize(("operation", "call", "error"), CASES)
def test_each_call_fails_once(arena: Arena, operation: str, call: str, error: str) -> None:
    assert _each(arena, operation, call, f"error={error}", every=1) > 0


@pytest.mark.parametrize(("operation", "call", "error"), SHORT)
def test_some_calls_fail_once(arena: Arena, operation: str, call: str, error: str) -> None:
    assert _each(arena, operation, call, f"error={error}", every={"write": 5, "fsync": 3}.get(call, 2)) > 0


@pytest.mark.full
@pytest.mark.parametrize("error", ["EINVAL", "ENOSYS"])
def test_a_disk_that_cannot_exchange_names(arena: Arena, error: str) -> None:
    """Every exchange is refused: two renames take its place."""
    _prepare(arena, "restore")
    before = checker.good(arena.prepared)
    under = [program("strace", "strace"), "-f", "-qq", "-e", "trace=renameat2", "-e", f"inject=renameat2:error={error}"]
    log = arena.work / "log"
    done = guard(arena.prepared, *arguments_of("restore", arena.prepared), under=[*under, "-o", str(log)])
    assert "(INJECTED)" in log.read_text()
    assert done.returncode == 0, done.stderr
    judged("restore", "every renameat2", error, aftermath(arena.prepared, before))


def test_a_backup_whose_sync_fails_is_not_sealed(arena: Arena) -> None:
    """The first is that of the archive: an error there is believed, never tried again."""
    before = checker.good(arena.prepared)
    log = arena.work / "log"
    under = [program("strace", "strace"), "-f", "-y", "-qq", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1"]
    done = guard(arena.prepared, "backup", "create", under=[*under, "-o", str(log)])
    [hit] = [line for line in log.read_text().splitlines() if "(INJECTED)" in line]
    assert ".partial" in hit, "the planned fault was not hit"
    wrong = aftermath(arena.prepared, before)
    if done.returncode == 0 or set(checker.archives(arena.prepared)) != set(before):
        wrong.append(f"sealed, exit {done.returncode}")
    judged("create", "fsync of the archive", "EIO", wrong)


def _lied_to(arena: Arena, nth: int) -> bool:
    """Let the n-th write of a backup do nothing and tell that a byte was written; whether there was one to hit."""
    root, log = arena.copy(f"lie-{nth}"), arena.work / "log"
    before = checker.good(root)
    guard(root, "backup", "create", under=[*injecting("write", "retval=1", nth), str(log)])
    if "(INJECTED)" not in log.read_text("utf-8", "replace"):
        return False
    judged("create", "write", "nothing written, success told", aftermath(root, before))
    return True


def test_a_write_that_lies_is_noticed(arena: Arena) -> None:
    """What is under a final name was read back: the archive by the fourth write, its checksum file by the sixth."""
    assert all(_lied_to(arena, nth) for nth in (4, 6))


@pytest.mark.full
def test_every_write_that_lies_is_noticed(arena: Arena) -> None:
    assert next(nth for nth in count(1) if not _lied_to(arena, nth)) > 6


LIMITS = [0, 1, 100, 400, 600, 900, 1200, 1500, 2500, 5000, 20_000]


@pytest.mark.parametrize("operation", ["create", "restore"])
@pytest.mark.parametrize("limit", [pytest.param(n, marks=() if n in (400, 1500) else pytest.mark.full) for n in LIMITS])
def test_writes_that_are_cut_short(arena: Arena, operation: str, limit: int) -> None:
    """No file may grow beyond the limit: the write that reaches it is cut short, the next one fails."""
    change(arena.prepared)
    reference = arena.copy("reference")
    old = checker.tree(reference)
    assert guard(reference, *arguments_of(operation, reference)).returncode == 0
    trees = (old, checker.tree(reference))
    before = checker.good(arena.prepared)
    prlimit = program("prlimit", "util-linux")
    guard(arena.prepared, *arguments_of(operation, arena.prepared), under=[prlimit, f"--fsize={limit}"])
    judged(operation, "write", "cut short, then EFBIG", aftermath(arena.prepared, before, trees))


def test_the_checker_is_not_blind(arena: Arena) -> None:
    """Each lie that it is there to see, it sees."""
    before = checker.good(arena.prepared)
    assert len(before) == 1
    [name] = before
    now = checker.tree(arena.prepared)
    assert checker.violations(arena.prepared, before=before, trees=(now,), tidy=True) == []

    def seen(damage: str) -> list[str]:
        root = arena.copy("damaged")
        archive = root / name
        if damage == "flip":
            content = bytearray(archive.read_bytes())
            content[50] ^= 1
            archive.write_bytes(content)
        elif damage == "gone":
            archive.unlink()
        elif damage == "unsealed":
            Path(f"{archive}.sha256").unlink()
        elif damage == "mixture":
            (root / "library.json").write_text("other")
        elif damage == "mode":
            (root / "library.json").chmod(0o600)
        else:
            (root / ".config.dhash-new-abc").mkdir()
        found = checker.violations(root, before=before, trees=(now,), tidy=True)
        shutil.rmtree(root)
        return found

    for damage in ("flip", "gone", "unsealed", "mixture", "mode", "stray"):
        assert seen(damage), damage
