"""Backups here and in the store as one vault: what is only there is fetched when it is needed, and nights go on without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from attrs import evolve

from dhash_guard.backup import facade as backup
from dhash_guard.backup import sidecar
from dhash_guard.backup.stores.described import described, here, identity, said_by
from dhash_guard.backup.stores.fetch import fetch, place_of
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.objects import HASTY, Patience
from dhash_guard.backup.stores.store import Store, StoreSilent
from dhash_guard.config import Configuration
from dhash_guard.errors import CannotTell, Damaged, GuardError, OutsideSilent, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose, Verification
from dhash_guard.rollout.syncing import backlog, known, send
from dhash_guard.rollout.vault import DryVault, LocalVault, PutBack, Taken, Vault
from dhash_guard.system import Machine

_HASTE = 10.0
"""Seconds that a look into the store may take while local backups would do."""


class Place(Enum):
    """Where a backup lies."""

    LOCAL = "local"
    STORE = "store"
    BOTH = "local and store"


def open_vault(machine: Machine, configuration: Configuration, say: Callable[[str], None]) -> Vault:
    """The vault of an environment, with its store where one is configured."""
    local = DryVault(machine, configuration) if machine.dry else LocalVault(machine, configuration)
    return with_store(local, machine, configuration, say)


def places(vault: Vault) -> list[tuple[BackupFacts, Place]]:
    """The catalogue of any vault, and where each backup lies."""
    if isinstance(vault, StoredVault):
        return vault.places()
    return [(facts, Place.LOCAL) for facts in vault.listing()]


def with_store(local: Vault, machine: Machine, configuration: Configuration, say: Callable[[str], None]) -> Vault:
    """The vault that also knows the store, where one is configured."""
    settings = configuration.environment.backup.store
    return StoredVault(local, settings, machine, configuration, say) if isinstance(settings, ObjectStore) else local


class StoredVault:
    """A vault before a store. A store that is silent costs one warning: everything local works as if there were none."""

    def __init__(
        self,
        local: Vault,
        settings: ObjectStore,
        machine: Machine,
        configuration: Configuration,
        say: Callable[[str], None],
    ) -> None:
        self._local = local
        self._settings = settings
        self._machine = machine
        self._configuration = configuration
        self._layout = configuration.layout
        self._say = say
        self._silent = False
        self._opened: dict[Patience, Store] = {}

    def take(self, purpose: Purpose, components: Sequence[str] | None = None, after: BackupFacts | None = None) -> Taken:
        """Take and seal it here, then put it into the store; a snapshot before a rollback waits for the next sync."""
        if purpose is not Purpose.BACKUP:
            return self._local.take(purpose, components, self._newest())
        store = self._store()  # what is wrong with the settings is said before anything is done
        if self._machine.dry:
            taken = self._local.take(purpose, components)
            return evolve(taken, text=f"{taken.text}, and put it into {store.where}")
        taken = self._local.take(purpose, components, self._last(store))
        assert taken.facts is not None
        sent = send(self._machine, self._configuration, self._settings, store, self._say, fresh=taken.facts)
        if sent.damaged:
            self._say(f"warning: {sent.damage}")
        return evolve(taken, text="; ".join(filter(None, (taken.text, sent.text, sent.damage))))

    def rehearse(self) -> Taken:
        return self._local.rehearse()

    def wait_until_free(self) -> None:
        self._local.wait_until_free()

    def listing(self) -> list[BackupFacts]:
        return [facts for facts, _ in self.places()]

    def places(self) -> list[tuple[BackupFacts, Place]]:
        """All sealed backups of the environment, newest last by sequence, and where each of them lies."""
        stored, local = self._stored(), self._local.listing()
        sizes = {self._name(name): size for name, size in stored.items()}
        known = {facts.name for facts in local}
        found = [(facts, Place.BOTH if sizes.get(facts.name) == facts.size else Place.LOCAL) for facts in local]
        absent = {name: size for name, size in stored.items() if self._name(name) not in known}
        found += [(facts, Place.STORE) for facts in self._facts(absent)]
        return sorted(found, key=lambda pair: (pair[0].sequence, pair[0].sealed_at, pair[0].name))

    def find(self, reference: str, from_environment: str | None = None) -> BackupFacts:
        """The backup called `reference`, fetched where only the store has it."""
        name = self._only_stored(reference)
        if name is None:
            return self._local.find(reference, from_environment)
        environment = self._environment(name)
        if environment not in (self._configuration.name, from_environment):
            raise UsageProblem(
                f"{name} is a backup of {environment}, not of {self._configuration.name}",
                cure=f"Name it with --from-env {environment} where that is meant.",
            )
        if not self._machine.dry:
            self._fetched(name)
        elif found := self._facts({name: self._stored().get(name, 0)}, environment):
            return found[0]
        return self._local.find(self._name(name), from_environment)

    def verify(self, facts: BackupFacts) -> Verification:
        """Read it whole, fetched first where only the store has it; a store that fails is a problem of that backup only.

        A dry run fetches nothing: of what only the store has it compares the hash.
        """
        if (self._layout.root / facts.name).is_file():
            return self._local.verify(facts)
        try:
            name = self._only_stored(facts.name)
            if name is None:
                raise CannotTell("it is neither here nor in the store, or the store no longer answers")
            if not self._machine.dry:
                return self._local.verify(self._fetched(name))
            sha256 = self._store().fetch(name, facts.size, lambda _: None)
        except GuardError as problem:
            if isinstance(problem, StoreSilent):
                self._fall_silent(problem)  # the next candidate must not wait as long again
            wrong = (f"only in the store: {problem.what}",)
            return Verification(name=facts.name, sha256=facts.sha256, members=0, bytes_read=0, problems=wrong)
        return Verification(name=facts.name, sha256=sha256, members=facts.members, bytes_read=facts.size, members_read=False)

    def require(self, facts: BackupFacts) -> None:
        """Have it here, fetched where only the store has it; a dry run does not fetch."""
        name = self._only_stored(facts.name)
        if name is None:
            self._local.require(facts)
        elif not self._machine.dry:
            self._local.require(self._fetched(name))

    def restore(self, facts: BackupFacts) -> PutBack:
        """Put it back, fetched first where only the store has it; a dry run does not fetch."""
        name = self._only_stored(facts.name)
        if name is None:
            return self._local.restore(facts)
        if self._machine.dry:
            where = self._settings.url
            return PutBack(text=f"would fetch {name} from {where} and put {facts.members} entries back", restoration=None)
        return self._local.restore(self._fetched(name))

    def unsent(self) -> Mapping[str, str]:
        """What the store is to have and lacks; everything that is numbered, where it does not say what it has."""
        try:
            waiting = backlog(self._machine, self._configuration, self._settings, self._store()).waiting
        except GuardError as problem:
            self._say(f"warning: nothing that the store may lack is removed: {problem.what}")
            numbered = [facts.name for facts in self._local.listing() if facts.sequence]
            return dict.fromkeys(numbered, "the store does not say whether it has it")
        return dict.fromkeys((facts.name for facts in waiting), "it is not in the store yet")

    def _newest(self) -> BackupFacts | None:
        """The newest that is known at a glance; a snapshot before a rollback must not wait for a store."""
        return next((facts for facts, _ in reversed(self.places()) if not facts.problem), None)

    def _last(self, store: Store) -> BackupFacts | None:
        """The backup in the store whose number the next one goes on from; None where only those that lie here tell it.

        Raise OutsideSilent where neither does: a number that was given before puts the newest backup behind old ones.
        """
        try:
            there = known(self._configuration, store, store.listing())
        except GuardError as problem:
            if any(facts.sequence for facts in self._local.listing()):
                return None  # the upload says that the store does not answer
            raise OutsideSilent(
                f"no backup was taken: none lies here, and the store does not say which was the last: {problem.what}",
                where=problem.where,
                cure="Take it once the store answers.",
            ) from problem
        return max(there.values(), key=lambda facts: facts.sequence, default=None)

    def _fetched(self, name: str) -> BackupFacts:
        """Fetch it, and return the archive's own facts; raise Damaged where the store had told others."""
        store = self._store()
        told = store.facts([name]).get(name)
        size = self._stored().get(name)
        if size is None:
            raise CannotTell(f"the store no longer lists {name}", where=store.where)
        self._say(f"fetching {name} from {store.where} …")
        path = fetch(self._machine, self._layout, store, name, size)
        own = backup.facts_of(self._layout, path)
        if told is not None and identity(told) != identity(own):
            # A whole archive under the name of another must not be taken for it by anybody who comes later.
            for leftover in (path, sidecar.path_of(path)):
                self._machine.files.remove(leftover)
            raise Damaged("the archive is not the one that was stored under this name", where=own.name)
        return own

    def _store(self, patience: Patience = Patience(), deadline: float = 60.0) -> Store:
        if patience not in self._opened:
            self._opened[patience] = self._settings.open(self._machine, patience, deadline)
        return self._opened[patience]

    def _only_stored(self, reference: str) -> str | None:
        """What the store calls it, where it is there and not here."""
        places = (self._layout.root, self._layout.backups, self._layout.pre_rollback)
        if any((place / reference).is_file() for place in places):
            return None
        names = {form: name for name in self._stored() for form in (name, self._name(name), name.rpartition("/")[2])}
        return names.get(reference)

    def _stored(self) -> Mapping[str, int]:
        """Names and sizes of this service's backups in the store; none, with a warning, where it does not answer."""
        if self._silent:
            return {}
        try:
            listed = self._store(HASTY, _HASTE).listing()
        except GuardError as problem:
            self._fall_silent(problem)
            return {}
        return {name: size for name, size in listed.items() if place_of(self._layout, name) is not None}

    def _facts(self, stored: Mapping[str, int], environment: str = "") -> list[BackupFacts]:
        """The facts of these stored backups of one environment."""
        wanted = [name for name in stored if self._environment(name) == (environment or self._configuration.name)]
        try:
            known = self._store(HASTY, _HASTE).facts(wanted) if wanted else {}
        except GuardError as problem:
            self._fall_silent(problem)
            return []
        return [described(self._layout, name, stored[name], known.get(name)) for name in wanted]

    def _fall_silent(self, problem: GuardError) -> None:
        self._silent = True
        self._say(f"warning: the store is left out, only local backups are known: {problem.what}")

    def _environment(self, name: str) -> str:
        said = said_by(self._layout, name)
        return said.environment if said is not None else ""

    def _name(self, name: str) -> str:
        return here(self._layout, name)
