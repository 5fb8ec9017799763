"""Turns records into plain data and back, strictly: an unknown key or kind is an error, never a default."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import cattrs

T = TypeVar("T")


@cache
def _converter() -> cattrs.Converter:
    return cattrs.Converter(forbid_extra_keys=True)


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


def _leaves(problem: BaseException) -> list[str]:
    if isinstance(problem, BaseExceptionGroup):
        return [leaf for inner in problem.exceptions for leaf in _leaves(inner)]
    return [str(problem)]
