"""The way back where Windows and macOS differ, held to their disks' contracts: whole or not at all there too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.restoring.unpacking import require_names
from dhash_guard.errors import NeedsPerson, NoGo
from dhash_guard.system.files import Files
from support.foreign_disks import Mac, Windows

if TYPE_CHECKING:
    from unit.backup.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="makes names that other disks refuse: run on Linux")


def on(project: Project, files: Files) -> None:
    project.machine = evolve(project.machine, files=files)


def lost(project: Project) -> dict[str, object]:
    """Change something in every root; how it stands then."""
    project.put("library.json", "broken")
    (project.root / "config/app.yml").unlink()
    project.put("uploads/two.png")
    return project.snapshot()


@pytest.mark.parametrize("files", [Windows(), Mac()], ids=["windows", "mac"])
def test_a_backup_is_made_put_back_and_undone(project: Project, files: Files) -> None:
    on(project, files)
    before = project.snapshot()
    facts = project.create()
    assert backup.verify(project.machine, project.layout, facts).ok
    ruined = lost(project)
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical
    assert project.snapshot() == before
    backup.undo(project.machine, project.layout)
    assert project.snapshot() == ruined


@pytest.mark.parametrize("name", ["library.json", "config/scripts/run.sh", "uploads/one.png"])
def test_a_file_that_the_service_holds_open_stops_the_restore_and_nothing_has_changed(project: Project, name: str) -> None:
    windows = Windows()
    on(project, windows)
    facts = project.create()
    ruined = lost(project)
    with (
        windows.held(project.root / name),
        pytest.raises(NoGo, match=r"stands as before.*used by another process") as stopped,
    ):
        project.restore(facts)
    assert name.partition("/")[0] in str(stopped.value)
    assert (project.snapshot(), project.stray()) == (ruined, [])
    assert backup.recover(project.machine, project.layout) is None
    assert backup.restore(project.machine, project.layout, facts, project.settings).identical


def test_a_file_opened_halfway_needs_a_person_and_recovery_finishes_once_it_is_closed(project: Project) -> None:
    """What was exchanged already is opened before it can be put back: neither forward nor back until it is closed."""

    class Opened(Windows):
        def rename(self, source: Path, target: Path) -> None:
            if self.renames == 4:
                self._open |= {project.root / "library.json", project.root / "uploads/one.png"}
            super().rename(source, target)

    windows = Opened()
    on(project, windows)
    before = project.snapshot()
    facts = project.create()
    ruined = lost(project)
    with pytest.raises(NeedsPerson, match="backup recover"):
        project.restore(facts)
    assert project.layout.journal.exists()
    windows._open.clear()
    assert backup.recover(project.machine, project.layout) is not None
    assert project.snapshot() in (before, ruined), "all old or all new"
    assert not project.layout.journal.exists()


@pytest.mark.parametrize("name", ["aux.json", "NUL", "a:b", "what?", "end."])
def test_a_name_that_windows_does_not_take_is_refused_before_anything_changes(project: Project, name: str) -> None:
    """Made on Linux, where such a name is one like any other; both disks say so here."""
    project.put(f"uploads/{name}", "kept")
    facts = project.create()
    on(project, Windows())
    ruined = lost(project)
    with pytest.raises(NoGo, match="could not be staged, everything stands as before") as stopped:
        project.restore(facts)
    assert name in str(stopped.value)
    assert (project.snapshot(), project.stray()) == (ruined, [])


def test_names_that_windows_would_take_for_others_are_told_before_anything_is_written(project: Project) -> None:
    """It opens `a:b` as a stream of `a`, and `end.` as `end`, and says nothing."""
    names = ("a:b", "end.", "con.png", "fine.png")
    for name in names:
        project.put(f"uploads/{name}", "kept")
    facts = project.create()
    with opened(project.root / facts.name) as archive:
        require_names(archive, "posix")
        with pytest.raises(NoGo) as refusal:
            require_names(archive, "nt")
    assert [name for name in names if name in str(refusal.value)] == ["a:b", "end.", "con.png"]


def test_what_a_device_has_swallowed_is_missed_when_the_tree_is_read_back(project: Project) -> None:
    project.put("uploads/nul", "kept")
    facts = project.create()
    on(project, Windows(swallows=True))
    lost(project)
    done = backup.restore(project.machine, project.layout, facts, project.settings)
    assert not done.identical
    assert backup.differences(project.layout, facts) == ("uploads/nul",)


def test_a_link_that_this_user_may_not_make_stops_the_restore_before_anything_changes(project: Project) -> None:
    facts = project.create()
    on(project, Windows(links=False))
    ruined = lost(project)
    with pytest.raises(NoGo, match="required privilege"):
        project.restore(facts)
    assert (project.snapshot(), project.stray()) == (ruined, [])


def test_two_spellings_of_one_name_are_no_backup_on_any_system(project: Project) -> None:
    """Refused where both can lie side by side, because the disk that it is put back on may take them for one."""
    project.put("uploads/ONE.png")
    with pytest.raises(NoGo, match="one name on some disks"):
        project.create()
