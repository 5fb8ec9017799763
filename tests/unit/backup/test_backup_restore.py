"""Putting a backup back: identical, undoable, whole or not at all, and never a byte outside its roots."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.restoring.digest import joined, summaries
from dhash_guard.backup.restoring.journal import Operation, State, read_journal, read_undo
from dhash_guard.backup.settings import BackupSettings, Component
from dhash_guard.errors import CannotTell, Damaged, Locked, NeedsPerson, NoGo, UsageProblem
from dhash_guard.system.files import SystemFiles
from dhash_guard.system.host import SystemHost
from support.disks import mounted

if TYPE_CHECKING:
    from dhash_guard.records.backup import BackupFacts
    from unit.backup.project import Project


def _ruin(project: Project) -> None:
    """Change something in every root."""
    project.put("library.json", "broken")
    project.put("config/new.yml", "b")
    (project.root / "config/app.yml").unlink()
    (project.root / "releases/current").unlink()
    (project.root / "releases/current").symlink_to("v2")
    project.put("uploads/two.png")
    project.put("absent/thing", "it was not there")


class Awkward(SystemFiles):
    """A disk that cannot exchange, or that fails at the n-th call of a method."""

    def __init__(self, *, exchange_errno: int = 0, fails: str = "", at: int = 1, code: int = errno.EIO) -> None:
        self._exchange_errno = exchange_errno
        self._fails, self._left, self._code = fails, at, code

    def _call(self, name: str) -> None:
        if name == self._fails:
            self._left -= 1
            if self._left == 0:
                raise OSError(self._code, os.strerror(self._code))

    def exchange(self, one: Path, other: Path) -> None:
        self._call("exchange")
        if self._exchange_errno:
            raise OSError(self._exchange_errno, "no exchange here")
        super().exchange(one, other)

    def rename(self, source: Path, target: Path) -> None:
        self._call("rename")
        super().rename(source, target)

    def set_mode(self, path: Path, mode: int) -> None:
        self._call("set_mode")
        super().set_mode(path, mode)

    def sync_filesystem(self, path: Path) -> None:
        self._call("sync_filesystem")
        super().sync_filesystem(path)

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        self._call("write_atomic")
        super().write_atomic(path, content, mode)


class Room(SystemHost):
    """A host that has so many free bytes."""

    def __init__(self, free: int | None) -> None:
        super().__init__()
        self.free = free

    def free_bytes(self, path: Path) -> int | None:
        return self.free


def test_every_root_comes_back(project: Project) -> None:
    os.utime(project.root / "uploads", ns=(10**18, 10**18 + 7))
    os.utime(project.root / "uploads/one.png", ns=(10**18, 10**18 + 5))
    before = project.snapshot()
    facts = project.create()
    _ruin(project)
    done = backup.restore(project.machine, project.layout, facts, project.settings)
    assert done.identical
    after = project.snapshot()
    after.pop("absent")
    assert after == before
    assert (project.root / "uploads").stat().st_mtime_ns == 10**18 + 7
    assert (project.root / "uploads/one.png").stat().st_mtime_ns == 10**18 + 5
    assert (done.files, len(done.roots), done.backup) == (4, 5, facts.name)
    assert not project.layout.journal.exists()
    assert len(project.stray()) == 5


def test_digests_agree_with_the_manifest(project: Project) -> None:
    facts = project.create()
    done = backup.restore(project.machine, project.layout, facts, project.settings)
    with opened(project.root / facts.name) as archive:
        found = summaries(archive.header(), archive.contents())
    assert {root.path: root.digest for root in done.roots} == {path: root.digest for path, root in found.items()}
    for root in found.values():
        assert joined([root]) == backup.tree_digest(project.root, [root.path])
    assert backup.differences(project.layout, facts) == ()
    (project.root / "config/app.yml").chmod(0o666)
    project.put("uploads/two.png")
    assert backup.differences(project.layout, facts) == ("config/app.yml", "uploads/two.png")


def test_environment_files_survive_although_no_backup_holds_them(project: Project) -> None:
    facts = project.create()
    project.put("config/.env", "SECRET=2", mode=0o600)
    project.put("config/gone/.env.local", "of a folder that the backup does not know")
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    env = project.root / "config/.env"
    assert env.read_text() == "SECRET=2"
    assert env.stat().st_mode & 0o777 == 0o600
    assert not (project.root / "config/gone").exists()


def test_undo_puts_back_once(project: Project) -> None:
    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    project.restore(facts)
    restored = project.snapshot()
    undone = backup.undo(project.machine, project.layout)
    assert project.snapshot() == ruined
    assert undone.backup == facts.name
    with pytest.raises(CannotTell, match="undone already"):
        backup.undo(project.machine, project.layout)
    assert len(project.stray()) == 4  # what the restore had made is kept; the absent root made nothing
    project.restore(facts)
    assert project.snapshot() == restored
    assert len(project.stray()) == 5


def test_nothing_to_undo(project: Project) -> None:
    with pytest.raises(CannotTell, match="no restore"):
        backup.undo(project.machine, project.layout)


def test_undo_of_trees_that_somebody_removed(project: Project) -> None:
    facts = project.create()
    project.restore(facts)
    SystemFiles().remove_tree(project.root / project.stray()[0])
    before = project.snapshot()
    with pytest.raises(CannotTell, match="are gone"):
        backup.undo(project.machine, project.layout)
    assert project.snapshot() == before


def test_previous_trees_of_the_restore_before_are_removed(project: Project) -> None:
    facts = project.create()
    project.restore(facts)
    first = project.stray()
    project.restore(facts)
    assert len(project.stray()) == len(first)
    assert not set(first) & set(project.stray())


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_two_renames_where_exchange_is_missing(project: Project, code: int) -> None:
    before = project.snapshot()
    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    project.machine = evolve(project.machine, files=Awkward(exchange_errno=code))
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert {k: v for k, v in project.snapshot().items() if k != "absent"} == before
    backup.undo(project.machine, project.layout)
    assert project.snapshot() == ruined


@pytest.mark.parametrize(("fails", "at"), [("exchange", 1), ("exchange", 3), ("rename", 1), ("rename", 2), ("rename", 4)])
def test_a_failing_exchange_puts_everything_back(project: Project, fails: str, at: int) -> None:
    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    project.machine = evolve(project.machine, files=Awkward(fails=fails, at=at))
    with pytest.raises(NoGo, match="stands as before"):
        project.restore(facts)
    assert project.snapshot() == ruined
    assert project.stray() == []
    assert not project.layout.journal.exists()


@pytest.mark.parametrize(
    ("fails", "at"), [("set_mode", 1), ("set_mode", 3), ("sync_filesystem", 1), ("write_atomic", 1), ("write_atomic", 2)]
)
def test_a_disk_that_fails_while_staging_changes_nothing(project: Project, fails: str, at: int) -> None:
    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    project.machine = evolve(project.machine, files=Awkward(fails=fails, at=at, code=errno.ENOSPC))
    with pytest.raises(NoGo, match="disk is full"):
        project.restore(facts)
    assert project.snapshot() == ruined
    assert project.stray() == []
    assert backup.recover(project.machine, project.layout) is None


def test_a_record_that_cannot_be_written_is_told_and_recovered(project: Project) -> None:
    facts = project.create()
    machine = evolve(project.machine, files=Awkward(fails="write_atomic", at=3))
    with pytest.raises(NeedsPerson, match="could not be recorded"):
        backup.restore(machine, project.layout, facts, project.settings)
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert recovery.forward
    assert recovery.identical
    assert read_undo(project.layout) is not None


def test_too_little_room_is_seen_before_anything_is_written(project: Project) -> None:
    facts = project.create()
    before = sorted(project.root.rglob("*"))
    project.machine = evolve(project.machine, host=Room(100))
    with pytest.raises(NoGo, match="more than are free"):
        project.restore(facts)
    assert sorted(p for p in project.root.rglob("*") if "locks" not in p.parts) == [
        p for p in before if "locks" not in p.parts
    ]
    project.machine = evolve(project.machine, host=Room(None))
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical


def test_setuid_is_never_restored(project: Project) -> None:
    project.put("config/scripts/su.sh", mode=0o755).chmod(0o6755)
    facts = project.create()
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    mode = (project.root / "config/scripts/su.sh").stat().st_mode
    assert stat.S_IMODE(mode) == 0o755


def test_read_only_folders_come_back_and_go_again(project: Project) -> None:
    project.put("uploads/shut/one", "1", mode=0o440)
    (project.root / "uploads/shut").chmod(0o550)
    facts = project.create()
    for _ in range(3):
        assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert (project.root / "uploads/shut").stat().st_mode & 0o777 == 0o550


def test_a_root_that_changed_its_kind(project: Project) -> None:
    facts = project.create()
    SystemFiles().remove_tree(project.root / "uploads")
    project.put("uploads", "now a file")
    (project.root / "library.json").unlink()
    (project.root / "library.json").mkdir()
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    backup.undo(project.machine, project.layout)
    assert (project.root / "uploads").read_text() == "now a file"
    assert (project.root / "library.json").is_dir()


def test_the_parent_of_a_root_is_made_again(project: Project) -> None:
    project.put("data/deep/file", "1")
    project.components(data=("data/deep",))
    facts = project.create()
    SystemFiles().remove_tree(project.root / "data")
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert (project.root / "data/deep/file").read_text() == "1"


def test_a_parent_that_became_a_link_is_refused(project: Project, tmp_path: Path) -> None:
    project.put("data/deep/file", "1")
    project.components(data=("data/deep",))
    facts = project.create()
    SystemFiles().remove_tree(project.root / "data")
    (tmp_path / "elsewhere").mkdir()
    (project.root / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageProblem, match="below the link"):
        project.restore(facts)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_links_in_the_living_tree_are_not_followed(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    facts = project.create()
    SystemFiles().remove_tree(project.root / "config/scripts")
    (project.root / "config/scripts").symlink_to(outside)
    (outside / ".env").write_text("not ours")
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert [p.name for p in outside.iterdir()] == [".env"]
    assert not (project.root / "config/scripts/.env").exists()


def test_a_new_link_where_a_folder_with_secrets_stood_leads_nothing_out(project: Project) -> None:
    project.put("releases/v1/deep/keep", "1")
    (project.root / "config/linked").symlink_to("../releases/v1")
    facts = project.create()
    (project.root / "config/linked").unlink()
    project.put("config/linked/deep/.env", "SECRET")
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert not (project.root / "releases/v1/deep/.env").exists()


def test_only_one_at_a_time(project: Project) -> None:
    facts = project.create()
    lock = project.layout.state / "locks" / "backup-restore.lock"
    with project.machine.files.lock(lock, "somebody"):
        with pytest.raises(Locked):
            project.restore(facts)
        with pytest.raises(Locked):
            backup.undo(project.machine, project.layout)


def test_an_archive_that_was_replaced_since_it_was_chosen(project: Project) -> None:
    first = project.create()
    project.put("library.json", "other")
    second = project.create()
    (project.root / second.name).replace(project.root / first.name)
    beside = project.root / (first.name + ".sha256")
    beside.write_text(beside.read_text().replace(first.sha256, second.sha256))
    with pytest.raises(Damaged, match="not the archive that was chosen"):
        project.restore(first)


def test_a_rehearsal_checks_everything_and_changes_nothing(project: Project) -> None:
    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    roots = backup.rehearse(project.machine, project.layout, facts, project.settings)
    assert project.snapshot() == ruined
    assert len(roots) == 5


def test_an_archive_does_not_choose_its_own_targets(project: Project) -> None:
    facts = project.create()
    ruined = project.snapshot()
    fewer = evolve(project.settings, components={"database": Component(paths=("library.json",))})
    with pytest.raises(UsageProblem, match="which no component names"):
        backup.restore(project.machine, project.layout, facts, fewer)
    assert project.snapshot() == ruined


def test_a_service_that_writes_at_once_is_seen(project: Project) -> None:
    class Eager(SystemFiles):
        def sync_directory(self, path: Path) -> None:
            if path == project.root and read_journal(project.layout):
                (project.root / "library.json").write_text("written by the service")
            super().sync_directory(path)

    facts = project.create()
    done = backup.restore(evolve(project.machine, files=Eager()), project.layout, facts, project.settings)
    assert not done.identical
    assert backup.differences(project.layout, facts) == ("library.json",)


def test_a_service_that_replaces_its_file_before_recovery(project: Project) -> None:
    class Dies(SystemFiles):
        def exchange(self, one: Path, other: Path) -> None:
            raise KeyboardInterrupt

    facts = project.create()
    _ruin(project)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(evolve(project.machine, files=Dies()), project.layout, facts, project.settings)
    journal = read_journal(project.layout)
    assert journal is not None
    assert (journal.state, journal.operation) == (State.PREPARED, Operation.RESTORE)
    (project.root / "library.json").unlink()
    project.put("library.json", "a new file of the service")
    with pytest.raises(CannotTell, match="interrupted restore"):
        backup.plan(project.machine, project.layout, project.settings, "production")
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert recovery.forward
    assert recovery.identical
    assert (project.root / "library.json").read_text() == '{"images": []}'
    backup.undo(project.machine, project.layout)
    assert (project.root / "library.json").read_text() == "a new file of the service"


class Busy(Awkward):
    """A service replaces its file, as a whole, when the journal is prepared; the disk fails or dies later."""

    def __init__(self, project: Project, *, fails: str, at: int, again: int = 0) -> None:
        super().__init__(fails=fails, at=at)
        self._project, self._again, self._renames = project, again, 0

    def replace(self, content: str) -> None:
        fresh = self._project.put("library.json.tmp", content)
        fresh.replace(self._project.root / "library.json")

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        super().write_atomic(path, content, mode)
        if path == self._project.layout.journal and b'"prepared"' in content:
            self.replace("of the service")

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._renames += 1
        if self._renames == self._again:
            self.replace("of the service, later")
            raise KeyboardInterrupt


@pytest.mark.parametrize(("fails", "at"), [("exchange", 3), ("rename", 3)])
def test_what_a_service_has_put_there_meanwhile_comes_back_too(project: Project, fails: str, at: int) -> None:
    facts = project.create()
    _ruin(project)
    ruined = {**project.snapshot(), "library.json": (oct(0o100640), b"of the service")}
    with pytest.raises(NoGo, match="everything stands as before"):
        backup.restore(
            evolve(project.machine, files=Busy(project, fails=fails, at=at)), project.layout, facts, project.settings
        )
    assert project.snapshot() == ruined
    assert project.stray() == []


def test_a_service_that_replaces_its_file_before_and_behind_makes_no_mixture(project: Project) -> None:
    facts = project.create()
    _ruin(project)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(
            evolve(project.machine, files=Busy(project, fails="", at=0, again=3)), project.layout, facts, project.settings
        )
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert recovery.forward
    assert backup.differences(project.layout, facts) == ("library.json",)


class Dying(Awkward):
    """A disk without exchange of names on which the process dies after the n-th rename or the n-th tree that it drops."""

    def __init__(self, *, renames: int = 0, drops: int = 0, **how: Any) -> None:
        super().__init__(**how)
        self._renames, self._drops = renames, drops

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._renames -= 1
        if self._renames == 0:
            raise KeyboardInterrupt

    def remove_tree(self, path: Path) -> None:
        super().remove_tree(path)
        self._drops -= 1
        if self._drops == 0:
            raise KeyboardInterrupt


def _dead(project: Project, facts: BackupFacts, files: SystemFiles) -> None:
    with pytest.raises(KeyboardInterrupt):
        backup.restore(evolve(project.machine, files=files), project.layout, facts, project.settings)


def _until_bare(project: Project, name: str) -> Dying:
    """Dies when the target of this name was moved away, and before the new one stands there."""

    class UntilBare(Dying):
        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            if source == project.root / name:
                raise KeyboardInterrupt

    return UntilBare(exchange_errno=errno.ENOSYS)


def test_recovery_without_exchange_keeps_the_old_file_where_a_service_made_another(project: Project) -> None:
    facts = project.create()
    _ruin(project)
    _dead(project, facts, _until_bare(project, "library.json"))
    assert not (project.root / "library.json").exists()
    project.put("library.json", "{}")
    machine = evolve(project.machine, files=Awkward(exchange_errno=errno.ENOSYS))
    recovery = backup.recover(machine, project.layout)
    assert recovery is not None
    assert recovery.forward
    assert recovery.identical
    assert sorted((project.root / name).read_text() for name in project.stray() if "library" in name) == ["broken", "{}"]
    backup.undo(machine, project.layout)
    assert (project.root / "library.json").read_text() == "broken"


@pytest.mark.parametrize("name", ["library.json", "absent/thing"])
def test_going_back_puts_the_old_tree_back_where_a_service_made_another(project: Project, name: str) -> None:
    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    _dead(project, facts, _until_bare(project, name))
    project.put(name, "of the service")
    for staged in project.root.glob(".uploads.dhash-new-*"):  # lost, so that there is no way forward
        shutil.rmtree(staged)
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert not recovery.forward
    assert project.snapshot() == ruined
    left = [path for each in project.stray() if (path := project.root / each).is_file()]
    assert [path.read_text() for path in left] == ["of the service"], "laid aside, not dropped"


def test_what_a_service_makes_while_it_goes_back_stays(project: Project) -> None:
    """Nothing stood there before, and the staged copy is dropped: what is there now is the service's."""
    facts = project.create()
    (project.root / "library.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        backup.restore(
            evolve(project.machine, files=Dying(fails="exchange", at=1, drops=5)),
            project.layout,
            facts,
            project.settings,
        )
    assert not list(project.root.glob(".library.json.dhash-new-*")), "it died after that one was dropped"
    project.put("library.json", "of the service")
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert not recovery.forward
    assert (project.root / "library.json").read_text() == "of the service"


def test_a_disk_too_full_for_the_word_that_it_goes_back_needs_a_person(project: Project) -> None:
    class Full(Awkward):
        def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
            if b'"abandoned"' in content:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().write_atomic(path, content, mode)

    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    full = evolve(project.machine, files=Full(fails="exchange", at=2))
    with pytest.raises(NeedsPerson, match="could not all be put back"):
        backup.restore(full, project.layout, facts, project.settings)
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert recovery.forward
    assert project.snapshot() != ruined


def test_what_is_mounted_inside_a_root_is_neither_moved_nor_emptied(project: Project) -> None:
    facts = project.create()
    with mounted(project.root / "uploads/volume", "-t", "tmpfs", "tmpfs") as volume:
        (volume / "precious").write_text("of somebody else")
        with pytest.raises(NoGo, match=r"uploads/volume is a mount point"):
            project.restore(facts)
        with pytest.raises(OSError, match="mounted in it"):
            SystemFiles().remove_tree(project.root / "uploads")
        assert (volume / "precious").read_text() == "of somebody else"
    project.restore(facts)
    with mounted(project.root / "uploads/volume", "-t", "tmpfs", "tmpfs"), pytest.raises(NoGo, match="mount point"):
        backup.undo(project.machine, project.layout)


def test_recovery_goes_back_where_a_staged_tree_is_lost(project: Project) -> None:
    class Dies(SystemFiles):
        calls = 0

        def exchange(self, one: Path, other: Path) -> None:
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            super().exchange(one, other)

    facts = project.create()
    _ruin(project)
    ruined = project.snapshot()
    with pytest.raises(KeyboardInterrupt):
        backup.restore(evolve(project.machine, files=Dies()), project.layout, facts, project.settings)
    [lost] = [name for name in project.stray() if name.startswith(".uploads.dhash-new")]
    SystemFiles().remove_tree(project.root / lost)
    recovery = backup.recover(project.machine, project.layout)
    assert recovery is not None
    assert not recovery.forward
    assert project.snapshot() == ruined
    assert project.stray() == []


def test_a_journal_that_nobody_understands_stops_everything(project: Project) -> None:
    project.layout.state.mkdir()
    project.layout.journal.write_text('{"version": 2}')
    with pytest.raises(Damaged, match="cannot be understood"):
        backup.recover(project.machine, project.layout)


def test_growing_files_are_kept_to_their_length_at_open(project: Project) -> None:
    project.put("logs/app.log", "one\n")

    class Appends(SystemFiles):
        def make_directory(self, path: Path, mode: int = 0o750) -> None:
            super().make_directory(path, mode)
            with (project.root / "logs/app.log").open("a") as file:
                file.write("more\n")

    project.settings = BackupSettings(components={"logs": Component(paths=("logs",), grows=True)})
    facts = backup.create(
        evolve(project.machine, files=Appends()),
        project.layout,
        project.settings,
        backup.plan(project.machine, project.layout, project.settings, "production"),
    )
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical


def test_an_old_tree_that_cannot_be_dropped_stops_nothing_and_goes_with_the_next(project: Project) -> None:
    class Clings(SystemFiles):
        def __init__(self) -> None:
            self.clings = True

        def remove_tree(self, path: Path) -> None:
            if self.clings and ".dhash-prev-" in path.name:
                raise OSError(errno.EACCES, "somebody else's")
            super().remove_tree(path)

    files = Clings()
    project.machine = evolve(project.machine, files=files)
    facts = project.create()
    for _ in range(2):
        _ruin(project)
        assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert not project.layout.journal.exists()
    assert len(project.stray()) > 5
    project.create()
    files.clings = False
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert len(project.stray()) <= 5


def test_what_cannot_be_read_back_is_not_identical(project: Project) -> None:
    """After the exchange nothing may look as if nothing had been touched."""
    facts = project.create()
    _ruin(project)
    damaged = project.root / facts.name

    class Spoils(SystemFiles):
        def exchange(self, one: Path, other: Path) -> None:
            super().exchange(one, other)
            damaged.write_bytes(damaged.read_bytes()[:100])

    done = backup.restore(evolve(project.machine, files=Spoils()), project.layout, facts, project.settings)
    assert not done.identical
    assert (project.root / "library.json").read_text() == '{"images": []}'


@pytest.mark.parametrize("character", ["a", "写"])
def test_roots_with_the_longest_names_come_back_and_go_again(project: Project, character: str) -> None:
    names = [character * (252 // len(character.encode())) + end for end in ("x", "y")]
    for name in names:
        project.put(f"{name}/one", name[-1])
    project.settings = BackupSettings(components={"long": Component(paths=tuple(names))})
    facts = project.create()
    for name in names:
        (project.root / name / "one").write_text("later")
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert [(project.root / name / "one").read_text() for name in names] == ["x", "y"]
    backup.undo(project.machine, project.layout)
    assert [(project.root / name / "one").read_text() for name in names] == ["later", "later"]
