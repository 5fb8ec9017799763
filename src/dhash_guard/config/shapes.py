"""Decides how a settings record is written: its keys and types, its kinds, and what may be switched `off`."""

from __future__ import annotations

import types
from enum import Enum, IntEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen

from dhash_guard.config.verbs import Freeze
from dhash_guard.gates.calendar import Window

_SPAN = {"since": "from", "until": "to"}
_WRITTEN: dict[type, dict[str, str]] = {Freeze: _SPAN, Window: _SPAN}
"""Keys that Python would not allow as names."""


@frozen
class Key:
    """One key of a record: its attribute, the word in the file, its type, and its default (NOTHING where required)."""

    name: str
    written: str
    kind: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether the key must be written."""
        return self.default is attrs.NOTHING

    @property
    def removable(self) -> bool:
        """Whether `off` can stand here: what may be absent or empty can, a boolean never (off is not false)."""
        inner, optional = unwrapped(self.kind)
        return inner is not bool and (optional or (not self.required and is_collection(inner)))

    def default_value(self) -> Any:
        """The value where the key is not written."""
        return self.default.factory() if isinstance(self.default, attrs.Factory) else self.default  # type: ignore[arg-type]

    def off_value(self) -> Any:
        """What `off` leaves behind."""
        inner, optional = unwrapped(self.kind)
        return None if optional else {} if get_origin(inner) is dict else ()


@cache
def keys(record: type) -> tuple[Key, ...]:
    """The keys of a settings record in the order of its fields."""
    hints = get_type_hints(record)
    renamed = _WRITTEN.get(record, {})
    return tuple(Key(f.name, renamed.get(f.name, f.name), hints[f.name], f.default) for f in attrs.fields(record))


def unwrapped(kind: Any) -> tuple[Any, bool]:
    """The type without `None`, and whether None belonged to it."""
    if not is_union(kind):
        return kind, False
    rest = tuple(member for member in get_args(kind) if member is not type(None))
    return (rest[0] if len(rest) == 1 else Union[rest]), len(rest) < len(get_args(kind))  # noqa: UP007


def is_union(kind: Any) -> bool:
    """Whether several types are allowed."""
    return get_origin(kind) in (Union, types.UnionType)


def is_collection(kind: Any) -> bool:
    """A list of any length, or a mapping of names."""
    return get_origin(kind) is dict or is_list(kind)


def is_list(kind: Any) -> bool:
    """A list of any length with items of one type."""
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def tagged(kind: Any) -> dict[str, type]:
    """The members of a family by their `kind`; empty for anything that is no family."""
    members = get_args(kind) if is_union(kind) else (kind,)
    found = {}
    for member in members:
        for key in keys(member) if attrs.has(member) else ():
            if key.name == "kind" and get_origin(key.kind) is Literal:
                found[str(get_args(key.kind)[0])] = member
    return found


def words(kind: type[Enum]) -> dict[str, Enum]:
    """The words of an enumeration with their members; a numbered one is written by its names."""
    return {member.name.lower() if issubclass(kind, IntEnum) else str(member.value): member for member in kind}


def plain_data(value: Any) -> Any:
    """A record as mappings, lists and scalars, for canonical JSON; numbered enumerations by their numbers."""
    if attrs.has(type(value)):
        return {field.name: plain_data(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(name): plain_data(child) for name, child in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain_data(child) for child in value]
    return value
