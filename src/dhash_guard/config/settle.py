"""Decides what one environment is, once layers, preset and variables are put together, and all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce

from attrs import evolve, frozen

from dhash_guard.config import check_addresses, check_commands, check_gates, check_premerge, check_requirements
from dhash_guard.config.document import Opened
from dhash_guard.config.expand import expand
from dhash_guard.config.merge import merge
from dhash_guard.config.node import Fault, Mark, Node
from dhash_guard.config.presets import with_preset
from dhash_guard.config.schema import Environment
from dhash_guard.config.structure import sections
from dhash_guard.config.targets import SECTIONS, Place, without
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.records.units import Seconds


@frozen(kw_only=True)
class Overrides:
    """What the command line says about the watch, in seconds; None where it says nothing."""

    duration: Seconds | None = None
    interval: Seconds | None = None

    def applied(self, plan: WatchPlan) -> WatchPlan:
        """The plan with them; an interval given by hand holds for the whole watch."""
        if self.duration is not None:
            plan = evolve(plan, duration=self.duration)
        return plan if self.interval is None else evolve(plan, interval=self.interval, then=None)


@frozen(kw_only=True)
class Settled:
    """An environment with the tree that it came from; it may only be used without `faults` and `unset` variables.

    `lacking` is what this machine does not have for it, and another may; a collector beside the service is such a thing.
    """

    name: str
    tree: Node
    environment: Environment
    faults: list[Fault]
    unset: list[Fault]
    lacking: list[Fault]


def settle(opened: Opened, name: str, environ: Mapping[str, str], overrides: Overrides) -> Settled:
    """Put the environment or target of this name together; its faults are gathered, not raised."""
    place = opened.places[name]
    tree, faults = with_preset(_kind(_layers(opened, place), place.environment))
    if opened.gates is not None and place.environment in opened.gates.environments:
        tree, refused = opened.gates.laid(tree, place.environment, overrides.applied)
        faults = [*faults, *refused]
    expanded = expand(tree, environ)
    values, wrong = sections(expanded.node, Environment, beside=SECTIONS)
    environment = Environment(**values)
    environment = evolve(environment, monitor=_extended(overrides.applied(environment.monitor), expanded.node))
    assert isinstance(expanded.node.value, dict)
    broken = expanded.node.value.keys() - values.keys() | ({"gates"} if faults else set())
    crossed = [
        Fault(expanded.node.nearest(path), text)
        for needs, findings in _checks(environment, expanded.node, name, list(opened.places), overrides)
        if not needs & broken
        for path, text in findings
    ]
    # Where a variable could not be filled in, that is what is wrong, and not the value that its name would be.
    silent = {fault.mark.path for fault in (*expanded.unset, *expanded.faults)}
    told = [*faults, *expanded.faults, *(fault for fault in (*wrong, *crossed) if fault.mark.path not in silent)]
    unrecorded = check_gates.unrecorded(environment) if not {"signals", "gates", "monitor"} & broken else ()
    absent = (*check_commands.lacking(environment, environ), *unrecorded)
    lacking = [Fault(expanded.node.nearest(path), text) for path, text in absent]
    return Settled(
        name=name, tree=expanded.node, environment=environment, faults=told, unset=expanded.unset, lacking=lacking
    )


def _extended(plan: WatchPlan, tree: Node) -> WatchPlan:
    """The plan; where no `extend_by` is written, with the usual one."""
    monitor = tree.get("monitor")
    written = monitor is not None and monitor.is_mapping and monitor.get("extend_by") is not None
    return plan if written else evolve(plan, extend_by=plan.usual_extension)


def _checks(
    environment: Environment, tree: Node, name: str, names: list[str], overrides: Overrides
) -> Iterator[tuple[set[str], check_gates.Findings]]:
    """Every check across sections, with the sections that must be right before it can say anything."""
    shortened = overrides.duration is not None
    yield {"signals"}, check_gates.signals(environment)
    yield {"signals", "gates"}, check_gates.names(environment, tree)
    yield {"signals", "gates", "monitor"}, check_gates.gates(environment, tree, shortened)
    yield set(), check_commands.commands(environment)
    yield set(), check_commands.values(environment)
    yield {"backup"}, check_commands.components(environment)
    yield {"backup"}, check_commands.store(environment)
    yield {"smoke"}, check_commands.smoke(environment)
    yield {"logs"}, check_premerge.logs(environment)
    yield {"freeze"}, check_commands.freezes(environment)
    yield {"base_url"}, check_addresses.addresses(environment, tree)
    yield {"requires"}, check_addresses.requirements(environment, name, names)
    yield {"requires"}, check_requirements.approvals(environment)


def _layers(opened: Opened, place: Place) -> Node:
    """`notify` of the top, under `defaults`, under the environment's own section, under the target's."""
    tree = reduce(merge, place.layers)
    defaults, notify = opened.node.get("defaults"), opened.node.get("notify")
    if defaults is not None:
        tree = merge(without(defaults, SECTIONS) if defaults.is_mapping else defaults, tree)
    return tree if notify is None or not notify.is_mapping else merge(Node({"notify": notify}, tree.mark), tree)


def _kind(tree: Node, name: str) -> Node:
    """The tree with its `kind`: production for the environment of that name, staging for others."""
    assert isinstance(tree.value, dict)
    if "kind" in tree.value:
        return tree
    mark = Mark(tree.mark.file, tree.mark.line, (*tree.mark.path, "kind"), "the environment's name")
    return evolve(tree, value={"kind": Node("production" if name == "production" else "staging", mark), **tree.value})
