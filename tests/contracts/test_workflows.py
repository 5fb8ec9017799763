"""Every workflow we ship or show is safe and valid: zizmor at its strictest, the schema, and no expression in a script."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent

STEPS_ALONE = """\
name: shown
on: workflow_dispatch
permissions: {}
concurrency:
  group: shown
  cancel-in-progress: false
jobs:
  shown:
    name: shown
    runs-on: ubuntu-latest
    permissions: {}
    steps:
"""


def pages() -> list[Path]:
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return sorted(path for path in found if path.exists())


def shown() -> dict[str, str]:
    """Workflows and lists of steps that stand in a page, the latter put into a workflow."""
    found = {}
    for page in pages():
        for number, block in enumerate(FENCE.findall(page.read_text("utf-8"))):
            data = yaml.safe_load(block)
            name = f"{page.stem}-{number}.yml"
            if isinstance(data, dict) and "jobs" in data:
                found[name] = block
            elif isinstance(data, list) and data and "uses" in data[0]:
                found[name] = STEPS_ALONE + "".join(f"      {line}\n" for line in block.splitlines())
    return found


@pytest.fixture(scope="module")
def workflows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them in one repository, with our policy."""
    root = tmp_path_factory.mktemp("workflows") / ".github"
    shutil.copytree(ROOT / ".github" / "workflows", root / "workflows")
    shutil.copy(ROOT / ".github" / "zizmor.yml", root / "zizmor.yml")
    for name, text in shown().items():
        (root / "workflows" / name).write_text(text)
    return root


def test_pages_show_workflows_at_all() -> None:
    assert len(shown()) >= 3


def test_zizmor_finds_nothing(workflows: Path) -> None:
    command = [str(BIN / "zizmor"), "--offline", "--persona", "pedantic", "--config", str(workflows / "zizmor.yml")]
    done = subprocess.run([*command, str(workflows / "workflows")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_workflow_fits_the_schema(workflows: Path) -> None:
    files = [str(path) for path in sorted((workflows / "workflows").glob("*.yml"))]
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _scripts(data: Any) -> list[str]:
    if isinstance(data, dict):
        own = [data["run"]] if isinstance(data.get("run"), str) else []
        return own + [script for value in data.values() for script in _scripts(value)]
    return [script for item in data for script in _scripts(item)] if isinstance(data, list) else []


def test_no_expression_stands_in_a_script(workflows: Path) -> None:
    for path in (workflows / "workflows").glob("*.yml"):
        for script in _scripts(yaml.safe_load(path.read_text())):
            assert "${{" not in script, path.name


def test_what_others_wrote_is_pinned_by_its_whole_hash() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for uses in re.findall(r"\buses: (\S+)", path.read_text()):
            if not uses.startswith(("mobius/dhash-guard", "./")):
                assert re.search(r"@[0-9a-f]{40}$", uses), f"{path.name}: {uses}"
