"""Archives of every shape are opened by unzip, 7z, bsdtar and Python; `sha256sum -c` agrees before and after unpacking."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dhash_guard.backup import facade as backup
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.records.layout import Layout
from dhash_guard.system import this_machine
from support.disks import disk
from support.programs import program

DEFLATES = ["isal", "stdlib"]


def _small(root: Path) -> None:
    for name in ("a", "b/c", "b/d/e", "b/d/f.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name * 100)
    (root / "nothing").touch()
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)


def _pieces(root: Path) -> None:
    chance = random.Random(1)
    for size in (4 << 20, (4 << 20) + 1, 9_000_001):
        (root / f"packs{size}.txt").write_bytes(chance.randbytes(size // 2).hex().encode())
        (root / f"does_not{size}.bin").write_bytes(chance.randbytes(size))


def _media(root: Path) -> None:
    chance = random.Random(2)
    for size in (0, 1, 70_000, 5 << 20):
        (root / f"{size}.png").write_bytes(chance.randbytes(size))


def _links(root: Path) -> None:
    (root / "one/two").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "one/file").write_text("x")
    (root / "one/two/up").symlink_to("../file")
    (root / "folder").symlink_to("one")
    (root / "nowhere").symlink_to("missing")


def _unicode(root: Path) -> None:
    for name in ("äöü.txt", "日本語/ファイル.txt", "emoji 🎵", "with space", "-dash", "percent%41", "quote'\"", "Ω.png"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)


def _many(root: Path) -> None:
    for number in range(70_000):
        if number % 1000 == 0:
            (root / str(number // 1000)).mkdir()
        (root / str(number // 1000) / str(number)).write_bytes(b"%d" % number)


def _huge(root: Path) -> None:
    with (root / "huge.log").open("wb") as file:
        file.write(b"begins")
        file.seek((4 << 30) + 12_345)
        file.write(b"ends")
    (root / "zz_after").write_text("behind 4 GiB")


SHAPES: dict[str, Callable[[Path], None]] = {
    "small": _small,
    "pieces": _pieces,
    "media": _media,
    "links": _links,
    "unicode": _unicode,
    "many": _many,
    "huge": _huge,
}
LONG = ("many", "huge")


def _layout(root: Path) -> Layout:
    return Layout(
        root=root, service="dhash", backups=root / "backups", logs=root / "monitor_logs", artifacts=root / "artifacts"
    )


SETTINGS = BackupSettings(components={"data": Component(paths=("data/",))})


def _taken(root: Path, deflate: str = "isal") -> Path:
    """A backup of `data`; the archive's path."""
    machine, layout = this_machine({"DHASH_GUARD_DEFLATE": deflate}), _layout(root)
    facts = backup.create(machine, layout, SETTINGS, backup.plan(machine, layout, SETTINGS, "production"))
    return root / facts.name


def _passes(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-500:]}{done.stderr[-500:]}"


def _sums_agree(folder: Path) -> None:
    _passes(program("sha256sum", "coreutils"), "--strict", "--quiet", "-c", "SHA256SUMS", cwd=folder)


def _everybody_opens(root: Path, archive: Path) -> None:
    """Each tool tests it; those that unpack it get what was there, links too."""
    _passes(program("sha256sum", "coreutils"), "--strict", "-c", f"backups/{archive.name}.sha256", cwd=root)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
    _passes(program("7z", "p7zip-full"), "t", "-bd", str(archive), cwd=root)
    out = root / "out"
    for command in (
        [program("unzip", "unzip"), "-qq", str(archive), "-d", str(out)],
        [program("bsdtar", "libarchive-tools"), "-xf", str(archive), "-C", str(out)],
    ):
        out.mkdir()
        _passes(*command, cwd=root)
        _sums_agree(out)
        for path in (root / "data").rglob("*"):
            other = out / path.relative_to(root)
            assert path.is_symlink() == other.is_symlink(), f"{command[0]}: {path}"
            if path.is_symlink():
                assert os.readlink(path) == os.readlink(other)
            else:
                assert path.is_dir() == other.is_dir()
                assert path.stat().st_mode & 0o700 == other.stat().st_mode & 0o700, f"{command[0]}: {path}"
        shutil.rmtree(out)


@pytest.mark.parametrize("deflate", DEFLATES)
@pytest.mark.parametrize("shape", [pytest.param(s, marks=pytest.mark.full if s in LONG else ()) for s in SHAPES])
def test_every_tool_opens_it(tmp_path: Path, shape: str, deflate: str) -> None:
    (tmp_path / "data").mkdir()
    SHAPES[shape](tmp_path / "data")
    if shape == "huge":
        if deflate != "isal":
            pytest.skip("once is enough for 4 GiB")
        _huge_is_opened(tmp_path, _taken(tmp_path))
    else:
        _everybody_opens(tmp_path, _taken(tmp_path, deflate))


def _huge_is_opened(root: Path, archive: Path) -> None:
    """More than 4 GiB: tested as streams, without room on the disk for a copy from each tool."""
    _passes(program("sha256sum", "coreutils"), "--strict", "-c", f"backups/{archive.name}.sha256", cwd=root)
    _passes(program("unzip", "unzip"), "-tqq", str(archive), cwd=root)
    _passes(program("7z", "p7zip-full"), "t", "-bd", str(archive), cwd=root)
    with zipfile.ZipFile(archive) as opened:
        assert opened.getinfo("data/huge.log").file_size == (4 << 30) + 12_349
        assert opened.testzip() is None
    stated = subprocess.run(
        [program("bsdtar", "libarchive-tools"), "-xOf", str(archive), "SHA256SUMS"], capture_output=True, check=True
    ).stdout
    whole = subprocess.run(
        ["sh", "-c", 'bsdtar -xOf "$0" data/huge.log | sha256sum', str(archive)], capture_output=True, check=True
    ).stdout
    assert whole.split()[0] in stated


FORMS = ["xfs", "btrfs"]
MIB = 1 << 20


def _recordings(root: Path) -> Path:
    """Two recordings of 64 MB that do not get smaller, and some small files between them."""
    data = root / "project/data"
    data.mkdir(parents=True)
    chance = random.Random(3)
    for name in ("one.mp3", "two.flac.mp3"):
        with (data / name).open("wb") as file:
            for _ in range(64):
                file.write(chance.randbytes(MIB))
    (data / "notes.txt").write_text("what it is\n" * 50)
    return data.parent


def _used(folder: Path) -> int:
    subprocess.run(["sync", "-f", str(folder)], check=True)
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _taken_and_put_back(folder: Path) -> int:
    """Extra bytes on the disk for the backup; it is opened by all and restores identically."""
    root = _recordings(folder)
    _used(folder)
    before = _used(folder)
    archive = _taken(root)
    extra = _used(folder) - before
    for command in (["unzip", "-tqq", str(archive)], ["7z", "t", "-bd", str(archive)]):
        _passes(*command, cwd=root)
    _passes("sha256sum", "--strict", "-c", f"backups/{archive.name}.sha256", cwd=root)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(folder / "unpacked")
    _sums_agree(folder / "unpacked")
    shutil.rmtree(folder / "unpacked")
    (root / "data/one.mp3").write_bytes(b"overwritten: the archive keeps its own")
    (root / "data/two.flac.mp3").unlink()
    machine, layout = this_machine({}), _layout(root)
    facts = backup.listing(layout, "production")[0]
    assert backup.restore(machine, layout, facts, SETTINGS).identical
    assert not backup.differences(layout, facts)
    assert (root / "data/one.mp3").stat().st_size == 64 * MIB
    return extra


@pytest.mark.parametrize("kind", FORMS)
def test_media_share_their_blocks_with_the_archive(tmp_path: Path, kind: str) -> None:
    with disk(tmp_path, kind, 700 * MIB) as folder:
        extra = _taken_and_put_back(folder)
        assert extra <= 0.02 * 128 * MIB, f"{extra / MIB:.1f} MiB more for 128 MiB of media"


def test_elsewhere_media_are_copied(tmp_path: Path) -> None:
    with disk(tmp_path, "ext4", 700 * MIB) as folder:
        extra = _taken_and_put_back(folder)
        assert extra >= 128 * MIB


@pytest.mark.parametrize("kind", FORMS)
def test_cloned_members_of_every_length(tmp_path: Path, kind: str) -> None:
    """Padding brings each to the beginning of a block; none of them is a whole number of blocks long."""
    with disk(tmp_path, kind) as folder:
        data = folder / "project/data"
        data.mkdir(parents=True)
        chance = random.Random(4)
        for number, size in enumerate((65_535, 65_536, 65_537, 69_632, 100_001, 262_144, (1 << 20) + 1, (4 << 20) + 4095)):
            (data / f"{'n' * number}{size}.png").write_bytes(chance.randbytes(size))
        _everybody_opens(data.parent, _taken(data.parent))
