"""Backups through the installed program: plain tools agree with them, and a lie is found."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from support.disks import mounted, refused
from support.programs import lacking, program
from support.project import Project


def newest(project: Project) -> Path:
    return max((project.root / "backups").glob("dhash_production_*.zip"))


def test_sha256sum_and_unzip_agree_from_the_project_root(project: Project) -> None:
    sha256sum, unzip = program("sha256sum", "coreutils"), program("unzip", "unzip")
    assert project.guard("backup", "create", "--env", "production", "--verbose").code == 0
    archive = newest(project).relative_to(project.root)
    for command in ([sha256sum, "-c", f"{archive}.sha256"], [unzip, "-t", str(archive)]):
        done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    out = project.root / "out"
    subprocess.run([unzip, "-q", str(archive), "-d", str(out)], cwd=project.root, check=True)
    subprocess.run([sha256sum, "-c", "--quiet", "SHA256SUMS"], cwd=out, check=True)


def test_the_documents_way_to_find_the_newest_backup_works(project: Project) -> None:
    for _ in range(3):
        assert project.guard("backup", "create").code == 0
    project.deployed()
    assert project.guard("rollback", "--force").code == 0  # leaves a snapshot, which must not be found
    shell = "ls -1 backups/dhash_production_*.zip | sort -r | head -n1"
    found = subprocess.run(["sh", "-c", shell], cwd=project.root, capture_output=True, text=True, check=True).stdout.strip()
    listed = [facts["name"] for facts in project.guard("backup", "list", "--json").json if facts["purpose"] == "backup"]
    assert found == listed[-1]
    assert len(listed) == 4


def test_a_text_file_with_a_right_checksum_is_no_backup(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    fake = project.root / "backups" / "dhash_production_20990101_000000.zip"
    fake.write_bytes(b"hello world\n")
    digest = hashlib.sha256(fake.read_bytes()).hexdigest()
    fake.with_name(fake.name + ".sha256").write_text(f"{digest}  backups/{fake.name}\n")
    reference = f"backups/{fake.name}"
    for command in (["backup", "verify", reference], ["rollback", "--backup", reference, "--force"]):
        done = project.guard(*command)
        assert done.code == 4, done.err
    assert project.guard("backup", "verify", "--all").code == 4
    done = project.guard("rollback", "--force")  # the default target is chosen by evidence, not by name
    assert done.code == 0, done.err


def test_nothing_to_verify_is_not_verified(project: Project) -> None:
    assert project.guard("backup", "verify").code == 3
    assert project.guard("rollback", "--force").code == 3


def test_a_restore_can_be_taken_back(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    (project.root / "library.json").write_text("newer")
    reference = f"backups/{newest(project).name}"
    done = project.guard("backup", "restore", "--backup", reference, "--force")
    assert done.code == 0, done.err
    assert (project.root / "library.json").read_text() == '{"schema": 1}\n'
    assert project.guard("backup", "undo", "--force").code == 0
    assert (project.root / "library.json").read_text() == "newer"
    assert project.guard("backup", "undo", "--force").code == 3


def test_another_environments_backup_is_refused(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    project.settings["environments"]["staging"] = dict(project.environment, kind="staging")
    project.write()
    done = project.guard("rollback", "--env", "staging", "--backup", f"backups/{newest(project).name}", "--force")
    assert done.code == 2, done.err
    assert "--from-env" in done.err


@pytest.mark.parametrize("at", ["uploads", "uploads/inner"])
def test_what_is_mounted_could_not_be_restored_and_is_not_backed_up(project: Project, tmp_path: Path, at: str) -> None:
    project.environment["backup"]["components"]["uploads"] = {"paths": ["uploads/"]}
    project.write()
    (project.root / "uploads/inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    with mounted(project.root / at, "--bind", str(tmp_path / "elsewhere")):
        for command in (("backup", "create"), ("backup", "create", "--dry-run"), ("check",)):
            done = project.guard(*command)
            assert done.code == 1, done.out + done.err
            assert f"'{at}' is a mount point" in done.out + done.err
    assert not list((project.root / "backups").glob("*")), "nothing was written"
    assert project.guard("backup", "create").code == 0


def test_a_plain_copy_of_a_mounted_file_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text("{}")
    if why := refused(["mount", "--bind", str(tmp_path / "elsewhere.json"), str(project.root / "library.json")]):
        lacking(f"cannot mount here: {why}")
    try:
        done = project.guard("backup", "create", "--single", "library.json")
    finally:
        refused(["umount", str(project.root / "library.json")])
    assert done.code == 1
    assert "library.json is a mount point" in done.err


def test_a_secret_file_is_left_out_and_said(project: Project) -> None:
    (project.root / "config").mkdir()
    (project.root / "config" / "app.json").write_text("{}")
    (project.root / "config" / ".env.production").write_text("TOKEN=1")
    project.environment["backup"]["components"]["config"] = {"paths": ["config/"]}
    project.write()
    done = project.guard("backup", "create")
    assert done.code == 0
    assert "left out: config/.env.production" in done.out


def test_modes_are_private(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    assert oct(newest(project).stat().st_mode & 0o777) == "0o640"
    assert oct((project.root / "backups").stat().st_mode & 0o777) == "0o750"


def test_a_dry_run_takes_nothing(project: Project) -> None:
    done = project.guard("backup", "create", "--dry-run")
    assert done.code == 0
    assert "would back up 2 entries" in done.out
    assert not (project.root / "backups").exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX links")
def test_a_backup_covers_a_link_as_a_link(project: Project) -> None:
    (project.root / "releases" / "one").mkdir(parents=True)
    (project.root / "current").symlink_to("releases/one")
    project.environment["backup"]["components"]["link"] = {"paths": ["current"]}
    project.write()
    assert project.guard("backup", "create").code == 0
    (project.root / "current").unlink()
    (project.root / "current").symlink_to("releases/two")
    assert project.guard("rollback", "--force").code == 0
    assert os.readlink(project.root / "current") == "releases/one"
