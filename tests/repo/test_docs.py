"""The documentation runs: the README's session, every YAML block; links lead somewhere, and no command is misspelt."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from dhash_guard.cli import program
from support.programs import program as program_path
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


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_anchor_is_a_heading() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8")):
            assert anchor in anchors(page.parent / target if target else page), f"{page.name}: {target}#{anchor}"


def shown(page: Path) -> Iterator[str]:
    """The commands that a page shows, in blocks and in the middle of a sentence."""
    text = page.read_text("utf-8")
    for kind, block in FENCE.findall(text):
        if kind in ("sh", "console"):
            yield from (line.removeprefix("$ ") for line in block.splitlines())
    yield from (" ".join(each.split()) for each in re.findall(r"`([a-z][^`]*)`", FENCE.sub("", text)))


def parse(words: list[str]) -> None:
    """Let each command of the line read its options; nothing is run."""
    command: click.Command | None = program
    context = click.Context(program, info_name="dhash-guard")
    while command is not None:
        _, words, _ = command.make_parser(context).parse_args(words)
        if not isinstance(command, click.Group) or not words:
            return
        name, command, words = command.resolve_command(context, words)
        if command is not None:
            context = click.Context(command, info_name=name, parent=context)


def test_every_command_that_is_shown_exists_with_its_options() -> None:
    wrong, count = [], 0
    for page in PAGES:
        for line in shown(page):
            if line.startswith("dhash-guard "):
                count += 1
                try:
                    parse(shlex.split(line.removesuffix(" &"))[1:])
                except click.UsageError as problem:
                    wrong.append(f"{page.relative_to(ROOT)}: {line}: {problem.format_message()}")
    assert wrong == []
    assert count > 50
    with pytest.raises(click.NoSuchOption):
        parse(["deploy", "--backup-frist"])


def test_the_commands_of_the_lock_run_as_they_stand(tmp_path: Path) -> None:
    page = ROOT / "docs/reference/shared-state.md"
    (tmp_path / "dhash-guard.yml").write_text(blocks("yaml", page)[0][1])
    (block,) = (block for _, block in blocks("sh", page) if "lock take" in block)
    for line in block.splitlines():
        done = subprocess.run([str(PROGRAM), *shlex.split(line)[1:]], cwd=tmp_path, env=clean_environment(), check=False)
        assert done.returncode == 0, line


@pytest.mark.xdist_group("waiting")
def test_the_day_of_a_release_runs_as_the_readme_shows_it(tmp_path: Path) -> None:
    """All of its blocks in one shell, as they would be pasted; only the port is one that is free here."""
    pytest.importorskip("PIL", reason="the example needs Pillow: pip install 'dhash-guard[demo]'")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = "".join(block for _, block in blocks("sh", ROOT / "README.md") if "make " not in block).replace(
        "5001", str(port)
    )
    assert session.count("\ndhash-guard ") > 10
    script = f"set -ex\ntrap 'kill %1; python scripts/service.py stop' EXIT\n{session}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [program_path("bash", "bash"), "-c", script],
        cwd=tmp_path,
        env=clean_environment() | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


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
