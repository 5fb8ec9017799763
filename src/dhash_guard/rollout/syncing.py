"""Puts into the store what is only local, lets old ones go there, and says what became of each."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import frozen

from dhash_guard.backup import facade as backup
from dhash_guard.backup.stores.described import said_by
from dhash_guard.backup.stores.fetch import name_in_store
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.store import Lease, Put, Store
from dhash_guard.config import Configuration
from dhash_guard.errors import Damaged, GuardError, Locked, NoGo, OutsideSilent
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import Layout
from dhash_guard.records.units import format_bytes
from dhash_guard.system import Machine

Say = Callable[[str], None]

_PATIENCE = 60.0
"""Seconds to wait for another host that is writing to the store."""

_KEPT = (Locked, Damaged, NoGo)
_LATER = "The local backups are sealed. Run `dhash-guard backup sync` later."

_AHEAD = 86_400.0
"""A backup that was sealed this many seconds in the future tells nothing about age."""


@frozen(kw_only=True)
class Sent:
    """What an upload did, in a sentence, with the names of local backups that are damaged and stay where they are."""

    text: str
    damaged: tuple[str, ...] = ()


def missing(machine: Machine, configuration: Configuration, settings: ObjectStore, store: Store) -> list[BackupFacts]:
    """The usable local backups of the environment that the store does not list and would keep, newest first."""
    layout, there = configuration.layout, store.listing()
    # Only our own archives, which alone are numbered, say in the store what they hold.
    local = [facts for facts in backup.listing(layout, configuration.name) if not facts.problem and facts.sequence]
    absent = [facts for facts in reversed(local) if there.get(_key(layout, facts)) != facts.size]
    if settings.retain is None or not absent:
        return absent
    both = {**{_key(layout, facts): facts for facts in absent}, **_known(configuration, store, there)}
    old = {name for name, _ in _beyond(both, settings.retain, machine.clock.now())}
    return [facts for facts in absent if _key(layout, facts) not in old]


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
    left = [fresh] if fresh is not None else []
    damaged: list[str] = []
    sealed = 0
    try:
        left = missing(machine, configuration, settings, store)
        if not left:
            return Sent(text=f"{store.where} has everything")
        # Before the lease: reading a backlog whole must not use up the time of writing it.
        unsound = [facts for facts in left if facts != fresh and not backup.verify(machine, configuration.layout, facts).ok]
        damaged += [facts.name for facts in unsound]
        left = [facts for facts in left if facts not in unsound]
        with store.lease(_holder(), sum(facts.size for facts in left), _PATIENCE) as lease:
            for facts in tuple(left):
                sealed += _put(configuration.layout, store, facts, lease, say)
                left.remove(facts)
            removed = _let_go(machine, configuration, settings, store, lease, say) if sealed else 0
    except GuardError as problem:
        raise _only_local(problem, left) from problem
    gone = f", {removed} old ones removed there" if removed else ""
    return Sent(text=f"{sealed} in {store.where}, read back{gone}; {store.guard}", damaged=tuple(damaged))


def doomed(stored: Sequence[BackupFacts], retain: int, now: float) -> list[BackupFacts]:
    """Those beyond the newest `retain` of one environment and purpose, oldest first.

    What cannot be used or is dated in the future counts for nothing, and stays.
    """
    counting = [facts for facts in stored if not facts.problem and facts.sealed_at <= now + _AHEAD]
    return sorted(counting, key=lambda facts: (facts.sequence, facts.sealed_at))[:-retain]


def _put(layout: Layout, store: Store, facts: BackupFacts, lease: Lease, say: Say) -> int:
    say(f"uploading {facts.name}, {format_bytes(facts.size)} …")
    done = store.put(_key(layout, facts), layout.root / facts.name, facts, lease)
    return 1 if done is Put.SEALED else 0


def _let_go(
    machine: Machine, configuration: Configuration, settings: ObjectStore, store: Store, lease: Lease, say: Say
) -> int:
    """Remove old backups of the environment from the store; how many went."""
    if settings.retain is None:
        return 0
    removed = 0
    known = _known(configuration, store, store.listing())
    for name, _ in _beyond(known, settings.retain, machine.clock.now()):
        why = store.delete(name, lease)
        removed += not why
        say(f"{name} stays in the store: {why}" if why else f"removed {name} from the store")
    return removed


def _known(configuration: Configuration, store: Store, names: Collection[str]) -> dict[str, BackupFacts]:
    """What the store says of its backups of the environment; those of other services may lie in the same place."""
    said = {name: said_by(configuration.layout, name) for name in names}
    ours = [name for name, named in said.items() if named is not None and named.environment == configuration.name]
    known = store.facts(ours)
    return {name: facts for name, facts in known.items() if facts.environment == configuration.name}


def _beyond(known: Mapping[str, BackupFacts], retain: int, now: float) -> list[tuple[str, BackupFacts]]:
    """The names that `retain` lets go, each purpose counted for itself."""
    found: list[tuple[str, BackupFacts]] = []
    for purpose in Purpose:
        mine = {name: facts for name, facts in known.items() if facts.purpose is purpose}
        old = doomed(list(mine.values()), retain, now)
        found += [(name, facts) for name, facts in mine.items() if facts in old]
    return found


def _only_local(problem: GuardError, left: Sequence[BackupFacts]) -> GuardError:
    """The failure, with what it leaves behind: sealed backups that are only here.

    Damage and a refusal stay what they are: asking the store again would not mend them.
    """
    names = ", ".join(facts.name for facts in left) or "nothing"
    kind = next((kind for kind in _KEPT if isinstance(problem, kind)), OutsideSilent)
    what = f"only local, not in the store: {names}: {problem.what}"
    cure = problem.cure if kind in (Damaged, NoGo) and problem.cure else _LATER
    return kind(what, where=problem.where, cure=cure)


def _key(layout: Layout, facts: BackupFacts) -> str:
    return name_in_store(layout, layout.root / facts.name)


def _holder() -> str:
    return f"{platform.node()}, process {os.getpid()}"
