"""Imports a gates file: reads it, writes a configuration that our own loader accepts, and gives the account of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from attrs import field, frozen

from dhash_guard.config.importing.account import Entry, Fate
from dhash_guard.config.importing.assemble import BESIDES
from dhash_guard.config.importing.compose import Composed, compose, remarks
from dhash_guard.config.importing.interpret import Interpretation, interpret
from dhash_guard.config.importing.json_nodes import read_json, read_some
from dhash_guard.config.importing.recognise import environments, recognised
from dhash_guard.config.importing.verify import faults, take_out
from dhash_guard.config.importing.writing import written
from dhash_guard.errors import UsageProblem


@frozen(kw_only=True)
class Import:
    """A finished import: the YAML `text`, the same as data, and what became of each value of the file in its order."""

    family: int
    shape: str
    text: str
    configuration: dict[str, Any]
    entries: list[Entry]
    notes: list[str] = field(factory=list)

    def of(self, fate: Fate) -> list[Entry]:
        """The values with this fate."""
        return [entry for entry in self.entries if entry.fate is fate]


def import_file(
    path: Path, cwd: Path, environ: Mapping[str, str], *, service: str, env: str | None = None, partial: bool = False
) -> Import:
    """Import the JSON file at `path` (relative to `cwd`).

    Raise UsageProblem where it cannot be read or recognised, or where a value is refused and `partial` is not asked for;
    with `partial` the refused values stand in the result, and everything that could be read is written.
    """
    name = str(path)
    try:
        content = read_some(cwd / path)
    except (OSError, ValueError) as problem:  # ValueError: a name that no file can have
        why = getattr(problem, "strerror", None) or problem
        raise UsageProblem(f"cannot read the gates file: {why}", where=name, cure="Check the name.") from problem
    node = read_json(content, name)
    family = recognised(node)
    found = interpret(family, node, environments(family, node, env))
    composed, text, problems = _accepted(found, cwd, environ, service, name)
    notes = [*remarks(found), *_without_empty(found)]
    if not found.environments:
        problems = ["no environment has a gate that can be watched"]
    elif found.environments.keys() != composed.data["environments"].keys():
        composed, text, problems = _accepted(found, cwd, environ, service, name)
    entries = found.account.entries(found.leaves)
    _refuse(name, entries, problems, partial)
    return Import(
        family=family.number, shape=family.shape, text=text, configuration=composed.data, entries=entries, notes=notes
    )


def _accepted(
    found: Interpretation, cwd: Path, environ: Mapping[str, str], service: str, name: str
) -> tuple[Composed, str, list[str]]:
    """The configuration without the gates that the loader refuses, and its faults that no gate is the cause of."""
    head = f"Imported from {PurePath(name).name} ({found.family.shape})."
    while True:
        composed = compose(found, service)
        text = written(composed.data, composed.comments, head)
        wrong = faults(text, cwd / "dhash-guard.yml", cwd, environ)
        count = _gates(found)
        problems = take_out(found, composed, wrong)
        if _gates(found) == count:
            return composed, text, problems


def _without_empty(found: Interpretation) -> list[str]:
    """Leave out the environments in which nothing would be watched; one sentence for each."""
    empty = [env for env, one in found.environments.items() if not one.gates]
    for env in empty:
        for value in found.environments.pop(env).settings.values():
            found.account.say(value.leaf, Fate.LEFT, "its environment has nothing to watch and is left out", env=env)
    return [f"{env} has nothing to watch and is left out" for env in empty]


def _gates(found: Interpretation) -> int:
    return sum(len(one.gates) for one in found.environments.values())


def _refuse(name: str, entries: list[Entry], problems: list[str], partial: bool) -> None:
    refused = [entry for entry in entries if entry.fate is Fate.REFUSED]
    if not problems and (partial or not refused):
        return
    causes = [f"{entry.place}: {entry.value}: {entry.text}" for entry in refused if not entry.text.startswith(BESIDES)]
    lines = [*problems, *([] if partial else causes)]
    count = "1 value" if len(lines) == 1 else f"{len(lines)} values"
    cure = "Mend them in the file" + ("." if problems else ", or import the rest with --partial.")
    raise UsageProblem(f"{count} cannot be imported\n" + "\n".join(f"  {line}" for line in lines), where=name, cure=cure)
