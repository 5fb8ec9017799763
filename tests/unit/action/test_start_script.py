"""start.sh takes the first Python that answers and is new enough, never one of the workspace, and says what it saw."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.programs import program

SCRIPT = Path(__file__).parents[3] / "action" / "start.sh"
STUB = "exit 49"  # the Windows store stub: a message on stderr, no output, an odd exit code


class Machine:
    """A machine with these programs and no other."""

    def __init__(self, root: Path) -> None:
        self.bash = program("bash", "bash")
        self.bin = root / "bin"
        self.bin.mkdir()
        self.output = root / "output"
        self.environ = {"PATH": str(self.bin), "GITHUB_OUTPUT": str(self.output)}

    def python(self, name: str, version: str, folder: Path | None = None) -> None:
        """A fake that answers when asked for its version, and else says how it was started."""
        self.script(name, f'case "$*" in *" -c "*) echo "{version}";; *) echo "{name} $*";; esac', folder)

    def script(self, name: str, text: str, folder: Path | None = None) -> None:
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!{self.bash}\n{text}\n")
        path.chmod(0o755)

    def start(self, *arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bash, "--noprofile", "--norc", str(SCRIPT), *arguments],
            env=self.environ | environ, cwd=cwd, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def started(self, *arguments: str, cwd: Path | None = None, **environ: str) -> str:
        done = self.start(*arguments, cwd=cwd, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_starts_isolated(machine: Machine) -> None:
    machine.python("python3", "3.12.1")
    assert machine.started() == f"python3 -I -S -X utf8 {SCRIPT.parent}/run.py"
    assert machine.started("--version").endswith("/run.py --version")


@pytest.mark.parametrize("version", ["3.11.0", "3.13.0", "3.20.4", "4.0.0"])
def test_new_enough(machine: Machine, version: str) -> None:
    machine.python("python3", version)
    assert machine.started().startswith("python3 ")


@pytest.mark.parametrize("bad", ["2.7.18", "3.10.12", "3.9.1", "Python was not found", ""])
def test_one_that_will_not_do_is_passed_over(machine: Machine, bad: str) -> None:
    machine.python("python3", bad)
    machine.script("python", STUB)
    machine.python("python3.12", "3.12.1\r")
    assert machine.started().startswith("python3.12 ")


def test_the_launcher_of_windows(machine: Machine) -> None:
    machine.script("python3", STUB)
    machine.python("py", "3.13.0")
    assert machine.started().startswith("py -3 -I -S ")


def test_the_tool_cache(machine: Machine, tmp_path: Path) -> None:
    machine.python("python3", "3.10.0", tmp_path / "tools/Python/3.10.0/x64/bin")
    machine.python("python3", "3.12.7", tmp_path / "tools/Python/3.12.7/x64/bin")
    assert machine.started(RUNNER_TOOL_CACHE=str(tmp_path / "tools")).startswith("python3 -I")


def test_no_python_of_the_workspace(machine: Machine, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    for folder in (workspace / "bin", workspace):
        machine.script("python3", f"touch {tmp_path}/canary; echo 3.12.0", folder)
    machine.python("python", "3.12.0")
    path = f"{workspace / 'bin'}:.::{machine.bin}"
    assert machine.started(cwd=workspace, GITHUB_WORKSPACE=str(workspace), PATH=path).startswith("python -I")
    assert not (tmp_path / "canary").exists()


def test_none_at_all(machine: Machine) -> None:
    machine.python("python3", "3.10.12")
    machine.script("python", STUB)
    done = machine.start()
    assert done.returncode == 2
    found = f"Found: {machine.bin}/python3 (is 3.10.12); {machine.bin}/python (does not answer)."
    assert done.stdout.startswith(f"::error title=dhash-guard needs Python 3.11 or newer::{found}")
    assert "actions/setup-python" in done.stdout
    assert machine.output.read_text() == "decision=hold\nreason-code=no-python\nexit-code=2\n"


def test_the_input_wins_even_in_the_workspace(machine: Machine, tmp_path: Path) -> None:
    machine.python("python3", "3.12.0")
    machine.python("mine", "3.13.0", tmp_path / "workspace")
    mine = str(tmp_path / "workspace" / "mine")
    assert machine.started(DHASH_GUARD_INPUT_PYTHON=mine, GITHUB_WORKSPACE=str(tmp_path / "workspace")).startswith("mine -I")


@pytest.mark.parametrize("asked", ["no-such-program", "old", "x\n::warning::forged%0A", "$(touch canary)", "`id`", "-c"])
def test_an_input_that_will_not_do_is_an_error_on_one_line(machine: Machine, tmp_path: Path, asked: str) -> None:
    machine.python("python3", "3.12.0")
    machine.python("old", "3.8.0")
    done = machine.start(DHASH_GUARD_INPUT_PYTHON=asked, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "The input 'python' names " in done.stdout
    assert not (tmp_path / "canary").exists()
