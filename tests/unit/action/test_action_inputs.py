"""Inputs of the action become one command line, or a refusal that says what to do."""

from __future__ import annotations

import pytest

from dhash_guard.cli import program
from dhash_guard.cli.inputs import NAMES, Inputs, arguments, take, variable
from dhash_guard.errors import UsageProblem


def line(**values: str) -> list[str]:
    environ = {variable(name.replace("_", "-")): value for name, value in values.items()}
    return arguments(take(environ), program)


def refused(**values: str) -> str:
    with pytest.raises(UsageProblem) as problem:
        line(**values)
    return str(problem.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"command": "health"}, ["health"]),
        ({"command": " backup   create "}, ["backup", "create"]),
        ({"command": "gate", "environment": "production"}, ["gate", "--env=production"]),
        ({"command": "deploy", "tag": "v1", "dry_run": "true"}, ["deploy", "--tag=v1", "--dry-run"]),
        ({"command": "deploy", "tag": "v1", "dry_run": "false"}, ["deploy", "--tag=v1"]),
        ({"command": "deploy", "backup": "b.zip"}, ["deploy", "--backup-file=b.zip"]),
        ({"command": "rollback", "backup": "b.zip", "reason": "slow"}, ["rollback", "--backup=b.zip", "--reason=slow"]),
        ({"command": "monitor", "backup": "b.zip"}, ["monitor", "--backup=b.zip"]),
        ({"command": "health", "tag": "", "reason": "  ", "backup": "\n"}, ["health"]),
        ({"command": "health", "config": "a b.yml"}, ["health", "--config=a b.yml"]),
    ],
)
def test_what_the_inputs_mean(values: dict[str, str], expected: list[str]) -> None:
    assert line(**values) == expected


def test_a_value_is_never_an_option() -> None:
    assert line(command="deploy", tag="--force") == ["deploy", "--tag=--force"]


def test_args_are_literal() -> None:
    text = "--retries\r\n3\n\n--note=$(touch x) `id` 'a  b'\n"
    assert line(command="health", args=text) == ["health", "--retries", "3", "--note=$(touch x) `id` 'a  b'"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Add one of: "),
        ({"command": "backup"}, "Add one of: create, drill, list"),
        ({"command": "backup crate"}, "Did you mean 'backup create'?"),
        ({"command": "helth"}, "Did you mean 'health'?"),
        ({"command": "xyzzy"}, "Use one of: "),
        ({"command": "health --force"}, "Give arguments in the input args"),
        ({"command": "--version"}, "names no command"),
        ({"command": "health", "tag": "v1"}, "the input tag was given, and 'health' does not take it"),
        ({"command": "health", "reason": "why"}, "Remove the input"),
        ({"command": "health", "dry_run": "yes"}, "Say true or false."),
        ({"command": "health", "dry_run": "True"}, "Say true or false."),
        ({"command": "deploy", "args": "--tag v1"}, "a line of its own"),
        ({"command": "health", "args": "x" * 70_000}, "65536"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, str], said: str) -> None:
    assert said in refused(**values)


def test_a_switch_that_is_off_is_not_asked_of_a_command_without_it() -> None:
    assert line(command="health", dry_run="false") == ["health"]


def test_taking_the_inputs_removes_them_from_the_environment() -> None:
    environ = {variable(name): "x" for name in NAMES} | {"PATH": "/bin"}
    inputs = take(environ)
    assert environ == {"PATH": "/bin"}
    assert inputs["github-token"] == "x"


@pytest.mark.parametrize(("value", "expected"), [("", True), ("auto", True), ("off", False)])
def test_comment(value: str, expected: bool) -> None:
    assert Inputs(values={"comment": value}).comments is expected


def test_an_unknown_word_for_comment_is_refused() -> None:
    with pytest.raises(UsageProblem, match="auto or off"):
        _ = Inputs(values={"comment": "always"}).comments
