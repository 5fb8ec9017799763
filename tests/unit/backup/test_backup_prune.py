"""Pruning on a real disk: read back first, locked files skipped, what is needed stays, receipts for what was read."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.receipts import latest, receipts_for, receipts_of, write
from dhash_guard.backup.settings import Keep
from dhash_guard.errors import Damaged, Locked
from dhash_guard.records.receipt import Proof, Result
from dhash_guard.system.files import SystemFiles

if TYPE_CHECKING:
    from dhash_guard.records.backup import BackupFacts
    from unit.backup.project import Project


class LockedFiles(SystemFiles):
    """A disk on which some files can be neither renamed nor removed, as with `chattr +i`."""

    def __init__(self, *locked: str) -> None:
        self._locked = locked

    def rename(self, source: Path, target: Path) -> None:
        self._refuse(source)
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._refuse(path)
        super().remove(path)

    def _refuse(self, path: Path) -> None:
        if path.name.endswith(self._locked):
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))


def _taken(project: Project, count: int) -> list[BackupFacts]:
    """So many backups, an hour apart."""
    found = []
    for _ in range(count):
        found.append(project.create())
        project.clock.at += 3600
    return found


def _spoil(project: Project, facts: BackupFacts) -> None:
    """Change a byte of a picture, which is stored as it is: only reading it whole tells."""
    path = project.root / facts.name
    picture = (project.root / "uploads/one.png").read_bytes()
    content = path.read_bytes()
    assert content.count(picture) == 1
    path.write_bytes(content.replace(picture, bytes([picture[0] ^ 1]) + picture[1:]))


def _names(project: Project) -> list[str]:
    return [facts.name for facts in backup.listing(project.layout, "production")]


def _prune(project: Project, keep: Keep) -> backup.Pruned:
    return backup.prune(project.machine, project.layout, "production", keep)


def test_what_no_rule_keeps_goes_with_its_checksum_file(project: Project) -> None:
    first, second, third = _taken(project, 3)
    staging = project.create("staging")
    done = _prune(project, Keep(last=2))
    assert done.removed == (first.name,)
    assert done.stuck == ()
    assert _names(project) == [second.name, third.name]
    assert backup.listing(project.layout, "staging") == [staging]
    assert sorted(path.name for path in project.layout.backups.iterdir() if first.name.rpartition("/")[2] in path.name) == []
    assert _prune(project, Keep(last=2)).removed == ()


def test_a_dry_run_decides_the_same_and_removes_nothing(project: Project) -> None:
    first, second = _taken(project, 2)
    dry = project.machine.rehearsing()
    done = backup.prune(dry, project.layout, "production", Keep(last=1))
    assert [(decision.backup.name, decision.keep) for decision in done.decisions] == [
        (first.name, False),
        (second.name, True),
    ]
    assert _names(project) == [first.name, second.name]
    assert not project.layout.receipts.exists()


def test_nothing_goes_while_the_newest_does_not_read_back(project: Project) -> None:
    backups = _taken(project, 3)
    _spoil(project, backups[-1])
    with pytest.raises(Damaged, match="nothing was removed"):
        _prune(project, Keep(last=1))
    assert _names(project) == [facts.name for facts in backups]
    _taken(project, 1)
    with_new = _prune(project, Keep(last=1))
    assert with_new.removed == tuple(facts.name for facts in backups)


def test_one_that_does_not_read_back_takes_no_place(project: Project) -> None:
    first, second, third, fourth = _taken(project, 4)
    _spoil(project, third)
    done = _prune(project, Keep(last=2))
    assert done.removed == (first.name,)
    assert _names(project) == [second.name, third.name, fourth.name]
    [reason] = [decision.reasons[0] for decision in done.decisions if decision.backup == third]
    assert reason.startswith("counts for nothing: ")


def test_what_a_receipt_proves_is_not_read_again(project: Project) -> None:
    first, second, third = _taken(project, 3)
    assert backup.read_whole(project.machine, project.layout, second).ok
    project.clock.at += 60
    _prune(project, Keep(last=2))
    assert [len(receipts_of(project.layout, facts)) for facts in (first, second, third)] == [0, 1, 1]


def test_a_locked_archive_is_skipped_and_stays_sealed(project: Project) -> None:
    first, second, third = _taken(project, 3)
    machine = evolve(project.machine, files=LockedFiles(Path(first.name).name))
    done = backup.prune(machine, project.layout, "production", Keep(last=1))
    assert done.removed == (second.name,)
    assert done.stuck == ((first.name, "Operation not permitted"),)
    assert _names(project) == [first.name, third.name]
    assert backup.verify(project.machine, project.layout, first).ok


def test_a_locked_checksum_file_leaves_the_archive_under_its_name(project: Project) -> None:
    first, second = _taken(project, 2)
    machine = evolve(project.machine, files=LockedFiles(f"{Path(first.name).name}.sha256"))
    done = backup.prune(machine, project.layout, "production", Keep(last=1))
    assert done.stuck == ((first.name, "Operation not permitted"),)
    assert _names(project) == [first.name, second.name]


def test_what_was_restored_last_stays(project: Project) -> None:
    first, second, third = _taken(project, 3)
    project.restore(first)
    assert _prune(project, Keep(last=1)).removed == (second.name,)
    assert _names(project) == [first.name, third.name]


def test_a_copy_under_another_name_stays_and_takes_no_place(project: Project) -> None:
    first, second = _taken(project, 2)
    for suffix in ("", ".sha256"):
        shutil.copy(project.root / f"{second.name}{suffix}", project.layout.backups / f"keep-me.zip{suffix}")
    assert _prune(project, Keep(last=2)).removed == ()
    assert _prune(project, Keep(last=1)).removed == (first.name,)
    assert _names(project) == [second.name, "backups/keep-me.zip"]


def test_a_record_of_a_restore_that_nobody_understands_stops_it(project: Project) -> None:
    first, second = _taken(project, 2)
    project.layout.state.mkdir(exist_ok=True)
    project.layout.undo.write_text("{")
    with pytest.raises(Damaged, match="cannot be understood"):
        _prune(project, Keep(last=1))
    assert _names(project) == [first.name, second.name]


def test_no_prune_while_a_backup_is_taken(project: Project) -> None:
    _taken(project, 2)
    lock = project.layout.state / "locks" / "backup-restore.lock"
    with project.machine.files.lock(lock, "a backup"), pytest.raises(Locked):
        _prune(project, Keep(last=1))


def test_a_receipt_counts_for_its_archive_only(project: Project) -> None:
    first, second = _taken(project, 2)
    assert backup.read_whole(project.machine, project.layout, first).ok
    [receipt] = receipts_of(project.layout, first)
    assert (receipt.proof, receipt.sha256, receipt.result) == (Proof.VERIFIED, first.sha256, Result.PASSED)
    assert receipts_of(project.layout, second) == ()
    assert receipts_of(project.layout, evolve(first, sha256=second.sha256)) == ()
    [stored] = project.layout.receipts.iterdir()
    stored.rename(project.layout.receipts / f"{second.sha256}.jsonl")
    assert receipts_of(project.layout, second) == (), "a receipt that was filed under another hash proves nothing of it"
    assert receipts_for(project.layout, "production") == ()


def test_a_failure_is_that_files_and_no_copys(project: Project) -> None:
    facts = project.create()
    _spoil(project, facts)
    assert not backup.read_whole(project.machine, project.layout, facts).ok
    assert [receipt.ok for receipt in receipts_of(project.layout, facts)] == [False]
    assert receipts_of(project.layout, evolve(facts, name="backups/copy.zip")) == ()


def test_lines_that_are_no_receipts_prove_nothing(project: Project) -> None:
    facts = project.create()
    backup.read_whole(project.machine, project.layout, facts)
    [path] = project.layout.receipts.iterdir()
    path.write_bytes(path.read_bytes() + b'\xff\n{"proof": "drilled"}\n[]\nnull\n')
    assert len(receipts_of(project.layout, facts)) == 1
    [receipt] = receipts_for(project.layout, "production")
    assert latest([evolve(receipt, at=project.clock.at + 9)], Proof.VERIFIED, project.clock.at) is None, "from the future"
    assert not write(project.machine, project.layout, evolve(receipt, sha256="../../x"))


def test_receipts_that_cannot_be_kept_do_not_stop_a_verification(project: Project) -> None:
    facts = project.create()
    project.layout.receipts.write_text("in the way")
    assert backup.read_whole(project.machine, project.layout, facts).ok
