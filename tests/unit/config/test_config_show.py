"""What `config show` prints can be read again, and says where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhash_guard.config import load
from dhash_guard.config.show import show, text
from dhash_guard.config.source import read
from unit.config.project import ENVIRON, Project, framed


@pytest.mark.parametrize("env", ["staging", "production"])
@pytest.mark.parametrize("origin", [False, True])
def test_what_is_shown_reads_as_the_same(project: Project, documented: str, env: str, origin: bool) -> None:
    digest = project.load(documented, env).digest
    shown = show(None, project.root, ENVIRON, env, origin=origin)
    other = "staging" if env == "production" else "production"
    project.write(shown + f"  {other}: {{}}\n", "shown.yml")
    assert load(Path("shown.yml"), project.root, ENVIRON, env).digest == digest


def test_every_value_has_its_origin(project: Project, documented: str) -> None:
    project.write(documented)
    lines = show(None, project.root, ENVIRON, "production", origin=True).splitlines()
    assert [line for line in lines if ": " in line and "  # " not in line] == []
    assert "        consecutive: 3  # preset guarded-rollout/production" in lines
    assert any(line.startswith("    kind: production  # dhash-guard.yml:") for line in lines)
    assert "      settle: 30s  # default of the program" in lines


def test_variables_stay_variables(project: Project) -> None:
    project.write(framed("base_url: http://a\nsmoke: [{name: s, get: /, headers: {Authorization: 'Bearer ${TOKEN}'}}]"))
    shown = show(None, project.root, {"TOKEN": "hunter2"})
    assert "hunter2" not in shown
    assert '"Bearer ${TOKEN}"' in shown


def test_an_optional_setting_that_was_removed_is_off(project: Project) -> None:
    digest = project.staging("base_url: http://a\nhealth: {status_at: off}").digest
    shown = show(None, project.root, {})
    assert "status_at: off" in shown
    assert project.load(shown).digest == digest


def test_open_data_is_written_as_it_is(project: Project) -> None:
    body = 'base_url: http://a\nsmoke: [{name: s, post: /, json: {a: {b: [1, null, "off", {c: 1.5}]}, d: true, e: null}}]'
    digest = project.staging(body).digest
    assert project.load(show(None, project.root, {})).digest == digest


@pytest.mark.parametrize(
    "value", ["off", "true", "12", "1e3", "~", "", " a", "a: b", "a #b", "%x", "-", "é\u2028\x7f", '"\\', "😀"]
)
def test_text_stays_text(value: str) -> None:
    node = read(f"a: {text(value)}".encode(), "f").get("a")
    assert node is not None
    assert (node.value, node.off) == (value, False)
