"""Turns a recognised document into environments of our configuration, and gives account of every value in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from dhash_guard.config.importing.account import Account, Fate
from dhash_guard.config.importing.assemble import Made, assemble, besides
from dhash_guard.config.importing.draft import Around
from dhash_guard.config.importing.families import Family
from dhash_guard.config.importing.json_nodes import leaves
from dhash_guard.config.importing.numbers import Unclear
from dhash_guard.config.importing.parts import Piece
from dhash_guard.config.importing.places import place
from dhash_guard.config.importing.sort import Sorted, sort
from dhash_guard.config.node import KeyPath, Node, path_text
from dhash_guard.gates.plan import Slower, WatchPlan
from dhash_guard.records.units import parse_duration


@frozen
class Value:
    """A value of our file, and the one of the foreign file that it comes from."""

    value: Any
    leaf: Node


@define
class Imported:
    """One environment: settings by their dotted place, and gates by name with all the values that belong to them."""

    settings: dict[str, Value] = field(factory=dict)
    gates: dict[str, Made] = field(factory=dict)
    leaves: dict[str, list[Node]] = field(factory=dict)
    remarks: list[str] = field(factory=list)

    def drop(self, gate: str, account: Account, env: str, at: KeyPath, why: str) -> None:
        """Leave a gate out after all, because of the value at this path of the foreign file."""
        made = self.gates.pop(gate)
        cause = at if any(leaf.mark.path == at for leaf in self.leaves[gate]) else made.marks["signal"].mark.path
        for leaf in self.leaves[gate]:
            account.say(leaf, Fate.REFUSED, why if leaf.mark.path == cause else besides(gate), env=env, gate=True)


@define(kw_only=True)
class Interpretation:
    """What a document means; `shared` are settings that it writes once for all environments."""

    family: Family
    leaves: list[Node]
    account: Account
    shared: dict[str, Value]
    environments: dict[str, Imported]


def interpret(
    family: Family, node: Node, environments: tuple[str, ...], plans: Mapping[str, WatchPlan] | None = None
) -> Interpretation:
    """Read every value; nothing is raised, what cannot be understood stands in the account.

    `plans` are the watches in which the gates will be judged, where that is not the document's own.
    """
    found = leaves(node)
    parted = sort(family, found, environments)
    shared: dict[str, Value] = {}
    imported = {env: Imported() for env in environments}
    for env, setting, leaf in parted.settings:
        _settle(parted.account, env, setting, leaf, imported[env].settings if env else shared)
    _pace(parted.account, "", shared, {})
    for env, one in imported.items():
        _pace(parted.account, env, one.settings, shared)
        plan = plans.get(env) if plans is not None else None
        _gates(family, parted, env, one, plan or watch_plan({**shared, **one.settings}))
    return Interpretation(family=family, leaves=found, account=parted.account, shared=shared, environments=imported)


def _settle(account: Account, env: str, setting: Any, leaf: Node, into: dict[str, Value]) -> None:
    try:
        values, told = place(setting, leaf)
    except Unclear as problem:
        account.say(leaf, Fate.REFUSED, str(problem), env=env)
        return
    for to in values:
        if to in into:
            other = into[to].leaf
            account.say(leaf, Fate.REFUSED, f"{to} is given by line {other.mark.line} already; keep one of them", env=env)
            return
    into.update({to: Value(value, leaf) for to, value in values.items()})
    text = ", ".join(f"{to}: {str(value).lower() if isinstance(value, bool) else value}" for to, value in values.items())
    account.say(leaf, Fate.PLACED, f"{text} ({told})" if told else text, env=env)


def _pace(account: Account, env: str, settings: dict[str, Value], shared: Mapping[str, Value]) -> None:
    """A slower pace needs both when it begins and what it is."""
    both = ("monitor.then.after", "monitor.then.interval")
    given = [key for key in both if key in settings or key in shared]
    if len(given) == 1 and given[0] in settings:
        leaf = settings.pop(given[0]).leaf
        missing = next(key for key in both if key not in given)
        account.say(leaf, Fate.REFUSED, f"is half of a slower pace: {missing} is not in the file; add it", env=env)


def _gates(family: Family, parted: Sorted, env: str, one: Imported, plan: WatchPlan) -> None:
    automatic = one.settings.get("rollback.automatic")
    around = Around(
        env=env,
        plan=plan,
        automatic=automatic.value if automatic is not None else None,
        rates=family.rates,
        usual=family.usual,
    )
    own = parted.own[env]
    for name in dict.fromkeys([*parted.base, *own]):
        base, over = parted.base.get(name, {}), own.get(name, {})
        pieces = {**base, **over}
        for key in base.keys() & over.keys():
            _overridden(parted.account, base[key], over[key], env)
        made = assemble(parted.subjects[name], list(pieces.values()), around)
        _tell(parted.account, made, env)
        if made.gate is not None:
            one.gates[name] = made
            one.leaves[name] = [piece.leaf for piece in pieces.values()]
    rolling = [made.marks["action"] for made in one.gates.values() if made.gate and made.gate["action"] == "rollback"]
    if rolling and automatic is None:
        one.settings["rollback.automatic"] = Value(True, rolling[0])
        one.remarks.append(f"{env}: rollback.automatic: true, because its gates say that they roll back")


def _overridden(account: Account, base: Piece, over: Piece, env: str) -> None:
    account.say(base.leaf, Fate.LEFT, f"{path_text(over.leaf.mark.path)} replaces it", env=env)


def _tell(account: Account, made: Made, env: str) -> None:
    for fate, rows in (
        (Fate.LEFT, made.left),
        (Fate.UNDERSTOOD, made.understood),
        (Fate.REFUSED, made.refused),
    ):
        for leaf, text in rows:
            account.say(leaf, fate, text, env=env, gate=True)


def watch_plan(settings: Mapping[str, Value]) -> WatchPlan:
    """The watch that these settings write."""
    usual = WatchPlan()
    spans = {key: parse_duration(value.value) for key, value in settings.items() if key.startswith("monitor.")}
    then = None
    if "monitor.then.after" in spans and "monitor.then.interval" in spans:
        then = Slower(after=spans["monitor.then.after"], interval=spans["monitor.then.interval"])
    return WatchPlan(
        duration=spans.get("monitor.duration", usual.duration),
        interval=spans.get("monitor.interval", usual.interval),
        then=then,
    )
