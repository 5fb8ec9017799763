"""What is made for a backup: output of commands and copies of databases, whole or no backup at all."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.databases import copy_database
from dhash_guard.backup.settings import BackupSettings, Component, Hook
from dhash_guard.errors import NeedsPerson, NoGo, OutsideSilent, UsageProblem
from dhash_guard.records.backup import BackupFacts, Restoration
from dhash_guard.records.units import Seconds
from dhash_guard.rollout.restore import require_identical
from dhash_guard.rollout.run import recovery_text
from dhash_guard.system.files import SystemFiles
from dhash_guard.system.process import Finished, SystemProcesses

if TYPE_CHECKING:
    from unit.backup.project import Project


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def dump(code: str = "print('dumped')", **more: object) -> Component:
    return Component(run=python(code), to="dumps/db.sql", **more)  # type: ignore[arg-type]


def parts(project: Project, **components: Component) -> None:
    project.settings = BackupSettings(components=components)


def content(project: Project, facts: BackupFacts, path: str) -> bytes:
    with zipfile.ZipFile(project.root / facts.name) as archive:
        return archive.read(path)


def restored(project: Project, facts: BackupFacts) -> Restoration:
    return backup.restore(project.machine, project.layout, facts, project.settings)


def made_files(project: Project) -> list[Path]:
    return list((project.layout.state / "made").rglob("*")) if (project.layout.state / "made").exists() else []


def test_output_becomes_one_member(project: Project) -> None:
    big = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 40_000); print('noise', file=sys.stderr)"
    parts(
        project,
        database=dump(big),
        users=Component(run=python("print('users')"), to="dumps/users.sql"),
        library=Component(paths=("library.json",)),
    )
    facts = project.create()
    assert facts.components == ("database", "library", "users")
    assert content(project, facts, "dumps/db.sql") == bytes(range(256)) * 40_000
    assert content(project, facts, "dumps/users.sql") == b"users\n"
    assert backup.verify(project.machine, project.layout, facts).ok
    assert made_files(project) == [] and not (project.root / "dumps").exists()


@pytest.mark.parametrize(
    ("code", "more", "kind", "why"),
    [
        (
            "print('half'); import sys; sys.exit('connection lost')",
            {},
            NoGo,
            r"component database: .*exit 1 \(connection lost\)",
        ),
        ("pass", {}, NoGo, "component database: .* gave nothing"),
        ("import sys; print('warned', file=sys.stderr)", {}, NoGo, r"gave nothing \(warned\)"),
        ("print('short')", {"min_bytes": 100}, NoGo, "gave only 6 B where min_bytes is 100"),
        (
            "import time; print('x', flush=True); time.sleep(60)",
            {"timeout": Seconds(0.3)},
            OutsideSilent,
            "no end after 0.3 s",
        ),
    ],
)
def test_what_fails_seals_nothing(
    project: Project, code: str, more: dict[str, object], kind: type[Exception], why: str
) -> None:
    parts(project, database=dump(code, **more), library=Component(paths=("library.json",)))
    with pytest.raises(kind, match=why):
        project.create()
    assert [path for path in project.layout.backups.iterdir() if path.is_file()] == []
    assert made_files(project) == []


def test_a_program_that_is_not_there(project: Project) -> None:
    parts(project, database=Component(run=("no-such-dump",), to="dumps/db.sql"))
    with pytest.raises(NoGo, match="component database: no-such-dump: could not start"):
        project.create()


def test_private_while_it_is_made_and_swept_after_a_kill(project: Project) -> None:
    look = """
import os
made = ".dhash-guard/made"
print([oct(os.stat(f"{made}/{name}").st_mode & 0o777) for name in os.listdir(made)], oct(os.stat(made).st_mode & 0o777))
"""
    parts(project, database=dump(look))
    left = project.layout.state / "made" / "0"
    left.parent.mkdir(parents=True)
    left.write_text("secret of a killed run")
    facts = project.create()
    assert content(project, facts, "dumps/db.sql") == b"['0o600'] 0o700\n"
    assert not left.exists()


def test_commands_run_while_the_service_stands_still(project: Project) -> None:
    parts(project, database=dump("print(open('hooks').read(), end='')"))
    say = ("sh", "-c", 'echo "$0" >> hooks')
    project.settings = evolve(project.settings, quiesce=Hook(run=(*say, "quiesced")), resume=Hook(run=(*say, "resumed")))
    facts = project.create()
    assert content(project, facts, "dumps/db.sql") == b"quiesced\n"
    assert (project.root / "hooks").read_text() == "quiesced\nresumed\n"
    project.settings = evolve(
        project.settings, components={"database": dump("raise SystemExit(1)")}, resume=Hook(run=(*say, "again"))
    )
    with pytest.raises(NoGo):
        project.create()
    assert (project.root / "hooks").read_text().endswith("again\n")


def test_a_plan_runs_nothing(project: Project) -> None:
    parts(project, database=dump("open('ran', 'w')"))
    plan = backup.plan(project.machine, project.layout, project.settings, "production", None)
    assert plan.collection.entries == 1 and not (project.root / "ran").exists()


def test_where_output_may_not_go(project: Project) -> None:
    for to in ("config/db.sql", "backups/db.sql", "../db.sql", "library.json"):
        parts(
            project,
            database=Component(run=python("print(1)"), to=to),
            rest=Component(paths=("config", "library.json")),
        )
        with pytest.raises(UsageProblem):
            project.create()


def test_restoring_gives_it_to_the_command(project: Project) -> None:
    load = python("import sys; open('loaded', 'w').write(sys.stdin.read())")
    parts(project, database=dump(restore=load))
    facts = project.create()
    assert restored(project, facts).identical
    assert (project.root / "loaded").read_text() == "dumped\n"
    assert (project.root / "dumps/db.sql").read_text() == "dumped\n"
    assert (project.root / "dumps/db.sql").stat().st_mode & 0o777 == 0o600
    backup.undo(project.machine, project.layout)
    assert not (project.root / "dumps/db.sql").exists()


def test_a_load_that_fails_needs_a_person(project: Project) -> None:
    parts(project, database=dump(restore=python("raise SystemExit('no such role')")))
    facts = project.create()
    with pytest.raises(NeedsPerson, match=r"component database: .*no such role"):
        restored(project, facts)
    assert not project.layout.journal.exists()
    assert (project.root / "dumps/db.sql").exists()
    backup.undo(project.machine, project.layout)


def test_what_is_not_loaded_because_something_else_writes_there_is_named(project: Project) -> None:
    class Eager(SystemFiles):
        def sync_directory(self, path: Path) -> None:
            if project.layout.journal.exists():
                (project.root / "library.json").write_text("written by the service")
            super().sync_directory(path)

    load = dump(restore=python("open('loaded', 'w')"))
    parts(project, database=load, library=Component(paths=("library.json",)))
    facts = project.create()
    done = backup.restore(evolve(project.machine, files=Eager()), project.layout, facts, project.settings)
    assert (done.identical, done.unloaded) == (False, ("dumps/db.sql",))
    assert not (project.root / "loaded").exists()
    with pytest.raises(NeedsPerson, match=r"dumps/db\.sql was not loaded"):
        require_identical(done)
    assert restored(project, facts).unloaded == ()


def test_a_rehearsal_only_plans_the_load(project: Project) -> None:
    parts(project, database=dump(restore=python("open('loaded', 'w')")))
    facts = project.create()
    dry = project.machine.rehearsing()
    backup.rehearse(dry, project.layout, facts, project.settings)
    assert dry.plan is not None and any("dumps/db.sql" in change.subject for change in dry.plan if change.verb == "run")
    assert not (project.root / "loaded").exists()


# Databases


def database(path: Path, rows: int = 3, mode: str = "wal") -> sqlite3.Connection:
    path.parent.mkdir(exist_ok=True)
    live = sqlite3.connect(path, check_same_thread=False)
    live.execute(f"PRAGMA journal_mode={mode}")
    live.execute("CREATE TABLE pairs (a INTEGER, b INTEGER)")
    live.executemany("INSERT INTO pairs VALUES (?, ?)", [(n, n) for n in range(rows)])
    live.commit()
    return live


def rows_of(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as opened:
        return opened.execute("SELECT a, b FROM pairs ORDER BY a").fetchall()


def unpacked(project: Project, facts: BackupFacts, path: str, into: Path) -> Path:
    into.write_bytes(content(project, facts, path))
    return into


def test_a_database_in_use_is_copied_whole(project: Project, tmp_path: Path) -> None:
    live = database(project.root / "data/app.db")
    parts(project, data=Component(paths=("data",)), app=Component(sqlite=("data/app.db",)))
    project.put("data/notes.txt", "kept")
    stop = threading.Event()

    def write() -> None:
        n = 1000
        while not stop.is_set():
            live.execute("INSERT INTO pairs VALUES (?, NULL)", (n,))
            live.execute("UPDATE pairs SET b = a WHERE a = ?", (n,))
            live.commit()
            n += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [project.create() for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    for number, facts in enumerate(found):
        with zipfile.ZipFile(project.root / facts.name) as archive:
            assert "data/app.db-wal" not in archive.namelist() and "data/app.db-shm" not in archive.namelist()
        rows = rows_of(unpacked(project, facts, "data/app.db", tmp_path / f"{number}.db"))
        assert len(rows) >= 3 and all(a == b for a, b in rows)
        assert content(project, facts, "data/notes.txt") == b"kept"
    assert made_files(project) == []
    live.close()
    last = len(rows_of(project.root / "data/app.db"))
    assert restored(project, found[0]).identical
    assert len(rows_of(project.root / "data/app.db")) < last


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_at_rest_is_copied_without_a_trace(project: Project, tmp_path: Path, mode: str) -> None:
    database(project.root / "data/app.db", mode=mode).close()
    before = {path.name: path.stat().st_mtime_ns for path in (project.root / "data").iterdir()}
    parts(project, app=Component(sqlite=("data/app.db",)))
    facts = project.create()
    assert {path.name: path.stat().st_mtime_ns for path in (project.root / "data").iterdir()} == before
    assert len(rows_of(unpacked(project, facts, "data/app.db", tmp_path / "copy.db"))) == 3


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_that_stays_locked_ends_the_backup(project: Project, mode: str) -> None:
    path = project.root / "data/app.db"
    parts(project, app=Component(sqlite=("data/app.db",), timeout=Seconds(0.2)))
    with closing(database(path, mode=mode)) as live:
        live.execute("PRAGMA locking_mode=EXCLUSIVE")
        live.execute("BEGIN EXCLUSIVE")
        live.execute("INSERT INTO pairs VALUES (7, 7)")
        with pytest.raises(NoGo, match=r"component app: .*app\.db stayed locked for 0\.2 s") as refusal:
            project.create()
        assert "timeout" in refusal.value.cure
        live.rollback()
    assert made_files(project) == []
    assert project.create().members == 1


def test_a_database_that_is_locked_for_a_moment_is_waited_for(project: Project) -> None:
    path = project.root / "data/app.db"
    parts(project, app=Component(sqlite=("data/app.db",), timeout=Seconds(20.0)))
    with closing(database(path, mode="delete")) as live:
        live.execute("BEGIN EXCLUSIVE")
        later = threading.Timer(0.3, live.rollback)
        later.start()
        assert project.create().members == 1
        later.join()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such signals")
def test_whoever_waits_for_a_database_can_be_told_to_stop(project: Project) -> None:
    """As TERM does: what its handler raises ends the wait."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    path = project.root / "data/app.db"
    with closing(database(path, mode="delete")) as live:
        live.execute("BEGIN EXCLUSIVE")
        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt):
                copy_database(path, project.root / "copy.db", 20.0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def test_a_log_of_another_time_is_never_replayed(project: Project) -> None:
    path = project.root / "app.db"
    live = database(path)
    parts(project, app=Component(sqlite=("app.db",)))
    facts = project.create()
    live.execute("PRAGMA wal_autocheckpoint=0")
    live.executemany("INSERT INTO pairs VALUES (?, ?)", [(n, n) for n in range(100, 200)])
    live.commit()
    log = (project.root / "app.db-wal").read_bytes()
    assert log
    copies = {side: (project.root / f"app.db{side}").read_bytes() for side in ("", "-wal", "-shm")}
    live.close()
    for side, kept in copies.items():  # as a service leaves it that was killed
        (project.root / f"app.db{side}").write_bytes(kept)
    done = restored(project, facts)
    assert done.identical
    assert not (project.root / "app.db-wal").exists() and not (project.root / "app.db-shm").exists()
    assert len(rows_of(path)) == 3
    backup.undo(project.machine, project.layout)
    assert (project.root / "app.db-wal").read_bytes() == log
    assert len(rows_of(path)) == 103


def test_a_plain_file_that_is_a_database_at_rest_loses_a_stale_log_too(project: Project) -> None:
    database(project.root / "app.db").close()
    parts(project, app=Component(paths=("app.db",)))
    facts = project.create()
    (project.root / "app.db-wal").write_bytes(b"stale")
    assert restored(project, facts).identical
    assert not (project.root / "app.db-wal").exists()
    assert len(rows_of(project.root / "app.db")) == 3


@pytest.mark.parametrize("paths", [("data",), ("data/app.db",)])
def test_a_raw_copy_of_a_database_in_use_is_refused(project: Project, paths: tuple[str, ...]) -> None:
    with closing(database(project.root / "data/app.db")):
        parts(project, data=Component(paths=paths))
        with pytest.raises(NoGo, match=r"data/app\.db' is an SQLite database in use .*sqlite: \[data/app\.db\]"):
            project.create()
        project.settings = evolve(project.settings, quiesce=Hook(run=("true",)))
        with pytest.raises(NoGo, match="SQLite database in use"):
            project.create()
    project.put("data/text", "no database")
    project.put("data/text-wal", "only called so")
    parts(project, data=Component(paths=("data",)))
    assert project.create().members == 4


def test_a_service_that_is_held_still_may_close_it(project: Project) -> None:
    database(project.root / "app.db").close()
    (project.root / "app.db-wal").write_bytes(b"")
    parts(project, app=Component(paths=("app.db",)))
    project.settings = evolve(project.settings, quiesce=Hook(run=("rm", "app.db-wal")))
    assert project.create().members == 1


@pytest.mark.parametrize("what", ["text", "damaged", "folder", "link", "absent"])
def test_what_is_no_sound_database(project: Project, what: str) -> None:
    path = project.root / "app.db"
    if what == "text":
        path.write_text("no database")
    elif what == "damaged":
        database(path, rows=2000).close()
        raw = bytearray(path.read_bytes())
        raw[8192:8292] = os.urandom(100)
        path.write_bytes(raw)
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to("library.json")
    parts(project, app=Component(sqlite=("app.db",)), library=Component(paths=("library.json",)))
    if what == "absent":
        assert project.create().members == 1
        return
    with pytest.raises(NoGo, match="component app"):
        project.create()
    assert made_files(project) == []


def test_a_restore_of_before_the_database_was_there_takes_its_log_away(project: Project) -> None:
    parts(project, app=Component(sqlite=("app.db",)), library=Component(paths=("library.json",)))
    facts = project.create()
    database(project.root / "app.db").close()
    (project.root / "app.db-wal").write_bytes(b"log")
    restored(project, facts)
    assert not (project.root / "app.db").exists() and not (project.root / "app.db-wal").exists()


def test_a_killed_restore_says_what_was_not_loaded(project: Project) -> None:
    class Killed(BaseException):
        pass

    class Dying(SystemProcesses):
        def run(self, *arguments: Any, **more: Any) -> Finished:
            raise Killed

    parts(project, database=dump(restore=python("open('loaded', 'w')")))
    facts = project.create()
    with pytest.raises(Killed):
        backup.restore(evolve(project.machine, processes=Dying({})), project.layout, facts, project.settings)
    done = backup.recover(project.machine, project.layout)
    assert done is not None and done.forward and done.identical
    assert done.unloaded == ("dumps/db.sql",)
    assert recovery_text(done).endswith("dumps/db.sql was perhaps not loaded: restore the backup once more")
    assert (project.root / "dumps/db.sql").exists()
    assert restored(project, facts).identical
    assert (project.root / "loaded").exists()


@pytest.mark.parametrize("step", range(12))
def test_a_restore_killed_between_database_and_log_ends_whole(project: Project, step: int) -> None:
    class Killed(BaseException):
        pass

    class Dying(SystemFiles):
        left = step

        def _step(self) -> None:
            if self.left == 0:
                raise Killed
            self.left -= 1

        def rename(self, source: Path, target: Path) -> None:
            self._step()
            super().rename(source, target)

        def exchange(self, one: Path, other: Path) -> None:
            # A stale log beside the new content is what must never be, at no moment.
            assert not (project.root / "app.db-wal").exists() or "dhash-" not in one.name
            self._step()
            super().exchange(one, other)

        def write_atomic(self, path: Path, content: bytes, mode: int = 0o640) -> None:
            self._step()
            super().write_atomic(path, content, mode)

    path = project.root / "app.db"
    database(path).close()
    parts(project, app=Component(sqlite=("app.db",)))
    facts = project.create()
    with closing(sqlite3.connect(path)) as live:
        live.execute("DELETE FROM pairs")
        live.commit()
    (project.root / "app.db-wal").write_bytes(b"stale")
    try:
        backup.restore(evolve(project.machine, files=Dying()), project.layout, facts, project.settings)
    except Killed:
        backup.recover(project.machine, project.layout)
    stale = (project.root / "app.db-wal").exists()
    (project.root / "app.db-wal").unlink(missing_ok=True)
    assert len(rows_of(path)) == (0 if stale else 3)
