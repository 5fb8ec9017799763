"""Decides whether a wave of targets may start, and which are rolled back when one of them degrades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from attrs import frozen

from dhash_guard.records.outcome import Status

MOST_TARGETS = 256
"""Jobs that one matrix of GitHub can have, and so the most targets of a wave."""


class Undo(Enum):
    """What is rolled back when a target degrades: its wave, all waves up to it, or nothing beside that target itself."""

    WAVE = "wave"
    ALL = "all"
    NONE = "none"


@frozen(kw_only=True)
class Target:
    """One place that a release goes to. `place` names its state, backups, locks and records; waves count from 1.

    `name` is what the configuration calls it, empty for an environment without targets.
    """

    name: str
    place: str
    wave: int = 1


@frozen(kw_only=True)
class Waves:
    """The targets of an environment in the order of the file, and its policy."""

    environment: str = ""
    targets: tuple[Target, ...] = ()
    undo: Undo = Undo.WAVE

    @property
    def count(self) -> int:
        """How many waves there are."""
        return max((target.wave for target in self.targets), default=0)

    def of(self, wave: int) -> tuple[Target, ...]:
        """The targets of one wave, which start together."""
        return tuple(target for target in self.targets if target.wave == wave)

    def before(self, wave: int) -> tuple[Target, ...]:
        """The targets of all earlier waves."""
        return tuple(target for target in self.targets if target.wave < wave)


def ahead(waves: Waves, wave: int, standing: Mapping[str, Status]) -> Status:
    """How everything before a wave stands as one; the wave may start only where that is healthy.

    `standing` is by place; what is not in it cannot be told. One that is degraded decides, then any that is not healthy.
    """
    found = {standing.get(target.place, Status.CANNOT_TELL) for target in waves.before(wave)}
    if Status.DEGRADED in found:
        return Status.DEGRADED
    return Status.CANNOT_TELL if found - {Status.HEALTHY} else Status.HEALTHY


def undone(waves: Waves, wave: int) -> tuple[Target, ...]:
    """The targets that the policy rolls back when a target of this wave degraded, the latest wave first.

    The degraded target is among them unless the policy is `none`: then only its own watch rolls it back.
    """
    reached = {Undo.NONE: (), Undo.WAVE: (wave,), Undo.ALL: tuple(range(wave, 0, -1))}[waves.undo]
    return tuple(target for one in reached for target in waves.of(one))


def holes(used: Sequence[int]) -> tuple[int, ...]:
    """The waves that are missing below the highest one."""
    return tuple(sorted(set(range(1, max(used, default=0))) - set(used)))
