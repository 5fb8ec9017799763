"""Exports the JSON Schema of the configuration file from the types that read it: editors know what the loader knows."""

from __future__ import annotations

import inspect
import json
import re
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from dhash_guard.config.presets import PRESETS
from dhash_guard.config.scalars import TIME_OF_DAY, UTC_TIME
from dhash_guard.config.schema import Document, WaveSettings
from dhash_guard.config.shapes import Key, is_list, keys, tagged, unwrapped, words
from dhash_guard.config.targets import SHARED
from dhash_guard.config.verbs import Instant
from dhash_guard.gates.calendar import TimeOfDay
from dhash_guard.records.units import Quantity, Ratio, Seconds

_SPAN = r"(\d+(\.\d+)?(ms|s|m|h|d))+"
_PERCENT = r"[+]?\d+(\.\d+)?([eE][+-]?\d+)?\s*%"
_SIZE = r"\d+(\.\d+)?\s*(B|KiB|MiB|GiB|kB|MB|GB)"
_NAME = "^[a-z0-9][a-z0-9-]*$"


def _written(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": rf"^\s*({pattern})\s*$"}


_VARIABLE = {"$ref": "#/$defs/Variable"}
_OFF = {"$ref": "#/$defs/Off"}
_SPANS = [{"type": "number", "minimum": 0}, _written(rf"\d+(\.\d+)?|{_SPAN}"), _VARIABLE]
_LIMITS = [{"type": "number"}, _written(f"{_PERCENT}|{_SIZE}|{_SPAN}"), _VARIABLE]
_SCALARS: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Any: {},
    Seconds: {"$ref": "#/$defs/Duration"},
    Ratio: {"$ref": "#/$defs/Ratio"},
    Quantity: {"$ref": "#/$defs/Quantity"},
    Instant: {"$ref": "#/$defs/Instant"},
    TimeOfDay: {"$ref": "#/$defs/TimeOfDay"},
}
_SHARED: dict[str, dict[str, Any]] = {
    "Duration": {"description": "A span of time: 30s, 10m, 1h30m, 250ms, or a bare number of seconds.", "anyOf": _SPANS},
    "Ratio": {"description": "A share with its percent sign: 70%.", "anyOf": [_written(_PERCENT), _VARIABLE]},
    "Quantity": {"description": "A limit with its unit: 5%, 2000ms, 512MiB, or a bare count.", "anyOf": _LIMITS},
    "Instant": {
        "description": "A UTC time: 2026-12-23T00:00Z.",
        "anyOf": [{"type": "string", "pattern": f"^{UTC_TIME}$"}, _VARIABLE],
    },
    "TimeOfDay": {
        "description": 'A time of day in UTC, in quotes: "22:00".',
        "anyOf": [{"type": "string", "pattern": f"^{TIME_OF_DAY}$"}, _VARIABLE],
    },
    "Variable": {
        "description": "A value from the environment: ${NAME}.",
        "type": "string",
        "pattern": r"\$\{[A-Za-z_]\w*\}",
    },
    "Off": {"description": "Removes what defaults or a preset say.", "const": "off"},
}


def schema_text() -> str:
    """The schema as the bytes of the committed file, a line break at its end."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12; layers (`defaults`, `environments`) require nothing, because another layer may have it."""
    definitions: dict[str, Any] = {}
    top = _record(Document, definitions, whole=True)
    top["properties"]["service"]["pattern"] = _NAME
    top["properties"]["environments"] |= {"propertyNames": {"pattern": _NAME}, "minProperties": 1}
    # At the top there is no layer below that an `off` could take away from.
    top["properties"]["environments"]["additionalProperties"] = {"$ref": "#/$defs/EnvironmentSection"}
    definitions |= _places(definitions["Environment"], definitions)
    gates = definitions["Environment"]["properties"]["gates"]["anyOf"][0]
    gates["properties"] = {"preset": {"description": "A named set of gates.", "enum": [*PRESETS, "off"]}}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "dhash-guard configuration"}
    return {**draft, **top, "$defs": dict(sorted({**_SHARED, **definitions}.items()))}


def _places(environment: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """What stands under `environments`, and under its `targets`: the keys of every layer, and those of the place."""
    shared: dict[str, Any] = environment["properties"]
    target = {"wave": _SCALARS[int] | {"minimum": 1}} | {name: kind for name, kind in shared.items() if name not in SHARED}
    targets = {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/TargetSection"},
    }
    waves = _type(WaveSettings, definitions, whole=False)
    return {
        "EnvironmentSection": environment
        | {
            "description": "An environment's own keys, and where it goes to: one place, or its targets wave by wave.",
            "properties": shared | {"targets": targets, "waves": waves},
        },
        "TargetSection": environment
        | {
            "description": "One target of an environment: its wave, and what is different from the environment's own keys.",
            "properties": target,
            "required": ["wave"],
        },
    }


def _record(record: type, definitions: dict[str, Any], *, whole: bool, kind: str = "") -> dict[str, Any]:
    """A mapping with exactly the keys of this record; what a `whole` one requires must be there."""
    properties = {key.written: _key(key, definitions) for key in keys(record)}
    if kind:
        properties["kind"] = {"const": kind}
    required = [key.written for key in keys(record) if key.required and whole]
    described = {"description": _description(record), "type": "object", "properties": properties}
    return {**described, **({"required": required} if required else {}), "additionalProperties": False}


def _key(key: Key, definitions: dict[str, Any]) -> dict[str, Any]:
    inner = _type(unwrapped(key.kind)[0], definitions, whole=False)
    return {"anyOf": [inner, _OFF]} if key.removable and inner != _SCALARS[str] else inner


def _type(kind: Any, definitions: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """The schema of any type that a settings record can have."""
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if get_origin(kind) is dict:
        entry = _type(get_args(kind)[1], definitions, whole=False)
        return {"type": "object", "additionalProperties": {"anyOf": [entry, _OFF]} if entry else True}
    if get_origin(kind) is tuple:
        return _list(kind, definitions)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"anyOf": [{"description": _description(kind), "enum": list(words(kind))}, _VARIABLE]}
    members = tagged(kind)
    if members:
        refs = [_reference(member, definitions, whole=whole, kind=name) for name, member in members.items()]
        return refs[0] if len(refs) == 1 else {"anyOf": refs}
    return _reference(kind, definitions, whole=whole)


def _list(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """A list; nothing merges into its items, so that each of them is whole."""
    if is_list(kind):
        return {"type": "array", "items": _type(get_args(kind)[0], definitions, whole=True)}
    items = [_type(item, definitions, whole=True) for item in get_args(kind)]
    return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}


def _reference(record: type, definitions: dict[str, Any], *, whole: bool, kind: str = "") -> dict[str, Any]:
    name = record.__name__
    if name not in definitions:
        definitions[name] = {}  # taken, before the record's own fields ask for it
        definitions[name] = _record(record, definitions, whole=whole, kind=kind)
    return {"$ref": f"#/$defs/{name}"}


def _description(record: type) -> str:
    """The docstring on one line, without the marks of code."""
    return re.sub(r"\s+", " ", inspect.getdoc(record) or "").replace("`", "")
