"""Decides which places the file names: an environment, or each of its targets with the wave that it goes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from attrs import evolve, frozen

from dhash_guard.config.names import NAME, UNFIT_NAME, suggest
from dhash_guard.config.node import Fault, Node, Wrong
from dhash_guard.config.schema import Environment, WaveSettings
from dhash_guard.config.shapes import keys
from dhash_guard.config.structure import structure
from dhash_guard.gates.waves import MOST_TARGETS, Target, Waves, holes

SECTIONS = ("targets", "waves")
"""Keys of an environment that say where it goes and in which order; they are none of its settings."""

SHARED = ("kind", "requires")
"""Keys that an environment says for all of its targets: none of them may ask for less than the others."""


@frozen(kw_only=True)
class Place:
    """Where a release goes; `layers` are the sections that make up its settings, each laid upon the one before."""

    environment: str
    target: Target
    layers: tuple[Node, ...]

    @property
    def name(self) -> str:
        """What its state, backups, locks and records are called after."""
        return self.target.place


def places(environments: Mapping[str, Node]) -> dict[str, Place]:
    """Every place by its name, in the order of the file; what is wrong with one is for `faults`."""
    found: dict[str, Place] = {}
    for name, node in environments.items():
        own = without(node, SECTIONS)
        if node.get("targets") is None:
            found[name] = Place(environment=name, target=Target(name="", place=name), layers=(own,))
        for target, child in _fit(node).items():
            place = f"{name}-{target}"
            layers = (own, _settings(child))
            found.setdefault(place, Place(environment=name, target=_target(target, place, child), layers=layers))
    return found


def waves_of(environment: str, node: Node, known: Mapping[str, Place]) -> Waves:
    """The targets of an environment and its policy; only for a file without faults."""
    written = node.get("waves")
    policy = structure(written, WaveSettings) if written is not None else WaveSettings()
    targets = tuple(place.target for place in known.values() if place.environment == environment)
    return Waves(environment=environment, targets=targets, undo=policy.undo)


def without(node: Node, names: tuple[str, ...]) -> Node:
    """The mapping without these keys."""
    assert isinstance(node.value, dict)
    return evolve(node, value={name: child for name, child in node.value.items() if name not in names})


def faults(defaults: Node | None, environments: Mapping[str, Node]) -> Iterator[Fault]:
    """Everything that is wrong with targets and waves."""
    for name in SECTIONS:
        if defaults is not None and (written := defaults.get(name)) is not None:
            yield written.fault("stands under an environment; defaults have no place of their own")
    taken = dict.fromkeys(environments, "an environment")
    for name, node in environments.items():
        yield from _policy_faults(node)
        written = node.get("targets")
        if written is None:
            continue
        if not isinstance(written.value, dict):
            yield written.fault("is no mapping; write its targets below it, as eu-1: {wave: 1}")
            continue
        if not written.value:
            yield written.fault("has no target; write at least one, or remove the line")
        for target, child in written.value.items():
            place = f"{name}-{target}"
            yield from _target_faults(target, child)
            if place in taken:
                yield child.fault(f"would be called {place}, as {taken[place]} is; give one of them another name")
            taken.setdefault(place, f"a target of {name}")
        yield from _wave_faults(written)


def _fit(node: Node) -> dict[str, Node]:
    """The targets whose names and sections can be used."""
    written = node.get("targets")
    entries = written.value if written is not None and isinstance(written.value, dict) else {}
    return {name: child for name, child in entries.items() if NAME.fullmatch(name) and child.is_mapping}


def _settings(node: Node) -> Node:
    """What of a target's section is laid over its environment; a key that cannot stand there has been told of."""
    assert isinstance(node.value, dict)
    return without(node, tuple(name for name in node.value if name == "wave" or name not in _known()))


def _known() -> tuple[str, ...]:
    return ("wave", *(key.written for key in keys(Environment) if key.written not in SHARED))


def _target(name: str, place: str, node: Node) -> Target:
    written = node.get("wave")
    try:
        return Target(name=name, place=place, wave=structure(written, int) if written is not None else 1)
    except Wrong:
        return Target(name=name, place=place)


def _policy_faults(node: Node) -> Iterator[Fault]:
    written = node.get("waves")
    if written is None:
        return
    if node.get("targets") is None:
        yield written.fault("says nothing here, because this environment has no targets; remove it, or write targets")
    try:
        structure(written, WaveSettings)
    except Wrong as problem:
        yield from problem.faults


def _target_faults(name: str, node: Node) -> Iterator[Fault]:
    if not NAME.fullmatch(name):
        yield node.fault(f"{name!r} {UNFIT_NAME}")
    if not isinstance(node.value, dict):
        yield node.fault("is no mapping; write its wave below it, as {wave: 1}")
        return
    for key, child in node.value.items():
        if key in (*SHARED, *SECTIONS):
            yield child.fault("holds for all targets of the environment; write it there")
        elif key not in _known():
            yield child.fault(f"unknown key; {suggest(key, _known(), most=30)}")
    if (wave := node.get("wave")) is None:
        yield Fault(node.mark.below("wave"), "is missing; write the wave that this target goes in, from 1 on")
        return
    try:
        if structure(wave, int) < 1:
            yield wave.fault(f"{wave.shown} is no wave; they count from 1")
    except Wrong as problem:
        yield from problem.faults


def _wave_faults(written: Node) -> Iterator[Fault]:
    """Waves that would never end, or that are larger than a matrix, each at its first target."""
    assert isinstance(written.value, dict)
    numbers = [_number(child.get("wave")) for child in written.value.values()]
    used = [number for number in numbers if number is not None and number > 0]
    if len(used) < len(numbers):
        return  # what is no wave has been told of
    if missing := holes(used)[:5]:
        text = ", ".join(str(number) for number in missing)
        yield written.fault(f"nothing goes in wave {text}; number the waves without holes")
    for wave, count in Counter(used).items():
        if count > MOST_TARGETS:
            yield written.fault(f"wave {wave} has {count} targets, and a matrix takes {MOST_TARGETS}; make more waves")


def _number(node: Node | None) -> int | None:
    value = node.value if node is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
