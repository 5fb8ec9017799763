"""Expressions, small scripts and names of checks, as tables: what is known, what is not, and that nothing is guessed."""

# ruff: noqa: E501, Q003  # tables of texts, a row each
from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.github.workflows.expression import UNKNOWN, NotAnExpression, evaluate, truth
from dhash_guard.github.workflows.file import read
from dhash_guard.github.workflows.names import reported
from dhash_guard.github.workflows.shell import OPAQUE, fails
from dhash_guard.github.workflows.triggers import listens

CONTEXT: dict[str, Any] = {
    "needs": {"a": {"result": "success"}, "b": {"result": "skipped"}},
    "github": {"event_name": "pull_request", "*": UNKNOWN},
    "matrix": {"os": "Linux", "n": 3.0},
}
FUNCTIONS = {"always": lambda: True, "failure": lambda: False}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("1 == 1.0", True),
        ("'A' == 'a'", True),
        ("'it''s'", "it's"),
        ("0x10 > 15", True),
        ("'' == 0", True),
        ("null == false", True),
        ("'x' < 1", False),
        ("!true", False),
        ("!(true && false)", True),
        ("'a' && 'b'", "b"),
        ("'' || 'c'", "c"),
        ("always()", True),
        ("Always() && !FAILURE()", True),
        ("needs.a.result", "success"),
        ("needs['b'].result", "skipped"),
        ("needs.c.result", None),
        ("contains(needs.*.result, 'skipped')", True),
        ("contains(needs.*.result, 'skip')", False),
        ("contains('a,skipped', 'SKIP')", True),
        ("contains(toJSON(needs), 'skipped')", True),
        ("join(needs.*.result, '+')", "success+skipped"),
        ("format('{0}-{1} {{x}}', matrix.os, matrix.n)", "Linux-3 {x}"),
        ("fromJSON('[1, 2]')[1]", 2.0),
        ("startsWith(matrix.os, 'lin') && endsWith(matrix.os, 'UX')", True),
        ("github.event_name != 'push'", True),
        ("github.actor", UNKNOWN),
        ("github.actor == 'eve' && false", False),
        ("github.actor == 'eve' || true", True),
        ("github.actor == 'eve' || false", UNKNOWN),
        ("!github.actor", UNKNOWN),
        ("secrets.TOKEN", UNKNOWN),
        ("hashFiles('x')", UNKNOWN),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    assert evaluate(text, CONTEXT, FUNCTIONS) == value


@pytest.mark.parametrize(
    "text", ["", "a b", "(", "a.", "'x", "a ==", "f(", "a[", "&& a", "a ? b : c", "(" * 200 + ")" * 200]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(NotAnExpression):
        evaluate(text, CONTEXT, FUNCTIONS)


@given(st.text(alphabet="()[]!&|=<>'., ab0*", max_size=60))
def test_no_text_breaks_the_reader_of_expressions(text: str) -> None:
    with suppress(NotAnExpression):
        truth(evaluate(text, CONTEXT, FUNCTIONS))


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("exit 1", True),
        ("exit 0", False),
        ("exit", False),
        ("false", True),
        ("make", False),
        ("make || exit 1", False),
        ('[ "$R" = success ]', True),
        ('[ "$R" = success ] || true', False),
        ('[ "$R" = success ] || exit 1', True),
        ('[ "$R" != success ] && exit 1', True),
        ('[ "$R" = success ] && echo fine', False),
        ('if [ "$R" = failure ]; then exit 1; fi', False),
        ('if [ "$R" = failure ] || [ "$R" = skipped ]; then exit 1; fi', True),
        ("if [[ $R == failure || $R == skipped ]]; then\n  exit 1\nfi", True),
        ("if [[ $R == success ]]; then\n  echo fine\nelse\n  exit 1\nfi", True),
        ("if [[ $R == success ]]; then exit 0; elif [[ $R == skipped ]]; then exit 0; fi\nexit 1", False),
        ("if [[ $R == success ]]; then exit 0; fi\nexit 1", True),
        ("for r in success $R; do\n  if [ $r != success ]; then exit 1; fi\ndone", True),
        ("for r in success; do [ $r = success ] || exit 1; done", False),
        ("case $R in\n  success|skipped) ;;\n  *) exit 1 ;;\nesac", False),
        ("case $R in\n  success) ;;\n  *)\n    echo no\n    exit 1\n    ;;\nesac", True),
        ("code=1\nexit $code", True),
        ("R=success\n[ $R = success ]", False),
        ("! [ $R = success ]", False),
        ("test $R = success", True),
        ("[[ $R =~ ^(success|skipped)$ ]]", False),
        ("set -e\n# exit 1\necho 'exit 1'", False),
        ("[ -z \"$R\" ] || { echo no; exit 1; }", True),
        ("exit 0\nexit 1", False),
        ('[ "$OTHER" = success ]', UNKNOWN),
        ('if [ "$OTHER" = success ]; then exit 1; fi', UNKNOWN),
        ('if [ "$OTHER" = success ]; then exit 1; else exit 2; fi', True),
        ("while true; do exit 1; done", UNKNOWN),
        ("echo $R | grep -q success", UNKNOWN),
        ('[ "$(make)" = success ]', UNKNOWN),
    ],
)  # fmt: skip
def test_scripts(script: str, ends: Any) -> None:
    assert fails(script, {"R": "skipped", "OTHER": OPAQUE}) is ends


@given(st.text(alphabet="if then else fi for in do done case esac [ ] && || ; { } $R exit 1 'x\"\n()", max_size=120))
def test_no_text_breaks_the_reader_of_scripts(text: str) -> None:
    fails(text, {"R": "skipped"})


JOB = "on: pull_request\njobs:\n  test:\n    runs-on: x\n"


@pytest.mark.parametrize(
    ("job", "names"),
    [
        ("", ["test"]),
        ("    name: Tests\n", ["Tests"]),
        ("    strategy: {matrix: {os: [a, b], n: [1]}}\n", ["test (a, 1)", "test (b, 1)"]),
        ("    name: Tests\n    strategy: {matrix: {os: [a, b]}}\n", ["Tests (a)", "Tests (b)"]),
        ("    name: Tests on ${{ matrix.os }}\n    strategy: {matrix: {os: [a, b]}}\n", ["Tests on a", "Tests on b"]),
        ("    strategy: {matrix: {os: [a, b], n: [1, 2], exclude: [{os: a, n: 2}]}}\n", ["test (a, 1)", "test (b, 1)", "test (b, 2)"]),
        ("    strategy: {matrix: {include: [{os: a}, {os: b}]}}\n", ["test (a)", "test (b)"]),
        ("    strategy: {matrix: {os: [a], include: [{os: c}]}}\n", ["test (a)", "test (c)"]),
        ("    strategy: {matrix: {on: [true, '']}}\n", ["test (true)", "test"]),
        ("    strategy: {matrix: {cell: [{os: a, n: [1, 2]}]}}\n", ["test (a, 1, 2)"]),
        ("    strategy: {matrix: {os: ['" + "x" * 120 + "']}}\n", ["test (" + "x" * 91 + "..."]),
        ("    strategy: {matrix: {os: '${{ fromJSON(inputs.systems) }}'}}\n", ["test (…)"]),
        ("    strategy:\n      matrix: ${{ fromJSON(needs.a.outputs.m) }}\n    name: on ${{ matrix.os }}\n", ["on …"]),
        ("    name: ${{ github.event_name }} tests\n", ["… tests"]),
        ("    uses: octo/x/.github/workflows/y.yml@main\n", ["test / …"]),
    ],
)  # fmt: skip
def test_names_of_checks(job: str, names: list[str]) -> None:
    workflow = read("ci.yml", JOB + job)
    assert [check.shown for check in reported(workflow.jobs["test"], {})] == names


def test_names_of_called_workflows_are_joined_at_every_level() -> None:
    files = {
        ".github/workflows/a.yml": "on: pull_request\njobs:\n  one: {uses: ./.github/workflows/b.yml, strategy: {matrix: {n: [1, 2]}}}\n",
        ".github/workflows/b.yml": "on: workflow_call\njobs:\n  two: {name: Two, uses: ./.github/workflows/c.yml}\n",
        ".github/workflows/c.yml": "on: workflow_call\njobs:\n  three: {runs-on: x}\n  me: {uses: ./.github/workflows/c.yml}\n",
    }  # fmt: skip
    workflows = {path: read(path, text) for path, text in files.items()}
    found = [check.shown for check in reported(workflows[".github/workflows/a.yml"].jobs["one"], workflows)]
    assert "one (1) / Two / three" in found
    assert "one (2) / Two / me / three" in found, "a workflow that calls itself ends somewhere"


@pytest.mark.parametrize(
    ("filters", "branch", "let"),
    [
        ({}, "main", True),
        ({"branches": ["main"]}, "main", True),
        ({"branches": ["ma*"]}, "main", True),
        ({"branches": ["release/*"]}, "release/a/b", False),
        ({"branches": ["release/**"]}, "release/a/b", True),
        ({"branches": ["**", "!main"]}, "main", False),
        ({"branches": ["!main", "**"]}, "main", True),
        ({"branches": "main"}, "main", True),
        ({"branches": ["v[12].x"]}, "v2.x", True),
        ({"branches": ["mains?"]}, "main", True),
        ({"branches-ignore": ["main"]}, "main", False),
        ({"branches-ignore": ["release/**"]}, "main", True),
        ({"branches": ["["]}, "main", False),
    ],
)
def test_filters_of_branches(filters: dict[str, Any], branch: str, let: bool) -> None:
    assert listens(filters, branch) is let
