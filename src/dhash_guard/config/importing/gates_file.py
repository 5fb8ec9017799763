"""Decides what gates a run has whose --config names a gates file: those of the file, in place of all others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from dhash_guard.config.importing.families import Family
from dhash_guard.config.importing.interpret import interpret
from dhash_guard.config.importing.json_nodes import read_json, read_some
from dhash_guard.config.importing.recognise import environments, recognise, recognised
from dhash_guard.config.node import Fault, Mark, Node, Wrong
from dhash_guard.config.structure import structure
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from dhash_guard.gates.plan import WatchPlan


@frozen(kw_only=True)
class GatesFile:
    """A gates file that was recognised: its name, its document, and the environments that it speaks of."""

    name: str
    node: Node
    family: Family
    environments: tuple[str, ...]

    def require(self, env: str) -> None:
        """Raise UsageProblem where the file has nothing for this environment."""
        if env not in self.environments:
            has = ", ".join(self.environments)
            raise UsageProblem(
                f"the gates file has no environment {env!r}, only {has}",
                where=self.name,
                cure="Choose one of these with --env.",
            )

    def note(self, env: str) -> str:
        """What a person should know of a run with this file."""
        if env not in self.environments:
            return f"{self.name} has no gates for {env}; a run with it is refused"
        gates = f"the gates of {self.name} take the place of all gates of {env}"
        return f"{gates}; nothing else of it is used: whether {env} rolls back by itself stays as configured"

    def laid(self, tree: Node, env: str, applied: Callable[[WatchPlan], WatchPlan]) -> tuple[Node, list[Fault]]:
        """The environment's tree with the gates of the file, and everything in them that cannot be understood.

        `applied` puts upon the watch of the tree what the command line says of it.
        """
        plan = applied(_plan(tree))
        found = interpret(self.family, self.node, self.environments, dict.fromkeys(self.environments, plan))
        faults = [Fault(leaf.mark, text) for leaf, text in found.account.refused_gates(found.leaves, env)]
        gates = {name: _gate(made.gate or {}, made.marks) for name, made in found.environments[env].gates.items()}
        if not gates and not faults:
            faults.append(Fault(self.node.mark.below("environments", env), "has no gate; write one, or leave --config out"))
        assert isinstance(tree.value, dict)
        mark = Mark(self.name, 1, ("gates",))
        return Node({**tree.value, "gates": Node(gates, mark)}, tree.mark), faults


def gates_file(path: Path, cwd: Path) -> GatesFile | None:
    """The gates file that `--config` names, told from a configuration by its shape; None where it is none.

    Raise UsageProblem or ConfigurationProblem for JSON that is neither, and for a family that cannot be watched.
    """
    content = _json(cwd / path)
    if content is None:
        return None
    name = str(path)
    try:
        node = read_json(content, name)
    except ConfigurationProblem:
        if str(path).endswith(".json"):
            raise
        return None  # YAML may begin like JSON
    if node.get("service") is not None or (node.get("version") is not None and recognise(node) is None):
        return None
    family = recognised(node)
    return GatesFile(name=name, node=node, family=family, environments=environments(family, node, None))


def _plan(tree: Node) -> WatchPlan:
    """The watch of an environment's tree; the usual one where it is wrong, which others report."""
    written = tree.get("monitor")
    try:
        return structure(written, WatchPlan) if written is not None and not written.off else WatchPlan()
    except Wrong:
        return WatchPlan()


def _json(path: Path) -> bytes | None:
    """The file's bytes, where they begin like a JSON mapping; other faults are for those who look for a configuration."""
    try:
        content = read_some(path) if path.is_file() else b""
    except OSError:
        return None
    return content if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else None


def _gate(gate: dict[str, object], marks: dict[str, Node]) -> Node:
    """A gate as a tree, every key on the line of the file that it comes from."""
    first = next(iter(marks.values())).mark
    children = {}
    for key, value in gate.items():
        mark = marks[key].mark if key in marks else first
        children[key] = _node(value, mark)
    return Node(children, first)


def _node(value: object, mark: Mark) -> Node:
    if isinstance(value, list):
        return Node([Node(item, mark.below(index)) for index, item in enumerate(value)], mark)
    assert value is None or isinstance(value, (str, int, float, bool))
    return Node(value, mark)
