"""Backups of dumps, databases and single files, and of what other tools made, through the installed program."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from support.programs import program
from support.project import Project


def components(project: Project, **given: object) -> None:
    project.environment["backup"]["components"] = given
    project.write()


def newest(project: Project) -> Path:
    return max((project.root / "backups").glob("dhash_production_*.zip"))


def seal(path: Path) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    return path


DUMP = "import sys; print('CREATE TABLE pairs;'); print('dumping', file=sys.stderr)"
LOAD = "import sys; open('loaded.sql', 'w').write(sys.stdin.read())"


def test_a_dump_is_backed_up_and_loaded(project: Project) -> None:
    components(
        project,
        database={"run": [sys.executable, "-c", DUMP], "to": "dumps/db.sql", "restore": [sys.executable, "-c", LOAD]},
        library={"paths": ["library.json"]},
    )
    dry = project.guard("backup", "create", "--dry-run")
    assert dry.code == 0 and not (project.root / "backups").exists(), dry.err
    done = project.guard("backup", "create")
    assert done.code == 0, done.err
    with zipfile.ZipFile(newest(project)) as archive:
        assert archive.read("dumps/db.sql") == b"CREATE TABLE pairs;\n"
    reference = f"backups/{newest(project).name}"
    dry = project.guard("backup", "restore", "--backup", reference, "--force", "--dry-run")
    assert dry.code == 0 and not (project.root / "loaded.sql").exists()
    done = project.guard("backup", "restore", "--backup", reference, "--force")
    assert done.code == 0, done.err
    assert (project.root / "loaded.sql").read_text() == "CREATE TABLE pairs;\n"


@pytest.mark.parametrize(
    ("code", "more", "exit_code", "word"),
    [
        ("raise SystemExit('connection refused')", {}, 1, "connection refused"),
        ("pass", {}, 1, "gave nothing"),
        ("print('x')", {"min_bytes": 1000}, 1, "min_bytes is 1000"),
        ("import time; time.sleep(60)", {"timeout": "500ms"}, 7, "no end after"),
    ],
)
def test_a_dump_that_fails_is_no_backup(
    project: Project, code: str, more: dict[str, object], exit_code: int, word: str
) -> None:
    components(project, database={"run": [sys.executable, "-c", code], "to": "db.sql", **more})
    done = project.guard("backup", "create")
    assert done.code == exit_code
    assert word in done.err and "component database" in done.err
    assert not list((project.root / "backups").glob("*.zip*"))
    assert not (project.root / ".dhash-guard" / "made").exists()


def test_a_load_that_fails_needs_a_person(project: Project) -> None:
    load = [sys.executable, "-c", "raise SystemExit('no such role')"]
    components(project, database={"run": [sys.executable, "-c", DUMP], "to": "db.sql", "restore": load})
    assert project.guard("backup", "create").code == 0
    done = project.guard("backup", "restore", "--backup", newest(project).name, "--force")
    assert done.code == 6 and "no such role" in done.err


def test_a_database_in_use(project: Project) -> None:
    with closing(sqlite3.connect(project.root / "app.db")) as live:
        live.execute("PRAGMA journal_mode=wal")
        live.execute("CREATE TABLE pairs (a)")
        live.execute("INSERT INTO pairs VALUES (1)")
        live.commit()
        components(project, app={"paths": ["app.db"]})
        refused = project.guard("backup", "create")
        assert refused.code == 1 and "sqlite: [app.db]" in refused.err
        components(project, app={"sqlite": ["app.db"]})
        done = project.guard("backup", "create")
        assert done.code == 0, done.err
        live.execute("INSERT INTO pairs VALUES (2)")
        live.commit()
    assert project.guard("backup", "restore", "--backup", newest(project).name, "--force").code == 0
    with closing(sqlite3.connect(project.root / "app.db")) as again:
        assert again.execute("SELECT a FROM pairs").fetchall() == [(1,)]
        assert again.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_single_file_form(project: Project) -> None:
    components(project, database={"paths": ["library.json"]})
    assert "would copy library.json" in project.guard("backup", "create", "--single", "--dry-run").out
    done = project.guard("backup", "create", "--single")
    assert done.code == 0, done.err
    [copy] = (project.root / "backups").glob("library.json.bak.*Z")
    sha256sum = program("sha256sum", "coreutils")
    subprocess.run([sha256sum, "-c", f"backups/{copy.name}.sha256"], cwd=project.root, check=True, capture_output=True)
    assert project.guard("backup", "verify", f"backups/{copy.name}").code == 0
    listed = project.guard("backup", "list", "--json").json
    assert [facts["name"] for facts in listed] == [f"backups/{copy.name}"]
    (project.root / "library.json").write_text("broken")
    assert project.guard("backup", "restore", "--backup", copy.name, "--force").code == 0
    assert json.loads((project.root / "library.json").read_text()) == {"schema": 1}
    assert project.guard("backup", "create", "--single", "version.txt").code == 2
    for _ in range(2):
        assert project.guard("backup", "create", "--single", "library.json").code == 0
    assert project.guard("backup", "prune", "--keep-last", "1").code == 0
    assert len(list((project.root / "backups").glob("library.json.bak.*Z"))) == 2  # the newest, and what was restored last
    copy.write_text("{")
    assert project.guard("backup", "verify", copy.name).code == 4


def test_what_the_documents_scripts_made(project: Project) -> None:
    zip_program = program("zip", "zip")
    (project.root / "backups").mkdir()
    path = project.root / "backups/dhash_20250926_111849.zip"
    subprocess.run([zip_program, "-qr", str(path), "library.json", "version.txt"], cwd=project.root, check=True)
    seal(path)
    tar = project.root / "backups/dhash_20250926_111900.tar.gz"
    tar.write_bytes(b"\x1f\x8b")
    table = project.guard("backup", "list").out
    assert "made by another tool" in table and "tars are not read" in table
    assert project.guard("backup", "verify", path.name).code == 0
    refused = project.guard("backup", "restore", "--backup", tar.name, "--force")
    assert refused.code == 2 and "Make a zip of it" in refused.err
    (project.root / "version.txt").write_text("bad\n")
    done = project.guard("rollback", "--backup", f"backups/{path.name}", "--force")
    assert done.code == 0, done.err
    assert project.version == "good"


def test_a_foreign_zip_that_would_write_elsewhere(project: Project) -> None:
    (project.root / "backups").mkdir()
    path = project.root / "backups/dhash_production_20250926_111849.zip"
    for name, code, word in (("../../up", 4, "does not stay below"), ("deploy.py", 2, "which no component names")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "evil")
            archive.writestr("library.json", "{}")
        seal(path)
        done = project.guard("backup", "restore", "--backup", path.name, "--force")
        assert done.code == code and word in done.err, done.err
    assert (project.root / "library.json").read_text() == '{"schema": 1}\n'
    assert not (project.root.parent / "up").exists()


@pytest.mark.parametrize(
    ("component", "word"),
    [
        ({}, "names nothing"),
        ({"paths": ["a"], "sqlite": ["b"]}, "has several (paths, sqlite)"),
        ({"run": ["pg_dump"]}, "write to:"),
        ({"paths": ["a"], "to": "b"}, "belongs to a component with run"),
        ({"run": ["pg_dump"], "to": "../b"}, "leaves the project"),
        ({"run": ["pg_dump"], "to": "b", "min_bytes": 0}, "too small"),
        ({"sqlite": ["/etc/a.db"]}, "relative to the project root"),
        ({"sqlite": ["a.db"], "grows": True}, "belongs to a component with paths"),
        ({"run": ["pg_dump"], "to": "b", "optional": True}, "belongs to a component with paths or sqlite"),
        ({"run": ["pg_dump"], "to": "b", "minbytes": 2}, "min_bytes"),
    ],
)
def test_components_that_cannot_be_meant(project: Project, component: dict[str, object], word: str) -> None:
    components(project, database=component)
    done = project.guard("backup", "create")
    assert done.code == 2
    assert word in done.err, done.err


def test_a_rehearsal_proves_databases_and_runs_no_command(project: Project) -> None:
    with closing(sqlite3.connect(project.root / "app.db")) as live:
        live.execute("PRAGMA journal_mode=wal")
        live.execute("CREATE TABLE pairs (a)")
        live.commit()
        ran = [sys.executable, "-c", "open('ran', 'w'); print(1)"]
        components(
            project,
            app={"sqlite": ["app.db"]},
            database={"run": ran, "to": "db.sql", "restore": ran},
            library={"paths": ["library.json"]},
        )
        skipped = [word for leg in ("check", "deploy", "migrate", "smoke") for word in ("--skip", leg)]
        project.guard("premerge", *skipped)
        text = (project.root / "premerge_artifacts/backup.log").read_text()
    assert "2 files of app, library backed up, lost, restored and compared byte for byte" in text
    assert not (project.root / "ran").exists()
