"""What belongs to a backup, and everything that is refused by name."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup.archive.manifest import Kind
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.archive.writer import write_archive
from dhash_guard.backup.components import collect, select
from dhash_guard.backup.create import header_for
from dhash_guard.backup.names import link_problem, name_problem, overlaps, windows_problem
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.errors import NoGo, UsageProblem
from dhash_guard.records.backup import Purpose, Restoration
from support.disks import powerless

if TYPE_CHECKING:
    from unit.backup.project import Project


def _collect(project: Project, *paths: str, grows: bool = False) -> object:
    return collect(project.layout, {"c": Component(paths=paths, grows=grows)})


def test_selection(project: Project) -> None:
    assert list(select(project.settings, None)) == ["database", "config", "artifacts"]
    assert list(select(project.settings, ("all",))) == ["database", "config", "artifacts", "logs"]
    assert list(select(project.settings, ("logs", "config"))) == ["config", "logs"]
    with pytest.raises(UsageProblem, match="Did you mean database"):
        select(project.settings, ("databse",))
    with pytest.raises(UsageProblem, match="database, config"):
        select(project.settings, ("zzz",))
    with pytest.raises(UsageProblem, match="no components are configured"):
        select(BackupSettings(), None)
    with pytest.raises(UsageProblem, match="name no paths"):
        select(BackupSettings(components={"a": Component(paths=())}), None)


def test_order_kinds_and_what_is_left_out(project: Project) -> None:
    project.put("config/a-b/x")
    project.put("config/a/x")
    project.put("config/.app.yml.dhash-prev-00ff/x")
    found = collect(project.layout, select(project.settings, None))
    paths = [source.path for source in found.sources()]
    assert paths == sorted(paths, key=lambda path: path.split("/"))
    assert {root.path: root.kind for root in found.roots} == {
        "absent/thing": Kind.ABSENT,
        "config": Kind.DIRECTORY,
        "library.json": Kind.FILE,
        "releases/current": Kind.LINK,
        "uploads": Kind.DIRECTORY,
    }
    assert found.left_out == ("config/.app.yml.dhash-prev-00ff", "config/.env")


def test_an_environment_file_that_is_named_is_taken(project: Project) -> None:
    found = collect(project.layout, {"secrets": Component(paths=("config/.env",))})
    assert [source.path for source in found.sources()] == ["config/.env"]


@pytest.mark.parametrize(
    "paths",
    [
        ("config", "config/app.yml"),
        ("config", "config/"),
        ("config", "CONFIG/scripts"),
        ("backups",),
        ("backups/pre_rollback",),
        (".dhash-guard",),
        ("../outside",),
        ("/etc",),
        (".",),
        ("config/../..",),
    ],
)
def test_roots_where_they_may_not_be(project: Project, paths: tuple[str, ...]) -> None:
    with pytest.raises(UsageProblem):
        _collect(project, *paths)


def test_a_root_below_a_link(project: Project) -> None:
    (project.root / "alias").symlink_to("config")
    with pytest.raises(UsageProblem, match="below the link 'alias'"):
        _collect(project, "alias/app.yml")


@pytest.mark.parametrize("name", ["backups", "backups/pre_rollback", ".dhash-guard"])
@pytest.mark.parametrize("paths", [("uploads",), ("uploads/b",), ("uploads/b/deeper",)])
def test_a_root_in_which_the_backups_really_lie(project: Project, name: str, paths: tuple[str, ...]) -> None:
    """A restore would take away what it restores from, and every other backup with it."""
    (project.root / "uploads/b/deeper").mkdir(parents=True)
    (project.root / name).parent.mkdir(exist_ok=True)
    (project.root / name).symlink_to(project.root / "uploads/b")
    with pytest.raises(UsageProblem, match=f"'{name}' overlap"):
        _collect(project, *paths)
    _collect(project, "config")


def test_backups_that_lie_outside_the_project_are_in_nobodys_way(project: Project, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (project.root / "backups").symlink_to(tmp_path / "kept")
    with pytest.raises(UsageProblem, match="overlap"):
        _collect(project, "backups")
    facts = project.create()
    assert (tmp_path / "kept" / Path(facts.name).name).is_file()
    assert isinstance(project.restore(facts), Restoration)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_everything_that_cannot_be_backed_up_is_named(project: Project) -> None:
    uploads = project.root / "uploads"
    os.mkfifo(uploads / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(uploads / "sock"))
    (uploads / "out").symlink_to("../../outside")
    (uploads / "abs").symlink_to("/etc/passwd")
    project.put("uploads/Same")
    project.put("uploads/same")
    project.put("uploads/caf\u00e9")
    project.put("uploads/cafe\u0301")
    project.put("uploads/back\\slash")
    project.put("uploads/new\nline")
    (Path(os.fsdecode(os.fsencode(uploads) + b"/\xff"))).write_bytes(b"")
    with pytest.raises(NoGo) as refusal:
        _collect(project, "uploads")
    lines = str(refusal.value).splitlines()[1:]
    assert len(lines) == 9
    for word in ("pipe", "sock", "leads out", "absolute", "'uploads/Same' and 'uploads/same'", "slash", "control", "UTF-8"):
        assert any(word in line for line in lines), word


@pytest.fixture
def deep(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """1,200 folders in each other; pytest could not tidy them away either."""
    top = project.root / "deep"
    top.mkdir()
    monkeypatch.chdir(top)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    os.chdir(project.root)
    try:
        yield top
    finally:
        while (top / "d/d").exists():
            (top / "d/d").rename(project.root / "rest")
            shutil.rmtree(top / "d")
            (project.root / "rest").rename(top / "d")


@pytest.mark.skipif(os.name != "posix", reason="such paths are too long here")
def test_folders_too_deep_in_each_other_are_named(project: Project, deep: Path) -> None:
    with pytest.raises(NoGo, match=r"'deep/d/d.*lies more than 400 folders deep"):
        collect(project.layout, {"all": Component(paths=("deep/",))})
    with pytest.raises(OSError, match=r"too (deep|many)"):  # the recursion or the open files end first
        project.machine.files.remove_tree(deep)


def test_names_that_the_archive_needs(project: Project) -> None:
    project.put("manifest.jsonl")
    with pytest.raises(NoGo, match="needs itself"):
        _collect(project, "manifest.jsonl")


@pytest.mark.skipif(os.name != "posix", reason="modes make no file unreadable here")
def test_unreadable_files_are_named(project: Project) -> None:
    project.put("uploads/secret", mode=0)
    project.components(all=("uploads/",))
    with powerless(), pytest.raises(NoGo, match="uploads/secret"):
        project.create()


PIPE = ["pipe"] if hasattr(os, "mkfifo") else []


@pytest.mark.parametrize("what", ["content", "length", "vanishes", "replaced", "link", *PIPE])
def test_a_file_that_changes_is_named(project: Project, tmp_path: Path, what: str) -> None:
    found = collect(project.layout, {"c": Component(paths=("library.json",))})
    library = project.root / "library.json"
    status = library.stat()
    if what == "content":
        library.write_text("[" * 14)
        os.utime(library, ns=(status.st_mtime_ns, status.st_mtime_ns + 1))
    elif what == "length":
        library.write_text("longer" * 10)
        os.utime(library, ns=(status.st_mtime_ns, status.st_mtime_ns))
    else:
        library.rename(tmp_path / "moved")
    if what == "replaced":
        library.write_bytes((tmp_path / "moved").read_bytes())
        os.utime(library, ns=(status.st_mtime_ns, status.st_mtime_ns))
    elif what == "link":
        library.symlink_to(tmp_path / "moved")
    elif what == "pipe":
        os.mkfifo(library)
    header = header_for(project.layout, "production", Purpose.BACKUP, 0.0, found)
    with (tmp_path / "out.zip").open("w+b") as file, pytest.raises(NoGo, match=r"library\.json"):
        write_archive(file, project.clock, header, project.root, found.sources(), folder=tmp_path)


def test_growing_files_may_grow_and_not_shrink(project: Project, tmp_path: Path) -> None:
    log = project.put("logs/app.log", "one\n")
    found = collect(project.layout, {"logs": Component(paths=("logs",), grows=True)})
    header = header_for(project.layout, "production", Purpose.BACKUP, 0.0, found)
    log.write_text("one\ntwo\n")
    with (tmp_path / "a.zip").open("w+b") as file:
        write_archive(file, project.clock, header, project.root, found.sources(), folder=tmp_path)
    with opened(tmp_path / "a.zip") as archive:
        assert [member.size for member in archive.contents()] == [0, 8]
    log.write_text("")
    with (tmp_path / "b.zip").open("w+b") as file, pytest.raises(NoGo, match="changed"):
        write_archive(file, project.clock, header, project.root, found.sources(), folder=tmp_path)


def test_more_is_left_out_than_a_manifest_can_name(project: Project, tmp_path: Path) -> None:
    found = collect(project.layout, {"config": Component(paths=("config",))})
    header = header_for(project.layout, "production", Purpose.BACKUP, 0.0, found)
    much = evolve(header, left_out=tuple(f"config/{'x' * 200}{number}/.env" for number in range(5000)))
    with (tmp_path / "a.zip").open("w+b") as file, pytest.raises(NoGo, match="5000 paths that are left out"):
        write_archive(file, project.clock, much, project.root, found.sources(), folder=tmp_path)


def test_names() -> None:
    assert name_problem("a/b c/\u00e9.txt") == ""
    for bad in ("", "/a", "a/", "a//b", "./a", "a/..", "C:x", "a\\b", "a\x00", "a\u2028b", "\udcff", "SHA256SUMS"):
        assert name_problem(bad), bad
    assert link_problem("a/b", "../c") == ""
    assert link_problem("a/b", ".") == ""
    for bad in ("../..", "/c", "", "c:\\x", "../../a/b", "\udcff", "a\nb"):
        assert link_problem("a/b", bad), bad
    for fine in ("a/b c/\u00e9.txt", "console/nulls", "auxiliary.json", ".a/..b", "com10", "a.nul", "x y"):
        assert windows_problem(fine) == "", fine
    for bad in ("CON", "a/nul", "aux.json", "a/Lpt1.tar.gz/b", "com\u00b9", "NUL .txt", "a:b", "what?", "end.", "a /b"):
        assert windows_problem(bad), bad
    assert overlaps(["a", "a-b", "ab", "b/c", "b/d"]) == []
    assert len(overlaps(["a", "a/b", "a/c"])) >= 1


def _go(project: Project) -> None:
    (project.root / "library.json").unlink()


def _come(project: Project) -> None:
    project.put("absent/thing")


def _turn(project: Project) -> None:
    _go(project)
    (project.root / "library.json").symlink_to("config/app.yml")


@pytest.mark.parametrize("change", [_go, _come, _turn])
def test_a_root_that_is_another_thing_when_it_is_read_seals_nothing(
    project: Project, change: Callable[[Project], None]
) -> None:
    found = collect(project.layout, select(project.settings, None), remember=0)  # too many members to remember
    change(project)
    with pytest.raises(NoGo, match="became something else"):
        list(found.sources())
