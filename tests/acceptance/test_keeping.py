"""Keeping, proving and removing backups through the installed program, judged by what stands on the disk."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from support.programs import lacking, program
from support.project import PROGRAM, Project, clean_environment


def _archives(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / "backups").glob("dhash_production_*.zip"))


def _taken(project: Project, count: int) -> list[str]:
    for _ in range(count):
        assert project.guard("backup", "create", "--verify").code == 0
    return _archives(project)


def _spoil(path: Path) -> None:
    """Change a byte of the first member's content: the directory at the end stays readable."""
    content = bytearray(path.read_bytes())
    content[content.index(b"library.json") + len(b"library.json") + 2] ^= 0xFF
    path.write_bytes(content)


def _configured(project: Project, **backup: Any) -> None:
    project.environment["backup"].update(backup)
    project.write()


def test_the_last_ones_stay_and_each_reason_is_said(project: Project) -> None:
    names = _taken(project, 4)
    planned = project.guard("backup", "prune", "--keep-last", "2", "--dry-run")
    assert planned.code == 0, planned.err
    assert f"backups/{names[0]}  delete: no rule keeps it" in planned.out
    assert f"backups/{names[3]}  keep: last 1 of 2" in planned.out
    assert _archives(project) == names
    done = project.guard("backup", "prune", "--keep-last", "2", "--json")
    assert done.code == 0, done.err
    assert [(one["backup"], one["action"]) for one in done.json["backups"]] == [
        (f"backups/{name}", action) for name, action in zip(names, ("deleted", "deleted", "keep", "keep"), strict=True)
    ]
    assert _archives(project) == names[2:]
    assert sorted(path.name for path in (project.root / "backups").glob("*.sha256")) == [
        f"{name}.sha256" for name in names[2:]
    ]
    evidence = project.evidence()
    assert (evidence["run"]["verb"], evidence["result"]) == ("backup prune", "pruned")
    assert evidence["stages"][0]["findings"][0]["text"] == "deleted: no rule keeps it"


def test_the_configured_rules_are_the_default(project: Project) -> None:
    names = _taken(project, 3)
    assert project.guard("backup", "prune").code == 0
    assert _archives(project) == names, "ten, where nothing is said"
    _configured(project, keep={"last": 1})
    assert project.guard("backup", "create").code == 0
    assert len(_archives(project)) == 4, "taking a backup removes nothing by itself"
    assert project.guard("backup", "create", "--prune").code == 0
    assert len(_archives(project)) == 1


def test_what_is_older_goes_but_never_the_last(project: Project) -> None:
    faketime = program("faketime", "faketime")
    where = {"cwd": project.root, "capture_output": True, "text": True, "check": True}
    guard = str(Path(sys.executable).with_name("dhash-guard"))
    for when in ("-60 days", "-40 days", "-20 days"):
        subprocess.run([faketime, "-f", when, guard, "backup", "create"], **where)  # type: ignore[call-overload]
    names = _archives(project)
    done = project.guard("backup", "prune", "--older-than", "30d")
    assert done.code == 0, done.err
    assert _archives(project) == names[1:], "older by more than thirty days than the newest"
    for when in ("-10 years", "+10 years"):
        subprocess.run([faketime, "-f", when, guard, "backup", "prune", "--older-than", "30d"], **where)  # type: ignore[call-overload]
        assert _archives(project) == names[1:]


def test_the_documents_retention_of_a_deployment_is_in_days(project: Project) -> None:
    _taken(project, 2)
    done = project.guard("deploy", "--tag", "next", "--backup-retention", "14", "--force")
    assert done.code == 0, done.err
    assert len(_archives(project)) == 3, "it backs up first, and nothing is older than fourteen days"
    stages = {stage["name"]: stage for stage in project.evidence()["stages"]}
    assert stages["prune"]["text"].startswith("removed 0 of 3 backups")
    refused = project.guard("deploy", "--tag", "next", "--backup-retention", "14", "--backup-file", "x", "--force")
    assert refused.code == 2


def test_what_a_rollback_would_need_stays(project: Project) -> None:
    project.deployed()
    [target] = _archives(project)
    _taken(project, 2)
    done = project.guard("backup", "prune", "--keep-last", "1")
    assert done.code == 0, done.err
    assert "goes back to it" in done.out
    assert target in _archives(project)
    assert len(_archives(project)) == 2
    rolled_back = project.guard("rollback", "--force")
    assert rolled_back.code == 0, rolled_back.err
    assert project.guard("backup", "prune", "--keep-last", "1").code == 0
    assert target in _archives(project)


def test_nothing_goes_when_the_newest_is_damaged(project: Project) -> None:
    names = _taken(project, 3)
    _spoil(project.root / "backups" / names[-1])
    done = project.guard("backup", "prune", "--keep-last", "1")
    assert done.code == 4, done.out + done.err
    assert "nothing was removed" in done.err
    assert _archives(project) == names
    listed = {Path(one["name"]).name: one for one in project.guard("backup", "list", "--json").json}
    assert listed[names[-1]]["verified"]["result"] == "failed"
    assert listed[names[0]]["verified"]["result"] == "passed"
    assert "✗" in project.guard("backup", "list").out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes files immutable")
def test_an_immutable_one_is_skipped_and_told(project: Project) -> None:
    chattr = program("chattr", "e2fsprogs")
    names = _taken(project, 3)
    locked = project.root / "backups" / names[0]
    if subprocess.run([chattr, "+i", str(locked)], capture_output=True, check=False).returncode:
        lacking("this disk has no immutable files")
    try:
        done = project.guard("backup", "prune", "--keep-last", "1")
    finally:
        subprocess.run([chattr, "-i", str(locked)], check=True)
    assert done.code == 1, done.out + done.err
    assert f"backups/{names[0]}  stuck: it could not be removed" in done.out
    assert _archives(project) == [names[0], names[2]]
    assert project.guard("backup", "verify", "--all").code == 0, "still sealed"


def test_wrong_rules_are_refused(project: Project) -> None:
    assert project.guard("backup", "prune", "--keep-last", "0").code == 2
    assert project.guard("backup", "prune", "--older-than", "soon").code == 2
    _configured(project, keep={"lats": 3})
    done = project.guard("backup", "prune")
    assert done.code == 2
    assert "last" in done.err
    _configured(project, keep={"weekly": 0})
    assert "too small" in project.guard("backup", "prune").err


def test_sealed_is_not_verified(project: Project) -> None:
    """A backup that was only taken says so; reading it whole is a proof of its own, whoever asks for it."""
    assert project.guard("backup", "create").code == 0
    [taken] = project.guard("backup", "list", "--json").json
    assert taken["verified"] is None
    assert "never" in project.guard("backup", "list").out
    assert project.guard("backup", "verify").code == 0
    [taken] = project.guard("backup", "list", "--json").json
    assert taken["verified"]["result"] == "passed"


def test_the_newest_is_meant_also_where_it_cannot_be_read(project: Project) -> None:
    names = _taken(project, 2)
    newest = project.root / "backups" / names[-1]
    newest.write_bytes(newest.read_bytes()[:-40])
    done = project.guard("backup", "verify")
    assert done.code == 4, done.out
    assert names[-1] in done.out
    assert project.guard("backup", "drill").code == 4
    day = {one["name"]: one for one in project.guard("maintain", "--period", "daily", "--json").json["stages"]}
    assert day["backup"]["status"] == "failed"


def test_a_reference_that_is_empty_means_no_backup(project: Project) -> None:
    """As a script gives it whose variable is not set."""
    _taken(project, 1)
    for arguments in (["verify", ""], ["verify", "--backup", ""], ["drill", "--backup", ""]):
        done = project.guard("backup", *arguments)
        assert done.code == 2, done.out
        assert "there is no backup ''" in done.err


def test_the_list_says_what_was_proven(project: Project) -> None:
    names = _taken(project, 2)
    [first, second] = project.guard("backup", "list", "--json").json
    assert [Path(one["name"]).name for one in (first, second)] == names, "oldest first"
    assert (first["verified"]["result"], first["drilled"]) == ("passed", None)
    assert first["verified"]["sha256"] == first["sha256"]
    assert 0 <= first["age"] < 600
    assert project.guard("backup", "verify", f"backups/{names[0]}", "--dry-run").code == 0
    assert project.guard("backup", "list", "--json").json[0]["verified"]["at"] == first["verified"]["at"]
    assert project.guard("backup", "verify", f"backups/{names[0]}").code == 0
    assert project.guard("backup", "list", "--json").json[0]["verified"]["at"] > first["verified"]["at"]
    (project.root / "backups" / names[1]).write_bytes(b"not a zip")
    text = project.guard("backup", "list").out
    assert text.splitlines()[0].split() == ["backup", "sealed", "verified", "drilled", "age", "size", "where"]
    assert "no readable archive" in text


PROBE = """
import json, os, pathlib, sys
here = pathlib.Path.cwd()
assert here == pathlib.Path(sys.argv[1]), (here, sys.argv)
assert json.loads((here / "library.json").read_text())["schema"] == int(sys.argv[2])
"""


def _probed(project: Project, schema: int) -> None:
    (project.root / "probe.py").write_text(PROBE)
    command = [sys.executable, str(project.root / "probe.py"), "{scratch}", str(schema)]
    _configured(project, drill={"run": command, "timeout": "30s"})


def test_a_drill_restores_probes_and_leaves_a_receipt(project: Project) -> None:
    _taken(project, 1)
    _probed(project, 1)
    scratch = project.root / "scratch"
    scratch.mkdir()
    before = (project.root / "library.json").read_text()
    done = project.guard("backup", "drill", "--into", str(scratch))
    assert done.code == 0, done.out + done.err
    assert "every hash agrees; the probe passed" in done.out
    assert list(scratch.iterdir()) == []
    assert (project.root / "library.json").read_text() == before
    [one] = project.guard("backup", "list", "--json").json
    receipt = one["drilled"]
    assert (receipt["result"], receipt["files"], receipt["sha256"]) == ("passed", 2, one["sha256"])
    assert receipt["probe"].endswith("probe.py {scratch} 1")
    assert receipt["seconds"] >= 0
    assert project.evidence()["result"] == "drilled"


def test_a_drill_without_a_probe_says_so(project: Project) -> None:
    _taken(project, 1)
    planned = project.guard("backup", "drill", "--dry-run")
    assert planned.code == 0
    assert "would restore 2 entries" in planned.out
    assert project.guard("backup", "list", "--json").json[0]["drilled"] is None
    done = project.guard("backup", "drill")
    assert done.code == 0
    assert "no probe was run" in done.out


def test_a_failing_probe_is_exit_1_and_on_record(project: Project, tmp_path: Path) -> None:
    _taken(project, 1)
    _probed(project, 2)
    done = project.guard("backup", "drill", "--into", str(tmp_path))
    assert done.code == 1, done.out
    assert "the probe of the drill failed" in done.err
    assert not list(tmp_path.glob("dhash-drill-*"))
    assert project.guard("backup", "list", "--json").json[0]["drilled"]["result"] == "failed"


def test_a_probe_that_never_ends_is_exit_7(project: Project) -> None:
    _taken(project, 1)
    _configured(project, drill={"run": [sys.executable, "-c", "import time; time.sleep(60)"], "timeout": "300ms"})
    done = project.guard("backup", "drill")
    assert done.code == 7, done.out
    assert project.guard("backup", "list", "--json").json[0]["drilled"]["result"] == "failed"


def test_a_drill_of_nothing_and_of_something_damaged(project: Project) -> None:
    assert project.guard("backup", "drill").code == 3
    [name] = _taken(project, 1)
    assert project.guard("backup", "drill", "--into", "nowhere").code == 2
    _spoil(project.root / "backups" / name)
    assert project.guard("backup", "drill").code == 4
    assert project.guard("backup", "list", "--json").json[0]["drilled"]["result"] == "failed"


DUMP = """
import sqlite3, sys
with sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True) as live:
    print("\\n".join(live.iterdump()))
"""

LOAD = """
import pathlib, sqlite3, sys
with sqlite3.connect(":memory:") as fresh:
    fresh.executescript((pathlib.Path(sys.argv[1]) / "dump.sql").read_text())
    assert fresh.execute("select count(*) from games").fetchone()[0] == 2
"""


def test_a_project_that_is_only_dumps_is_proven_by_a_drill_that_loads_them(project: Project) -> None:
    live = project.root / "live.db"
    with sqlite3.connect(live) as database:
        database.executescript("create table games (name text); insert into games values ('a'), ('b');")
    database.close()
    (project.root / "dump.py").write_text(DUMP)
    (project.root / "load.py").write_text(LOAD)
    dump = [sys.executable, "dump.py", "live.db"]
    project.environment["backup"]["components"] = {"database": {"run": dump, "to": "dump.sql", "restore": ["false"]}}
    _configured(project, drill={"run": [sys.executable, str(project.root / "load.py"), "{scratch}"]})
    _taken(project, 1)
    assert project.guard("backup", "drill").code == 0, "and the command that loads into what is real was not run"
    with sqlite3.connect(live) as database:
        database.execute("delete from games")
    database.close()
    _taken(project, 1)
    assert project.guard("backup", "drill").code == 1


def test_a_drill_that_was_killed_is_cleared_up_by_a_prune(project: Project, tmp_path: Path) -> None:
    _taken(project, 1)
    _configured(project, drill={"run": [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]})
    drilling = subprocess.Popen(
        [str(PROGRAM), "backup", "drill", "--into", str(tmp_path)],
        cwd=project.root,
        env=clean_environment(),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + 30
    while not list(tmp_path.glob("dhash-drill-*/version.txt")) and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(drilling.pid, signal.SIGKILL)
    drilling.wait(timeout=30)
    [left] = tmp_path.glob("dhash-drill-*")
    assert project.guard("backup", "prune", "--dry-run").code == 0
    assert left.exists()
    assert project.guard("backup", "prune").code == 0
    assert not left.exists()


def test_the_gate_asks_for_a_drill(project: Project) -> None:
    _taken(project, 3)  # so quickly that the last is dated a moment ahead of the clock
    project.environment["requires"] = {"backup": {"drilled_within": "1h"}}
    project.write()
    never = project.guard("gate")
    assert never.code == 3, never.out
    assert "never drilled" in never.out
    assert project.guard("backup", "drill").code == 0
    assert project.guard("gate").code == 0
    _taken(project, 1)
    assert project.guard("gate").code == 0, "a drill proves the way back, also of a newer backup"
    project.environment["requires"] = {"backup": {"drilled_within": "1ms"}}
    project.write()
    old = project.guard("gate")
    assert old.code == 1, old.out
    project.environment["requires"] = {"backup": {"drilled_within": "1h"}}
    _probed(project, 2)
    assert project.guard("backup", "drill").code == 1
    failed = project.guard("gate")
    assert failed.code == 1
    assert "failed" in failed.out


def _with_logs(project: Project) -> None:
    (project.root / "service.log").write_text("one\n")
    project.environment["backup"]["components"]["logs"] = {"paths": ["service.log"], "when": "requested"}
    project.write()


def test_a_backup_of_the_logs_takes_no_place_of_one_with_the_database(project: Project) -> None:
    _with_logs(project)
    project.environment["backup"]["keep"] = {"last": 2}
    project.write()
    assert project.guard("backup", "create").code == 0
    [whole] = project.root.glob("backups/*.zip")
    for _ in range(3):
        assert project.guard("backup", "create", "--components", "logs", "--prune").code == 0
    assert whole.exists()
    assert len(list(project.root.glob("backups/*.zip"))) == 3
    (project.root / "library.json").write_text("lost")
    assert project.guard("rollback", "--force").code == 0
    assert json.loads((project.root / "library.json").read_text()) == {"schema": 1}


def test_the_gate_asks_for_a_backup_that_is_a_way_back(project: Project) -> None:
    _with_logs(project)
    project.environment["requires"] = {"backup": {"younger_than": "1h", "drilled_within": "1h"}}
    project.write()
    assert project.guard("backup", "create", "--components", "logs").code == 0
    assert project.guard("backup", "drill").code == 0
    done = project.guard("gate")
    assert done.code == 3, done.out + done.err
    assert "none holds all of database, release" in done.out + done.err
    assert project.guard("backup", "create").code == 0
    done = project.guard("gate")
    assert done.code == 3, "the drill was of the logs"
    assert "never drilled" in done.out + done.err
    for archive in project.root.glob("backups/*.zip*"):
        archive.unlink()
    assert project.guard("backup", "create").code == 0
    assert project.guard("gate").code == 3, "nor does it count when that backup is gone"
    assert project.guard("backup", "drill").code == 0
    done = project.guard("gate")
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize("spoilt", ["dated ahead", "half a line"])
def test_one_that_was_found_damaged_does_not_count_whatever_became_of_its_receipts(project: Project, spoilt: str) -> None:
    for _ in range(3):
        assert project.guard("backup", "create").code == 0
    first, second, third = sorted(project.root.glob("backups/*.zip"))
    assert project.guard("backup", "verify", str(second)).code == 0
    [receipts] = (project.root / ".dhash-guard").rglob(f"{sha256(second.read_bytes()).hexdigest()}.jsonl")
    if spoilt == "half a line":
        receipts.write_bytes(receipts.read_bytes() + b'{"at":17')
    content = bytearray(second.read_bytes())
    content[40] ^= 1
    second.write_bytes(content)
    assert project.guard("backup", "verify", str(second)).code == 4
    if spoilt == "dated ahead":
        lines = receipts.read_text().splitlines()
        failed = json.loads(lines[-1])
        receipts.write_text("\n".join([*lines[:-1], json.dumps({**failed, "at": failed["at"] + 3600}), ""]))
    done = project.guard("backup", "prune", "--keep-last", "2")
    assert done.code == 0, done.err
    assert first.exists()
    assert second.exists(), "whether it is worth anything is for a person to say"
    assert third.exists()
