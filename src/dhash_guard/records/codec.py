"""Turns records into plain data and back, strictly: an unknown key or kind is an error, never a default."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import cattrs

from dhash_guard.records.canonical import loads
from dhash_guard.records.sample import Tick

T = TypeVar("T")


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    # A look is written in one way only, wherever it stands: as a line of samples.jsonl.
    converter.register_unstructure_hook(Tick, Tick.to_data)
    converter.register_structure_hook(Tick, lambda data, _: Tick.from_data(data))
    return converter


def to_data(record: Any) -> Any:
    """Plain mappings, lists, strings and numbers, ready for canonical JSON."""
    return _converter().unstructure(record)


def from_data(kind: type[T], data: Any) -> T:
    """Read what `to_data` wrote; raise ValueError naming the record where it does not fit."""
    try:
        return _converter().structure(data, kind)
    except (cattrs.BaseValidationError, cattrs.errors.StructureHandlerNotFoundError) as problem:
        leaves = "; ".join(_leaves(problem))
        raise ValueError(f"no {kind.__name__} record: {leaves}") from problem


def from_json(kind: type[T], text: bytes | str) -> T:
    """Read the JSON of what `to_data` wrote; raise ValueError where it is anything else, whoever wrote it."""
    data = loads(text)
    return from_data(kind, data if isinstance(data, dict) else {})


def _leaves(problem: BaseException) -> list[str]:
    if isinstance(problem, BaseExceptionGroup):
        return [leaf for inner in problem.exceptions for leaf in _leaves(inner)]
    return [str(problem)]
