"""Finding backups: sealed ones only, in the order of their sequence, and every wrong reference told apart."""

from __future__ import annotations

import os
import shutil
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.archive.manifest import Header, Kind, Member, Root, header_line, read_header, read_member
from dhash_guard.backup.stores.described import described
from dhash_guard.errors import CannotTell, Damaged, UsageProblem
from dhash_guard.records.backup import Purpose
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data

if TYPE_CHECKING:
    from unit.backup.project import Project


def test_listing_knows_sealed_ones_only(project: Project) -> None:
    first, second = project.create(), project.create()
    snapshot = project.create(purpose=Purpose.PRE_ROLLBACK)
    staging = project.create("staging")
    unsealed = project.layout.backups / "dhash_production_20990101_000000.zip"
    unsealed.write_bytes(b"x")
    assert backup.listing(project.layout, "production") == [first, second, snapshot]
    assert backup.listing(project.layout, "staging") == [staging]
    assert len(backup.listing(project.layout)) == 4
    assert backup.newest(project.layout, "production") == snapshot
    assert backup.newest(project.layout, "nowhere") is None


def test_unusable_ones_are_listed_with_their_problem(project: Project) -> None:
    facts = project.create()
    folder = project.layout.backups
    (folder / "foreign.zip").write_bytes(b"PK")
    (folder / "foreign.zip.sha256").write_bytes(b"nothing")
    renamed = folder / "dhash_staging_20990101_000000.zip"
    shutil.copy(project.root / facts.name, renamed)
    shutil.copy(project.root / f"{facts.name}.sha256", f"{renamed}.sha256")
    problems = {f.name: f.problem for f in backup.listing(project.layout)}
    assert problems[facts.name] == ""
    assert "no single hash" in problems["backups/foreign.zip"]
    assert "its name says 'staging'" in problems["backups/dhash_staging_20990101_000000.zip"]
    assert backup.newest(project.layout, "production") == facts


def test_the_last_that_was_taken_may_be_one_that_cannot_be_read(project: Project) -> None:
    assert backup.last_taken([]) is None
    first, second = project.create(), project.create()
    project.create(purpose=Purpose.PRE_ROLLBACK)
    assert backup.last_taken(backup.listing(project.layout)) == second
    path = project.root / second.name
    path.write_bytes(path.read_bytes()[:-30])
    for listed in (backup.listing(project.layout), backup.listing(project.layout)[::-1]):
        last = backup.last_taken(listed)
        assert last is not None and (last.name, bool(last.problem)) == (second.name, True)
    third = project.create()
    assert backup.last_taken(backup.listing(project.layout)) == third
    path = project.root / first.name
    path.write_bytes(path.read_bytes()[:-30])
    assert backup.last_taken(backup.listing(project.layout)) == third


def test_what_another_tool_made_is_the_last_only_where_there_is_nothing_else(project: Project) -> None:
    tar = project.put("backups/dhash_production_20990101_000000.tar.gz")
    [alone] = backup.listing(project.layout, "production")
    assert backup.last_taken([alone]) == alone and alone.name == f"backups/{tar.name}"
    facts = project.create()
    assert backup.last_taken(backup.listing(project.layout, "production")) == facts


@pytest.mark.parametrize("date", [1e18, -1.0, float("nan")])
def test_a_store_that_tells_a_date_that_is_none_tells_nothing(project: Project, date: float) -> None:
    facts = project.create()
    name = Path(facts.name).name
    assert described(project.layout, name, facts.size, facts) == facts
    told = described(project.layout, name, facts.size, evolve(facts, sealed_at=date))
    assert "does not say" in told.problem
    assert told.sealed_at == facts.sealed_at


@pytest.mark.parametrize("form", ["{name}", "{base}", "{root}/{name}", "backups/../{name}"])
def test_references(project: Project, form: str) -> None:
    facts = project.create()
    reference = form.format(name=facts.name, base=Path(facts.name).name, root=project.root)
    assert backup.find(project.layout, reference, "production") == facts


def test_a_snapshot_is_found_by_its_base_name(project: Project) -> None:
    facts = project.create(purpose=Purpose.PRE_ROLLBACK)
    assert backup.find(project.layout, Path(facts.name).name, "production") == facts


def test_a_backup_outside_the_project(project: Project, tmp_path: Path) -> None:
    facts = project.create()
    for suffix in ("", ".sha256"):
        shutil.move(project.root / f"{facts.name}{suffix}", tmp_path / f"kept.zip{suffix}")
    found = backup.find(project.layout, str(tmp_path / "kept.zip"), "production")
    assert found.name == (tmp_path / "kept.zip").as_posix()
    assert backup.verify(project.machine, project.layout, found).ok
    assert backup.restore(project.machine, project.layout, found, project.settings).identical


def test_a_backup_of_another_environment(project: Project) -> None:
    facts = project.create("staging")
    with pytest.raises(UsageProblem, match="--from-env staging"):
        backup.find(project.layout, facts.name, "production")
    assert backup.find(project.layout, facts.name, "production", "staging") == facts


def test_no_such_backup(project: Project) -> None:
    with pytest.raises(UsageProblem, match="production has no backups"):
        backup.find(project.layout, "backups/x.zip", "production")
    facts = project.create()
    with pytest.raises(UsageProblem, match="--list") as caught:
        backup.find(project.layout, "nosuch", "production")
    assert "Did you mean" not in str(caught.value)
    with pytest.raises(UsageProblem, match="Did you mean dhash_production_2026"):
        backup.find(project.layout, facts.name.replace("_production", "_prodction"), "production")


def test_never_sealed_and_damaged(project: Project) -> None:
    facts = project.create()
    path = project.root / facts.name
    beside = Path(f"{path}.sha256")
    text = beside.read_text()
    beside.unlink()
    with pytest.raises(CannotTell):
        backup.find(project.layout, facts.name, "production")
    beside.write_text("")
    with pytest.raises(Damaged):
        backup.find(project.layout, facts.name, "production")
    beside.write_text(text)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Damaged):
        backup.find(project.layout, facts.name, "production")


def test_all_problems_of_a_backup_are_named(project: Project) -> None:
    facts = project.create()
    path = project.root / facts.name
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("uploads/one.png").header_offset
    content = bytearray(path.read_bytes())
    content[offset + 60] ^= 255
    path.write_bytes(content)
    found = backup.verify(project.machine, project.layout, facts)
    assert any("sha256" in problem for problem in found.problems)
    assert any("uploads/one.png" in problem for problem in found.problems)


HEADER = Header(
    format=1,
    tool="0",
    service="s",
    environment="e",
    purpose=Purpose.BACKUP,
    sequence=1,
    created_at=1.5,
    sealed_at=2.0,
    components={"c": ("a",)},
    roots=(Root(path="a", kind=Kind.FILE, component="c"),),
    left_out=(),
    previous_sha256="",
)


MEMBER = Member(path="a", kind=Kind.FILE, size=3, mode=0o644, mtime_ns=5, sha256="0" * 64)


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert read_header(header_line(HEADER)) == HEADER
    assert read_member(MEMBER.line) == MEMBER


@pytest.mark.parametrize(
    "member",
    [
        MEMBER,
        Member(path='a/"quoted" name', kind=Kind.DIRECTORY, mode=0o755),
        Member(path="a/\u00e9\U0001f600\u200b", kind=Kind.LINK, link='../"x"', size=6, sha256="1" * 64),
    ],
)
def test_the_line_of_a_member_is_canonical_json(member: Member) -> None:
    assert member.line == canonical(to_data(member)) + b"\n"
    assert read_member(member.line) == member


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"format":1', b'"format":2'),
        (b'"format":1', b'"format":1,"more":1'),
        (b'"format":1', b'"format": 1'),
        (b'"sequence":1', b'"sequence":"1"'),
        (b'"sequence":1', b'"sequence":1.0'),
        (b'"purpose":"backup"', b'"purpose":"other"'),
        (b"{", b"[{"),
        (b"{", b""),
    ],
)
def test_a_header_that_is_not_exactly_ours(old: bytes, new: bytes) -> None:
    line = header_line(HEADER)
    assert old in line
    with pytest.raises(ValueError):
        read_header(line.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"kind":"file"', b'"kind":"fifo"'),
        (b'"kind":"file"', b'"kind":"absent","x":1'),
        (b'"size":3', b'"size":null'),
        (b'"size":3', b'"size":03'),
        (b'"size":3', b'"size":3.0'),
        (b'"size":3', b'"size":true'),
        (b',"size":3', b""),
        (b'"mode":420', b'"mode": 420'),
        (b'"path":"a"', b'"path":"\\u0061"'),
        (b'"path":"a"', b'"path":"\xff"'),
        (b"}\n", b"}"),
        (b"}\n", b"}\r\n"),
    ],
)
def test_a_member_that_is_not_exactly_ours(old: bytes, new: bytes) -> None:
    assert old in MEMBER.line
    with pytest.raises(ValueError):
        read_member(MEMBER.line.replace(old, new))


def test_an_empty_manifest() -> None:
    with pytest.raises(ValueError):
        read_header(b"")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe with a name is what stops the reader at the right moment")
def test_one_that_a_prune_takes_away_meanwhile_is_not_there_rather_than_damaged(project: Project) -> None:
    facts = project.create()
    archive, beside = project.root / facts.name, project.root / f"{facts.name}.sha256"
    stated = beside.read_bytes()
    beside.unlink()
    os.mkfifo(beside)

    def prune() -> None:
        with beside.open("wb") as reader:  # opens when somebody reads the checksum file, who has seen the archive then
            archive.unlink()
            beside.unlink()
            reader.write(stated)

    pruning = threading.Thread(target=prune)
    pruning.start()
    with pytest.raises(UsageProblem, match="there is no backup"):
        backup.find(project.layout, facts.name, "production")
    pruning.join()
