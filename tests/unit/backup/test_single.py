"""Plain copies of one file: taken, listed, verified, put back and pruned as archives are."""

from __future__ import annotations

import json
import subprocess
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup.foreign.reading import json_problem
from dhash_guard.backup.settings import BackupSettings, Component, Hook, Keep
from dhash_guard.errors import CannotTell, Damaged, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose
from unit.backup.foreign_zips import known, seal

if TYPE_CHECKING:
    from unit.backup.project import Project


@pytest.fixture(name="project")
def _known(project: Project) -> Project:
    return known(project)


def take(project: Project, path: str = "") -> BackupFacts:
    plan = backup.plan_single(project.machine, project.layout, project.settings, "production", path)
    return backup.create_single(project.machine, project.layout, project.settings, plan)


def test_a_copy_is_sealed_and_comes_back(project: Project) -> None:
    facts = take(project)
    assert facts.name == "backups/library.json.bak.20260921T141320Z"
    assert (facts.environment, facts.sequence, facts.components, facts.members) == ("production", 0, ("database",), 1)
    done = subprocess.run(["sha256sum", "-c", f"{facts.name}.sha256"], cwd=project.root, capture_output=True, check=False)
    assert done.returncode == 0
    assert (project.root / facts.name).read_bytes() == (project.root / "library.json").read_bytes()
    assert oct((project.root / facts.name).stat().st_mode & 0o777) == "0o640"
    assert backup.verify(project.machine, project.layout, facts).ok
    assert backup.listing(project.layout, "production") == [facts]
    assert backup.find(project.layout, "library.json.bak.20260921T141320Z", "production") == facts
    (project.root / "library.json").write_text("broken")
    done_restore = backup.restore(project.machine, project.layout, facts, project.settings)
    assert done_restore.identical and [root.path for root in done_restore.roots] == ["library.json"]
    assert (project.root / "library.json").read_text() == '{"images": []}'
    assert (project.root / "config/app.yml").exists()
    backup.undo(project.machine, project.layout)
    assert (project.root / "library.json").read_text() == "broken"


def test_each_is_named_a_second_later(project: Project) -> None:
    first, archive, second = take(project), project.create(), take(project)
    times = [facts.name.removesuffix(".zip").rstrip("Z")[-7:] for facts in (first, archive, second)]
    assert times == ["T141320", "_141321", "T141322"]


def test_which_file_is_meant(project: Project) -> None:
    project.settings = BackupSettings(
        components={
            "database": Component(paths=("library.json", "config/app.yml", "config")),
            "link": Component(paths=("l",)),
        }
    )
    (project.root / "l").symlink_to("library.json")
    with pytest.raises(UsageProblem, match=r"2 single files: library\.json, config/app\.yml"):
        take(project)
    assert take(project, "./library.json").members == 1
    for path in ("config", "l", "uploads/one.png", "/etc/passwd"):
        with pytest.raises(UsageProblem, match="no file that a component names"):
            take(project, path)
    project.settings = BackupSettings(components={"config": Component(paths=("config",))})
    with pytest.raises(UsageProblem, match="name 0 single files"):
        take(project)


def test_a_name_that_would_not_tell_where_it_belongs(project: Project) -> None:
    with pytest.raises(UsageProblem, match="staging is not the default one"):
        backup.plan_single(project.machine, project.layout, project.settings, "staging")
    project.layout = evolve(project.layout, covered=(*project.layout.covered, ("other", "other/library.json")))
    with pytest.raises(UsageProblem, match="have one name"):
        take(project)


def test_a_document_that_is_none_is_not_sealed(project: Project) -> None:
    (project.root / "library.json").write_text('{"images": [')
    with pytest.raises(NoGo, match=r"library\.json is no JSON document"):
        take(project)
    assert list(project.layout.backups.iterdir()) == []


ZEROS = "no JSON document: there are zeros where something was to be written, as after a power cut"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": [' + b"1," * 20 + b"1]}", ""),
        (b' \n[{"a": 1}' + b" " * 40 + b"]\n", ""),
        ('{"ä": "€"}'.encode("utf-16"), ""),
        (b"\xef\xbb\xbf[1, 2, 3, 4, 5, 6, 7, 8]", ""),
        (b"[1]" + b" " * 10_000, ""),
        (b'{"a": [' + b"1," * 20, "no JSON document: it begins with '{' and ends with ','"),
        (b"PK\x03\x04" + b"0" * 40, "no JSON document: it begins with 'P' and ends with '0'"),
        (bytes(10_000), ZEROS),
        (b'{"a": 1' + bytes(10_000), ZEROS),
        (b'["' + b"x" * 40 + b"}", "no JSON document: it begins with '[' and ends with '}'"),
    ],
)
def test_of_a_very_large_document_only_the_ends_are_looked_at(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with path.open("rb") as file:
        found = json_problem(file, len(content), cap=16)
    assert found == problem


def test_a_document_is_looked_at_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    entry = json.dumps({"id": 1, "hash": "0" * 16, "tags": ["a", "b", 1.5], "size": 1.25})
    path.write_text('{"images": [' + ",".join([entry] * 50_000) + "]}")
    size = path.stat().st_size
    with path.open("rb") as file:
        tracemalloc.start()
        try:
            assert json_problem(file, size) == ""
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 2.5 * size


def test_what_somebody_else_copied(project: Project) -> None:
    path = seal(project.layout.backups / "library.json.bak.20240924T160000Z", b'{"images": [1]}', "{hash}\n")
    broken = seal(project.layout.backups / "library.json.bak.20240925_160000", b'{"images": [1]')
    early = seal(project.layout.backups / "library.json.pre-rollback.20240926T160000Z", b"{}")
    lost = seal(project.layout.backups / "index.json.bak.20240924T160000Z", b"{}")
    (project.layout.backups / "library.json.bak.20240927T160000Z").write_bytes(b"{}")  # never sealed
    listed = {facts.name.removeprefix("backups/"): facts for facts in backup.listing(project.layout, "production")}
    assert set(listed) == {path.name, broken.name, early.name, lost.name}
    assert listed[early.name].purpose is Purpose.PRE_ROLLBACK
    assert listed[path.name].sealed_at == 1727193600
    assert "no component names a file 'index.json'" in listed[lost.name].problem
    assert backup.verify(project.machine, project.layout, listed[path.name]).ok
    assert "no JSON document" in backup.verify(project.machine, project.layout, listed[broken.name]).problems[0]
    with pytest.raises(Damaged, match="no JSON document"):
        project.restore(listed[broken.name])
    with pytest.raises(CannotTell, match="cannot be told where it belongs"):
        backup.verify(project.machine, project.layout, listed[lost.name])
    path.write_bytes(b'{"images": [2]}')
    with pytest.raises(Damaged, match="its checksum file says"):
        project.restore(listed[path.name])
    assert (project.root / "library.json").read_text() == '{"images": []}'


def test_retention_counts_them_among_each_other(project: Project) -> None:
    archives = [project.create() for _ in range(3)]
    copies = [take(project) for _ in range(4)]  # of one content: still four backups
    done = backup.prune(project.machine, project.layout, "production", Keep(last=2))
    assert set(done.removed) == {archives[0].name, copies[0].name, copies[1].name}
    left = {facts.name for facts in backup.listing(project.layout)}
    assert left == {facts.name for facts in (*archives[1:], *copies[2:])}
    assert not [path for path in project.layout.backups.iterdir() if "partial" in path.name]
    assert not (project.root / f"{copies[0].name}.sha256").exists()


def test_what_a_killed_run_left_is_collected(project: Project) -> None:
    facts = take(project)
    folder = project.layout.backups
    (folder / ".library.json.bak.20200101T000000Z.partial").write_bytes(b"half")
    (folder / "library.json.bak.20200101T000000Z.sha256").write_bytes(b"0" * 64)
    (folder / "index.json.bak.20200101T000000Z.sha256").write_bytes(b"0" * 64)  # nobody's
    project.create()
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert not [name for name in names if "20200101" in name and "index" not in name]
    assert "index.json.bak.20200101T000000Z.sha256" in names and facts.name.rpartition("/")[2] in names


def test_hooks_stand_around_it(project: Project) -> None:
    project.settings = evolve(
        project.settings,
        quiesce=Hook(run=("sh", "-c", "echo quiesced >> hooks")),
        resume=Hook(run=("sh", "-c", "echo resumed >> hooks")),
    )
    take(project)
    assert (project.root / "hooks").read_text() == "quiesced\nresumed\n"
