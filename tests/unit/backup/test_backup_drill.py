"""Drills on a real disk: everything comes back in a scratch directory that never stays, and the project is not touched."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.drilling import clear_dead
from dhash_guard.backup.receipts import receipts_of
from dhash_guard.backup.restoring.extract import extract
from dhash_guard.backup.settings import Keep
from dhash_guard.errors import CannotTell, Damaged, NoGo, UsageProblem
from dhash_guard.records.receipt import Proof, Receipt
from dhash_guard.system.files import SystemFiles
from dhash_guard.system.host import SystemHost

if TYPE_CHECKING:
    from dhash_guard.records.backup import BackupFacts
    from unit.backup.project import Project


class FullHost(SystemHost):
    """A machine with one byte free."""

    def free_bytes(self, path: Path) -> int | None:
        return 1


class FullFiles(SystemFiles):
    """A disk that is full once directories have to be made."""

    def make_directory(self, path: Path, mode: int = 0o750) -> None:
        if "dhash-drill-" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        super().make_directory(path, mode)


def _drills(project: Project, facts: BackupFacts) -> list[Receipt]:
    return [receipt for receipt in receipts_of(project.layout, facts) if receipt.proof is Proof.DRILLED]


@pytest.fixture
def above(tmp_path: Path) -> Path:
    found = tmp_path / "above"
    found.mkdir()
    return found


def test_everything_comes_back_below_the_scratch_directory(project: Project, above: Path) -> None:
    facts, before, seen = project.create(), project.snapshot(), dict[str, bytes]()

    def probe(scratch: Path) -> str:
        assert scratch.parent == above.resolve()
        for folder, _, files in os.walk(scratch):
            for name in files:
                if not (path := Path(folder, name)).is_symlink():
                    seen[path.relative_to(scratch).as_posix()] = path.read_bytes()
        assert oct((scratch / "config/scripts/run.sh").stat().st_mode)[-3:] == "755"
        assert os.readlink(scratch / "releases/current") == "v1"
        project.clock.at += 5
        return "all there"

    done = backup.drill(project.machine, project.layout, facts, above, probe, "look")
    assert sorted(seen) == ["config/app.yml", "config/scripts/run.sh", "library.json", "uploads/one.png"]
    assert seen["library.json"] == (project.root / "library.json").read_bytes()
    assert (done.files, done.probe) == (4, "all there")
    assert done.bytes == sum((project.root / name).stat().st_size for name in seen)
    assert project.snapshot() == before
    assert project.stray() == []
    assert list(above.iterdir()) == []
    [receipt] = _drills(project, facts)
    assert (receipt.ok, receipt.probe, receipt.files, receipt.bytes) == (True, "look", 4, done.bytes)
    assert receipt.seconds == done.seconds < 5, "the time to restore is that without the probe"


def test_a_probe_that_refuses_fails_the_drill(project: Project, above: Path) -> None:
    facts = project.create()

    def probe(scratch: Path) -> str:
        raise NoGo("of no use")

    with pytest.raises(NoGo, match="of no use"):
        backup.drill(project.machine, project.layout, facts, above, probe)
    assert list(above.iterdir()) == []
    assert [(receipt.ok, receipt.problem) for receipt in _drills(project, facts)] == [(False, "of no use")]


def test_a_damaged_one_is_not_restored(project: Project, above: Path) -> None:
    facts = project.create()
    path = project.root / facts.name
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Damaged):
        backup.drill(project.machine, project.layout, facts, above)
    assert list(above.iterdir()) == []
    assert [receipt.ok for receipt in _drills(project, facts)] == [False]


def test_no_room_is_said_before_anything_is_written(project: Project, above: Path) -> None:
    facts = project.create()
    with pytest.raises(NoGo, match="more than are free"):
        backup.drill(evolve(project.machine, host=FullHost()), project.layout, facts, above)
    assert list(above.iterdir()) == []
    assert _drills(project, facts) == [], "it says nothing of the backup"


def test_a_disk_that_fills_up_leaves_nothing(project: Project, above: Path) -> None:
    facts = project.create()
    with pytest.raises(NoGo, match="the disk is full"):
        backup.drill(evolve(project.machine, files=FullFiles()), project.layout, facts, above)
    assert list(above.iterdir()) == []
    assert _drills(project, facts) == []


def test_a_directory_that_is_none(project: Project, above: Path) -> None:
    with pytest.raises(UsageProblem, match="is no directory"):
        backup.drill(project.machine, project.layout, project.create(), above / "gone")


def test_a_receipt_that_cannot_be_written_fails_the_drill(project: Project, above: Path) -> None:
    facts = project.create()
    project.layout.receipts.write_text("in the way")
    with pytest.raises(NoGo, match="receipt"):
        backup.drill(project.machine, project.layout, facts, above)


def test_what_a_killed_drill_left_goes_with_the_next(project: Project, above: Path) -> None:
    facts = project.create()

    def drill(probe: Callable[[Path], str]) -> None:
        backup.drill(project.machine, project.layout, facts, above, probe)

    def dies(scratch: Path) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return "never"

    child = os.fork()
    if child == 0:  # pragma: no cover - ends in the middle of its probe
        drill(dies)
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    [left] = above.glob("dhash-drill-*")
    assert (left / "library.json").exists()

    def look(scratch: Path) -> str:
        assert list(above.iterdir()) == [scratch], "the dead one's is gone, the living one's is there"
        clear_dead(project.machine, project.layout)
        assert list(above.iterdir()) == [scratch]
        return ""

    drill(look)
    assert list(above.iterdir()) == []
    assert list((project.layout.state / "drills").iterdir()) == []


def test_a_prune_clears_up_after_a_killed_drill_and_keeps_what_is_drilled(project: Project, above: Path) -> None:
    first = project.create()
    for _ in range(2):
        project.clock.at += 3600
        project.create()

    def look(scratch: Path) -> str:
        project.clock.at += 1
        done = backup.prune(project.machine, project.layout, "production", Keep(last=1))
        assert first.name not in done.removed
        assert len(done.removed) == 1
        [kept] = [each for each in done.decisions if each.backup.name == first.name]
        assert "a drill of it is under way" in " ".join(kept.reasons)
        assert scratch.exists()
        return "unharmed"

    assert backup.drill(project.machine, project.layout, first, above, look).probe == "unharmed"
    assert [receipt.ok for receipt in _drills(project, first)] == [True]
    assert backup.prune(project.machine, project.layout, "production", Keep(last=1)).removed == (first.name,)


def test_a_backup_that_is_gone_before_the_drill_begins_fails_none(project: Project, above: Path) -> None:
    facts = project.create()
    (project.root / facts.name).unlink()
    with pytest.raises(CannotTell, match="gone"):
        backup.drill(project.machine, project.layout, facts, above)
    assert _drills(project, facts) == []
    assert list(above.iterdir()) == []


def test_a_record_that_names_another_directory_removes_nothing(project: Project, above: Path) -> None:
    (above / "dear").mkdir()
    record = project.layout.state / "drills" / "dhash-drill-0.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"version": 1, "backup": "b", "sha256": "", "scratch": str(above / "dear")}))
    clear_dead(project.machine, project.layout)
    assert (above / "dear").is_dir()
    assert not record.exists()


def test_extracting_counts_what_it_wrote(project: Project, above: Path) -> None:
    done = extract(project.machine, project.layout, project.create(), above)
    assert done.files == 4
    assert sorted(path.name for path in above.iterdir()) == ["config", "library.json", "releases", "uploads"]
