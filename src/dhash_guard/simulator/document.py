"""Reads and writes the state file: JSON or YAML, strict about keys and kinds; what can be made up may be left out."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import cattrs
import yaml
from attrs import define, field
from cattrs.v import format_exception

from dhash_guard.errors import UsageProblem
from dhash_guard.simulator.completion import complete
from dhash_guard.simulator.faults import Fault
from dhash_guard.simulator.state import World, moment

T = TypeVar("T")

_WORDS = {str: "a text", int: "an integer", float: "a number", bool: "true or false"}


@define(kw_only=True)
class Document:
    """A state file: the world, and the faults that wait in it."""

    world: World = field(factory=World)
    faults: tuple[Fault, ...] = ()


def read_document(path: Path, at: float) -> Document:
    """The state file; raise UsageProblem saying what is wrong in it."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageProblem(f"cannot be read: {problem}", where=str(path), cure="Give a JSON or YAML file.") from problem
    try:
        return document(data, at)
    except ValueError as problem:
        raise UsageProblem(str(problem), where=str(path), cure="docs/reference/simulator.md lists the keys.") from problem


def document(data: Any, at: float) -> Document:
    """Read the data of a state file; raise ValueError where it is not one."""
    if not isinstance(data, dict):
        raise ValueError("a state is a mapping with repositories, teams, users, tokens, faults")  # noqa: TRY004  # a file's fault, not a caller's
    rest = dict(data)
    faults = structure(tuple[Fault, ...], rest.pop("faults", []))
    world = structure(World, rest)
    for name, repository in world.repositories.items():
        if name.count("/") != 1:
            raise ValueError(f"repositories: {name!r} is not owner/name")
        complete(name, repository, at)
    return Document(world=world, faults=faults)


def structure(kind: type[T], data: Any) -> T:
    """Turn data into records; raise ValueError listing every place that does not fit."""
    try:
        return _CONVERTER.structure(data, kind)
    except cattrs.BaseValidationError as problem:
        raise ValueError("; ".join(cattrs.transform_error(problem, path="state", format_exception=_words))) from problem


def to_json(record: Any) -> str:
    """Records as the JSON that `structure` reads."""
    return json.dumps(_CONVERTER.unstructure(record), ensure_ascii=False, indent=2)


def _words(problem: BaseException, kind: type | None) -> str:
    """What does not fit, in the words of whoever refused it."""
    return str(problem) if type(problem) is ValueError else format_exception(problem, kind)


def _exactly(value: Any, kind: type) -> Any:
    """A scalar as it stands: a text is no number and "false" is no boolean, though YAML's times are texts again."""
    if kind is str and isinstance(value, datetime):
        return moment(value.timestamp()) if value.tzinfo else value.isoformat() + "Z"
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
        return value
    raise ValueError(f"{value!r} is not {_WORDS[kind]}" + (" (put it in quotes)" if kind is str else ""))


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, _exactly)
    return converter


_CONVERTER = _converter()
