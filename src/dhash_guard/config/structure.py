"""Turns nodes into settings records, strictly, and gathers every fault before it says anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

import attrs

from dhash_guard.config import scalars
from dhash_guard.config.names import suggest
from dhash_guard.config.node import Fault, Node, Wrong
from dhash_guard.config.shapes import Key, is_list, keys, tagged, unwrapped
from dhash_guard.config.verbs import Instant
from dhash_guard.gates.calendar import TimeOfDay
from dhash_guard.records.units import Quantity, Ratio, Seconds

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
COMMANDS = ("run", "plan", "stop", "start", "restart", "restore")
"""The keys that hold a program with its arguments."""

_SCALARS: dict[Any, Callable[[Node], Any]] = {
    bool: scalars.boolean,
    float: scalars.number,
    str: scalars.text,
    Seconds: scalars.seconds,
    Ratio: scalars.ratio,
    Quantity: scalars.quantity,
    Instant: scalars.instant,
    TimeOfDay: scalars.time_of_day,
}


def structure(node: Node, kind: type[T]) -> T:
    """The record of this type that `node` writes; raise Wrong with every fault."""
    found: T = _converter().structure(node, kind)
    return found


def sections(
    node: Node, record: type, skip: Collection[str] = (), beside: Collection[str] = ()
) -> tuple[dict[str, Any], list[Fault]]:
    """The values of a record's keys that are written and right, by attribute, and the faults of all others.

    `beside` are keys that somebody else has read and taken out, and that a mistyped one may have meant.
    """
    if not isinstance(node.value, dict):
        return {}, [node.fault(_no_mapping(node))]
    known = {key.written: key for key in keys(record)}
    meant = [*known, *beside]
    faults = [child.fault(f"unknown key; {suggest(name, meant)}") for name, child in node.value.items() if name not in known]
    missing = [key for key in known.values() if key.required and key.written not in node.value]
    faults += [Fault(node.mark.below(key.written), "is missing; add it") for key in missing]
    given = [key for key in known.values() if key.written in node.value and key.name not in skip]
    values, wrong = _gather((key.name, partial(_field, key, node.value[key.written])) for key in given)
    return values, faults + wrong


def _field(key: Key, node: Node) -> Any:
    if not node.off or unwrapped(key.kind)[0] is bool:
        return _converter().structure(node, key.kind)
    if key.removable:
        return key.off_value()
    raise Wrong(node.fault("cannot be switched off; write a value, or switch off what is inside it"))


@cache
def _converter() -> Converter:
    from cattrs import Converter

    converter = Converter()
    # cattrs dispatches a numbered enumeration as the integer it is; here it is written by its names.
    converter.register_structure_hook(int, lambda node, kind: (scalars.integer if kind is int else _named(kind))(node))
    for kind, read in _SCALARS.items():
        converter.register_structure_hook(kind, partial(_scalar, read))
    hooks: list[tuple[Callable[[Any], bool], Callable[[Node, Any], Any]]] = [
        (lambda kind: kind is Any, lambda node, _: scalars.anything(node)),
        (lambda kind: isinstance(kind, type) and issubclass(kind, Enum), scalars.word),
        (lambda kind: get_origin(kind) is Literal, scalars.literal),
        (lambda kind: get_origin(kind) is tuple, _list),
        (lambda kind: get_origin(kind) is dict, _mapping),
        (lambda kind: isinstance(kind, type) and attrs.has(kind) and kind is not Quantity, _record),
        (lambda kind: bool(tagged(kind)), _member),
        (lambda kind: unwrapped(kind)[1], lambda node, kind: converter.structure(node, unwrapped(kind)[0])),
    ]
    for fits, hook in hooks:
        converter.register_structure_hook_func(fits, hook)
    return converter


def _scalar(read: Callable[[Node], Any], node: Node, _: Any) -> Any:
    return read(node)


def _named(kind: type[Enum]) -> Callable[[Node], Any]:
    return lambda node: scalars.word(node, kind)


def _record(node: Node, record: Any) -> Any:
    values, faults = sections(node, record)
    if faults:
        raise Wrong(*faults)
    return record(**values)


def _member(node: Node, family: Any) -> Any:
    """The member of a family that the node's `kind` names."""
    if not isinstance(node.value, dict):
        raise Wrong(node.fault(_no_mapping(node)))
    members = tagged(family)
    kind = node.value.get("kind")
    if kind is None:
        raise Wrong(Fault(node.mark.below("kind"), f"is missing; use one of {', '.join(members)}"))
    if not isinstance(kind.value, str) or kind.value not in members:
        raise Wrong(kind.fault(f"{kind.shown} is an unknown kind; {suggest(str(kind.value), members)}"))
    return _record(node, members[kind.value])


def _list(node: Node, kind: Any) -> Any:
    if not isinstance(node.value, list):
        command = node.mark.path and node.mark.path[-1] in COMMANDS
        what = "a list of arguments, such as [npm, test]" if command else "a list"
        raise Wrong(node.fault(f"{node.shown} is no list; write {what}"))
    arguments = get_args(kind)
    if not is_list(kind) and len(node.value) != len(arguments):
        raise Wrong(node.fault(f"has {len(node.value)} values; write a list of {len(arguments)}"))
    kinds = [arguments[0]] * len(node.value) if is_list(kind) else list(arguments)
    # In a list there is nothing to remove, so that `off` is a word like any other ([systemctl, off]).
    items = [attrs.evolve(child, plain=False) for child in node.value]
    pairs = enumerate(zip(items, kinds, strict=True))
    values, faults = _gather((index, partial(_converter().structure, item, kind)) for index, (item, kind) in pairs)
    if faults:
        raise Wrong(*faults)
    return tuple(values.values())


def _mapping(node: Node, kind: Any) -> Any:
    if not isinstance(node.value, dict):
        raise Wrong(node.fault(_no_mapping(node)))
    inner = get_args(kind)[1]
    written = {name: child for name, child in node.value.items() if not child.off}
    idle = {name: child for name, child in node.value.items() if child.off and not child.removes}
    values, faults = _gather((name, partial(_converter().structure, child, inner)) for name, child in written.items())
    hint = 'or put the word in quotes ("off") if it is text'
    faults += [
        child.fault(f"there is nothing of this name to switch off; {suggest(name, written)}, {hint}")
        for name, child in idle.items()
    ]
    if faults:
        raise Wrong(*faults)
    return values


def _gather(calls: Iterable[tuple[Any, Callable[[], Any]]]) -> tuple[dict[Any, Any], list[Fault]]:
    """The results of the calls that succeed, and the faults of those that do not."""
    values: dict[Any, Any] = {}
    faults: list[Fault] = []
    for name, call in calls:
        try:
            values[name] = call()
        except Wrong as problem:
            faults += problem.faults
    return values, faults


def _no_mapping(node: Node) -> str:
    if node.value is None:
        return "has no value; write its keys below it, or remove the line"
    if node.off:
        return "cannot be switched off; remove the line"
    return f"{node.shown} is no mapping; write its keys below it"
