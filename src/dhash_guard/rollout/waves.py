"""Decides what a workflow's matrices are: the targets of each wave, and those that have to be rolled back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from dhash_guard.errors import CannotTell
from dhash_guard.gates.waves import Target, Waves, undone
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.layout import Layout
from dhash_guard.rollout.deployments import latest_of


@frozen(kw_only=True)
class Undoing:
    """The targets to roll back, and why others of the policy are left alone."""

    targets: tuple[Target, ...]
    notes: tuple[str, ...] = ()


def matrix(waves: Waves, undoing: Undoing | None = None, only: str = "") -> dict[str, Any]:
    """`wave-1` and so on, each a matrix for `strategy`; a wave without a target in it is not there, nor an empty `undo`.

    With `only` nothing but the target of that name. A job reads its own key, and is skipped where there is none.
    """
    found: dict[str, Any] = {"environment": waves.environment, "waves": waves.count}
    for wave in range(1, waves.count + 1):
        found |= _section(f"wave-{wave}", waves, [one for one in waves.of(wave) if only in ("", one.name)])
    return found | (_section("undo", waves, undoing.targets) if undoing is not None else {})


def undoing(layout: Layout, waves: Waves, wave: int, commit: str, only: str = "") -> Undoing:
    """What the policy rolls back when `wave` degraded, without the targets that have nothing of `commit` to be undone.

    A target that nothing is recorded of here stays in the list, so that it is asked where its record lies; asked for that
    `only` one, there is no other place to ask: raise CannotTell.
    """
    notes: list[str] = []
    targets = tuple(_due(layout, [one for one in undone(waves, wave) if only in ("", one.name)], commit, only, notes))
    return Undoing(targets=targets, notes=tuple(notes))


def _due(layout: Layout, targets: Sequence[Target], commit: str, only: str, notes: list[str]) -> Iterator[Target]:
    for target in targets:
        deployment = latest_of(layout, target.place)
        if deployment is None and only:
            raise CannotTell(
                f"no deployment of {target.place} is recorded here, so nothing says what to undo",
                cure="Ask on the machine that deployed it, or choose a backup: dhash-guard rollback --list.",
            )
        if deployment is not None and (why := _nothing_to_undo(deployment, commit)):
            notes.append(f"{target.name}: {why}")
        else:
            yield target


def _nothing_to_undo(deployment: Deployment, commit: str) -> str:
    """Why a rollback now would undo another release than the one that is meant; empty where it would not."""
    if deployment.state is DeploymentState.ROLLED_BACK:
        return f"{deployment.tag} is rolled back already"
    if deployment.commit != commit:
        return f"its latest deployment is of commit {deployment.commit[:12] or 'unknown'}, not {commit[:12] or 'known here'}"
    return ""


def _section(name: str, waves: Waves, targets: Sequence[Target]) -> dict[str, Any]:
    """A matrix that lists its jobs; `name` in it is what the target's state and records are called after."""
    jobs = [{"environment": waves.environment, "target": one.name, "wave": one.wave, "name": one.place} for one in targets]
    return {name: {"include": jobs}} if jobs else {}
