"""What a project says about its backups: components, retention and the store."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from attrs import field, frozen

from dhash_guard.records.units import Seconds

_PATIENCE = Seconds(60.0)


class When(Enum):
    """When a component is part of a backup."""

    ALWAYS = "always"
    REQUESTED = "requested"


@frozen(kw_only=True)
class Component:
    """A named part of a backup: files, directories or links below the project root.

    `grows` marks files that are only appended to (logs): they are read to the length they had at open.
    """

    paths: tuple[str, ...]
    grows: bool = False
    when: When = When.ALWAYS


@frozen(kw_only=True)
class Keep:
    """How many sealed, verified backups stay per environment."""

    last: int = 10


@frozen(kw_only=True)
class LocalStore:
    """Archives stay in the project's `backups` directory."""

    kind: Literal["local"] = "local"


Store = LocalStore
"""Every kind of store; a new kind is one more member of this union."""


@frozen(kw_only=True)
class Hook:
    """A command, as a list of arguments, and how long it may take."""

    run: tuple[str, ...]
    timeout: Seconds = _PATIENCE


@frozen(kw_only=True)
class BackupSettings:
    """The `backup:` section. `quiesce` runs before files are read; `resume` always runs after it."""

    components: dict[str, Component] = field(factory=dict)
    keep: Keep = Keep()
    store: Store = LocalStore()
    quiesce: Hook | None = None
    resume: Hook | None = None
