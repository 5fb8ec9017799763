"""Evaluates GitHub's expressions over what is known; what is not known stays unknown, and makes others so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],.*])|(?P<name>[A-Za-z_][\w-]*))"
)
_DEEPEST = 60


class Unknown:
    """The one value that stands for all that is not known."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


class NotAnExpression(Exception):
    """The text cannot be read as an expression."""


class Every(list[Any]):
    """What `.*` gives: later properties are taken of each of them."""


def evaluate(text: str, context: Mapping[str, Any], functions: Mapping[str, Callable[[], Any]]) -> Any:
    """The value of an expression: None, bool, float, str, list, dict, or UNKNOWN; raise NotAnExpression.

    `context` maps names to data; a name that is not there is UNKNOWN. `functions` are those without arguments.
    """
    return _Reader(_tokens(text), context, functions).whole()


def truth(value: Any) -> bool | Unknown:
    """What an `if` makes of a value."""
    if isinstance(value, Unknown):
        return UNKNOWN
    return not (value is None or value is False or value == "" or (isinstance(value, float) and (value == 0)))


def names_of(text: str) -> set[str]:
    """The functions that an expression calls, in lower case."""
    return {name.lower() for name in re.findall(r"([A-Za-z]\w*)\s*\(", re.sub(r"'(?:[^']|'')*'", "", text))}


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise NotAnExpression(text)
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    """Reads and evaluates at once; both sides of every operator are looked at, because either may be unknown."""

    def __init__(
        self, tokens: list[tuple[str, str]], context: Mapping[str, Any], functions: Mapping[str, Callable[[], Any]]
    ) -> None:
        self._tokens, self._context, self._functions = tokens, context, functions
        self._at = self._depth = 0

    def whole(self) -> Any:
        value = self._or()
        if self._at != len(self._tokens):
            raise NotAnExpression("more than one expression")
        return value

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *signs: str) -> str:
        kind, value = self._peek()
        if kind == "sign" and value in signs:
            self._at += 1
            return value
        return ""

    def _want(self, sign: str) -> None:
        if not self._take(sign):
            raise NotAnExpression(f"{sign} is missing")

    def _or(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotAnExpression("nested too deeply")
        value = self._and()
        while self._take("||"):
            value = _either(value, self._and())
        self._depth -= 1
        return value

    def _and(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            value = _both(value, self._compared())
        return value

    def _compared(self) -> Any:
        value = self._not()
        while sign := self._take("==", "!=", "<", ">", "<=", ">="):
            value = _compare(sign, value, self._not())
        return value

    def _not(self) -> Any:
        if not self._take("!"):
            return self._member()
        value = truth(self._not())
        return UNKNOWN if isinstance(value, Unknown) else not value

    def _member(self) -> Any:
        value = self._primary()
        while sign := self._take(".", "["):
            if sign == "[":
                key = "*" if self._take("*") else self._or()
                self._want("]")
            elif self._take("*"):
                key = "*"
            else:
                kind, key = self._peek()
                if kind != "name":
                    raise NotAnExpression("a property is missing")
                self._at += 1
            value = _property(value, key)
        return value

    def _primary(self) -> Any:
        kind, value = self._peek()
        self._at += 1
        if kind == "number":
            return float(int(value, 16)) if "x" in value else float(value)
        if kind == "text":
            return value.replace("''", "'")
        if kind == "sign" and value == "(":
            inner = self._or()
            self._want(")")
            return inner
        if kind != "name":
            raise NotAnExpression(f"{value or 'the end'} is no value")
        if self._take("("):
            return self._called(value.lower(), self._arguments())
        if value in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[value]
        return self._context.get(value.lower(), UNKNOWN)

    def _arguments(self) -> list[Any]:
        if self._take(")"):
            return []
        found = [self._or()]
        while self._take(","):
            found.append(self._or())
        self._want(")")
        return found

    def _called(self, name: str, given: list[Any]) -> Any:
        if name in self._functions and not given:
            return self._functions[name]()
        if name not in _FUNCTIONS or any(isinstance(value, Unknown) for value in given):
            return UNKNOWN
        try:
            return _FUNCTIONS[name](*given)
        except (TypeError, ValueError, IndexError, RecursionError):
            return UNKNOWN


def _either(one: Any, other: Any) -> Any:
    said = truth(one)
    if isinstance(said, Unknown):
        return True if other is True else UNKNOWN  # of a text only the truth would be known, not which
    return one if said else other


def _both(one: Any, other: Any) -> Any:
    said = truth(one)
    if isinstance(said, Unknown):
        return other if truth(other) is False else UNKNOWN
    return other if said else one


def _compare(sign: str, one: Any, other: Any) -> Any:
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    if isinstance(one, str) and isinstance(other, str):
        left, right = one.lower(), other.lower()
        return _ordered(sign, left, right)
    if type(one) is type(other) and isinstance(one, (list, dict)):
        return {"==": one is other, "!=": one is not other}.get(sign, False)
    return _ordered(sign, _number(one), _number(other))


def _ordered(sign: str, left: Any, right: Any) -> bool:
    match sign:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case ">":
            return bool(left > right)
        case "<=":
            return bool(left <= right)
    return bool(left >= right)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    if isinstance(value, (bool, float, int)):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _property(value: Any, key: Any) -> Any:
    if isinstance(value, Unknown) or isinstance(key, Unknown):
        return UNKNOWN
    if key == "*":
        return Every(value.values() if isinstance(value, dict) else value if isinstance(value, list) else [])
    if isinstance(value, Every):
        return Every(found for inner in value if (found := _property(inner, key)) is not None)
    if isinstance(value, dict):
        found = {str(name).lower(): inner for name, inner in value.items()}
        # What a context holds of strangers' making is not listed whole, so its absence says nothing.
        return found.get(str(key).lower(), UNKNOWN if "*" in found else None)
    if isinstance(value, list) and isinstance(key, float) and key.is_integer() and 0 <= key < len(value):
        return value[int(key)]
    return None


def _string(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else "Object"


def _contains(where: Any, what: Any) -> Any:
    if isinstance(where, list):
        if any(isinstance(item, Unknown) for item in where):
            return True if any(_compare("==", item, what) is True for item in where) else UNKNOWN
        return any(_compare("==", item, what) is True for item in where)
    return _string(what).lower() in _string(where).lower()


def _format(pattern: Any, *values: Any) -> str:
    def one(match: re.Match[str]) -> str:
        return {"{{": "{", "}}": "}"}.get(match[0]) or _string(values[int(match[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}", one, _string(pattern))


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "contains": _contains,
    "startswith": lambda text, start: _string(text).lower().startswith(_string(start).lower()),
    "endswith": lambda text, end: _string(text).lower().endswith(_string(end).lower()),
    "format": _format,
    "join": lambda items, glue=",": _string(glue).join(map(_string, items)) if isinstance(items, list) else _string(items),
    "tojson": lambda value: json.dumps(value, indent=2, default=str),
    "fromjson": lambda text: json.loads(text, parse_int=float),
}
