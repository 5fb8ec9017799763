"""What a project says about its backups: components, retention and the store."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from dhash_guard.backup.stores.local import LocalStore
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.records.units import Seconds

_PATIENCE = Seconds(60.0)
_DRILL_PATIENCE = Seconds(300.0)
_COMMAND_PATIENCE = Seconds(600.0)


class When(Enum):
    """When a component is part of a backup."""

    ALWAYS = "always"
    REQUESTED = "requested"


@frozen(kw_only=True)
class Component:
    """A named part of a backup; exactly one of `paths`, `run` and `sqlite` says where it comes from.

    `paths` are files, directories or links below the project root; `grows` marks files that are only appended to (logs):
    they are read to the length they had at open. Of an `optional` component nothing has to stand there. `run` is a command
    whose output becomes the one file `to`, which has at least `min_bytes`; `restore` is given that file once it was put
    back. `sqlite` are databases that are copied while they are in use.
    """

    paths: tuple[str, ...] = ()
    grows: bool = False
    optional: bool = False
    when: When = When.ALWAYS
    run: tuple[str, ...] | None = None
    to: str | None = None
    min_bytes: int = 1
    timeout: Seconds = _COMMAND_PATIENCE
    restore: tuple[str, ...] | None = None
    sqlite: tuple[str, ...] = ()

    @property
    def roots(self) -> tuple[str, ...]:
        """Every path that a backup of it holds and a restore of it replaces."""
        return (*self.paths, *self.sqlite, *((self.to,) if self.to is not None else ()))

    @property
    def made(self) -> bool:
        """Whether its content is made for the backup, so that it can only be read once that is under way."""
        return bool(self.run or self.sqlite)


@frozen(kw_only=True)
class Keep:
    """Which good backups stay per environment: each that any rule keeps, and always the newest good one.

    `daily`, `weekly` and `monthly` keep the newest of so many UTC periods that have one; `within` keeps what is at most
    that much older than the newest good one. `older_than` deletes only what is older, and alone everything that is.
    """

    last: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    within: Seconds | None = None
    older_than: Seconds | None = None


LAST = 10
"""How many backups stay where nothing is said, and how many snapshots where `last` says nothing."""


Store = LocalStore | ObjectStore
"""Every kind of store; a new kind is one more member of this union."""


@frozen(kw_only=True)
class Hook:
    """A command, as a list of arguments, and how long it may take."""

    run: tuple[str, ...]
    timeout: Seconds = _PATIENCE


@frozen(kw_only=True)
class Drill:
    """The probe of a drill: a command that runs in the scratch directory and fails where what was restored is of no use."""

    run: tuple[str, ...]
    timeout: Seconds = _DRILL_PATIENCE


@frozen(kw_only=True)
class BackupSettings:
    """The `backup:` section. `quiesce` runs before files are read; `resume` always runs after it.

    `keep` is applied by `backup prune`, and by `backup create --prune`.
    """

    components: dict[str, Component] = field(factory=dict)
    keep: Keep = Keep(last=LAST)
    store: Store = LocalStore()
    quiesce: Hook | None = None
    resume: Hook | None = None
    drill: Drill | None = None
