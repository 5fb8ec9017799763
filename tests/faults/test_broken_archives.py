"""Archives cut off at every byte, with a bit flipped in every byte, or with a checksum file that lies: all are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dhash_guard.backup import facade as backup
from dhash_guard.errors import GuardError
from dhash_guard.system import this_machine
from faults import checker
from faults.arena import change
from faults.installed import arguments_of, guard
from faults.killer import SETTINGS, layout_of
from faults.table import Row, judged, record

if TYPE_CHECKING:
    from faults.arena import Arena


def _refusals(root: Path, damaged: Callable[[bytes, int], bytes], every: int, fault: str) -> None:
    """Damage the archive at each byte; `verify`, the checker (at each so many) and `restore` must all refuse it."""
    machine, layout = this_machine({}), layout_of(root)
    [name] = checker.archives(root)
    content, honest = (root / name).read_bytes(), backup.listing(layout, "production")[0]
    change(root)
    old = checker.tree(root)
    for place in range(len(content)):
        (root / name).write_bytes(damaged(content, place))
        wrong = []
        if backup.verify(machine, layout, root / name).ok:
            wrong.append("verify calls it good")
        try:
            backup.restore(machine, layout, honest, SETTINGS)
            wrong.append("it was restored")
        except GuardError as refusal:
            if refusal.exit_code != 4:
                wrong.append(f"the restore ended with {refusal.exit_code}")
        if place % every == 0:
            if not checker.problem(root, name):
                wrong.append("the checker calls it good")
            wrong += checker.strays(root)
            if checker.tree(root) != old:
                wrong.append("something was written")
        record(Row("verify and restore", "each byte of the archive", fault, violations=tuple(wrong)))
        assert not wrong, f"{fault} at byte {place}: {wrong}"
    assert checker.tree(root) == old
    assert checker.strays(root) == []
    assert guard(root, *arguments_of("verify", root)).returncode == 4
    (root / name).write_bytes(content)
    assert guard(root, *arguments_of("verify", root)).returncode == 0


@pytest.mark.parametrize("every", [50, pytest.param(1, marks=pytest.mark.full)])
def test_cut_off_at_every_byte(arena: Arena, every: int) -> None:
    _refusals(arena.prepared, lambda content, place: content[:place], every, "cut off")


@pytest.mark.parametrize("every", [50, pytest.param(1, marks=pytest.mark.full)])
def test_a_bit_flipped_in_every_byte(arena: Arena, every: int) -> None:
    def flipped(content: bytes, place: int) -> bytes:
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        return bytes(changed)

    _refusals(arena.prepared, flipped, every, "bit flipped")


OTHER = "0" * 63 + "1"

Writes = Callable[[str, str], bytes]
"""The checksum file's bytes from the hash and the archive's name."""

READ: dict[str, Writes] = {
    "as the program writes it": lambda sha, name: f"{sha}  {name}\n".encode(),
    "CRLF": lambda sha, name: f"{sha}  {name}\r\n".encode(),
    "upper case": lambda sha, name: f"{sha.upper()}  {name}\n".encode(),
    "BSD": lambda sha, name: f"SHA256 ({name}) = {sha}\n".encode(),
    "bare": lambda sha, name: sha.encode(),
    "JSON": lambda sha, name: json.dumps({"file": name, "sha256": sha}).encode(),
    "a name that leads out": lambda sha, name: f"{sha}  ../../outside\n".encode(),
    "an absolute name": lambda sha, name: f"{sha}  /etc/passwd\n".encode(),
}
"""Forms that are understood: right with the right hash, refused with any other."""

REFUSED: dict[str, Writes] = {
    "two lines": lambda sha, name: f"{OTHER}  {name}\n{sha}  {name}\n".encode(),
    "the same line twice": lambda sha, name: f"{sha}  {name}\n{sha}  {name}\n".encode(),
    "empty": lambda sha, name: b"",
    "too short a hash": lambda sha, name: f"{sha[:63]}  {name}\n".encode(),
    "JSON without a hash": lambda sha, name: b"{}",
    "JSON that is broken": lambda sha, name: b'{"sha256": ',
    "JSON of a number": lambda sha, name: b'{"sha256": 1}',
    "zeros": lambda sha, name: bytes(100),
    "no text": lambda sha, name: b"\xff\xfe" + sha.encode(),
    "huge": lambda sha, name: f"{sha}  {name}\n".encode() * 2000,
}


def _with(arena: Arena, content: bytes | None) -> tuple[list[str], int, int]:
    """Put a checksum file there and restore; return violations and the exit codes of verify and restore."""
    root = arena.prepared
    [name] = checker.archives(root)
    beside = root / f"{name}.sha256"
    beside.unlink() if content is None else beside.write_bytes(content)
    change(root)
    outside = root.parent / "outside"
    outside.write_text("not ours")
    old = checker.tree(root)
    verified = guard(root, "backup", "verify", name)
    restored = guard(root, "backup", "restore", "--backup", name, "--force")
    wrong = [f"{done.args[1:]}: {done.stderr[-200:]}" for done in (verified, restored) if "Traceback" in done.stderr]
    if restored.returncode and checker.tree(root) != old:
        wrong.append("it was refused and something was written")
    if restored.returncode == 0 and checker.tree(root) == old:
        wrong.append("it was restored and nothing changed")
    if outside.read_text() != "not ours":
        wrong.append("something outside was written")
    return wrong + checker.strays(root), verified.returncode, restored.returncode


def _hash(arena: Arena) -> tuple[str, str]:
    [name] = checker.archives(arena.prepared)
    return (arena.prepared / f"{name}.sha256").read_text().split()[0], name


@pytest.mark.parametrize("form", READ)
def test_a_form_that_is_understood(arena: Arena, form: str) -> None:
    sha, name = _hash(arena)
    wrong, *codes = _with(arena, READ[form](sha, name))
    judged("verify and restore", f"checksum file: {form}", "right hash", wrong + [f"{c}" for c in codes if c])


@pytest.mark.parametrize("form", [pytest.param(f, marks=() if f == "CRLF" else pytest.mark.full) for f in READ])
def test_the_hash_of_another_file(arena: Arena, form: str) -> None:
    wrong, *codes = _with(arena, READ[form](OTHER, _hash(arena)[1]))
    judged("verify and restore", f"checksum file: {form}", "other hash", wrong + [f"{c}" for c in codes if c != 4])


SHORT = ("two lines", "empty")


@pytest.mark.parametrize("form", [pytest.param(f, marks=() if f in SHORT else pytest.mark.full) for f in REFUSED])
def test_a_checksum_file_that_says_nothing(arena: Arena, form: str) -> None:
    sha, name = _hash(arena)
    wrong, *codes = _with(arena, REFUSED[form](sha, name))
    judged("verify and restore", f"checksum file: {form}", "says nothing", wrong + [f"{c}" for c in codes if c != 4])


def test_no_checksum_file(arena: Arena) -> None:
    wrong, *codes = _with(arena, None)
    judged("verify and restore", "checksum file: absent", "says nothing", wrong + [f"{c}" for c in codes if c != 3])
