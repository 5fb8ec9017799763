"""The migration gives the same bytes each time, goes back exactly, and changes nothing when it fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest

from support.mobius import COUNT, Project

pytest.importorskip("PIL", reason="needs Pillow: pip install 'dhash-guard[demo]'")

MIGRATE = "scripts/migrate.py"


def test_forward_adds_and_keeps(project: Project) -> None:
    before = json.loads((project.root / "library.json").read_bytes())
    project.ok(MIGRATE, "-i", "library.json")
    after = json.loads((project.root / "library.json").read_bytes())
    assert after["schema"] == 2
    for old, new in zip(before["components"], after["components"], strict=True):
        assert list(new) == [*old, "dhash", "confidence"]
        assert {key: new[key] for key in old} == old
        assert len(new["dhash"]) == 16
        assert int(new["dhash"], 16) >= 0
        assert 0 <= new["confidence"] <= 1
        assert round(new["confidence"], 4) == new["confidence"]


def test_same_bytes_again_and_back(project: Project) -> None:
    library = project.root / "library.json"
    library.chmod(0o640)
    first = library.read_bytes()
    project.ok(MIGRATE, "-i", "library.json")
    second = library.read_bytes()
    assert second.endswith(b"}\n")
    project.ok(MIGRATE, "-i", "library.json", "--reverse")
    assert library.read_bytes() == first
    project.ok(MIGRATE, "-i", "library.json")
    assert library.read_bytes() == second
    assert library.stat().st_mode & 0o777 == 0o640


def test_done_already(project: Project) -> None:
    library = project.root / "library.json"
    project.ok(MIGRATE, "-i", "library.json")
    library.write_bytes(library.read_bytes() + b"\n")  # not as we write it, and left so
    bytes_before = library.read_bytes()
    assert "already" in project.ok(MIGRATE, "-i", "library.json")
    assert library.read_bytes() == bytes_before


def test_dry_run(project: Project) -> None:
    library, out = project.root / "library.json", project.root / "next.json"
    before = library.read_bytes()
    names = sorted(file.name for file in project.root.iterdir())
    plan = json.loads(project.ok(MIGRATE, "-i", "library.json", "--dry-run"))
    assert sorted(file.name for file in project.root.iterdir()) == names
    assert plan["from_schema"] == 1
    assert plan["to_schema"] == 2
    assert plan["components"] == plan["changed"] == COUNT

    project.ok(MIGRATE, "-i", "library.json", "--dry-run", "--out", "next.json")
    assert library.read_bytes() == before
    assert hashlib.sha256(out.read_bytes()).hexdigest() == plan["sha256_after"]
    project.ok(MIGRATE, "-i", "library.json")
    assert library.read_bytes() == out.read_bytes()


def missing_picture(project: Project) -> None:
    (project.root / project.components()[3]["image"]).unlink()


def broken_picture(project: Project) -> None:
    (project.root / project.components()[3]["image"]).write_bytes(b"no picture")


def bad_json(project: Project) -> None:
    (project.root / "library.json").write_text('{"schema": 1,')


def strange_schema(project: Project) -> None:
    (project.root / "library.json").write_text('{"schema": 9, "components": []}')


def same_id_twice(project: Project) -> None:
    components = project.components()
    (project.root / "library.json").write_text(json.dumps({"schema": 1, "components": [components[0], components[0]]}))


def hash_in_schema_1(project: Project) -> None:
    component = {**project.components()[0], "dhash": "mine"}
    (project.root / "library.json").write_text(json.dumps({"schema": 1, "components": [component]}))


@pytest.mark.parametrize(
    "damage",
    [missing_picture, broken_picture, bad_json, strange_schema, same_id_twice, hash_in_schema_1],
    ids=lambda damage: damage.__name__,
)
def test_failures_change_nothing(project: Project, damage: Callable[[Project], None]) -> None:
    damage(project)
    before = {file: file.read_bytes() for file in project.root.glob("*.json")}
    done = project.run(MIGRATE, "-i", "library.json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("migrate: ")
    assert {file: file.read_bytes() for file in project.root.glob("*.json")} == before


def test_missing_library(project: Project) -> None:
    done = project.run(MIGRATE, "-i", "nowhere.json")
    assert done.returncode == 1
    assert "nowhere.json" in done.stderr
