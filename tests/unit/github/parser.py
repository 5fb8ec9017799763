"""GitHub's side of the runner's files and commands, written after the runner's own rules."""

from __future__ import annotations

import re

from attrs import frozen

COMMANDS = frozenset({"error", "warning", "notice", "debug", "add-mask", "stop-commands", "set-output", "set-env", "group"})


def read_outputs(text: str) -> dict[str, str]:
    """What the runner understands of a GITHUB_OUTPUT file; raise ValueError where it would fail the step."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    if lines.pop():
        raise ValueError("no line end at the end")
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line.split("=", 1)
        elif heredoc >= 0:
            name, delimiter = line.split("<<", 1)
            end = lines.index(delimiter, at)
            value, at = "\n".join(lines[at:end]), end + 1
        else:
            raise ValueError(f"invalid format {line!r}")
        found[name] = value
    return found


@frozen
class Command:
    """One command that the runner obeys."""

    name: str
    properties: dict[str, str]
    data: str


def obeyed(text: str) -> list[Command]:
    """The commands that the runner obeys in a step's output, stop-commands respected."""
    found: list[Command] = []
    stopped = ""
    for line in re.split(r"\r\n|\r|\n", text):
        command = _command(line, COMMANDS | ({stopped} if stopped else set()))
        if command is None:
            continue
        if stopped:
            if command.name.casefold() == stopped.casefold():
                stopped = ""
        elif command.name == "stop-commands":
            stopped = command.data
        else:
            found.append(command)
    return found


def _command(line: str, known: frozenset[str] | set[str]) -> Command | None:
    trimmed = line.lstrip()
    if trimmed.startswith("::") and (end := trimmed.find("::", 2)) >= 0:
        return _parsed(trimmed[2:end], trimmed[end + 2 :], ",", known)
    if (start := line.find("##[")) >= 0 and (end := line.find("]", start)) >= 0:
        return _parsed(line[start + 3 : end], line[end + 1 :], ";", known)
    return None


def _parsed(head: str, data: str, separator: str, known: frozenset[str] | set[str]) -> Command | None:
    name, _, rest = head.partition(" ")
    if name.casefold() not in {each.casefold() for each in known}:
        return None
    pairs = (each.split("=", 1) for each in rest.strip().split(separator) if each)
    properties = {pair[0]: _plain(pair[1]) for pair in pairs if len(pair) == 2}
    return Command(name, properties, _plain(data))


def _plain(text: str) -> str:
    for token, replacement in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(token, replacement)
    return text
