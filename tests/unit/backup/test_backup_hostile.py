"""Archives that mean harm: each is refused with its reason, and nothing outside or inside the project changes."""

from __future__ import annotations

import re
import struct
import sys
import tracemalloc
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.manifest import Kind, Member
from dhash_guard.backup.drilling import under_drill
from dhash_guard.backup.settings import Component
from dhash_guard.errors import CannotTell, Damaged, GuardError, UsageProblem
from dhash_guard.records.backup import Restoration
from dhash_guard.records.canonical import sha256_hex
from unit.backup.hostile import Forgery, below_config, file, folder, link, root

if TYPE_CHECKING:
    from unit.backup.project import Project

CONFIG = (root("config"),)


def _large(path: str, claimed: int, content: bytes) -> tuple[object, bytes]:
    return evolve(file(path, content)[0], size=claimed), content


HOSTILE = {
    "slip": (Forgery(list(below_config(file("config/../../escaped"))), CONFIG), "below the project root"),
    "slip by a root": (Forgery([file("../escaped")], (root("../escaped", Kind.FILE),)), "below the project root"),
    "absolute": (Forgery(list(below_config(file("/escaped-from-dhash-guard"))), CONFIG), "is absolute"),
    "absolute by a root": (
        Forgery([file("/escaped-from-dhash-guard")], (root("/escaped-from-dhash-guard", Kind.FILE),)),
        "is absolute",
    ),
    "drive letter": (Forgery(list(below_config(file("C:/escaped"))), CONFIG), "is absolute"),
    "backslash": (Forgery(list(below_config(file("config\\..\\..\\escaped"))), CONFIG), "backslash"),
    "control character": (Forgery(list(below_config(file("config/a\nb"))), CONFIG), "control character"),
    "empty part": (Forgery(list(below_config(file("config//a"))), CONFIG), "below the project root"),
    "outside the roots": (Forgery(list(below_config(file("library.json"))), CONFIG), "lies in no root"),
    "link out": (Forgery(list(below_config(link("config/l", "../../escaped"))), CONFIG), "leads out"),
    "absolute link": (Forgery(list(below_config(link("config/l", "/etc/passwd"))), CONFIG), "is absolute"),
    "a root that is a link out": (Forgery([link("config", "../escaped")], (root("config", Kind.LINK),)), "leads out"),
    "through a link": (
        Forgery(list(below_config(link("config/l", "../uploads"), file("config/l/escaped"))), CONFIG),
        "is no directory",
    ),
    "through a file": (Forgery(list(below_config(file("config/f"), file("config/f/escaped"))), CONFIG), "is no directory"),
    "without its folder": (Forgery(list(below_config(file("config/no/escaped"))), CONFIG), "is no directory"),
    "twice": (Forgery(list(below_config(file("config/a", b"1"), file("config/a", b"2"))), CONFIG), "stands twice"),
    "case": (Forgery(list(below_config(file("config/a"), file("config/A"))), CONFIG), "one name on some disks"),
    "composition": (
        Forgery(list(below_config(file("config/\u00e9"), file("config/e\u0301"))), CONFIG),
        "one name on some disks",
    ),
    "overlapping roots": (Forgery(list(below_config()), (root("config"), root("config/sub", Kind.ABSENT))), "overlap"),
    "no roots": (Forgery([], ()), "names no roots"),
    "stowaway": (Forgery(list(below_config()), CONFIG, extra=[("config/evil", b"1")]), "not in its manifest"),
    "stowaway outside": (Forgery(list(below_config()), CONFIG, extra=[("../escaped", b"1")]), "below the project root"),
    "not there": (Forgery(list(below_config(file("config/a"))), CONFIG, missing=("config/a",)), "not in the archive"),
    "no manifest": (Forgery(list(below_config()), CONFIG, missing=("MANIFEST.jsonl",)), "no readable archive"),
    "no sums": (Forgery(list(below_config()), CONFIG, missing=("SHA256SUMS",)), "not in the archive"),
    "bomb": (Forgery(list(below_config(_large("config/a", 10, b"0" * 5_000_000))), CONFIG), "bytes, the manifest says 10"),  # type: ignore[arg-type]
    "shorter": (Forgery(list(below_config(_large("config/a", 10**12, b"0"))), CONFIG), "the manifest says 10"),  # type: ignore[arg-type]
    "negative size": (Forgery(list(below_config(_large("config/a", -1, b""))), CONFIG), "impossible"),  # type: ignore[arg-type]
    "other content": (
        Forgery(list(below_config((file("config/a", b"good")[0], b"evil"))), CONFIG),
        "does not have the hash",
    ),
    "other target": (
        Forgery(list(below_config((evolve(link("config/l", "a")[0], link="b"), b"a"))), CONFIG),
        "does not point where",
    ),
    "unknown key": (
        Forgery(list(below_config()), CONFIG, manifest=lambda c: c.replace(b'{"kind"', b'{"evil":1,"kind"', 1)),
        "manifest",
    ),
    "number in quotes": (
        Forgery(list(below_config()), CONFIG, manifest=lambda c: c.replace(b'"mode":493', b'"mode":"493"')),
        "canonical form",
    ),
    "more lines than members": (
        Forgery(list(below_config()), CONFIG, manifest=lambda c: c + c.splitlines(keepends=True)[-1] * 3),
        "more lines",
    ),
    "far more lines than members": (
        Forgery(list(below_config()), CONFIG, manifest=lambda c: c + c.splitlines(keepends=True)[-1] * 3000),
        "more lines",
    ),
    "bytes before": (Forgery(list(below_config()), CONFIG, raw=lambda c: b"#!/bin/sh\n" + c), "belong to no entry"),
    "bytes behind": (Forgery(list(below_config()), CONFIG, raw=lambda c: c + b"tail"), "belong to no entry"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_with_its_reason(project: Project, tmp_path: Path, name: str) -> None:
    forgery, reason = HOSTILE[name]
    model = project.create()
    before = project.snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile notices duplicate names while the test writes them
        facts = forgery.seal(project.layout, model)
    found = backup.verify(project.machine, project.layout, facts)
    assert any(reason in problem for problem in found.problems), found.problems
    with pytest.raises(Damaged) as refusal:
        backup.restore(project.machine, project.layout, facts, project.settings)
    assert reason in str(refusal.value)
    assert project.snapshot() == before
    assert project.stray() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]
    assert not Path("/escaped-from-dhash-guard").exists()


@pytest.mark.parametrize("path", ["backups", ".dhash-guard/locks", "backups/pre_rollback"])
def test_the_backups_and_the_state_are_no_roots(project: Project, path: str) -> None:
    forged = Forgery([folder(path)], (root(path),)).seal(project.layout, project.create())
    careless = evolve(project.settings, components={"all": Component(paths=(path,))})
    with pytest.raises(UsageProblem, match="overlap"):
        backup.restore(project.machine, project.layout, forged, careless)


def test_overlapping_entries(project: Project) -> None:
    """Two names of the directory share the bytes of one entry, as bombs of a high ratio do."""

    def overlap(content: bytes) -> bytes:
        at = content.index(b"PK\x01\x02")
        second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02", at + 1) + 1)
        first_offset = content[content.index(b"PK\x01\x02", at + 1) + 42 :][:4]
        return content[: second + 42] + first_offset + content[second + 46 :]

    forgery = Forgery(list(below_config(file("config/a"), file("config/b"))), CONFIG, raw=overlap)
    facts = forgery.seal(project.layout, project.create())
    problems = backup.verify(project.machine, project.layout, facts).problems
    assert any("start where" in p or "differently" in p for p in problems), problems


def test_encrypted_entries(project: Project) -> None:
    def encrypt(content: bytes) -> bytes:
        changed, at = bytearray(content), -1
        while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:
            name_length = struct.unpack_from("<H", content, at + 28)[0]
            if content[at + 46 : at + 46 + name_length] == b"config/a":
                changed[at + 8] |= 1
        return bytes(changed)

    facts = Forgery(list(below_config(file("config/a"))), CONFIG, raw=encrypt).seal(project.layout, project.create())
    assert any("encrypted" in problem for problem in backup.verify(project.machine, project.layout, facts).problems)


DEEP = '{"a":' * 5000


@pytest.mark.parametrize("where", ["sidecar", "header", "member"])
def test_text_nested_deeper_than_can_be_read(project: Project, where: str) -> None:
    honest = project.create()
    if where == "sidecar":
        sidecar.path_of(project.root / honest.name).write_text(DEEP)
    else:
        line = 0 if where == "header" else 1

        def bury(content: bytes) -> bytes:
            lines = content.splitlines(keepends=True)
            return b"".join([*lines[:line], DEEP.encode() + b"\n", *lines[line + 1 :]])

        Forgery(list(below_config()), CONFIG, manifest=bury).seal(project.layout, honest)
    [listed] = backup.listing(project.layout)
    assert "nested too deeply" in listed.problem or where == "member"
    assert not backup.verify(project.machine, project.layout, project.root / honest.name).ok
    assert project.create().sequence == 2


@pytest.mark.parametrize("content", [DEEP, "?", "[]"])
def test_records_of_our_own_that_somebody_wrote_over(project: Project, content: str) -> None:
    facts = project.create()
    drill = project.layout.state / "drills/dhash-drill-00.json"
    drill.parent.mkdir()
    drill.write_text(content)
    assert under_drill(project.layout) == ()
    for path in (project.layout.journal, project.layout.undo):
        path.write_text(content)
        with pytest.raises(Damaged, match="cannot be understood"):
            project.restore(facts)
        path.unlink()


@pytest.mark.parametrize("date", [1e18, -1.0, 253_402_300_800.0])
@pytest.mark.parametrize("key", [b"created_at", b"sealed_at"])
def test_a_date_that_is_none_blocks_no_list(project: Project, key: bytes, date: float) -> None:
    def postpone(content: bytes) -> bytes:
        return re.sub(rb'"%s":[^,]+' % key, b'"%s":%r' % (key, date), content, count=1)

    honest = project.create()
    facts = Forgery(list(below_config()), CONFIG, manifest=postpone).seal(project.layout, honest)
    assert "date" in facts.problem
    assert facts.sealed_at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC).timestamp(), "its name tells it"
    assert project.create().problem == ""


@pytest.mark.parametrize("member", [folder("config/sub"), file("config/a"), link("config/l", "a")], ids=lambda m: m[0].path)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_time_that_no_disk_can_hold_is_refused(project: Project, member: tuple[Member, bytes], sign: int) -> None:
    for nanoseconds, kept in ((10**30, False), (2**63 * 10**9 - 1, True), (5 * 10**18, True)):
        late = evolve(member[0], mtime_ns=sign * nanoseconds), member[1]
        facts = Forgery(list(below_config(late)), CONFIG).seal(project.layout, project.create())
        found = backup.verify(project.machine, project.layout, facts)
        assert found.ok is kept, found.problems
        if kept and sys.platform == "linux":  # each disk takes the nearest that it has; others may say no
            assert isinstance(project.restore(facts), Restoration)
        if not kept:
            assert "time" in found.problems[0]
            with pytest.raises(Damaged, match="time"):
                project.restore(facts)


def test_a_listing_reads_little_of_a_header_that_never_ends(project: Project) -> None:
    """What is packed to nothing is not unpacked whole to say that it is no header."""
    bomb = Forgery(list(below_config()), CONFIG, manifest=lambda content: b'{"a":"' + b"0" * (32 << 20) + content)
    facts = project.create()
    bomb.seal(project.layout, facts)
    tracemalloc.start()
    try:
        [listed] = backup.listing(project.layout)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert listed.problem
    assert most < 16 << 20, most


def _small(project: Project) -> Path:
    project.components(database=("library.json",))
    return project.root / project.create().name


def test_every_truncation_is_refused(project: Project) -> None:
    path = _small(project)
    content, honest = path.read_bytes(), backup.facts_of(project.layout, path)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not backup.verify(project.machine, project.layout, path).ok, length
    with pytest.raises(Damaged):
        backup.restore(project.machine, project.layout, honest, project.settings)


def test_every_flipped_bit_is_refused(project: Project) -> None:
    path = _small(project)
    content, honest = path.read_bytes(), backup.facts_of(project.layout, path)
    before = project.snapshot()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        with pytest.raises(GuardError) as refusal:
            backup.restore(project.machine, project.layout, honest, project.settings)
        assert refusal.value.exit_code == 4
    assert project.snapshot() == before
    assert project.stray() == []


def test_nearly_every_flipped_bit_is_seen_without_the_checksum_file(project: Project) -> None:
    """What reading back after writing can notice by itself: all but a few attributes that nobody reads."""
    path = _small(project)
    content, missed = path.read_bytes(), []
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        sidecar.path_of(path).write_bytes(sidecar.line(sha256_hex(bytes(changed)), "x"))
        if backup.verify(project.machine, project.layout, path).ok:
            missed.append(place)
    assert len(missed) < len(content) * 0.08, missed


def test_a_text_file_that_is_called_zip(project: Project) -> None:
    honest = project.create()
    path = project.root / honest.name
    path.write_bytes(b"not a backup")
    sidecar.path_of(path).write_bytes(sidecar.line(sha256_hex(b"not a backup"), "x"))
    with pytest.raises(Damaged) as refusal:
        backup.find(project.layout, honest.name, "production")
    assert refusal.value.exit_code == 4
    assert not backup.verify(project.machine, project.layout, path).ok
    [listed] = backup.listing(project.layout, "production")
    assert listed.problem


def test_nothing_to_verify(project: Project) -> None:
    with pytest.raises(CannotTell):
        backup.verify(project.machine, project.layout, Path("backups/none.zip"))
    facts = project.create()
    sidecar.path_of(project.root / facts.name).unlink()
    with pytest.raises(CannotTell, match="never sealed"):
        backup.verify(project.machine, project.layout, facts)
    with pytest.raises(CannotTell, match="never sealed"):
        backup.restore(project.machine, project.layout, facts, project.settings)
