"""Decides what a gate of a foreign file does when it fails, and says why where the file does not say it."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dhash_guard.config.importing.json_nodes import plain
from dhash_guard.config.importing.numbers import Unclear
from dhash_guard.config.importing.patterns import snake
from dhash_guard.config.importing.subjects import Subject
from dhash_guard.config.node import Node

_WORDS = {"auto_rollback": "rollback", "rollback": "rollback", "alert": "alert", "warn": "alert", "notify": "alert"}


@frozen
class Chosen:
    """The action, and the reason where it is not simply what the file says."""

    action: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.action} ({self.why})" if self.why else self.action


def choose(subject: Subject, env: str, asked: Node | None, automatic: bool | None, usual: str) -> Chosen:
    """A gate's action. `automatic` is what the environment says of rollbacks, `usual` what its family does by name."""
    words = _asked(asked) if asked is not None else ([usual] if usual else [])
    if "rollback" in words:
        return Chosen("rollback")
    if "alert" in words:
        if subject.core and env != "production":
            return Chosen("block", f"the file says alert; a sick {env} must not open production")
        return Chosen("alert")
    if automatic is not None and subject.core:
        why = "as the environment says of automatic rollback"
        return Chosen("rollback", why) if automatic else Chosen("block", f"{why}: nothing is rolled back, nor opened")
    if subject.host:
        return Chosen("alert", "the file names no action: the machine is shared, so it only alerts")
    return Chosen("block", "the file names no action: what the service does wrong blocks, and rolls nothing back")


def _asked(leaf: Node) -> list[str]:
    value: Any = plain(leaf)
    if isinstance(value, bool):
        return ["rollback" if value else "alert"]
    words = value if isinstance(value, list) else [value]
    unknown = [word for word in words if not isinstance(word, str) or snake(word) not in _WORDS]
    if unknown or not words:
        raise Unclear(f"{leaf.shown} is no known action; use auto_rollback or alert")
    return [_WORDS[snake(word)] for word in words]
