"""Archives of every shape: big files in pieces, media, links, many members; the same whoever packed them, and plain zips."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.archive import packing, zipformat
from dhash_guard.backup.archive.deflate import STANDARD, chosen
from dhash_guard.backup.archive.manifest import Member
from dhash_guard.backup.archive.packing import PIECE, is_media
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.archive.sources import Source
from dhash_guard.backup.archive.writer import write_archive
from dhash_guard.backup.archive.zipformat import Entry, directory_record, end_records, find_directory, read_records
from dhash_guard.backup.components import collect
from dhash_guard.backup.create import header_for
from dhash_guard.backup.settings import Component
from dhash_guard.errors import NoGo
from dhash_guard.records.backup import Purpose

if TYPE_CHECKING:
    from unit.backup.project import Project

NOISE = random.Random(5).randbytes(PIECE + 17)


def _shapes(project: Project) -> None:
    """Files on both sides of every border that the writer knows."""
    text = b"one line like many others\n"
    project.put("uploads/empty", b"")
    project.put("uploads/just.txt", text * (PIECE // len(text)))
    project.put("uploads/piece.json", (text * PIECE)[:PIECE])
    project.put("uploads/more.json", (text * PIECE)[: PIECE + 1])
    project.put("uploads/large.log", (text * PIECE)[: 3 * PIECE + 5])
    project.put("uploads/noise.bin", NOISE)
    project.put("uploads/film.mp4", NOISE[: PIECE + 1])
    project.put("uploads/\u00e9t\u00e9/\U0001f600 \u2190 smile.txt", b"unicode")
    for number in range(1000):
        project.put(f"uploads/many/{number:04}.json", f'{{"n": {number}}}'.encode() * (number % 7))
    (project.root / "uploads/link").symlink_to("many/0001.json")


@contextmanager
def _another_thread() -> Iterator[None]:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        yield
    finally:
        done.set()
        other.join()


def _members(project: Project, name: str) -> list[Member]:
    with opened(project.root / name) as archive:
        return list(archive.contents())


def test_whoever_packs_it_the_archive_says_the_same(project: Project) -> None:
    _shapes(project)
    project.machine = evolve(project.machine, workers=1)
    alone = project.create()
    project.machine = evolve(project.machine, workers=3)
    processes = project.create()
    with _another_thread():
        threads = project.create()
    project.machine = evolve(project.machine, environ={"DHASH_GUARD_DEFLATE": "stdlib"})
    standard = project.create()
    described = _members(project, alone.name)
    assert len(described) > 1000
    for other in (processes, threads, standard):
        assert _members(project, other.name) == described
        assert backup.verify(project.machine, project.layout, other).ok


def test_any_reader_of_zips_gets_every_byte(project: Project) -> None:
    _shapes(project)
    facts = project.create()
    with zipfile.ZipFile(project.root / facts.name) as archive:
        assert archive.testzip() is None
        for path in (project.root / "uploads").rglob("*"):
            name = path.relative_to(project.root).as_posix()
            if path.is_file() and not path.is_symlink():
                assert archive.read(name) == path.read_bytes(), name
        assert archive.read("uploads/link") == b"many/0001.json"
        assert archive.getinfo("uploads/film.mp4").compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("uploads/noise.bin").compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("uploads/large.log").compress_type == zipfile.ZIP_DEFLATED
        sums = archive.read("SHA256SUMS").decode()
    assert f"{hashlib.sha256(NOISE).hexdigest()}  uploads/noise.bin\n" in sums


def test_all_shapes_come_back(project: Project) -> None:
    _shapes(project)
    before = project.snapshot()
    facts = project.create()
    project.put("uploads/many/0500.json", b"changed")
    (project.root / "uploads/large.log").unlink()
    done = backup.restore(project.machine, project.layout, facts, project.settings)
    assert done.identical
    assert project.snapshot() == before


@pytest.mark.parametrize("name", ["uploads/large.log", "uploads/noise.bin"])
def test_a_big_file_that_is_damaged_in_the_archive_is_named(project: Project, name: str) -> None:
    _shapes(project)
    facts = project.create()
    path = project.root / facts.name
    with opened(path) as archive:
        entry = next(entry for entry in archive.entries() if entry.name == name)
        at = archive.data_of(entry) + entry.packed // 2
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 64]))
    found = backup.verify(project.machine, project.layout, facts)
    assert any(name in problem for problem in found.problems)
    assert any("sha256" in problem for problem in found.problems)


def test_a_big_file_that_changes_while_it_is_read_fails_the_backup(project: Project) -> None:
    library = project.put("library.json", NOISE)
    plan = backup.plan(project.machine, project.layout, project.settings, "production")
    library.write_bytes(NOISE[::-1])
    with pytest.raises(NoGo, match=r"library\.json changed"):
        backup.create(project.machine, project.layout, project.settings, plan)
    assert not list(project.layout.backups.glob("*"))[1:]


def _written(project: Project, remember: int, path: Path, spoil: str = "") -> list[Member]:
    """An archive of uploads at `path`, of which so many members are remembered between finding and reading them."""
    found = collect(project.layout, {"c": Component(paths=("uploads",))}, remember=remember)
    header = header_for(project.layout, "production", Purpose.BACKUP, 0.0, found)
    if spoil:
        os.mkfifo(project.root / spoil)
    with path.open("w+b") as file:
        write_archive(file, project.clock, header, project.root, found.sources(), folder=path.parent, workers=2)
    with opened(path) as archive:
        return list(archive.contents())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted here")
def test_a_disk_that_fails_while_a_clone_is_written_leaves_no_file_open(project: Project) -> None:
    class Failing(io.FileIO):
        """A file whose second half does not fit on its disk."""

        def write(self, data: Any) -> int:
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, "no room")
            return super().write(data)

    project.put("uploads/one.png", NOISE)
    collection = collect(project.layout, {"all": Component(paths=("uploads/",))})
    header = header_for(project.layout, "production", Purpose.BACKUP, project.clock.now(), collection)
    before = os.listdir("/proc/self/fd")
    with Failing(project.root / "archive", "w+") as file, pytest.raises(OSError, match="no room"):
        target: Any = file
        write_archive(target, project.clock, header, project.root, collection.sources(), folder=project.root, clones=True)
    assert os.listdir("/proc/self/fd") == before


def test_more_members_than_are_remembered(project: Project, tmp_path: Path) -> None:
    _shapes(project)
    assert _written(project, 10**6, tmp_path / "a.zip") == _written(project, 100, tmp_path / "b.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_appears_between_two_walks_and_cannot_be_kept_fails_the_backup(project: Project, tmp_path: Path) -> None:
    _shapes(project)
    with pytest.raises(NoGo, match="is a socket, a device or a pipe"):
        _written(project, 100, tmp_path / "a.zip", spoil="uploads/pipe")


def test_progress_is_told_up_to_the_end(project: Project) -> None:
    _shapes(project)
    told: list[tuple[str, int, int]] = []
    project.machine = evolve(project.machine, progress=lambda *news: told.append(news))
    facts = project.create()
    backup.verify(project.machine, project.layout, facts)
    backup.restore(project.machine, project.layout, facts, project.settings)
    works = dict.fromkeys(work for work, _, _ in told)
    assert list(works) == ["backing up", "checking", "looking into the backup", "restoring", "reading back"]
    assert [done for work, done, _ in told if work == "backing up"][-1] == told[0][2]
    for work in works:
        counts = [done for each, done, _ in told if each == work]
        assert counts == sorted(counts)


def test_sizes_beyond_four_gigabytes_are_written_in_64_bits() -> None:
    large = 5 << 32
    entry = Entry("a.bin", 0o100644, 0x5A21_0000, 0, zipformat.UTF8 | zipformat.DESCRIBED, 7, large, large, large)
    record = directory_record(entry, large=True)
    assert list(read_records(record)) == [entry]
    assert zipformat.record_offset(record) == large
    small = entry._replace(packed=1, size=2)
    assert list(read_records(directory_record(small))) == [small]
    local = zipformat.local_header(entry, large=True)
    assert zipformat.read_local(local, entry) == (len(local), zipformat.descriptor(entry, large=True))


@pytest.mark.parametrize(("entries", "start"), [(0, 0), (65_534, 100), (65_535, 100), (70_000, 100), (3, 5 << 32)])
def test_the_end_is_found_again(entries: int, start: int) -> None:
    length = entries * 46
    tail = end_records(entries, start, length)
    assert find_directory(tail, start + length + len(tail)) == (entries, start, length)
    with pytest.raises(ValueError, match=r"belong to no entry|contradicts"):
        find_directory(tail, start + length + len(tail) + 1)


def test_a_batch_far_behind_is_placed_in_64_bits(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * 100)
    (tmp_path / "b").write_bytes(b"b")
    status = {name: (tmp_path / name).stat() for name in "ab"}
    sources = tuple(Source(n, s.st_mode, s.st_size, s.st_mtime_ns, s.st_dev, s.st_ino) for n, s in status.items())
    packed = packing.Packer(str(tmp_path), STANDARD)(packing.Batch(sources), memoryview(bytearray(packing.SLAB)))
    assert isinstance(packed, packing.Packed)
    near, far = list(read_records(packed.placed(1000))), list(read_records(packed.placed(6 << 32)))
    assert [entry.offset for entry in near] == [1000, 1000 + packed.offsets[1]]
    assert [entry.offset for entry in far] == [6 << 32, (6 << 32) + packed.offsets[1]]
    assert [entry.name for entry in far] == ["a", "b"]


def test_media_are_known_by_their_suffix() -> None:
    assert is_media("a/b.JPG")
    assert is_media("a.tar.gz")
    assert not is_media("a.json")
    assert not is_media("png")
    assert not is_media("a.png/b")
    assert not is_media("a/.png")


def test_the_fast_library_is_taken_where_it_is_there() -> None:
    isal = pytest.importorskip("isal", reason="pip install 'dhash-guard[fast]'")
    assert isal
    assert chosen({}).name == "isal"
    assert chosen({"DHASH_GUARD_DEFLATE": "stdlib"}) is STANDARD


def test_both_libraries_read_what_the_other_wrote() -> None:
    text = b"abc" * 100_000
    for one, other in ((chosen({}), STANDARD), (STANDARD, chosen({}))):
        parts = [
            one.part(memoryview(text), last=False),
            one.part(memoryview(text[:5]), last=False),
            one.part(memoryview(b""), last=True),
        ]
        unpacker = other.unpacker()
        assert unpacker.decompress(b"".join(parts)) == text + text[:5]
        assert unpacker.eof
        assert other.crc32(text) == one.crc32(text)


def test_a_growing_log_may_be_of_any_size(project: Project) -> None:
    log = project.put("logs/app.log", b"line\n" * PIECE)
    project.put("logs/none.log", b"")
    project.settings = evolve(project.settings, components={"logs": Component(paths=("logs/",), grows=True)})
    plan = backup.plan(project.machine, project.layout, project.settings, "production")
    with log.open("ab") as file:
        file.write(b"more\n")
    facts = backup.create(project.machine, project.layout, project.settings, plan)
    assert backup.verify(project.machine, project.layout, facts).ok
    sizes = {member.path: member.size for member in _members(project, facts.name)}
    assert sizes["logs/app.log"] == 5 * PIECE + 5
    assert sizes["logs/none.log"] == 0


@pytest.mark.parametrize("name", ["data/a.json", "data/größe.json", "data/folder/"])
def test_the_short_way_to_the_records_of_a_small_entry_leads_to_the_same(name: str) -> None:
    entry = Entry(
        name, 0o100640, zipformat.dos_stamp(1_700_000_001), zipformat.DEFLATED, zipformat.UTF8, 0xDEADBEEF, 5, 70_000, 0
    )
    short = zipformat.small_records(name, entry.mode, entry.stamp, entry.method, entry.crc, entry.packed, entry.size)
    assert short == (zipformat.local_header(entry), directory_record(entry))
