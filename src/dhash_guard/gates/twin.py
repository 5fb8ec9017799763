"""Copies what a judge has gathered so far, so that a rule which went too far can begin again from there."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Any, TypeVar, cast

from attrs import fields, has

T = TypeVar("T")


def twin(state: T) -> T:
    """The same, which goes its own way from here: whatever changes in it is copied, its looks and settings are shared.

    A day's windows hold thousands of looks, so that `deepcopy` would cost more than it saves.
    """
    other = copy(state)
    names = [each.name for each in fields(cast(Any, type(state)))] if has(type(state)) else list(vars(state))
    for name in names:
        value = getattr(state, name)
        if (own := _own(value)) is not value:
            setattr(other, name, own)
    return other


def _own(value: Any) -> Any:
    if isinstance(value, (deque, set)):
        return value.copy()
    if isinstance(value, tuple) and any(_changes(each) for each in value[:2]):
        return tuple(twin(each) for each in value)
    return twin(value) if _changes(value) else value


def _changes(value: object) -> bool:
    """Whether it is a record that may change: those that cannot have a hash."""
    return has(type(value)) and type(value).__hash__ is None
