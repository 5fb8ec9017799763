"""Finds commands, smoke checks and numbers that could never do what they say."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import attrs

from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.config.check_gates import Findings
from dhash_guard.config.names import VARIABLE, suggest
from dhash_guard.config.node import KeyPath
from dhash_guard.config.schema import Environment
from dhash_guard.config.shapes import keys
from dhash_guard.config.structure import COMMANDS
from dhash_guard.config.verbs import PLACEHOLDERS, SmokeCheck

_BRACES = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_ONE = ("last", "daily", "weekly", "monthly", "consecutive", "min_bytes")
_LEAST = {**dict.fromkeys(_ONE, 1), "at_least": 0, "expect": 100, "timeout": 0.001}
_OF_KIND = {"to": ("run",), "restore": ("run",), "grows": ("paths",), "optional": ("paths", "sqlite")}
_METHODS = ("get", "head", "post", "run")
_OF_ANSWERS = ("json", "at", "headers")


def commands(environment: Environment) -> Findings:
    """Empty commands, and names in braces that nothing is put in for."""
    for path, value in _values(environment, ()):
        if path[-1] in COMMANDS and isinstance(value, tuple):
            if not value or not value[0].strip():
                yield path, "is empty; write the program and its arguments"
            for index, argument in enumerate(value):
                for name in _BRACES.findall(argument):
                    if name not in PLACEHOLDERS:
                        yield (*path, index), f"{{{name}}} is no placeholder; {suggest(name, PLACEHOLDERS)}"


def values(environment: Environment) -> Findings:
    """Numbers below their least, variables that are no names, and files outside the project."""
    for path, value in _values(environment, ()):
        least = _LEAST.get(str(path[-1]))
        if least is not None and isinstance(value, (int, float)) and value < least and path[0] != "gates":
            example = "a duration such as 30s" if path[-1] == "timeout" else f"{least} or more"
            yield path, f"is too small; write {example}"
        if str(path[-1]).endswith("_env") and isinstance(value, str) and not VARIABLE.fullmatch(value):
            # The value is not repeated: it may be the secret itself.
            yield path, "is no name of an environment variable; write the name, such as SLACK_WEBHOOK_URL, never the secret"
    if environment.migrate is not None and environment.migrate.input and (text := outside(environment.migrate.input)):
        yield ("migrate", "input"), text


def components(environment: Environment) -> Findings:
    """Components that come from nowhere or from two places, keys that belong to another kind, and paths outside."""
    for name, part in environment.backup.components.items():
        where: KeyPath = ("backup", "components", name)
        given = [key for key in ("paths", "run", "sqlite") if getattr(part, key)]
        if len(given) != 1:
            what = f"has several ({', '.join(given)})" if given else "names nothing"
            yield (*where, given[-1]) if given else where, f"{what}; give exactly one of paths, run and sqlite"
            continue
        for key, kinds in _OF_KIND.items():
            if getattr(part, key) not in (None, False) and given[0] not in kinds:
                yield (*where, key), f"belongs to a component with {' or '.join(kinds)}; remove it"
        if given == ["run"] and part.to is None:
            yield (*where, "run"), "gives a file that has no name; write to: and a path below the project root"
        for key in ("paths", "sqlite"):
            for index, below in enumerate(getattr(part, key)):
                if text := _unfit(below):
                    yield (*where, key, index), text
        if part.to is not None and (text := _unfit(part.to)):
            yield (*where, "to"), text


def _unfit(path: str) -> str:
    """Why no component can hold this path, or nothing."""
    if text := outside(path):
        return text
    normal = posixpath.normpath(path.replace("\\", "/"))
    return "is the whole project, backups and all; name the files and directories in it" if normal == "." else ""


def store(environment: Environment) -> Findings:
    """Settings of the backups' store that could never work."""
    if isinstance(environment.backup.store, ObjectStore):
        for path, text in environment.backup.store.faults():
            yield ("backup", "store", *path), text


def lacking(environment: Environment, environ: Mapping[str, str]) -> Findings:
    """What the store needs of the machine and does not find here: elsewhere it may be there."""
    if isinstance(environment.backup.store, ObjectStore):
        for path, text in environment.backup.store.lacking(environ):
            yield ("backup", "store", *path), text


def smoke(environment: Environment) -> Findings:
    """Checks that ask for nothing, for two things, or for what they cannot see."""
    seen: set[str] = set()
    for index, check in enumerate(environment.smoke):
        if check.name in seen:
            yield ("smoke", index, "name"), f"there is another check {check.name}; rename one of them"
        seen.add(check.name)
        for key, text in _smoke_faults(check):
            yield ("smoke", index, key), text


def freezes(environment: Environment) -> Findings:
    """Freezes that end before they begin."""
    for index, freeze in enumerate(environment.freeze):
        if freeze.since >= freeze.until:
            yield ("freeze", index, "to"), "is not later than from; write the end of the freeze"


def _smoke_faults(check: SmokeCheck) -> Iterator[tuple[str, str]]:
    given = [method for method in _METHODS if getattr(check, method) is not None]
    if len(given) != 1:
        what = f"has several ({', '.join(given)})" if given else "asks for nothing"
        yield (given[-1] if given else "name"), f"{what}; give exactly one of {', '.join(_METHODS)}"
    elif given == ["run"]:
        for key in _OF_ANSWERS:
            if getattr(check, key):
                yield key, "belongs to an HTTP check; remove it from a command"
    if check.json is not None and given not in ([], ["post"]):
        yield "json", "is sent with post only; write post, or remove it"
    if check.matches is not None and (problem := _pattern(check.matches)):
        yield "matches", f"is no regular expression: {problem}; mend it"


def _pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as problem:
        return str(problem) or type(problem).__name__
    return ""


def outside(text: str) -> str:
    """Why a path would leave the project, or nothing."""
    if not text.strip():
        return "is empty; write a path below the project root"
    windows = PureWindowsPath(text)
    if PurePosixPath(text).is_absolute() or windows.drive or windows.root:
        return "must be relative to the project root; remove what stands before it"
    depth = 0
    for part in windows.parts:  # splits at both kinds of slashes
        depth += -1 if part == ".." else 1
        if depth < 0:
            return "leaves the project; write a path inside it"
    return ""


def _values(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of the records below, with the path where it is written; lists of texts and open data count as one."""
    if attrs.has(kind := type(value)):
        for key in keys(kind):
            yield from _values(getattr(value, key.name), (*path, key.written))
    elif isinstance(value, dict) and path[-1] not in ("json", "headers", "teams"):
        for name, child in value.items():
            yield from _values(child, (*path, name))
    elif isinstance(value, tuple) and any(attrs.has(type(child)) for child in value):
        for index, child in enumerate(value):
            yield from _values(child, (*path, index))
    elif path:
        yield path, value
