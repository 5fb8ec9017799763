"""Reads values out of GitHub's answers: what has another shape is no answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dhash_guard.github.errors import Silent


def get(data: Any, *keys: str) -> Any:
    """The value below these keys, None where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def text(data: Any, *keys: str) -> str:
    """The text below these keys; raise Silent where there is none."""
    found = get(data, *keys)
    if not isinstance(found, str):
        raise Silent(f"GitHub's answer has no {'.'.join(keys)}")
    return found


def maybe(data: Any, *keys: str) -> str:
    """The text below these keys, or an empty one."""
    found = get(data, *keys)
    return found if isinstance(found, str) else ""


def number(data: Any, *keys: str) -> int:
    """The integer below these keys; raise Silent where there is none."""
    found = get(data, *keys)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Silent(f"GitHub's answer has no {'.'.join(keys)}")
    return found


def moment(data: Any, *keys: str) -> float:
    """The time below these keys as UTC epoch seconds; raise Silent where there is none."""
    try:
        return datetime.fromisoformat(text(data, *keys)).timestamp()
    except ValueError as problem:
        raise Silent(f"GitHub's answer has no time in {'.'.join(keys)}") from problem
