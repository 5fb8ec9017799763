"""The assembled action as a runner starts it: isolated from a hostile workspace, offline, with valid bytecode."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from support.loopback import Loopback
from support.programs import lacking, program
from support.project import Project

ROOT = Path(__file__).parents[2]
HEAVY = {"github", "jinja2", "prometheus_client", "requests", "rich", "urllib3", "yaml", "cattrs", "dhash_guard.config"}

# Python files that Python itself, our program or its libraries would import if the workspace were on their path.
MODULES = (
    "json", "click", "yaml", "attrs", "attr", "jinja2", "requests", "rich", "re", "os", "site", "install", "run",
    "sitecustomize", "usercustomize", "conftest", "github", "encodings",
)  # fmt: skip


class Runner:
    """Starts the step of action.yml as a runner does: with the variables that it sets and no other."""

    def __init__(self, folder: Path, action: Path, workspace: Path) -> None:
        self.action = action
        self.workspace = workspace
        self.output, self.summary = folder / "output", folder / "summary"
        # The real interpreter behind the tests' virtual environment, as setup-python would put it on the path.
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "python3").symlink_to(Path(sys.executable).resolve())
        tools = dict.fromkeys(Path(program(name, name)).parent for name in ("bash", "git"))
        self.environ = {
            "PATH": os.pathsep.join(map(str, [self.bin, *tools])),
            "HOME": str(workspace),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_ENV": str(folder / "env"),
            "GITHUB_PATH": str(folder / "path"),
            "GITHUB_REPOSITORY": "mobius/tutorials",
            "GITHUB_EVENT_NAME": "workflow_dispatch",
            "GITHUB_RUN_ID": "4242",
            "GITHUB_RUN_ATTEMPT": "1",
            "RUNNER_TEMP": str(folder / "temp"),
            "RUNNER_TOOL_CACHE": str(folder / "tools"),
        }
        for name in ("env", "path"):
            (folder / name).write_text("")
        self.log = ""

    def step(self, command: str, *wrapper: str, environ: dict[str, str] | None = None, **inputs: str) -> int:
        """Run the step with these inputs, the others as action.yml defaults them; the exit code."""
        for path in (self.output, self.summary):
            path.write_text("")
        given = {name: str(facts.get("default", "")) for name, facts in _action()["inputs"].items()}
        given |= {"github-token": "ghs_0123456789abcdef", "command": command}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        variables = {f"DHASH_GUARD_INPUT_{name.upper().replace('-', '_')}": value for name, value in given.items()}
        (step,) = _action()["runs"]["steps"]
        done = subprocess.run(
            [*wrapper, program("bash", "bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env=self.environ | variables | (environ or {}), cwd=self.workspace, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
        )  # fmt: skip
        self.log = done.stdout
        return done.returncode

    @property
    def outputs(self) -> dict[str, str]:
        """As the runner reads them."""
        blocks = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n?^\2$", self.output.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        return {name: value for name, _, value in blocks}

    @property
    def commands(self) -> list[str]:
        """The lines of the log that the runner obeys."""
        found, token = [], ""
        for line in self.log.splitlines():
            if token:
                token = "" if line == f"::{token}::" else token
            elif line.startswith("::"):
                found.append(line)
                token = line.removeprefix("::stop-commands::") if line.startswith("::stop-commands::") else ""
        assert not token, "the fence was never taken down"
        return found


def _action() -> dict[str, Any]:
    import yaml

    data: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return data


@pytest.fixture
def runner(tmp_path: Path, release: Path, project: Project) -> Runner:
    return Runner(tmp_path, release, project.root)


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The interpreter as start.sh starts it."""
    command = [str(Path(sys.executable).resolve()), "-I", "-S", "-X", "utf8", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_the_version_costs_no_library_that_it_does_not_need(release: Path) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{str(release / 'action/run.py')!r}, '--version']\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "print(*sys.modules, sep='\\n')"
    )
    done = python("-c", code)
    assert done.stdout.startswith("dhash-guard, version "), done.stderr
    loaded = set(done.stdout.splitlines()[1:])
    assert loaded & HEAVY == set()
    assert "click" in loaded


def test_a_step_that_goes_well(runner: Runner, project: Project) -> None:
    assert runner.step("health", environment="production") == 0, runner.log
    found = runner.outputs
    assert (found["decision"], found["exit-code"]) == ("proceed", "0")
    assert "comment-url" not in found
    evidence = json.loads((project.root / found["evidence-path"]).read_bytes())
    assert evidence["run"]["verb"] == "health"
    assert json.loads(found["result"])["run"]["id"] == evidence["run"]["id"]
    assert (project.root / found["report-path"]).read_text().startswith("<!")
    assert "production" in runner.summary.read_text()
    assert [line.split("::")[1] for line in runner.commands] == ["add-mask", "stop-commands"]


def test_a_step_that_fails_leaves_outputs_and_a_reason(runner: Runner, project: Project) -> None:
    (project.root / "version.txt").write_text("bad\n")
    assert runner.step("health") == 1, runner.log
    assert runner.outputs["decision"] == "hold"
    assert runner.outputs["exit-code"] == "1"
    assert runner.outputs["evidence-path"]
    assert runner.commands[-1].startswith("::error title=dhash-guard health")


def test_a_watch_that_rolls_back(runner: Runner, project: Project) -> None:
    project.deployed()
    (project.root / "version.txt").write_text("bad\n")
    assert runner.step("monitor", environment="production", args="--auto-rollback") == 5, runner.log
    found = runner.outputs
    assert (found["decision"], found["exit-code"]) == ("roll_back", "5")
    assert found["backup"].endswith(".zip")
    assert json.loads(found["result"])["gate"] == "health"
    assert project.version == "good"


def test_a_backup(runner: Runner, project: Project) -> None:
    assert runner.step("backup create") == 0, runner.log
    name = runner.outputs["backup"]
    assert (project.root / "backups" / Path(name).name).is_file()
    assert runner.step("backup restore", backup=name, args="--force") == 0, runner.log


def test_a_dry_run_leaves_nothing(runner: Runner, project: Project) -> None:
    assert runner.step("deploy", tag="next", dry_run="true") == 0, runner.log
    assert runner.outputs["evidence-path"] == ""
    assert project.version == "good"
    assert not (project.root / ".dhash-guard").exists()


def test_a_wrong_configuration(runner: Runner, project: Project) -> None:
    (project.root / "dhash-guard.yml").write_text("version: 1\nservice: x\nenvironment: {}\n")
    assert runner.step("health") == 2
    assert runner.outputs["reason-code"] == "configuration"
    assert runner.outputs["decision"] == "hold"


def test_the_working_directory(runner: Runner, project: Project) -> None:
    runner.workspace = project.root.parent
    assert runner.step("health", working_directory="project") == 0, runner.log


def without_github(project: Project) -> None:
    """There is none here, and a deployment that cannot hold the environment there would be refused."""
    project.settings["state"] = {"kind": "local"}
    project.write()


def test_what_a_service_or_a_command_says_is_no_command(runner: Runner, project: Project, service: Loopback) -> None:
    forged = "::set-output name=decision::proceed\\n::error::forged\\n::add-mask::e\\n"
    (project.root / "deploy.py").write_text(
        f"import sys\nsys.stderr.write('{forged}')\nprint('{forged}', end='')\nsys.exit(3)\n"
    )
    without_github(project)
    assert runner.step("deploy", tag="next", args="--force\n--verbose") != 0
    assert "forged" in runner.log
    assert {line.split("::")[1].split()[0] for line in runner.commands} <= {"add-mask", "stop-commands", "error", "warning"}
    assert not any(line.startswith(("::error::forged", "::add-mask::e", "::set-output")) for line in runner.commands)


def test_commands_of_the_project_do_not_see_the_token(runner: Runner, project: Project) -> None:
    (project.root / "deploy.py").write_text("import os, pathlib\npathlib.Path('seen').write_text(str(dict(os.environ)))\n")
    without_github(project)
    runner.step("deploy", tag="next", args="--force\n--skip-health-check")
    seen = (project.root / "seen").read_text()
    assert "ghs_" not in seen and "DHASH_GUARD_INPUT" not in seen


@pytest.fixture
def pull_request(runner: Runner, tmp_path: Path) -> Iterator[Simulator]:
    """The step runs for a pull request on a GitHub that the simulator plays."""
    with Simulator().serving() as sim:
        facts = sim.add_pull_request(number=7, author="ada")
        repository = {"full_name": sim.name}
        event = {
            "repository": repository,
            "pull_request": {
                "number": 7,
                "head": {"ref": "topic", "sha": facts.head_sha, "repo": repository},
                "base": {"ref": "main", "sha": "b" * 40, "repo": repository},
            },
        }
        (tmp_path / "event.json").write_text(json.dumps(event))
        runner.environ |= {
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": sim.name,
            "GITHUB_API_URL": sim.url,
        }
        yield sim


def test_a_pull_request_gets_one_comment_that_is_kept_up_to_date(runner: Runner, pull_request: Simulator) -> None:
    for tag in ("v1", "v2"):
        code = runner.step("deploy", github_token="t-write", environment="production", tag=tag, dry_run="true")
        assert code == 0, runner.log
    (comment,) = pull_request.comments(7)
    assert comment.body.startswith("<!-- dhash-guard:v1:deploy:production -->\n")
    assert "v2" in comment.body
    assert runner.outputs["comment-url"].startswith("http")
    assert pull_request.unknown_routes == []


def test_the_legs_of_the_matrix_share_a_comment(runner: Runner, pull_request: Simulator) -> None:
    for leg in ("ubuntu-latest", "macos-latest"):
        args = f"--leg={leg}\n--expected=ubuntu-latest,macos-latest"
        runner.step("premerge", github_token="t-write", environment="production", args=args)
    (comment,) = pull_request.comments(7)
    assert "ubuntu-latest" in comment.body and "macos-latest" in comment.body


@pytest.mark.parametrize("inputs", [{"comment": "off"}, {"github_token": ""}])
def test_no_comment_where_none_is_wanted(runner: Runner, pull_request: Simulator, inputs: dict[str, Any]) -> None:
    given = {"github_token": "t-write", "environment": "production", "tag": "v1", "dry_run": "true", **inputs}
    assert runner.step("deploy", **given) == 0, runner.log
    assert pull_request.comments(7) == []
    assert [entry.path for entry in pull_request.log if entry.method != "GET"] == []


def test_the_gate_says_its_answer_on_the_commit(runner: Runner, pull_request: Simulator) -> None:
    sha = json.loads(Path(runner.environ["GITHUB_EVENT_PATH"]).read_text())["pull_request"]["head"]["sha"]
    for _ in range(2):
        assert runner.step("gate", github_token="t-write", comment="off") == 3, runner.log
    (status,) = pull_request.statuses(sha)
    assert (status.context, status.state) == ("dhash-guard/gate", "pending"), "what cannot be told is no success"


def test_only_the_apps_token_answers_for_a_protection_rule(runner: Runner, pull_request: Simulator) -> None:
    git = ["git", "-c", "user.name=o", "-c", "user.email=o@example.com"]
    for words in (["init", "-q"], ["add", "dhash-guard.yml"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=runner.workspace, check=True)
    told = subprocess.run([*git, "rev-parse", "HEAD"], cwd=runner.workspace, check=True, capture_output=True, text=True)
    pull_request.add_run(id=4242, head_sha=told.stdout.strip())
    pull_request.add_pending(4242)
    args = "--answer-protection-rule\n--protected\nproduction"
    for token, code in (("t-write", 2), ("t-app", 3)):
        assert runner.step("gate", github_token=token, args=args, comment="off") == code, runner.log
        assert runner.outputs["decision"] == "hold"
    assert [one.state for one in pull_request.repository.deployment_reviews] == ["pending"]


@pytest.mark.parametrize("token", ["t-read", "t-dependabot", "no-such-token"])
def test_a_token_that_may_not_write_changes_no_exit_code(runner: Runner, pull_request: Simulator, token: str) -> None:
    assert runner.step("deploy", github_token=token, tag="v1", dry_run="true") == 0, runner.log
    assert runner.outputs["decision"] == "proceed"
    assert pull_request.comments(7) == []
    assert runner.commands[-1].startswith(("::warning", "::notice")), runner.log


@pytest.fixture
def canaries(project: Project, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A workspace in which every file that anything might run leaves a trace, and the variables that would point there."""
    root, trace = project.root, tmp_path / "traces"
    trace.mkdir()
    for name in MODULES:
        (root / f"{name}.py").write_text(f"open({str(trace / name)!r}, 'w').close()\n")
    (root / "dhash_guard").mkdir()
    (root / "dhash_guard" / "__init__.py").write_text(f"open({str(trace / 'package')!r}, 'w').close()\n")
    (root / "evil.pth").write_text(f"import os; open({str(trace / 'pth')!r}, 'w').close()\n")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    site = root / ".local" / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    for name in ("evil.pth", "sitecustomize.py", "usercustomize.py", "click.py"):
        (site / name).write_text(f"import os; open({str(trace / ('user-' + name))!r}, 'w').close()\n")
    for name in ("pip.conf", ".pip/pip.conf", ".config/pip/pip.conf"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("[global]\nindex-url = https://example.invalid/\n")
    for name in ("python3", "python", "py", "python3.12", "cygpath", "dhash-guard"):
        (root / name).write_text(f"#!/bin/sh\ntouch {trace / ('program-' + name)}\necho 3.12.0\n")
        (root / name).chmod(0o755)
    (root / "pyvenv.cfg").write_text(f"home = {root}\ninclude-system-site-packages = true\n")
    yield {
        "PYTHONPATH": str(root),
        "PYTHONSTARTUP": str(root / "sitecustomize.py"),
        "PYTHONHOME": str(root),
        "PYTHONUSERBASE": str(root / ".local"),
        "PYTHONINSPECT": "",
        "PYTHONWARNINGS": "error::conftest.X",
        "PYTHONBREAKPOINT": "conftest.run",
        "PYTHONPLATLIBDIR": "evil",
        "PYTHONCASEOK": "1",
        "PIP_CONFIG_FILE": str(root / "pip.conf"),
        "VIRTUAL_ENV": str(root),
    }
    assert sorted(path.name for path in trace.iterdir()) == []


@pytest.mark.parametrize("command", ["health", "backup create", "config show", "gates show", "report", "helth"])
def test_nothing_of_the_workspace_runs(runner: Runner, canaries: dict[str, str], command: str) -> None:
    code = runner.step(command, environ=canaries)
    assert code == (2 if command == "helth" else 3 if command == "report" else 0), runner.log


def test_nothing_of_the_workspace_runs_although_it_is_on_the_path(
    runner: Runner, project: Project, canaries: dict[str, str]
) -> None:
    path = os.pathsep.join([str(project.root), ".", "", runner.environ["PATH"]])
    assert runner.step("health", environ=canaries | {"PATH": path}) == 0, runner.log


def test_neither_environment_nor_path_of_later_steps_is_written(runner: Runner) -> None:
    runner.step("health")
    runner.step("helth")
    assert Path(runner.environ["GITHUB_ENV"]).read_text() == ""
    assert Path(runner.environ["GITHUB_PATH"]).read_text() == ""


def test_a_copy_keeps_its_bytecode(runner: Runner, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(runner.action), str(copy)], check=True)
    for source in copy.rglob("*.py"):
        os.utime(source, (1_000_000_000, 1_000_000_000))
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*.pyc")}
    runner.environ["GITHUB_ACTION_PATH"] = str(copy)
    assert runner.step("health") == 0, runner.log
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*.pyc")} == before
    done = python("-v", str(copy / "action" / "run.py"), "--version")
    assert f"# {copy}/src/dhash_guard/cli/__pycache__/" in done.stderr, "loaded from bytecode"
    assert "wrote" not in done.stderr and "bytecode is stale" not in done.stderr


def test_it_starts_without_any_network(runner: Runner) -> None:
    unshare = program("unshare", "util-linux")
    if subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode != 0:
        lacking("needs the right to use unshare: run as root")
    assert runner.step("config check", unshare, "-n") == 0, runner.log
    assert runner.step("backup create", unshare, "-n") == 0, runner.log


def test_the_release_is_pure_and_names_no_machine(release: Path) -> None:
    suffixes = {path.suffix for path in release.rglob("*") if path.is_file()}
    assert suffixes & {".so", ".pyd", ".dll", ".dylib", ".exe"} == set()
    here = [str(ROOT).encode(), str(release).encode(), str(Path.home()).encode() + b"/"]
    named = [path for path in release.rglob("*") if path.is_file() and any(place in path.read_bytes() for place in here)]
    assert named == []


def test_every_library_keeps_its_licence(release: Path) -> None:
    locked = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements/action.txt").read_text(), re.MULTILINE)
    kept = {path.name.lower().replace("_", "-"): path for path in (release / "LICENSES").iterdir()}
    assert set(kept) == {f"{name}-{version}" for name, version in locked}
    for folder in kept.values():
        assert any(re.search("licen[cs]e|copying", path.name, re.IGNORECASE) for path in folder.rglob("*")), folder.name


def test_assembling_again_gives_the_same_tree(release: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "assemble_action.py"), "--out"]
    said = [
        subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True, check=True).stdout.split()[-1]
        for name in ("one", "other")
    ]
    assert said[0] == said[1]
    assert len(said[0]) == 64


def test_every_part_of_the_program_can_be_imported_from_it(release: Path) -> None:
    code = (
        "import sys, pkgutil, importlib\n"
        f"sys.path[:0] = [{str(release / 'src')!r}, {str(release / 'lib')!r}, {str(release / 'action/stubs')!r}]\n"
        "import dhash_guard, github, rich.live\n"
        "for m in pkgutil.walk_packages(dhash_guard.__path__, 'dhash_guard.'):\n"
        "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
