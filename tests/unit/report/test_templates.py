from __future__ import annotations

from pathlib import Path

import pytest

from dhash_guard.errors import UsageProblem
from dhash_guard.report.escape import Md
from dhash_guard.report.templates import directories, render_html, render_markdown


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ x }}", r"\*a\*"),
        ("{{ ours }}", "*ours*"),
        ("{{ ours ~ x }}", r"\*ours\*\*a\*"),
        ("{% autoescape false %}{{ x }}{% endautoescape %}", r"\*a\*"),
        ("{% set y %}{{ x }}{% endset %}{{ y }}", "&#92;\\*a&#92;\\*"),
        ("{{ x | upper }}", r"\*A\*"),
        ("{{ [ours, x] | join }}", r"\*ours\*\*a\*"),
    ],
)
def test_markdown_escaping_cannot_be_forgotten(tmp_path: Path, template: str, shown: str) -> None:
    context = {"x": "*a*", "ours": Md("*ours*")}
    assert render_markdown("t.md", context, written(tmp_path, "t.md", template)) == shown


def test_html_is_escaped_and_invisible_characters_shown(tmp_path: Path) -> None:
    assert render_html("t.html", {"x": "<b>\u202e"}, written(tmp_path, "t.html", "{{ x }}")) == "&lt;b&gt;⟨U+202E⟩"


def test_a_project_overrides_one_template_and_keeps_the_rest(tmp_path: Path) -> None:
    written(tmp_path, "mine.css", "x")
    assert directories(tmp_path)[0] == tmp_path
    assert "--paper" in render_html("report.css", {}, tmp_path)


@pytest.mark.parametrize(
    ("template", "line", "what"),
    [
        ("a\nb {{ x", 2, "unexpected"),
        ("a\n\n{{ missing }}", 3, "missing"),
        ("\n{{ x.__class__.__mro__ }}", 2, "unsafe"),
        ("{{ x | safe }}", 1, "safe"),
        ("\n{{ 1 // 0 }}", 2, "zero"),
        ("\n\n{{ range(10 ** 9) }}", 3, "Range too big"),
        ("\n{% include 'absent.md' %}", None, "absent.md"),
    ],
)
def test_a_broken_template_names_file_and_line(tmp_path: Path, template: str, line: int | None, what: str) -> None:
    written(tmp_path, "t.md", template)
    with pytest.raises(UsageProblem) as caught:
        render_markdown("t.md", {"x": "x"}, tmp_path)
    assert what in str(caught.value)
    if line is not None:
        assert caught.value.where == f"{tmp_path / 't.md'}:{line}"


def test_an_override_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem):
        directories(tmp_path / "no")
