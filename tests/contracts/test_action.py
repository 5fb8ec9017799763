"""action.yml, the program and the pages about them say the same; nothing of a workflow's text reaches a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from dhash_guard.cli import program as guard
from dhash_guard.cli.inputs import NAMES, OPTIONS, variable
from dhash_guard.cli.outputs import NAMES as OUTPUTS

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OURS = re.compile(r"^(?:mobius/dhash-guard@(?:v1|<commit>)|\./)$")
REUSABLE = re.compile(r"^mobius/dhash-guard/(?P<path>\.github/workflows/[\w.-]+\.yml)@v1$")
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")


def tool(name: str) -> str:
    """A checker beside this interpreter or on the path; missing ones skip on a laptop and fail in CI."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing: pip install {name}")
    if found is None:
        pytest.skip(f"{name} is missing: pip install {name}")
    return found


def commands(command: click.Command = guard, name: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name.strip(), command
        return
    context = click.Context(command)
    for child in command.list_commands(context):
        found = command.get_command(context, child)
        assert found is not None
        yield from commands(found, f"{name} {child}")


def table(page: str, heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading, by the code span in their first cell."""
    part = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def used() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Every `uses:` in pages and workflows, with its `with:`."""
    for path in [*PAGES, *WORKFLOWS]:
        text = path.read_text("utf-8")
        blocks = re.findall(r"^```ya?ml\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if path.suffix == ".md" else [text]
        for block in blocks:
            for uses, given in _steps(yaml.safe_load(block)):
                yield path, uses, given


def _steps(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        if isinstance(data.get("uses"), str):
            yield data["uses"], data.get("with") or {}
        data = list(data.values())
    if isinstance(data, list):
        for each in data:
            yield from _steps(each)


def test_every_input_is_known_to_the_program_and_handed_over() -> None:
    assert list(ACTION["inputs"]) == sorted(NAMES, key=list(ACTION["inputs"]).index)
    assert set(ACTION["inputs"]) == set(NAMES)
    handed = {name: value for step in STEPS for name, value in step.get("env", {}).items()}
    assert handed == {variable(name): f"${{{{ inputs.{name} }}}}" for name in NAMES}


def test_every_output_is_one_of_the_program() -> None:
    assert set(ACTION["outputs"]) == set(OUTPUTS)
    (step,) = STEPS
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.{step['id']}.outputs.{name} }}}}"


def test_names_are_kebab_case_and_described() -> None:
    for kind in ("inputs", "outputs"):
        for name, facts in ACTION[kind].items():
            assert re.fullmatch(r"[a-z]+(?:-[a-z]+)*", name)
            assert facts["description"].endswith(".")


def test_no_expression_reaches_a_shell() -> None:
    for step in STEPS:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        assert step["run"].startswith("set -euo pipefail\n")


def test_nothing_is_written_to_the_files_that_reach_later_steps() -> None:
    texts = [path.read_text() for path in (ROOT / "action").rglob("*") if path.suffix in (".sh", ".py")]
    texts += [path.read_text() for path in (ROOT / "src").rglob("*.py") if "simulator" not in path.parts]
    for text in texts:
        for line in text.splitlines():
            if "GITHUB_ENV" in line or "GITHUB_PATH" in line:
                assert "never" in line, line


@pytest.mark.parametrize("name", OPTIONS)
def test_an_input_becomes_an_option_that_some_command_has(name: str) -> None:
    options = {declared for _, command in commands() for parameter in command.params for declared in parameter.opts}
    assert set(OPTIONS[name]) <= options


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_and_option_has_help(name: str, command: click.Command) -> None:
    assert command.help
    lacking = [p.opts[-1] for p in command.params if isinstance(p, click.Option) and not p.help]
    assert list(lacking) == []


def test_the_reference_page_lists_inputs_and_outputs() -> None:
    page = (ROOT / "docs" / "reference" / "action.md").read_text("utf-8")
    inputs, outputs = table(page, "Inputs"), table(page, "Outputs")
    assert list(inputs) == sorted(NAMES, key=list(inputs).index) and set(inputs) == set(NAMES)
    assert set(outputs) == set(OUTPUTS)
    for name, row in inputs.items():
        default = ACTION["inputs"][name].get("default", "")
        if default and "${{" not in default:
            assert row[0] == f"`{default}`", name
        for option in OPTIONS.get(name, ()):
            assert f"`{option}`" in row[1], name


def test_every_use_that_is_shown_is_valid() -> None:
    found = list(used())
    assert found
    for path, uses, given in found:
        if OURS.match(uses):
            assert set(given) <= set(NAMES), f"{path.name}: {uses}"
            assert set(str(given.get("command", "")).split()[:1]) <= {name.split()[0] for name, _ in commands()} | {"helth"}
        elif reusable := REUSABLE.match(uses):
            assert (ROOT / reusable["path"]).exists(), f"{path.name}: {uses}"
        else:
            assert PINNED.match(uses) or uses.startswith("./.github/workflows/"), f"{path.name}: {uses}"


def test_the_program_depends_on_what_the_action_carries() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    listed = [line for line in (ROOT / "requirements/action.in").read_text().splitlines() if line and line[0] not in "# "]
    assert sorted(project) == sorted(listed)


def test_the_lock_has_a_hash_for_everything_and_names_no_place() -> None:
    lock = (ROOT / "requirements" / "action.txt").read_text()
    names = re.findall(r"^([a-z0-9-]+)==\S+(?: ;[^\\]*)? \\\n    --hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert names == sorted(names)
    assert len(names) == len(re.findall(r"^[a-z]", lock, re.MULTILINE))
    assert not re.search(r"https?:|file:|--index|--find-links|@ ", lock)
    listed = re.findall(r"^([\w-]+)>=", (ROOT / "requirements" / "action.in").read_text(), re.MULTILINE)
    assert {name.lower() for name in listed} <= set(names)


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [tool("zizmor"), "--offline", "--persona", "pedantic", "--no-config", str(ROOT / "action.yml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_fits_the_schema_of_actions() -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(
        [tool("shellcheck"), str(ROOT / "action" / "start.sh")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
