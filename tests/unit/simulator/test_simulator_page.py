"""What docs/reference/simulator.md shows works as it stands there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dhash_guard.simulator import FaultKind, read_document
from dhash_guard.simulator.tokens import DEFAULT_TOKENS
from unit.simulator.asking import START
from unit.simulator.test_simulator_command import PROGRAM

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "simulator.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_state_file_is_one(tmp_path: Path) -> None:
    [text] = blocks("yaml")
    file = tmp_path / "state.yml"
    file.write_text(text, "utf-8")
    assert len(read_document(file, START).faults) == 1


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
def test_the_shell_examples_run_one_after_the_other(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "dhash-guard"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.argv.remove('simulator')\n{PROGRAM}", "utf-8")
    program.chmod(0o755)
    (tmp_path / "state.yml").write_text(blocks("yaml")[0], "utf-8")
    start, armed, log = blocks("sh")
    script = f'set -e\nexport PATH="$PWD/bin:$PATH"\ntrap "kill %1" EXIT\n{start}\necho\n{armed}\necho\n{log}'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    pull, lost, told = map(json.loads, (line for line in done.stdout.splitlines() if line.startswith("{")))
    assert pull["number"] == 7
    assert lost["message"] == "Server Error"
    assert [entry["status"] for entry in told["requests"]] == [200, 502]
    assert told["unknown_routes"] == []


def test_the_python_example_runs() -> None:
    [text] = blocks("python")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_tables_are_complete() -> None:
    assert set(re.findall(r"^\| `(t-\w+)`", PAGE, re.MULTILINE)) == set(DEFAULT_TOKENS)
    section = PAGE.split("## Faults")[1].split("## The log")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \| [^w]", section, re.MULTILINE)) == {kind.value for kind in FaultKind}
