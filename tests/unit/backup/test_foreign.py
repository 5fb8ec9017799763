"""Backups that other tools made: listed, verified and put back, and nothing of them is believed."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup import sidecar
from dhash_guard.backup.contents import content_of, members, roots
from dhash_guard.backup.foreign.naming import Said, said_by
from dhash_guard.errors import CannotTell, Damaged, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose
from support.programs import program
from unit.backup.foreign_zips import Entry, info, known, seal, zipped

if TYPE_CHECKING:
    from unit.backup.project import Project

LINK = stat.S_IFLNK | 0o777
FOLDER = stat.S_IFDIR | 0o755


@pytest.fixture(name="project")
def _known(project: Project) -> Project:
    return known(project)


@pytest.fixture
def zip_program() -> str:
    return program("zip", "zip")


def facts(project: Project, path: Path) -> BackupFacts:
    return backup.facts_of(project.layout, path)


@pytest.mark.parametrize(
    ("name", "environment", "early", "at"),
    [
        ("dhash_20250926_111849.zip", "", False, 1758885529),
        ("dhash_20250925T132049Z.zip", "", False, 1758806449),
        ("dhash-staging-20250927-011226.zip", "staging", False, 1758935546),
        ("dhash_staging_20250927_011226.zip", "staging", False, 1758935546),
        ("dhash-staging-backup-20250925-211515.zip", "staging", False, 1758834915),
        ("dhash_backup_20250925_211515.zip", "", False, 1758834915),
        ("dhash_pre_rollback_20250925_211515.zip", "", True, 1758834915),
        ("dhash_blue_pre_rollback_20250925_211515.zip", "blue", True, 1758834915),
        ("mobius_library_20250925_211515.tar.gz", "", False, 1758834915),
        ("dhash_20251399_999999.zip", "", False, None),
        ("test_backup.zip", "", False, None),
    ],
)
def test_what_names_say(name: str, environment: str, early: bool, at: int | None) -> None:
    assert said_by("dhash", name) == Said(environment, Purpose.PRE_ROLLBACK if early else Purpose.BACKUP, at)


@pytest.mark.parametrize(
    "form",
    [
        "{hash}  {name}\n",
        "{hash}  backups/{name}\n",
        "{hash} */home/runner/work/app/backups/{name}\n",
        "{hash}\n",
        "SHA256 ({name}) = {hash}\n",
        '{{"sha256": "{hash}"}}',
    ],
)
def test_a_zip_of_the_scripts_is_listed_verified_and_put_back(project: Project, zip_program: str, form: str) -> None:
    (project.root / "config/link").symlink_to("app.yml")
    os.utime(project.root / "config/app.yml", (1_700_000_000, 1_700_000_000))
    path = project.layout.backups / "dhash_20250926_111849.zip"
    path.parent.mkdir()
    project.put("backup_metadata.json", "{}")
    given = ["library.json", "config", "uploads", "backup_metadata.json"]
    subprocess.run([zip_program, "-qry", str(path), *given, "-x", "*.env"], cwd=project.root, check=True)
    seal(path, form=form)
    before = project.snapshot()
    [listed] = backup.listing(project.layout, "production")
    assert (listed.sequence, listed.sealed_at, listed.problem) == (0, 1758885529, "")
    assert listed.components == ("artifacts", "config", "database")
    assert "another tool" in listed.note and "tells no environment, production is taken" in listed.note
    assert "backup_metadata.json is not put back" in listed.note
    found = backup.verify(project.machine, project.layout, listed)
    assert found.ok and found.members == listed.members == 9

    for path_of_file in ("library.json", "config/app.yml"):
        (project.root / path_of_file).write_text("broken")
    project.put("config/new.yml")
    done = backup.restore(project.machine, project.layout, listed, project.settings)
    assert done.identical and {root.path for root in done.roots} == {"library.json", "config", "uploads"}
    after = project.snapshot()
    assert after == before
    assert (project.root / "config/app.yml").stat().st_mtime == 1_700_000_000
    assert backup.differences(project.layout, listed) == ()
    backup.undo(project.machine, project.layout)
    assert (project.root / "library.json").read_text() == "broken"


def test_the_blast_radius_and_a_drill_see_it_in_our_form(project: Project, tmp_path: Path) -> None:
    path = zipped(
        project.layout.backups / "dhash-production-20260101-000000.zip",
        ("config/sub/deep.yml", b"deep"),
        ("library.json", b"{}"),
    )
    known_of = facts(project, path)
    assert known_of.environment == "production" and "tells no environment" not in known_of.note
    assert [member.path for member in members(project.layout, known_of)] == [
        "config",
        "config/sub",
        "config/sub/deep.yml",
        "library.json",
    ]
    assert roots(project.layout, known_of) == ("config", "library.json")
    last = list(members(project.layout, known_of))[-1]
    assert content_of(project.layout, known_of, last) == b"{}"
    (tmp_path / "above").mkdir()
    done = backup.drill(project.machine, project.layout, known_of, tmp_path / "above")
    assert (done.files, list((tmp_path / "above").iterdir())) == (2, [])


def test_entries_outside_every_component_are_refused(project: Project) -> None:
    path = zipped(
        project.layout.backups / "dhash_production_20260101_000000.zip",
        ("library.json", b"{}"),
        ("src/app.py", b"x"),
        ("config-other/x", b"x"),
    )
    known_of = facts(project, path)
    assert known_of.problem == "" and known_of.components == ()
    assert "cannot be restored: it holds src/app.py, config-other/x, which no component names" in known_of.note
    assert backup.verify(project.machine, project.layout, known_of).ok
    before = project.snapshot()
    with pytest.raises(UsageProblem, match=r"src/app\.py, config-other/x, which no component names"):
        project.restore(known_of)
    assert project.snapshot() == before and not project.stray()


def test_environment_files_stay_as_they_are(project: Project) -> None:
    path = zipped(
        project.layout.backups / "dhash_20260101_000000.zip",
        ("config/app.yml", b"b: 2"),
        ("config/.env", b"SECRET=old"),
    )
    assert "config/.env is not put back" in facts(project, path).note
    project.restore(facts(project, path))
    assert (project.root / "config/app.yml").read_text() == "b: 2"
    assert (project.root / "config/.env").read_text() == "SECRET=1"


def test_names_as_bytes_and_as_unicode(project: Project) -> None:
    path = project.layout.backups / "dhash_20260101_000000.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info("config/\u00e9.yml"), b"flagged")
    raw = path.read_bytes()
    assert raw.count("\u00e9".encode()) == 2
    seal(path, raw.replace(struct.pack("<H", 0x800), b"\x00\x00"))  # as zip writes it on Unix
    project.restore(facts(project, path))
    assert (project.root / "config/\u00e9.yml").read_bytes() == b"flagged"


@pytest.mark.parametrize("how", ["streamed", "64 bits"])
def test_other_shapes_that_zip_writes(project: Project, zip_program: str, how: str) -> None:
    path = project.layout.backups / "dhash_20260101_000000.zip"
    path.parent.mkdir()
    given = ["library.json", "config/app.yml"]
    if how == "streamed":
        done = subprocess.run([zip_program, "-q", "-fd", "-", *given], cwd=project.root, check=True, capture_output=True)
        path.write_bytes(done.stdout)
    else:
        subprocess.run([zip_program, "-q", "-fz", "-z", str(path), *given], cwd=project.root, check=True, input=b"a comment")
    seal(path)
    (project.root / "library.json").write_text("broken")
    assert backup.verify(project.machine, project.layout, path).problems == ()
    assert project.restore(facts(project, path)).identical  # type: ignore[attr-defined]
    assert (project.root / "library.json").read_text() == '{"images": []}'


HOSTILE: dict[str, tuple[list[Entry], str]] = {
    "slip": ([("../../up", b"x")], "does not stay below"),
    "absolute": ([("/etc/passwd", b"x")], "is absolute"),
    "drive": ([("C:/x", b"x")], "is absolute"),
    "backslash": ([("config\\x", b"x")], "backslash"),
    "control": ([("config/a\nb", b"x")], "control character"),
    "dots": ([("config/./x", b"x")], "does not stay below"),
    "link out": ([("config/l", b"../../outside", LINK)], "leads out of the project"),
    "link absolute": ([("config/l", b"/etc/passwd", LINK)], "is absolute"),
    "through a link": ([("config/l", b".", LINK), ("config/l/x", b"x")], "holds members but is no directory"),
    "file as folder": ([("config/f", b"x"), ("config/f/x", b"x")], "holds members but is no directory"),
    "twice": ([("config/x", b"x"), ("config/x", b"y")], "stands twice"),
    "folder and file": ([("config/x/", b"", FOLDER), ("config/x", b"y")], "stands twice"),
    "case": ([("config/A", b"x"), ("config/a", b"y")], "one name on some disks"),
    "composition": ([("config/\u00e9", b"x"), ("config/e\u0301", b"y")], "one name on some disks"),
    "device": ([("config/null", b"", stat.S_IFCHR | 0o666)], "neither a file nor a folder nor a link"),
    "pipe": ([("config/pipe", b"", stat.S_IFIFO | 0o666)], "neither a file nor a folder nor a link"),
    "long link": ([("config/l", b"a" * 5000, LINK)], "far too long"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_zips_write_nothing(project: Project, case: str) -> None:
    entries, why = HOSTILE[case]
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", *entries)
    before = project.snapshot()
    assert why in "; ".join(backup.verify(project.machine, project.layout, path).problems)
    known_of = facts(project, path)
    with pytest.raises((Damaged, UsageProblem), match=why):
        project.restore(known_of)
    assert project.snapshot() == before and not project.stray()
    assert not (project.root.parent.parent / "up").exists()


def _honest(project: Project) -> bytes:
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", ("config/a", b"a" * 400), ("config/b", b"b" * 400))
    return path.read_bytes()


def _bomb(raw: bytes) -> bytes:
    """Say fewer bytes than there are, in both places."""
    return raw.replace(struct.pack("<L", 400), struct.pack("<L", 399))


def _overlap(raw: bytes) -> bytes:
    """Let the second record speak of the first entry's bytes."""
    second = raw.rfind(b"PK\x01\x02")
    return raw[: second + 42] + struct.pack("<L", 0) + raw[second + 46 :]


def _gap(raw: bytes) -> bytes:
    """Room between entries: bytes that belong to nobody."""
    first, second, end = raw.find(b"PK\x01\x02"), raw.find(b"PK\x03\x04", 4), raw.rfind(b"PK\x05\x06")
    records = bytearray(raw[first:end])
    at = records.rfind(b"PK\x01\x02")
    records[at + 42 : at + 46] = struct.pack("<L", second + 7)
    closing = raw[end : end + 16] + struct.pack("<L", first + 7) + raw[end + 20 :]
    return raw[:second] + b"unknown" + raw[second:first] + bytes(records) + closing


CORRUPT = {
    "bomb": (_bomb, "larger than the directory says"),
    "overlap": (_overlap, "does not start where|overlaps"),
    "gap": (_gap, "belong to no entry"),
    "before": (lambda raw: b"#!/bin/sh\n" + raw, "belong to no entry|no readable zip|not a zip"),
    "local name": (lambda raw: raw.replace(b"config/b", b"config/c", 1), "described differently by its local header"),
    "encrypted": (
        lambda raw: raw.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        "is encrypted",
    ),
    "method": (lambda raw: raw.replace(b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x00\x00\x0c\x00"), "unknown method 12"),
}


@pytest.mark.parametrize("case", CORRUPT)
def test_zips_that_contradict_themselves(project: Project, case: str) -> None:
    change, why = CORRUPT[case]
    honest = _honest(project)
    path = seal(project.layout.backups / "dhash_20260101_000000.zip", change(honest))
    assert path.read_bytes() != honest
    before = project.snapshot()
    known_of = facts(project, path)
    with pytest.raises((Damaged, UsageProblem), match=why):
        project.restore(known_of)
    found = backup.verify(project.machine, project.layout, path)
    assert not found.ok
    assert project.snapshot() == before


def test_every_flipped_byte_is_found(project: Project) -> None:
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", ("library.json", b'{"a": 1}'))
    whole = path.read_bytes()
    known_of = facts(project, path)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert not backup.verify(project.machine, project.layout, path).ok, at
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert not backup.verify(project.machine, project.layout, path).ok, length
        with pytest.raises((Damaged, UsageProblem)):
            project.restore(known_of)


def test_an_archive_of_ours_that_lost_its_manifest_is_not_taken_for_foreign(project: Project) -> None:
    honest = project.create()
    path = project.root / honest.name
    raw = path.read_bytes()
    seal(path, raw.replace(b"MANIFEST.jsonl", b"MANIFEST.jsonX"))
    assert "no readable archive of dhash-guard" in facts(project, path).problem
    assert not backup.verify(project.machine, project.layout, path).ok


def test_never_sealed_and_wrongly_sealed(project: Project) -> None:
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", ("library.json", b"{}"))
    sidecar.path_of(path).write_text("0" * 64)
    known_of = facts(project, path)
    with pytest.raises(Damaged, match="its checksum file says 0000"):
        project.restore(known_of)
    sidecar.path_of(path).unlink()
    assert backup.listing(project.layout) == []
    with pytest.raises(CannotTell, match="never sealed"):
        backup.find(project.layout, path.name, "production")


def test_tars_are_named_and_refused(project: Project) -> None:
    project.layout.backups.mkdir()
    for name in ("dhash_20260101_000000.tar.gz", "dhash_staging_20260101_000000.tgz", "dhash_20260102_000000.zip"):
        with tarfile.open(project.layout.backups / name, "w:gz") as archive:
            archive.add(project.root / "library.json", "library.json")
        seal(project.layout.backups / name)
    listed = backup.listing(project.layout)
    assert [(each.environment, "tars are not read" in each.problem) for each in listed] == [
        ("production", True),
        ("production", True),
        ("staging", True),
    ]
    for each in listed:
        with pytest.raises(UsageProblem, match="Make a zip of it: mkdir dhash_"):
            backup.find(project.layout, each.name, each.environment)


def test_without_a_default_environment_nothing_is_guessed(project: Project) -> None:
    layout = evolve(project.layout, unnamed="")
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", ("library.json", b"{}"))
    assert "write default_environment" in backup.facts_of(layout, path).problem
    assert backup.listing(layout, "production") == []


def test_ours_come_after_and_go_on_counting_from_ours(project: Project) -> None:
    zipped(project.layout.backups / "dhash_production_20260101_000000.zip", ("library.json", b"{}"))
    ours = project.create()
    assert ours.sequence == 1
    assert [each.sequence for each in backup.listing(project.layout, "production")] == [0, 1]
    assert backup.newest(project.layout, "production") == ours


def test_names_that_no_disk_can_hold_cost_no_time(project: Project) -> None:
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", ("uploads/" + "a/" * 32_000 + "x", b""))
    assert "longer than any path can be" in facts(project, path).problem


def test_more_folders_than_can_be_remembered_are_refused(project: Project) -> None:
    deep = [(f"uploads/{number}/" + "a/" * 2_000 + "x", b"") for number in range(30)]
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", *deep)
    assert "more folders than can be remembered" in facts(project, path).problem


def test_a_file_is_no_folder_however_far_above(project: Project) -> None:
    entries = (("uploads/a", b""), ("uploads/a!", b""), ("uploads/a/b/c/d", b""))
    path = zipped(project.layout.backups / "dhash_20260101_000000.zip", *entries)
    assert "'uploads/a' holds members but is no directory" in facts(project, path).problem
