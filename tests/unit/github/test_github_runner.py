"""What a step leaves behind: outputs, summary, annotations, masks, and foreign text that is no command."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from dhash_guard.errors import Bug
from dhash_guard.github.commands import Annotation, Kind
from dhash_guard.github.runner import SUMMARY_LIMIT, Runner
from dhash_guard.system.files import SystemFiles
from dhash_guard.system.redaction import Redactor
from unit.github.parser import Command, obeyed, read_outputs

SECRET = "hunter2-hunter2"


class Step:
    """A step on a runner, and what it left behind."""

    def __init__(self, root: Path, *, on_runner: bool = True, token: Callable[[], str] | None = None) -> None:
        self.output, self.summary = root / "output", root / "summary"
        self.stream = io.StringIO()
        numbers = count()
        environ = {
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_ENV": str(root / "env"),
            "GITHUB_PATH": str(root / "path"),
            "GITHUB_ACTIONS": "true",
        }
        self.runner = Runner(
            environ if on_runner else {},
            SystemFiles(),
            self.stream,
            token or (lambda: f"token-of-this-step-{next(numbers)}"),
            secrets=[SECRET],
            redactor=Redactor([SECRET]),
        )

    @property
    def said(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(tmp_path)


def test_outputs_read_back(step: Step) -> None:
    values = {"decision": "proceed", "result": '{"a": 1}\n\nEOF\nLD_PRELOAD=/x', "empty": "", "reason-code": "a=b<<c"}
    assert step.runner.outputs(values)
    assert read_outputs(step.output.read_text()) == values


def test_outputs_do_not_stick_to_what_others_wrote(step: Step) -> None:
    step.output.write_text("theirs=1")
    step.runner.outputs({"ours": "2"})
    step.runner.outputs({"more": "3"})
    assert read_outputs(step.output.read_text()) == {"theirs": "1", "ours": "2", "more": "3"}


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a<<b", "1a", "a\nb", "é", "x" * 101])
def test_a_name_that_is_none_is_a_bug(step: Step, name: str) -> None:
    with pytest.raises(Bug):
        step.runner.outputs({name: "x"})
    assert not step.output.exists()


def test_a_delimiter_that_the_value_holds_is_not_used(tmp_path: Path) -> None:
    tokens = iter(["first-token-of-all", "short", "second-token-of-all"])
    step = Step(tmp_path, token=lambda: next(tokens))
    step.runner.outputs({"a": "x\nFIRST-token-of-all\ny"})
    assert read_outputs(step.output.read_text()) == {"a": "x\nFIRST-token-of-all\ny"}
    assert "second-token-of-all" in step.output.read_text()


def test_without_a_usable_token_nothing_is_written(tmp_path: Path) -> None:
    step = Step(tmp_path, token=lambda: "always-the-same-token")
    with pytest.raises(Bug):
        step.runner.outputs({"a": "always-the-same-token"})
    with pytest.raises(Bug):
        step.runner.fenced("always-the-same-TOKEN")
    assert not step.output.exists()


def test_secrets_are_masked_before_anything_and_stand_nowhere(step: Step) -> None:
    step.runner.annotate([Annotation(kind=Kind.ERROR, text=f"a {SECRET}", title=SECRET, file=SECRET)])
    step.runner.outputs({"a": SECRET})
    step.runner.summary(f"# {SECRET}")
    step.runner.fenced(f"{SECRET}\n")
    assert step.said.startswith(f"::add-mask::{SECRET}\n")
    assert SECRET not in step.said.split("\n", 1)[1] + step.output.read_text() + step.summary.read_text()


def test_every_line_of_a_secret_is_masked_and_short_ones_are_not(step: Step) -> None:
    step.runner.mask(["-----BEGIN-----\r\nabcdefgh\nxy\n\n100%sure\n-----BEGIN-----", "", "no", "      "])
    assert [each.data for each in obeyed(step.said)] == [SECRET, "-----BEGIN-----", "abcdefgh", "100%sure"]


def test_the_environment_of_later_steps_is_never_written(step: Step, tmp_path: Path) -> None:
    step.runner.outputs({"a": "b"})
    step.runner.summary("x")
    step.runner.annotate([Annotation(kind=Kind.ERROR, text="x")])
    step.runner.fenced("x")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["output", "summary"]


def test_annotations(step: Step) -> None:
    step.runner.annotate(
        [
            Annotation(kind=Kind.WARNING, text="slow\n50%: a,b", title="p95: high, very", file="a,b.py", line=3),
            Annotation(kind=Kind.ERROR, text="::set-env name=A::b"),
        ]
    )
    assert obeyed(step.said)[1:] == [
        Command("error", {}, "::set-env name=A::b"),
        Command("warning", {"title": "p95: high, very", "file": "a,b.py", "line": "3"}, "slow\n50%: a,b"),
    ]
    assert len(step.said.splitlines()) == 3


def test_the_tenth_annotation_counts_the_rest(step: Step) -> None:
    many = [Annotation(kind=Kind.ERROR, text=str(n)) for n in range(25)]
    step.runner.annotate(many[:4])
    step.runner.annotate([*many[4:], Annotation(kind=Kind.NOTICE, text="n")])
    step.runner.annotate(many)
    errors = [each.data for each in obeyed(step.said) if each.name == "error"]
    assert errors == [*map(str, range(9)), "16 more of kind error are in the summary and the log"]
    assert [each.data for each in obeyed(step.said) if each.name == "notice"] == ["n"]
    assert "(25 more of kind error" in step.said


def test_long_messages_are_cut(step: Step) -> None:
    step.runner.annotate([Annotation(kind=Kind.ERROR, text="x" * 9000, title="y" * 900)])
    command = obeyed(step.said)[1]
    assert (len(command.data), len(command.properties["title"])) == (4000, 255)


HOSTILE = "::error::x\n  ::set-env name=A::b\nfine\r::add-mask::fine\n##[error]x\n::stop-commands::y\n\x1b[2Jlast"


def test_foreign_text_is_no_command(step: Step) -> None:
    step.runner.fenced(HOSTILE)
    step.runner.annotate([Annotation(kind=Kind.ERROR, text="after it")])
    assert [each.data for each in obeyed(step.said)] == [SECRET, "after it"]
    assert "\x1b" not in step.said
    assert len(obeyed(HOSTILE)) > 1  # the parser would have obeyed it


def test_off_a_runner_only_foreign_text_is_written(tmp_path: Path) -> None:
    step = Step(tmp_path, on_runner=False)
    step.runner.annotate([Annotation(kind=Kind.ERROR, text="x")])
    step.runner.mask(["another-secret"])
    assert not step.runner.outputs({"a": "b"})
    assert not step.runner.summary("x")
    step.runner.fenced(f"hello {SECRET}\n")
    assert step.said == "hello ***\n"
    assert list(tmp_path.iterdir()) == []


def test_the_summary_is_appended(step: Step) -> None:
    step.summary.write_text("# theirs")
    assert step.runner.summary("# ours")
    assert step.runner.summary("## more\n")
    assert step.summary.read_text() == "# theirs\n# ours\n## more\n"


@pytest.mark.parametrize("before", [0, 500_000, SUMMARY_LIMIT - 300])
def test_a_summary_that_is_too_long_is_cut_on_a_line(step: Step, before: int) -> None:
    step.summary.write_bytes((b"x" * 99 + b"\n") * (before // 100))
    assert not step.runner.summary("| ä | b |\n" * 200_000)
    written = step.summary.read_bytes()
    assert before < len(written) < SUMMARY_LIMIT
    lines = written.decode().split("\n")
    assert "_The summary is cut here; the report has the rest._" in lines[-2]
    assert set(lines[:-3]) <= {"x" * 99, "| ä | b |"}


def test_a_full_summary_is_left_alone(step: Step) -> None:
    step.summary.write_bytes(b"x" * (SUMMARY_LIMIT - 10))
    assert not step.runner.summary("a summary that has no room any more")
    assert step.summary.stat().st_size == SUMMARY_LIMIT - 10


@pytest.mark.parametrize("marks", ["```", "~~~~", "`````"])
def test_a_code_block_that_is_cut_is_closed(step: Step, marks: str) -> None:
    assert not step.runner.summary(f"```\na\n```\n{marks}python\n" + "``\nline\n" * 200_000)
    assert step.summary.read_text().endswith(f"\n{marks}\n\n_The summary is cut here; the report has the rest._\n")
