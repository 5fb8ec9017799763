"""Finds addresses that could not be asked, and environments that are not there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from dhash_guard.config.check_gates import Findings
from dhash_guard.config.names import suggest
from dhash_guard.config.node import KeyPath, Node
from dhash_guard.config.schema import Environment

_SPACE = re.compile(r"[\s\x00-\x1f\x7f\\]")


def addresses(environment: Environment, tree: Node) -> Findings:
    """Wrong URLs and paths, and a missing `base_url` where something is asked over HTTP."""
    if environment.base_url is not None:
        yield from ((("base_url",), text) for text in url_faults(environment.base_url, base=True))
    for name, signal in environment.signals.items():
        if (url := getattr(signal, "url", None)) is not None:
            yield from ((("signals", name, "url"), text) for text in url_faults(url, base=False))
    asked = list(_paths(environment, tree))
    for where, path in asked:
        if not path.startswith("/") or _SPACE.search(path):
            yield where, "is no path; begin it with / and write no spaces"
    if environment.base_url is None and asked:
        first = ".".join(str(part) for part in asked[0][0])
        yield ("base_url",), f"is missing, but {first} asks the service; write base_url: http://host:port"


def requirements(environment: Environment, name: str, names: Collection[str]) -> Findings:
    """Another environment that production waits for must exist, and be another one."""
    monitored = environment.requires.monitored if environment.requires is not None else None
    if monitored is None:
        return
    at = ("requires", "monitored", "environment")
    if monitored.environment == name:
        yield at, "is this environment itself; name the one that is watched before it"
    elif monitored.environment not in names:
        others = [other for other in names if other != name]
        yield at, f"there is no environment {monitored.environment}; {suggest(monitored.environment, others)}"


def _paths(environment: Environment, tree: Node) -> Iterator[tuple[KeyPath, str]]:
    """Every path below `base_url` that this environment would ask for; its health only where something speaks of it."""
    reads_health = any(gate.signal.split(".")[0] == "health" for gate in environment.gates.values())
    if reads_health or tree.get("health") is not None:
        yield ("health", "path"), environment.health.path
    for name, signal in environment.signals.items():
        if (path := getattr(signal, "path", None)) is not None:
            yield ("signals", name, "path"), path
    for index, check in enumerate(environment.smoke):
        for method in ("get", "head", "post"):
            if (path := getattr(check, method)) is not None:
                yield ("smoke", index, method), path
    if environment.queue is not None:
        yield ("queue", "path"), environment.queue.path
        if environment.queue.export is not None:
            yield ("queue", "export", "path"), environment.queue.export.path


def url_faults(url: str, *, base: bool) -> Iterator[str]:
    """What is wrong with an address; it is never repeated, because it may carry a password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield "is no address; write http://host:port or https://host"
        return
    if parts.scheme not in ("http", "https") or not host or _SPACE.search(url):
        yield "is no address; write http://host:port or https://host"
    elif parts.username is not None or parts.password is not None:
        yield "carries a user name or password; remove it, and name a variable (token_env) where one is needed"
    elif base and (parts.query or parts.fragment):
        yield "carries a query or fragment; write only where the service's paths begin"
