"""Puts into the store what is only local, lets old ones go there, and says what became of each."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import evolve, field, frozen

from dhash_guard.backup import facade as backup
from dhash_guard.backup.stores.described import here, said_by
from dhash_guard.backup.stores.fetch import name_in_store
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.store import Lease, Put, Store
from dhash_guard.config import Configuration
from dhash_guard.errors import Damaged, GuardError, Locked, NoGo, OutsideSilent
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.pins import pinned_by_deployment
from dhash_guard.rollout.safety import belonging
from dhash_guard.system import Machine

Say = Callable[[str], None]

_PATIENCE = 60.0
"""Seconds to wait for another host that is writing to the store."""

_KEPT = (Locked, Damaged, NoGo)
_LATER = "The local backups are sealed. Run `dhash-guard backup sync` later."

_AHEAD = 86_400.0
"""A backup that was sealed this many seconds in the future tells nothing about age."""


@frozen(kw_only=True)
class Backlog:
    """What the store lacks: local backups that it is to have, newest first, and those that cannot be read, each with why."""

    waiting: tuple[BackupFacts, ...]
    unreadable: Mapping[str, str]


@frozen(kw_only=True)
class Sent:
    """What an upload did or would do, in a sentence; `damaged` are local backups that stay where they are, each with why."""

    text: str
    damaged: Mapping[str, str] = field(factory=dict)

    @property
    def damage(self) -> str:
        """A sentence on them; empty where there are none."""
        told = ", ".join(f"{name} ({why})" for name, why in self.damaged.items())
        return f"damaged and not uploaded: {told}" if told else ""


def backlog(
    machine: Machine, configuration: Configuration, settings: ObjectStore, store: Store, fresh: BackupFacts | None = None
) -> Backlog:
    """The backups of the environment that the store does not list; of the older ones those that it would keep.

    `fresh` was just taken: it is to be there whatever its number, and whatever is called like it.
    """
    layout, there = configuration.layout, store.listing()
    local = {_key(layout, facts): facts for facts in reversed(backup.listing(layout, configuration.name))}
    ours = {name: facts for name, facts in local.items() if name.endswith(".zip") and said_by(layout, name) is not None}
    unreadable = {facts.name: facts.problem for name, facts in ours.items() if facts.problem and name not in there}
    # Only our own archives, which alone are numbered, say in the store what they hold.
    numbered = {name: facts for name, facts in local.items() if facts.sequence and not facts.problem}
    absent = {name: facts for name, facts in numbered.items() if facts == fresh or there.get(name) != facts.size}
    if settings.retain is not None and absent:
        both = {**absent, **known(configuration, store, there)}
        now, needed = machine.clock.now(), belonging(configuration)
        old = {name for name, facts in _beyond(both, settings.retain, now, needed) if facts != fresh}
        absent = {name: facts for name, facts in absent.items() if name not in old}
    return Backlog(waiting=tuple(absent.values()), unreadable=unreadable)


def send(
    machine: Machine,
    configuration: Configuration,
    settings: ObjectStore,
    store: Store,
    say: Say,
    fresh: BackupFacts | None = None,
) -> Sent:
    """Upload every local backup that the store lacks, `fresh` (just sealed and read back) and the newest first.

    Raise OutsideSilent or Locked naming what is still only local. After an upload those beyond `retain` go.
    """
    left = [fresh] if fresh is not None else None
    sealed = removed = 0
    try:
        found = backlog(machine, configuration, settings, store, fresh)
        left, damaged = list(found.waiting), dict(found.unreadable)
        # Before the lease: reading a backlog whole must not use up the time of writing it.
        for facts in found.waiting:
            if facts != fresh and (problems := backup.verify(machine, configuration.layout, facts).problems):
                damaged[facts.name] = problems[0]
                left.remove(facts)
        if not left:
            return Sent(text=_everything(store, damaged), damaged=damaged)
        with store.lease(_holder(), sum(facts.size for facts in left), _PATIENCE) as lease:
            for facts in tuple(left):
                sealed += _put(configuration.layout, store, facts, lease, say)
                left.remove(facts)
            if sealed:
                removed = _let_go(machine, configuration, settings, store, lease, say, fresh)
    except GuardError as problem:
        raise _only_local(problem, left) from problem
    gone = f", {removed} old ones removed there" if removed else ""
    return Sent(text=f"{sealed} in {store.where}, read back{gone}; {store.guard}", damaged=damaged)


def rehearse(machine: Machine, configuration: Configuration, settings: ObjectStore, store: Store) -> Sent:
    """What `send` would do; reads headers only, so that it finds less damage."""
    found = backlog(machine, configuration, settings, store)
    names = ", ".join(facts.name for facts in found.waiting)
    text = f"would put into {store.where}: {names}" if names else _everything(store, found.unreadable)
    return Sent(text=text, damaged=found.unreadable)


def doomed(stored: Sequence[BackupFacts], retain: int, now: float) -> list[BackupFacts]:
    """Those beyond the newest `retain` of one environment and purpose, oldest first.

    What cannot be used or is dated in the future counts for nothing, and stays.
    """
    counting = [facts for facts in stored if not facts.problem and facts.sealed_at <= now + _AHEAD]
    return sorted(counting, key=lambda facts: (facts.sequence, facts.sealed_at))[:-retain]


def _everything(store: Store, damaged: Mapping[str, str]) -> str:
    return f"{store.where} has everything{' else' if damaged else ''}"


def _put(layout: Layout, store: Store, facts: BackupFacts, lease: Lease, say: Say) -> int:
    say(f"uploading {facts.name}, {format_bytes(facts.size)} …")
    done = store.put(_key(layout, facts), layout.root / facts.name, facts, lease)
    return 1 if done is Put.SEALED else 0


def _let_go(
    machine: Machine,
    configuration: Configuration,
    settings: ObjectStore,
    store: Store,
    lease: Lease,
    say: Say,
    fresh: BackupFacts | None,
) -> int:
    """Remove old backups of the environment from the store, but none that is still needed; how many went."""
    if settings.retain is None:
        return 0
    removed = 0
    there = known(configuration, store, store.listing())
    old = _beyond(there, settings.retain, machine.clock.now(), belonging(configuration))
    pinned = pinned_by_deployment(configuration, list(there.values())) if old else {}
    if fresh is not None:
        pinned[fresh.name] = "it was just taken"
    for name, facts in old:
        why = pinned.get(facts.name) or store.delete(name, lease)
        removed += not why
        say(f"{name} stays in the store: {why}" if why else f"removed {name} from the store")
    return removed


def known(configuration: Configuration, store: Store, names: Collection[str]) -> dict[str, BackupFacts]:
    """What the store says of its backups of the environment; those of other services may lie in the same place."""
    layout = configuration.layout
    said = {name: said_by(layout, name) for name in names}
    ours = [name for name, named in said.items() if named is not None and named.environment == configuration.name]
    told = store.facts(ours)
    return {n: evolve(facts, name=here(layout, n)) for n, facts in told.items() if facts.environment == configuration.name}


def _beyond(
    known: Mapping[str, BackupFacts], retain: int, now: float, needed: Collection[str]
) -> list[tuple[str, BackupFacts]]:
    """The names that `retain` lets go, each purpose counted for itself, and what lacks one of the components `needed`."""
    found: list[tuple[str, BackupFacts]] = []
    for purpose in Purpose:
        mine = {name: facts for name, facts in known.items() if facts.purpose is purpose}
        for whole in (True, False):  # one that is no way back takes no other's place
            alike = {name: facts for name, facts in mine.items() if facts.holds(needed) is whole}
            old = doomed(list(alike.values()), retain, now)
            found += [(name, facts) for name, facts in alike.items() if facts in old]
    return found


def _only_local(problem: GuardError, left: Sequence[BackupFacts] | None) -> GuardError:
    """The failure, with what it leaves behind: sealed backups that are only here (None: nobody knows which).

    Damage and a refusal stay what they are: asking the store again would not mend them.
    """
    kind = next((kind for kind in _KEPT if isinstance(problem, kind)), OutsideSilent)
    if left is None:
        what = f"which backups are only local cannot be told: {problem.what}"
    elif left:
        what = f"only local, not in the store: {', '.join(facts.name for facts in left)}: {problem.what}"
    else:
        what = f"everything is in the store, old ones perhaps too: {problem.what}"
    cure = problem.cure if kind in (Damaged, NoGo) and problem.cure else _LATER
    return kind(what, where=problem.where, cure=cure)


def _key(layout: Layout, facts: BackupFacts) -> str:
    return name_in_store(layout, layout.root / facts.name)


def _holder() -> str:
    return f"{platform.node()}, process {os.getpid()}"
