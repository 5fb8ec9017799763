"""After something went wrong: an interrupted restore, the way back from one, and refusals that say what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from dhash_guard.records.backup import BackupFacts
from support.programs import program
from support.project import PROGRAM, Project, clean_environment
from support.vaults import restore_until, sealed_at

EARLIER = '{"schema": 1}\n'
LATER = '{"schema": 2}\n'


def _interrupted(project: Project, exchange: int) -> BackupFacts:
    """A restore of the earlier library that died before this exchange."""
    [facts] = sealed_at(project, time.time() - 60)
    (project.root / "library.json").write_text(LATER)
    (project.root / "version.txt").write_text("later\n")
    restore_until(project, facts, exchange)
    return facts


def _library(project: Project) -> str:
    return (project.root / "library.json").read_text()


def test_recover_says_what_it_would_do_and_then_what_it_did(project: Project) -> None:
    facts = _interrupted(project, exchange=2)
    dry = project.guard("backup", "recover", "--dry-run", "--json")
    assert (dry.code, dry.json["recovered"]) == (0, None)
    assert (dry.json["planned"]["forward"], dry.json["planned"]["backup"]) == (True, facts.name)
    assert (project.root / ".dhash-guard/restore.json").exists(), "nothing was touched"
    done = project.guard("backup", "recover", "--json")
    assert done.code == 0, done.err
    told = done.json["recovered"]
    assert (told["backup"], told["forward"], told["identical"]) == (facts.name, True, True)
    assert done.json["planned"] is None
    assert (_library(project), project.version) == (EARLIER, "good")
    again = project.guard("backup", "recover")
    assert again.out == "nothing was left unfinished\n"


def test_recover_says_on_stdout_that_the_files_are_those_of_the_backup(project: Project) -> None:
    facts = _interrupted(project, exchange=2)
    dry = project.guard("backup", "recover", "--dry-run")
    assert dry.out.startswith(f"an interrupted restore of {facts.name} would be carried through: ")
    done = project.guard("backup", "recover")
    assert done.code == 0, done.err
    assert done.out.startswith(f"an interrupted restore of {facts.name} was carried through: ")
    assert "every file read back with its sha256" in done.out
    assert done.err == "", "said once"


def test_what_is_not_staged_whole_is_taken_back(project: Project) -> None:
    _interrupted(project, exchange=0)
    dry = project.guard("backup", "recover", "--dry-run")
    assert "would be taken back: " in dry.out
    done = project.guard("backup", "recover", "--json")
    assert (done.code, done.json["recovered"]["forward"], done.json["recovered"]["identical"]) == (0, False, None)
    assert _library(project) == LATER


def test_a_file_that_was_written_since_the_crash_is_said(project: Project) -> None:
    """The service came up again on what was half restored, and wrote."""
    facts = _interrupted(project, exchange=2)
    changed = next(name for name in ("library.json", "version.txt") if "later" not in (project.root / name).read_text())
    restored = (project.root / changed).read_text()
    assert restored in (EARLIER, "good\n")
    (project.root / changed).write_text("written since\n")
    done = project.guard("backup", "recover")
    assert done.code == 6, done.out + done.err
    assert f"is not what {facts.name} holds" in done.out
    assert (project.root / changed).read_text() == "written since\n"
    assert project.guard("backup", "recover").code == 0


def test_an_undo_is_rehearsed_as_it_would_end(project: Project) -> None:
    nothing = project.guard("backup", "undo", "--dry-run")
    assert nothing.code == 3, "as without --dry-run"
    assert "there is no restore to undo" in nothing.err
    [facts] = sealed_at(project, time.time() - 60)
    (project.root / "library.json").write_text(LATER)
    assert project.guard("backup", "restore", "--backup", facts.name, "--force").code == 0
    dry = project.guard("backup", "undo", "--dry-run", "--json")
    assert (dry.code, dry.json["result"]) == (0, "planned")
    assert dry.json["stages"][0]["text"] == f"would take the restore of {facts.name} back: library.json, version.txt"
    assert _library(project) == EARLIER
    assert project.guard("backup", "undo", "--force").code == 0
    assert _library(project) == LATER
    assert project.guard("backup", "undo", "--dry-run").code == 3


def test_an_undo_is_not_rehearsed_over_an_unfinished_restore(project: Project) -> None:
    _interrupted(project, exchange=2)
    done = project.guard("backup", "undo", "--dry-run")
    assert done.code == 3
    assert "dhash-guard backup recover" in done.err


def test_only_one_backup_can_be_named(project: Project) -> None:
    [first, second] = sealed_at(project, time.time() - 60, time.time() - 30)
    done = project.guard("backup", "verify", first.name, "--backup", second.name)
    assert done.code == 2, done.out
    assert "Name one backup, or give --days, or --all." in done.err


def test_a_damaged_backup_is_exit_4_whoever_is_given_it(project: Project) -> None:
    [facts] = sealed_at(project, time.time() - 60)
    path = project.root / facts.name
    content = bytearray(path.read_bytes())
    content[content.index(b"library.json") + len(b"library.json") + 2] ^= 0xFF  # the first member's content
    path.write_bytes(content)
    for command in (
        ["deploy", "--tag", "next", "--backup-file"],
        ["rollback", "--backup"],
        ["backup", "restore", "--backup"],
    ):
        done = project.guard(*command, facts.name, "--force")
        assert done.code == 4, done.out + done.err
    assert project.version == "good"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_lock_of_another_user_says_whose_it_is_and_what_to_do(project: Project) -> None:
    lock = project.root / ".dhash-guard/locks/backup-restore.lock"
    lock.parent.mkdir(parents=True)
    lock.touch(0o600)
    os.chown(lock, 4711, 4711)
    powerless = [program("setpriv", "util-linux"), "--bounding-set=-dac_override,-dac_read_search", str(PROGRAM)]
    where = {"cwd": project.root, "env": clean_environment(), "capture_output": True, "text": True, "check": False}
    for verb, code in (("create", 1), ("recover", 7)):
        if verb == "recover":
            (project.root / ".dhash-guard/restore.json").write_text("{}")
        done = subprocess.run([*powerless, "backup", verb], **where)  # type: ignore[call-overload]
        assert done.returncode == code, done.stdout + done.stderr
        assert f"{lock}: Permission denied\n  {lock} belongs to user 4711: run this as that user" in done.stderr


def test_recover_says_what_was_perhaps_not_loaded_and_asks_for_a_person(project: Project) -> None:
    project.environment["backup"]["components"]["dump"] = {
        "run": ["echo", "dumped"],
        "to": "dump.sql",
        "restore": ["sh", "-c", "touch loading; sleep 60"],
    }
    project.write()
    assert project.guard("backup", "create").code == 0
    [archive] = project.root.glob("backups/*.zip")
    command = [str(PROGRAM), "backup", "restore", "--backup", str(archive), "--force"]
    child = subprocess.Popen(command, cwd=project.root, env=clean_environment(), stderr=subprocess.DEVNULL)
    while not (project.root / "loading").exists():
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.wait()
    done = project.guard("backup", "recover")
    assert done.code == 6, done.err
    assert "dump.sql was perhaps not loaded: restore the backup once more" in done.out


def _with_staging(project: Project) -> str:
    """A second environment with a file of its own, and a backup of it."""
    staging = json.loads(json.dumps(project.environment)) | {"kind": "staging"}
    staging["backup"]["components"] = {"database": {"paths": ["staging.json"]}}
    project.settings["environments"]["staging"] = staging
    project.write()
    (project.root / "staging.json").write_text("{}")
    assert project.guard("backup", "create", "--env", "staging").code == 0
    [archive] = project.root.glob("backups/dhash_staging_*.zip")
    return archive.name


def test_undo_takes_back_what_was_restored_for_that_environment_only(project: Project) -> None:
    _with_staging(project)
    assert project.guard("backup", "create", "--env", "production").code == 0
    [archive] = project.root.glob("backups/dhash_production_*.zip")
    (project.root / "library.json").write_text(LATER)
    assert project.guard("backup", "restore", "--env", "production", "--backup", archive.name, "--force").code == 0
    for more in ((), ("--dry-run",)):
        other = project.guard("backup", "undo", "--env", "staging", "--force", *more)
        assert other.code == 2, other.out
        assert "backup undo --env production" in other.err
    assert _library(project) == EARLIER
    assert project.guard("backup", "undo", "--env", "production", "--force").code == 0
    assert _library(project) == LATER


def test_a_rollback_to_a_backup_of_another_environment_keeps_its_retention_away(project: Project) -> None:
    name = _with_staging(project)
    project.environment["backup"]["components"]["other"] = {"paths": ["staging.json"]}
    prune = [str(PROGRAM), "backup", "prune", "--env", "staging", "--older-than", "1ms"]
    again = [str(PROGRAM), "backup", "create", "--env", "staging"]
    said = f"import subprocess as s; open('codes', 'w').write(str([s.run(c).returncode for c in ({again!r}, {prune!r})]))"
    project.environment["service_control"] = {"stop": [sys.executable, "-c", said], "start": ["true"]}
    project.write()
    (project.root / "staging.json").write_text("later")
    done = project.guard("rollback", "--env", "production", "--backup", name, "--from-env", "staging", "--force")
    assert (project.root / "codes").read_text() == "[0, 8]", "another backup is no harm, retention is"
    assert done.code == 0, done.err
    assert (project.root / "staging.json").read_text() == "{}"
