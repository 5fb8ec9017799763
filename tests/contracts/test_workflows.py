"""Every workflow we ship or show is safe and valid: zizmor at its strictest, the schema, and no expression in a script."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
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


def _jobs(workflows: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((workflows / "workflows").glob("*.yml")):
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            yield f"{path.name}: {name}", job


def _uses(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [step for step in job.get("steps", ()) if str(step.get("uses", "")).startswith(f"{action}@")]


def test_no_checkout_cleans_a_runner_that_stays(workflows: Path) -> None:
    """By default it removes what git does not know: the backups, the ledger, the record of the deployment."""
    looked = []
    for name, job in _jobs(workflows):
        if "self-hosted" in str(job.get("runs-on")) or "inputs.runner" in str(job.get("runs-on")):
            for step in _uses(job, "actions/checkout"):
                assert step["with"].get("clean") is False, name
                looked.append(name)
    assert {"README-", "deploy.yml", "maintenance.yml", "rollback.yml", "waves-"} == {
        re.split(r"\d|:", name)[0] for name in looked
    }


STORE = ("DHASH_GUARD_STORE_KEY", "DHASH_GUARD_STORE_SECRET")


@pytest.mark.parametrize("name", ["deploy", "rollback", "maintenance"])
def test_every_step_of_a_workflow_that_needs_backups_can_ask_the_store(name: str) -> None:
    """A variable of the caller reaches no workflow that it calls, so a secret of a fixed name has to."""
    data = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    called = data[True]["workflow_call"]  # YAML reads `on` as true
    assert called["inputs"]["libraries"]["default"] == ""
    assert [called["secrets"][secret]["required"] for secret in STORE] == [False, False]
    jobs = [job for job in data["jobs"].values() if "inputs.runner" in job["runs-on"]]
    assert jobs
    wanted = {secret: f"${{{{ secrets.{secret} }}}}" for secret in STORE}
    for job in jobs:
        assert sum("$LIBRARIES" in step.get("run", "") for step in job["steps"]) == 1
        for step in _uses(job, "mobius/dhash-guard"):
            assert wanted.items() <= step["env"].items(), step["name"]
            assert "runner.temp" in step["with"]["libraries"], step["name"]
