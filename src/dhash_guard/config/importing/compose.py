"""Composes the configuration that an interpretation amounts to, with the place that each of its values comes from."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from attrs import define, field

from dhash_guard.config.importing.account import Fate
from dhash_guard.config.importing.interpret import Imported, Interpretation, Value
from dhash_guard.config.node import KeyPath, Mark, Node, path_text

_ORDER = ("base_url", "health", "signals", "monitor", "gates", "rollback")
_WATCH = ("duration", "interval", "then")
_THEN = ("after", "interval")
_METRICS = "/metrics/dhash"
_VALUES: dict[str, dict[str, Any]] = {
    "p95_hash_time": {"at": "p95_hash_time", "unit": "ms"},
    "extraction_failure_rate": {"at": "extraction_failures_rate", "unit": "percent", "text": True},
    "low_confidence_queue": {"at": "low_confidence_queue_length", "unit": "count"},
    "error_rate": {"at": "error_rate", "unit": "percent", "text": True},
}
"""Where the services of the documents give these signals."""


@define
class Composed:
    """A configuration as plain data; by path also the marks of what it comes from, and lines of comment above a key."""

    data: dict[str, Any] = field(factory=dict)
    marks: dict[KeyPath, Mark] = field(factory=dict)
    comments: dict[KeyPath, str] = field(factory=dict)

    def put(self, path: tuple[str, ...], value: Any, leaf: Node | None = None, comment: str = "") -> None:
        """Write one value."""
        here = self.data
        for key in path[:-1]:
            here = here.setdefault(key, {})
        here[path[-1]] = value
        if leaf is not None:
            self.marks[path] = leaf.mark
        if comment:
            self.comments[path] = comment

    def origin(self, path: KeyPath) -> Mark | None:
        """The place in the foreign file that is nearest to a path of ours."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        below = [mark for known, mark in self.marks.items() if path and known[: len(path)] == path]
        return below[0] if below else None


def compose(found: Interpretation, service: str) -> Composed:
    """The whole configuration for a service of this name."""
    made = Composed({"version": 1, "service": service})
    if (default := found.shared.get("default_environment")) is not None:
        made.put(("default_environment",), default.value, default.leaf)
    _settings(made, ("defaults",), found.shared)
    _signals(made, found)
    for env, one in found.environments.items():
        _environment(made, env, one, service)
    _order(made.data)
    return made


def _order(data: dict[str, Any]) -> None:
    """Put the sections of each environment, and the keys of its watch, in the order of the documentation."""
    for place in (data.get("defaults", {}), *data.get("environments", {}).values()):
        watch = place.get("monitor", {})
        for section, order in ((place, _ORDER), (watch, _WATCH), (watch.get("then", {}), _THEN)):
            for key in sorted(section, key=order.index):
                section[key] = section.pop(key)


def _settings(made: Composed, under: tuple[str, ...], settings: dict[str, Value]) -> None:
    for to, value in settings.items():
        if not to.startswith(("signals", "default_environment")):
            made.put((*under, *to.split(".")), value.value, value.leaf)


def _environment(made: Composed, env: str, one: Imported, service: str) -> None:
    under: tuple[str, ...] = ("environments", env)
    if "base_url" not in one.settings:
        variable = f"{service}_{env}_URL".replace("-", "_").upper()
        why = "assumed: the file gives no address; write it here, or set this variable"
        made.put((*under, "base_url"), f"${{{variable}}}", comment=why)
    _settings(made, under, one.settings)
    for name, gate in one.gates.items():
        at: tuple[str, ...] = (*under, "gates", name)
        for key, value in (gate.gate or {}).items():
            made.put((*at, key), value, gate.marks.get(key))
        limit = gate.marks["signal"].mark
        made.comments[at] = f"{PurePath(limit.file).name}:{limit.line}: {path_text(limit.path)}"


def _signals(made: Composed, found: Interpretation) -> None:
    """The signals that the gates read, where the file says, or else where the documents have them."""
    read = {gate.gate["signal"] for one in found.environments.values() for gate in one.gates.values() if gate.gate}
    sources: dict[str, str] = {}
    for name in _VALUES:
        if name in read:
            key = next((key for key in (f"signals.{name}", "signals") if key in found.shared), "")
            sources[key] = _http(made, found.shared.get(key), name)
    if any(name.startswith("host.") for name in read):
        made.put(("defaults", "signals", "host"), {"kind": "host", "disk": "."})
    for key, value in found.shared.items():
        if key.startswith("signals"):
            told = f"signals.{sources[key]}.path: {value.value}" if key in sources else "no gate reads it"
            found.account.say(value.leaf, Fate.PLACED if key in sources else Fate.LEFT, told)


def _http(made: Composed, place: Value | None, name: str) -> str:
    """Write where one signal stands; return the name of its source."""
    path = str(place.value) if place is not None else _METRICS
    source = "service" if place is None else "-".join(filter(None, path.split("/"))) or "service"
    at: tuple[str, ...] = ("defaults", "signals", source)
    if source not in made.data.get("defaults", {}).get("signals", {}):
        made.put((*at, "kind"), "http-json")
        made.put((*at, "path"), path, place.leaf if place is not None else None)
        assumed = "where values stand in the answer" if place is not None else "path, and where values stand in the answer"
        made.comments[at] = f"assumed: {assumed}; a gates file does not say it, so look at the service's own"
    made.put((*at, "values", name), _VALUES[name])
    return source


def remarks(found: Interpretation) -> list[str]:
    """What a person should know beyond single values; no environment is given the gates that only another one has."""
    union = list(dict.fromkeys(name for one in found.environments.values() for name in one.gates))
    told = [remark for one in found.environments.values() for remark in one.remarks]
    for env, one in found.environments.items():
        missing = [name for name in union if name not in one.gates]
        told += [f"{env} has no gate for {', '.join(missing)}: it is given none"] if missing else []
    return told
