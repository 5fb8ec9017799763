"""The step tells the runner how the program ended, and keeps the program's words from being commands."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from dhash_guard.cli.action import step
from dhash_guard.cli.inputs import variable
from dhash_guard.cli.surface import Surface
from dhash_guard.errors import NoGo

TOKEN = "ghs_0123456789abcdef"


class Step:
    """A step with a runner's files, and a program that the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stream = io.StringIO()
        self.lines: list[list[str]] = []
        self.code = 0
        self.said = ""
        self.problem: NoGo | None = None
        self.environ = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_WORKSPACE": str(folder),
        }

    def run(self, **inputs: str) -> int:
        self.environ |= {variable(name.replace("_", "-")): value for name, value in inputs.items()}
        return step(self.environ, self.stream, self.program)

    def program(self, line: Sequence[str], surface: Surface) -> int:
        self.lines.append([*line])
        self.stream.write(self.said)
        if self.problem is not None:
            surface.fail(self.problem)
        return self.code

    @property
    def log(self) -> str:
        return self.stream.getvalue()

    @property
    def outputs(self) -> dict[str, str]:
        return read_outputs(self.folder / "output")


def read_outputs(path: Path) -> dict[str, str]:
    """As the runner reads them."""
    blocks = re.findall(r"^([\w-]+)<<(\S+)\n(.*?)\n?^\2$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {name: value for name, _, value in blocks}


@pytest.fixture
def one(tmp_path: Path) -> Step:
    return Step(tmp_path)


def test_it_runs_the_command_and_gives_back_its_exit_code(one: Step) -> None:
    one.code = 3
    assert one.run(command="health", environment="staging") == 3
    assert one.lines == [["health", "--env=staging"]]
    assert one.outputs["exit-code"] == "3"
    assert one.outputs["decision"] == "hold"
    assert one.outputs["reason-code"] == "cannot-tell"


def test_the_token_is_masked_before_anything_else_and_kept_from_the_environment(one: Step) -> None:
    one.run(command="health", github_token=TOKEN)
    assert one.log.startswith(f"::add-mask::{TOKEN}\n")
    assert TOKEN not in str(one.environ)


def test_what_the_program_says_is_fenced(one: Step) -> None:
    one.said = "::set-output name=decision::proceed\n::error::no\nlast line without end"
    one.run(command="health")
    found = re.search(r"^::stop-commands::(\w{32})$", one.log, re.MULTILINE)
    assert found is not None
    before, rest = one.log.split(found[0])
    inside, after = rest.split(f"\n::{found[1]}::\n")
    assert one.said in inside
    assert "::set-output" not in before + after


def test_inputs_that_make_no_command_run_nothing(one: Step) -> None:
    assert one.run(command="helth") == 2
    assert one.lines == []
    assert one.outputs["reason-code"] == "usage"
    assert "::error title=dhash-guard helth%3A hold (exit 2%2C usage)::" in one.log
    assert "Did you mean" in (one.folder / "summary").read_text()


def test_a_wrong_word_for_comment_is_refused_before_anything_runs(one: Step) -> None:
    assert one.run(command="health", comment="yes") == 2
    assert one.lines == []


def test_a_folder_that_is_not_there(one: Step) -> None:
    assert one.run(command="health", working_directory="nowhere/at/all") == 2
    assert one.lines == []


def test_an_error_becomes_one_annotation_and_the_summary(one: Step) -> None:
    one.code, one.problem = 1, NoGo("tests failed\n::warning::forged @team", where="a.yml:3", cure="Mend them.")
    assert one.run(command="health") == 1
    errors = [line for line in one.log.splitlines() if line.startswith("::error")]
    assert len(errors) == 1 and "tests failed%0A::warning::forged" in errors[0]
    summary = (one.folder / "summary").read_text()
    assert "Mend them." in summary and "@team" not in summary


def test_a_token_that_an_error_repeats_reaches_no_file(one: Step) -> None:
    one.code, one.problem = 1, NoGo(f"refused with {TOKEN}")
    assert one.run(command="health", github_token=TOKEN) == 1
    written = [path.read_text() for path in one.folder.iterdir()]
    assert [text for text in written if TOKEN in text] == []
    assert (one.folder / "summary").read_text().endswith("\n\nrefused with \\*\\*\\*\n"), "masked before Markdown is escaped"


def test_outputs_that_cannot_be_written_stop_a_step_that_went_well(one: Step) -> None:
    one.environ["GITHUB_OUTPUT"] = str(one.folder)
    assert one.run(command="health") == 7
    one.code = 1
    assert one.run(command="health") == 1


def test_a_summary_that_cannot_be_written_is_a_warning(one: Step) -> None:
    one.environ["GITHUB_STEP_SUMMARY"] = str(one.folder)
    one.problem = NoGo("x")
    assert one.run(command="health") == 0
    assert "::warning title=dhash-guard::no summary" in one.log


def test_off_a_runner_nothing_is_a_command(one: Step, tmp_path: Path) -> None:
    one.environ = {}
    one.said = "hello\n"
    assert one.run(command="health") == 0
    assert one.log == "hello\n"
