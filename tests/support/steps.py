"""Runs the guard's own step of one of our workflows as the runner does: its `with:`, filled in, against the simulator."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest
import yaml

from dhash_guard.cli import run
from dhash_guard.cli.action import step
from dhash_guard.cli.inputs import variable
from support.acting import REPOSITORY, ROOT
from support.project import Project, Result, clean_environment

START = "from dhash_guard.cli.action import main; main()"


def workflow(name: str) -> dict[Any, Any]:
    """A workflow of ours as data; `on` is a truth value in YAML 1.1, so it stands under True."""
    data: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text("utf-8"))
    return data


def run_step(
    project: Project,
    name: str,
    job: str,
    event: str,
    payload: Mapping[str, Any],
    api: str,
    token: str = "t-write",
    **known: str,
) -> Result:
    """Run the step of `job` that uses our action; `known` are expressions by their text with dots as `__`."""
    made = workflow(name)
    inputs = made[True]["workflow_call"]["inputs"]
    values = {f"inputs.{each}": facts.get("default", "") for each, facts in inputs.items()}
    values |= {expression.replace("__", "."): value for expression, value in known.items()}
    (given,) = (step["with"] for step in made["jobs"][job]["steps"] if step["uses"].startswith("mobius/"))
    inputs = {each: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: values[found[1]], text) for each, text in given.items()}
    return run_action(project, event, payload, api, inputs, token)


def run_action(
    project: Project,
    event: str,
    payload: Mapping[str, Any],
    api: str,
    inputs: Mapping[str, str],
    token: str = "t-write",
    environ: Mapping[str, str] | None = None,
    *,
    here: bool = False,
) -> Result:
    """Run the step of the action with these inputs, in the event that the payload is of; `environ` is what else is set.

    With `here` in this very process, which is ten times as quick.
    """
    file = project.root.parent / "event.json"
    file.write_text(json.dumps(payload))
    env = clean_environment() | {variable(each): text for each, text in inputs.items()}
    env |= {
        variable("github-token"): token,
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_URL": api,
        "GITHUB_RUN_ID": "9000",
        "GITHUB_OUTPUT": str(file.with_name("output")),
        "GITHUB_STEP_SUMMARY": str(file.with_name("summary")),
        "GITHUB_WORKSPACE": str(project.root),
    } | dict(environ or {})
    if here:
        return _run_here(env, project)
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, timeout=60, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def _run_here(env: Mapping[str, str], project: Project) -> Result:
    """The same with this process's variables, folder and streams exchanged for the step's."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(told), redirect_stderr(told):
        for name in set(os.environ) - set(env):
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        patch.chdir(project.root)
        code = step(os.environ, told, run)
    return Result(code, told.getvalue(), "")
