"""Decides which command line the inputs of the action mean; what does not fit is refused with what to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final

import click
from attrs import frozen

from dhash_guard.errors import UsageProblem

PREFIX: Final = "DHASH_GUARD_INPUT_"

OPTIONS: Final[Mapping[str, Sequence[str]]] = {
    "environment": ("--env",),
    "config": ("--config",),
    "tag": ("--tag",),
    "backup": ("--backup", "--backup-file"),
    "dry-run": ("--dry-run",),
    "reason": ("--reason",),
    "confirm": ("--confirm",),
}
"""Inputs that become an option: the first of these that the command has."""

OTHERS: Final = ("command", "args", "github-token", "python", "libraries", "comment", "working-directory")
NAMES: Final = (*OPTIONS, *OTHERS)

_SWITCHES: Final = ("dry-run",)
_WORDS: Final = {"true": True, "false": False}
_MOST: Final = 65_536
"""Characters of all inputs together; more is no command line."""


@frozen(kw_only=True)
class Inputs:
    """What the workflow wrote under `with:`; what it left empty is not in `values`."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def comments(self) -> bool:
        """Whether a comment may be written."""
        chosen = self["comment"] or "auto"
        if chosen not in ("auto", "off"):
            raise UsageProblem(f"the input comment is {chosen!r}", cure="Say auto or off.")
        return chosen == "auto"


def variable(name: str) -> str:
    """The environment variable through which action.yml hands an input over."""
    return PREFIX + name.upper().replace("-", "_")


def take(environ: MutableMapping[str, str]) -> Inputs:
    """Read the inputs and remove them from the environment, which the project's own commands inherit."""
    found = {name: environ.pop(variable(name), "") for name in NAMES}
    return Inputs(values={name: value for name, value in found.items() if value.strip()})


def arguments(inputs: Inputs, program: click.Group) -> list[str]:
    """The command line; raise UsageProblem for anything that the command would not understand."""
    if sum(map(len, inputs.values.values())) > _MOST:
        raise UsageProblem(f"the inputs have more than {_MOST} characters")
    words = inputs["command"].split()
    command = _command(words, program)
    named = [_option(name, inputs[name], command, words) for name in OPTIONS if _given(name, inputs[name])]
    return [*words, *named, *_lines(inputs["args"])]


def _command(words: Sequence[str], program: click.Group) -> click.Command:
    """The command that the words name, and nothing else: an option here would be one the workflow did not look at."""
    found: click.Command = program
    for index, word in enumerate(words):
        if not isinstance(found, click.Group):
            raise UsageProblem(
                f"{word!r} does not belong to the input command: {' '.join(words[:index])!r} is a command",
                cure="Give arguments in the input args, one on each line.",
            )
        context = click.Context(found)
        child = found.get_command(context, word)
        if child is None:
            raise UsageProblem(
                f"the input command names no command: {' '.join(words)!r}",
                cure=_nearest(word, found.list_commands(context), words[:index]),
            )
        found = child
    if isinstance(found, click.Group):
        known = ", ".join(found.list_commands(click.Context(found)))
        raise UsageProblem(f"the input command is {' '.join(words) or 'missing'!r}", cure=f"Add one of: {known}.")
    return found


def _nearest(word: str, known: Sequence[str], before: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    start = "".join(f"{one} " for one in before)
    return f"Did you mean {start + near[0]!r}?" if near else f"Use one of: {', '.join(start + one for one in known)}."


def _option(name: str, value: str, command: click.Command, words: Sequence[str]) -> str:
    """`--tag=v1`: in one piece, so that no value can be taken for an option."""
    known = [declared for parameter in command.params for declared in parameter.opts]
    option = next((each for each in OPTIONS[name] if each in known), None)
    if option is None:
        raise UsageProblem(
            f"the input {name} was given, and {' '.join(words)!r} does not take it",
            cure="Remove the input, or leave it empty.",
        )
    return option if name in _SWITCHES else f"{option}={value}"


def _given(name: str, value: str) -> bool:
    """Whether the input is to become an option: a switch only where it says so, in a word that cannot be mistaken."""
    if not value or name not in _SWITCHES:
        return bool(value)
    if value.strip() not in _WORDS:
        raise UsageProblem(f"the input {name} is {value!r}", cure="Say true or false.")
    return _WORDS[value.strip()]


def _lines(text: str) -> list[str]:
    """One argument per line, literally; empty lines are none."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    for line in lines:
        if line.startswith("-") and " " in line.split("=")[0]:
            raise UsageProblem(
                f"the input args has the line {line!r}", cure="Give each argument a line of its own, or write --name=value."
            )
    return [line for line in lines if line.strip()]
