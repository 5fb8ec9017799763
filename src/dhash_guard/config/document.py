"""Decides what stands at the top of the file: version, names, directories, and the sections of each environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from dhash_guard.config.check_commands import outside
from dhash_guard.config.check_premerge import premerge as premerge_faults
from dhash_guard.config.check_trust import trust as trust_faults
from dhash_guard.config.find import Found, find
from dhash_guard.config.names import NAME, UNFIT_NAME, suggest
from dhash_guard.config.node import Fault, Node
from dhash_guard.config.schema import Directories, Document
from dhash_guard.config.source import read_file
from dhash_guard.config.structure import sections
from dhash_guard.config.targets import Place, places
from dhash_guard.config.targets import faults as target_faults
from dhash_guard.config.verbs import PremergeSettings, ProtectionSettings, StateSettings, TrustSettings
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from dhash_guard.records.layout import Layout

if TYPE_CHECKING:
    from dhash_guard.config.importing.gates_file import GatesFile

_LATER = ("defaults", "environments", "notify")
"""Sections that have a meaning only once an environment is chosen."""


@frozen(kw_only=True)
class Opened:
    """A file that was read: its node, the values at its top, the environments' nodes, and all faults outside of them.

    `places` are what commands act on, by name: the environments without targets, and the targets of the others.
    `gates` is the gates file that `--config` named, where it named one.
    """

    found: Found
    node: Node
    values: dict[str, Any]
    environments: dict[str, Node]
    places: dict[str, Place]
    faults: list[Fault] = field(factory=list)
    gates: GatesFile | None = None

    @property
    def layout(self) -> Layout:
        """Where the project's files lie; only for a file without faults."""
        directories: Directories = self.values.get("directories", Directories())
        root = self.found.root
        return Layout(
            root=root,
            service=self.values["service"],
            backups=root / directories.backups,
            logs=root / directories.logs,
            artifacts=root / directories.artifacts,
            templates=None if directories.templates is None else root / directories.templates,
        )

    @property
    def premerge(self) -> PremergeSettings:
        """The `premerge:` section, or the program's defaults."""
        found: PremergeSettings = self.values.get("premerge", PremergeSettings())
        return found

    @property
    def protection(self) -> ProtectionSettings:
        """The `protection:` section, or the program's defaults."""
        found: ProtectionSettings = self.values.get("protection", ProtectionSettings())
        return found

    @property
    def trust(self) -> TrustSettings:
        """The `trust:` section, or trust in nobody."""
        found: TrustSettings = self.values.get("trust", TrustSettings())
        return found

    @property
    def state(self) -> StateSettings:
        """The `state:` section, or the program's defaults."""
        found: StateSettings = self.values.get("state", StateSettings())
        return found

    @property
    def default(self) -> str:
        """The environment that is meant where none is named; empty where several could be."""
        chosen: str | None = self.values.get("default_environment")
        if chosen in self.environments:
            return str(chosen)
        return next(iter(self.environments)) if len(self.environments) == 1 else ""

    def choose(self, env: str | None, target: str | None = None) -> Place:
        """The place to act on; raise UsageProblem where none is named and several could be meant.

        An environment is named with one of its targets, or both in one as evidence has it: production-eu-1.
        """
        place = self.places.get(env or "")
        if env not in self.environments and place is not None:
            if target and target != place.target.name:
                raise UsageProblem(f"{env} is the target {place.target.name}, not {target}", cure="Leave --target out.")
            return place
        return self._target(self.environment(env), target)

    def _target(self, env: str, target: str | None) -> Place:
        known = {place.target.name: place for place in self.places.values() if place.environment == env}
        if not known:
            raise ConfigurationProblem([str(fault) for fault in self.faults])
        where = str(self.environments[env].mark)
        if (target or "") in known:
            return known[target or ""]
        if not target:
            cure = "Choose one with --target."
            raise UsageProblem(f"{env} has several targets: {', '.join(known)}", where=where, cure=cure)
        if "" in known:
            raise UsageProblem(f"{env} has no targets, but {target!r} is named", where=where, cure="Leave --target out.")
        raise UsageProblem(f"{env} has no target {target!r}; {suggest(target, known)}", where=where)

    def environment(self, env: str | None) -> str:
        """The environment to use; raise UsageProblem where none is named and several could be meant."""
        names = list(self.environments)
        if not names:
            raise ConfigurationProblem([str(fault) for fault in self.faults])
        if env is not None:
            if env not in names:
                known = dict.fromkeys((*names, *self.places))
                raise UsageProblem(f"there is no environment {env!r}; {suggest(env, known)}", where=str(self.node.mark))
            return env
        if self.default:
            return self.default
        if self.faults:
            raise ConfigurationProblem([str(fault) for fault in self.faults])
        cure = "Choose one with --env, or write default_environment."
        raise UsageProblem(f"there are several environments: {', '.join(names)}", where=str(self.node.mark), cure=cure)


def open_document(path: Path | None, cwd: Path) -> Opened:
    """Find and read the file; raise UsageProblem without a file, ConfigurationProblem where it is no YAML mapping.

    Where `path` is a gates file of another monitor, the configuration is found as if none had been named.
    """
    gates = _gates_file(path, cwd) if path is not None else None
    found = find(path if gates is None else None, cwd)
    return evolve(opened(found, read_file(found.path, found.name)), gates=gates)


def opened(found: Found, node: Node) -> Opened:
    """What stands at the top of a file that was read."""
    values, faults = sections(node, Document, skip=_LATER)
    entries = _mapping(node.get("environments"))
    environments = {name: child for name, child in entries.items() if NAME.fullmatch(name) and child.is_mapping}
    faults += [*_names(node, entries, values), *_directories(node, values, found.root)]
    faults += target_faults(node.get("defaults"), environments)
    faults += premerge_faults(values.get("premerge", PremergeSettings()), node)
    faults += trust_faults(values.get("trust", TrustSettings()), node)
    later = [child for child in map(node.get, _LATER) if child is not None]
    faults += [child.fault("is no mapping; write its keys below it") for child in later if not child.is_mapping]
    return Opened(
        found=found, node=node, values=values, environments=environments, places=places(environments), faults=faults
    )


def _gates_file(path: Path, cwd: Path) -> GatesFile | None:
    from dhash_guard.config.importing.gates_file import gates_file  # a dozen modules that hardly any command needs

    return gates_file(path, cwd)


def _mapping(node: Node | None) -> dict[str, Node]:
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _names(node: Node, entries: dict[str, Node], values: dict[str, Any]) -> Iterator[Fault]:
    """Names that become parts of file names, and the default that must be one of them."""
    service, default = values.get("service"), values.get("default_environment")
    if service is not None and not NAME.fullmatch(service):
        yield Fault(node.nearest(("service",)), f"{service!r} {UNFIT_NAME}")
    written = node.get("environments")
    if written is not None and written.is_mapping and not entries:
        yield written.fault("has no environment; write at least one")
    for name, child in entries.items():
        if not NAME.fullmatch(name):
            yield child.fault(f"{name!r} {UNFIT_NAME}")
        if not child.is_mapping:
            yield child.fault("is no mapping; write its settings below it, or {} to take all from defaults")
    if default is not None and default not in entries:
        text = f"there is no environment {default}; {suggest(default, entries)}"
        yield Fault(node.nearest(("default_environment",)), text)


def _directories(node: Node, values: dict[str, Any], root: Path) -> Iterator[Fault]:
    """Directories outside the project, by their text or by a link on the way."""
    directories: Directories = values.get("directories", Directories())
    for name in ("backups", "logs", "artifacts", "templates"):
        text = getattr(directories, name)
        if text is None:
            continue
        what = outside(text)
        if not what and not (root / text).resolve().is_relative_to(root.resolve()):
            what = "is a link that leads out of the project; write a directory inside it"
        if what:
            yield Fault(node.nearest(("directories", name)), what)
