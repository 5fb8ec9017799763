"""Taking a backup: names, order of the commit, what is refused, and that a failure leaves nothing behind."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.settings import BackupSettings, Component, Hook
from dhash_guard.errors import CannotTell, Damaged, Locked, NoGo, OutsideSilent, UsageProblem
from dhash_guard.records.backup import Purpose
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.units import Seconds
from dhash_guard.system.files import SystemFiles
from dhash_guard.system.host import SystemHost

if TYPE_CHECKING:
    from unit.backup.project import Project


def _need(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is missing in CI")
        pytest.skip(f"{program} is missing; apt-get install {package}")
    return found


def _names(project: Project) -> list[str]:
    return sorted(p.relative_to(project.layout.backups).as_posix() for p in project.layout.backups.rglob("*") if p.is_file())


class ShortOfSpace(SystemFiles):
    """A disk that is full from one call on; the order of the calls is remembered."""

    def __init__(self, fails: str = "", after: Callable[[Path], None] | None = None) -> None:
        self.calls: list[str] = []
        self._fails = fails
        self._after = after
        self._created = Path()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self._fails:
            raise OSError(errno.ENOSPC, "No space left on device")

    def create(self, path: Path, mode: int = 0o640) -> BinaryIO:
        self._call("create")
        self._created = path
        return super().create(path, mode)

    def finish(self, file: BinaryIO) -> None:
        self._call("finish")
        super().finish(file)
        if self._after:
            self._after(self._created)

    def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
        self._call("checksum" if path.suffix == ".sha256" else "number")
        super().write_atomic(path, content, mode)

    def rename(self, source: Path, target: Path) -> None:
        self._call("rename")
        super().rename(source, target)

    def sync_directory(self, path: Path) -> None:
        if self.calls and self.calls[-1] == "rename":
            self._call("sync")
        super().sync_directory(path)


def test_name_facts_and_sidecar(project: Project) -> None:
    facts = project.create()
    assert facts.name == "backups/dhash_production_20260921_141320.zip"
    assert (facts.environment, facts.purpose, facts.sequence) == ("production", Purpose.BACKUP, 1)
    assert facts.components == ("artifacts", "config", "database")
    assert facts.problem == ""
    beside = (project.root / (facts.name + ".sha256")).read_text()
    assert beside == f"{facts.sha256}  {facts.name}\n"
    assert backup.verify(project.machine, project.layout, facts).ok
    assert (project.root / facts.name).stat().st_mode & 0o777 == 0o640


def test_plain_tools_check_the_archive(project: Project, tmp_path: Path) -> None:
    sha256sum, unzip = _need("sha256sum", "coreutils"), _need("unzip", "unzip")
    facts = project.create()
    run = subprocess.run(
        [sha256sum, "-c", f"{facts.name}.sha256"], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert subprocess.run([unzip, "-t", facts.name], cwd=project.root, capture_output=True, check=False).returncode == 0
    out = tmp_path / "out"
    subprocess.run([unzip, "-q", project.root / facts.name, "-d", out], check=True)
    run = subprocess.run([sha256sum, "-c", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert os.readlink(out / "releases/current") == "v1"
    assert (out / "config/scripts/run.sh").stat().st_mode & 0o777 == 0o755
    assert not (out / "config/.env").exists()


def test_names_increase_although_the_clock_does_not(project: Project) -> None:
    first, second = project.create(), project.create()
    project.clock.at -= 315_000_000
    third, other = project.create(), project.create("staging")
    assert first.name < second.name < third.name
    assert [f.sequence for f in (first, second, third, other)] == [1, 2, 3, 1]
    assert other.name.startswith("backups/dhash_staging_2016")


def test_a_number_is_given_once_whatever_became_of_its_archive(project: Project) -> None:
    first, second = project.create(), project.create()
    newest = project.root / second.name
    newest.write_bytes(newest.read_bytes()[:-30])
    assert project.create().sequence == 3
    shutil.move(project.layout.backups, project.root / "elsewhere")
    assert (project.create().sequence, project.create("staging").sequence) == (4, 1)
    assert first.sequence == 1


def test_it_goes_on_from_what_a_deployment_knew_of(project: Project) -> None:
    """Archives that only the store has count too, also where the store is silent now."""
    deployment = Deployment(
        id="d", environment="production", tag="t", commit="", begun_at=1.0, newest_sequence=7, backup="", baseline=None,
        state=DeploymentState.OPEN,
    )  # fmt: skip
    record = project.layout.deployment("production")
    record.parent.mkdir(parents=True)
    record.write_bytes(canonical(to_data(deployment)))
    assert project.create().sequence == 8


def test_a_number_that_nobody_can_read_is_not_guessed(project: Project) -> None:
    project.create()
    [record] = (project.layout.state / "numbers").iterdir()
    record.write_text("?")
    with pytest.raises(Damaged, match="number") as refusal:
        project.create()
    assert refusal.value.where.endswith("numbers/production.json") and refusal.value.cure
    record.unlink()
    assert project.create().sequence == 2


def test_after_the_end_of_time_nothing_can_be_named(project: Project) -> None:
    last = project.put("backups/dhash_production_99991231_235959.zip")
    with pytest.raises(NoGo, match="9999") as refusal:
        project.create()
    assert refusal.value.where == "backups/dhash_production_99991231_235959.zip"
    last.unlink()
    project.create()


def test_each_archive_names_the_one_before(project: Project) -> None:
    first, second = project.create(), project.create()
    with opened(project.root / second.name) as archive:
        assert archive.header().previous_sha256 == first.sha256
    with opened(project.root / first.name) as archive:
        assert archive.header().previous_sha256 == ""


def test_a_snapshot_before_rollback_matches_no_glob(project: Project) -> None:
    facts = project.create(purpose=Purpose.PRE_ROLLBACK)
    assert facts.name.startswith("backups/pre_rollback/pre_rollback_dhash_production_")
    assert facts.purpose is Purpose.PRE_ROLLBACK
    assert not list(project.layout.backups.glob("dhash_production_*.zip"))
    assert [f.name for f in backup.listing(project.layout, "production")] == [facts.name]


def test_the_rename_of_the_zip_is_the_commit(project: Project) -> None:
    files = ShortOfSpace()
    project.machine = evolve(project.machine, files=files)
    project.create()
    assert files.calls == ["create", "finish", "number", "checksum", "rename", "sync"]


@pytest.mark.parametrize("step", ["create", "finish", "number", "checksum", "rename", "sync"])
def test_a_full_disk_leaves_nothing(project: Project, step: str) -> None:
    before = project.create()
    kept = _names(project)
    project.machine = evolve(project.machine, files=ShortOfSpace(step))
    with pytest.raises(NoGo, match="disk is full"):
        project.create()
    assert _names(project) == kept
    assert backup.verify(project.machine, project.layout, before).ok


def test_an_archive_that_reads_back_differently_is_not_sealed(project: Project) -> None:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[60] ^= 1
        path.write_bytes(content)

    project.machine = evolve(project.machine, files=ShortOfSpace(after=damage))
    with pytest.raises(Damaged):
        project.create()
    assert _names(project) == []


def test_leftovers_of_killed_runs_are_swept_and_nothing_else(project: Project) -> None:
    sealed = project.create()
    folder = project.layout.backups
    own = [
        ".dhash_production_20200101_000000.zip.partial",
        "dhash_staging_20200101_000000.zip.sha256",
        ".dhash_production_20200101_000000.zip.sha256.77.tmp",
    ]
    foreign = ["notes.zip.sha256", ".other_production_20200101_000000.zip.partial", "dhash_production_20200101_000000.zip"]
    for name in (*own, *foreign):
        (folder / name).write_bytes(b"x")
    project.create()
    assert not [name for name in own if (folder / name).exists()]
    assert all((folder / name).exists() for name in foreign)
    assert (project.root / sealed.name).exists()


def test_plan_reads_only_and_says_what_is_left_out(project: Project) -> None:
    before = sorted(project.root.rglob("*"))
    plan = backup.plan(project.machine, project.layout, project.settings, "production")
    assert sorted(project.root.rglob("*")) == before
    assert plan.collection.left_out == ("config/.env",)
    assert plan.name == "backups/dhash_production_20260921_141320.zip"
    assert plan.bytes == 14 + 4 + 10 + 100


def test_what_a_restore_put_there_meanwhile_is_backed_up(project: Project) -> None:
    """A plan is made without the lock: whoever had it until then may have exchanged a root."""
    project.put("uploads/new.json", b"old")
    plan = backup.plan(project.machine, project.layout, project.settings, "production")
    shutil.move(project.root / "uploads", project.root / "before")
    project.put("uploads/restored.json", b"restored")
    facts = backup.create(project.machine, project.layout, project.settings, plan)
    with opened(project.root / facts.name) as archive:
        names = [entry.name for entry in archive.entries()]
    assert "uploads/restored.json" in names
    assert "uploads/new.json" not in names


def test_an_unfinished_restore_comes_first(project: Project) -> None:
    project.layout.state.mkdir()
    project.layout.journal.write_text("{}")
    with pytest.raises(CannotTell, match="interrupted restore"):
        project.create()


def test_only_one_at_a_time(project: Project) -> None:
    plan = backup.plan(project.machine, project.layout, project.settings, "production")
    lock = project.layout.state / "locks" / "backup-restore.lock"
    with project.machine.files.lock(lock, "somebody"), pytest.raises(Locked, match="somebody"):
        backup.create(project.machine, project.layout, project.settings, plan)


@pytest.mark.parametrize("environment", ["../up", "a/b", "", "a b"])
def test_an_environment_is_part_of_a_file_name(project: Project, environment: str) -> None:
    if environment:
        with pytest.raises(UsageProblem):
            project.create(environment)


def _hooks(project: Project, quiesce: str, resume: str, timeout: float = 20.0) -> None:
    def hook(code: str) -> Hook:
        return Hook(run=(sys.executable, "-c", code), timeout=Seconds(timeout))

    project.settings = evolve(project.settings, quiesce=hook(quiesce), resume=hook(resume))


def test_files_are_read_after_quiesce_and_resume_follows(project: Project) -> None:
    _hooks(project, "open('library.json','w').write('flushed')", "open('resumed','w')")
    facts = project.create()
    assert (project.root / "resumed").exists()
    (project.root / "library.json").write_text("later")
    project.restore(facts)
    assert (project.root / "library.json").read_text() == "flushed"


def test_a_failing_quiesce_fails_the_backup_and_still_resumes(project: Project) -> None:
    _hooks(project, "raise SystemExit('no')", "open('resumed','w')")
    with pytest.raises(NoGo, match="quiesce failed"):
        project.create()
    assert (project.root / "resumed").exists()
    assert _names(project) == []


def test_a_quiesce_without_end_is_outside_silent(project: Project) -> None:
    _hooks(project, "import time; time.sleep(60)", "open('resumed','w')", timeout=1.0)
    with pytest.raises(OutsideSilent, match="quiesce failed"):
        project.create()
    assert (project.root / "resumed").exists()


def test_a_failing_resume_is_told_and_leaves_no_backup(project: Project) -> None:
    _hooks(project, "pass", "raise SystemExit(3)")
    with pytest.raises(NoGo, match="resume failed"):
        project.create()
    assert _names(project) == []


def test_both_failures_are_told(project: Project) -> None:
    _hooks(project, "raise SystemExit(2)", "raise SystemExit(3)")
    with pytest.raises(NoGo, match=r"quiesce failed.*resume failed"):
        project.create()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_resume_runs_when_a_file_cannot_be_backed_up(project: Project) -> None:
    _hooks(project, "import os; os.mkfifo('uploads/pipe')", "open('resumed','w')")
    with pytest.raises(NoGo, match="uploads/pipe"):
        project.create()
    assert (project.root / "resumed").exists()


def test_nothing_that_exists_is_no_backup(project: Project) -> None:
    project.settings = BackupSettings(components={"a": Component(paths=("nowhere", "nor/here"))})
    with pytest.raises(NoGo, match="nothing to back up"):
        project.create()


class Filled(SystemHost):
    """A disk on which a killed backup has left `left` no room."""

    def __init__(self, left: Path) -> None:
        super().__init__()
        self.left = left

    def free_bytes(self, path: Path) -> int:
        return 0 if self.left.exists() else 1 << 30


def test_what_a_killed_backup_left_is_no_reason_to_refuse_the_next(project: Project) -> None:
    """It goes before the next one is written, so that a plan counts its bytes as free."""
    project.put("uploads/large.json", b"x" * 100_000)
    first = project.create()
    archive = project.root / first.name
    left = archive.with_name(f".{archive.name}.partial")
    archive.rename(left)
    left.write_bytes(bytes(100_000))
    machine = evolve(project.machine, host=Filled(left))
    plan = backup.plan(machine, project.layout, project.settings, "production")
    assert backup.create(machine, project.layout, project.settings, plan).problem == ""
    assert not left.exists()
    left.write_bytes(b"")
    with pytest.raises(NoGo, match="more than are free"):
        backup.plan(machine, project.layout, project.settings, "production")
