"""The documentation runs: every command of the README in the example project, every YAML block against the program."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.project import PROGRAM, clean_environment

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, *pages: Path) -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(ROOT)}#{number}", block)
        for page in (pages or PAGES)
        for number, (kind, block) in enumerate(FENCE.findall(page.read_text("utf-8")))
        if kind == language
    ]


CONFIGURATIONS = [(where, block) for where, block in blocks("yaml") if "version" in (yaml.safe_load(block) or {})]
"""Workflows and steps among the blocks are validated with the action, in tests/contracts."""


@pytest.mark.parametrize(("where", "block"), CONFIGURATIONS, ids=[where for where, _ in CONFIGURATIONS])
def test_every_configuration_loads(where: str, block: str, tmp_path: Path) -> None:
    (tmp_path / "dhash-guard.yml").write_text(block)
    done = subprocess.run([str(PROGRAM), "config", "check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{where}: {done.stderr}"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)$", page.read_text(), re.MULTILINE)
    }
    assert {one or other for one, other in named} <= targets


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture
def example(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The example project, laid out and running under load."""
    pytest.importorskip("PIL", reason="the example needs Pillow: pip install 'dhash-guard[demo]'")
    root = tmp_path / "project"
    setup = [sys.executable, str(ROOT / "examples/mobius-dhash/scripts/setup.py"), "--root", str(root), "--count", "24"]
    subprocess.run(setup, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = clean_environment() | {"PATH": path, "DHASH_PORT": str(port), "DHASH_URL": f"http://127.0.0.1:{port}"}
    subprocess.run([sys.executable, "scripts/service.py", "start"], cwd=root, env=env, check=True, capture_output=True)
    command = [sys.executable, "load.py", "--url", env["DHASH_URL"], "--rate", "8", "--duration", "300"]
    load = subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield root, env
    finally:
        load.terminate()
        load.wait()
        subprocess.run([sys.executable, "scripts/service.py", "stop"], cwd=root, env=env, check=False, capture_output=True)


def test_every_command_of_the_readme_runs(example: tuple[Path, dict[str, str]]) -> None:
    root, env = example
    ran = 0
    for where, block in blocks("sh", ROOT / "README.md"):
        for line in block.strip().splitlines():
            if line.startswith("make "):
                continue  # `make demo` is run by its own test
            done = subprocess.run(shlex.split(line), cwd=root, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{where}: {line}\n{done.stdout}{done.stderr}"
            ran += 1
    assert ran >= 10


def test_the_generated_reference_is_up_to_date() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    import reference

    assert (ROOT / "docs/reference/commands.md").read_text("utf-8") == reference.commands_text(), "run `make reference`"


def test_every_exit_code_of_the_readme_is_the_programs() -> None:
    from dhash_guard import errors

    def classes(kind: type[errors.GuardError]) -> Iterator[type[errors.GuardError]]:
        for child in kind.__subclasses__():
            yield child
            yield from classes(child)

    known = {0, *(kind.exit_code for kind in classes(errors.GuardError) if kind.__module__ == errors.__name__)}
    rows = {int(code) for code in re.findall(r"^\| (\d+) \| [a-z]", (ROOT / "README.md").read_text(), re.MULTILINE)}
    assert rows == known
