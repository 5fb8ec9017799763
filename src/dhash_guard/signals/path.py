"""Finds a value in a JSON document by a dotted path such as `performance.p95_hash_time` or `checks.0.status`."""

from __future__ import annotations

from typing import Any

from attrs import frozen


@frozen
class Missing:
    """The path leads nowhere; `at` is the part that existed, `only_key` whether that is an object without the last key."""

    at: str
    only_key: bool


def find(document: Any, path: str) -> Any | Missing:
    """The value at `path`, or Missing. A key that contains dots is found where it stands literally."""
    if isinstance(document, dict) and path in document:
        return document[path]
    here: Any = document
    walked: list[str] = []
    parts = path.split(".")
    for part in parts:
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return Missing(".".join(walked), only_key=isinstance(here, dict) and len(walked) == len(parts) - 1)
        walked.append(part)
    return here
