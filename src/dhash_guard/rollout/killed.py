"""Notes how far a watch has come, and finds a killed one that the next has to go on with, so that no breach is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from dhash_guard.errors import CannotTell
from dhash_guard.gates.watch import Watch, judge
from dhash_guard.ledger import samples
from dhash_guard.records.canonical import canonical, loads
from dhash_guard.records.deployment import Deployment
from dhash_guard.records.outcome import Status
from dhash_guard.records.sample import Tick
from dhash_guard.rollout import deployments
from dhash_guard.rollout.run import Guarded

STATE_FILE = "state.json"


@frozen(kw_only=True)
class Unfinished:
    """A watch over the same deployment that was killed: when it began, and what it had seen.

    `same` says that it had this configuration, `late` that its time is over; `failed` are the deciding gates that had
    failed by its own configuration.
    """

    run: str
    started_at: float
    ticks: tuple[Tick, ...]
    same: bool
    late: bool
    failed: tuple[str, ...]


def identity(deployment: Deployment | None) -> str:
    """What a watch notes that it is over; empty where no deployment is undecided."""
    return deployment.id if deployment is not None else ""


def note(run: Guarded, watch: Watch, deployment: str | None, *, finished: bool) -> None:
    """Write how far the watch over this deployment has come, after each tick; a disk that takes no more must not end it.

    With None for the deployment nothing is written: no watch goes on with this one.
    """
    if deployment is None:
        return
    until = watch.started_at + watch.plan.duration + watch.plan.extend_by
    failed = [one.gate for one in watch.outcomes() if one.action.decides and one.status is Status.DEGRADED]
    facts = {
        "run": run.facts.id,
        "configuration": run.configuration.digest,
        "deployment": deployment,
        "started_at": watch.started_at,
        "until": until,
        "failed": failed,
        "finished": finished,
    }
    with suppress(OSError):
        run.machine.files.make_directory(run.folder)
        run.machine.files.write_atomic(run.folder / STATE_FILE, canonical(facts))


def killed_before(run: Guarded, deployment: Deployment | None) -> Unfinished | None:
    """The killed watch that this one goes on with: one that saw a breach, else the newest while its time is not over.

    Raise CannotTell where one saw a breach that the gates and the duration of now do not: it must not be forgotten.
    """
    latest = deployments.latest(run.configuration)
    killed = _unfinished(run, identity(deployment), max(latest.begun_at, latest.changed_at) if latest is not None else 0.0)
    for one in killed:
        if _decided(run, one, deployment):
            return one
    for one in killed:
        if one.failed:
            raise CannotTell(
                f"the watch of {one.run} was killed after it saw {', '.join(one.failed)} fail; as configured now it had not",
                cure="Watch as it was configured then, deploy again, or roll back.",
            )
    # One that had seen nothing wrong is not worth going on with when its time is over, or when it looked otherwise.
    return killed[0] if killed and killed[0].same and not killed[0].late else None


def _decided(run: Guarded, before: Unfinished, deployment: Deployment | None) -> bool:
    """Whether what a killed watch had seen is an answer already, which no later look may take back."""
    environment = run.configuration.environment
    baseline = deployment.baseline if deployment is not None else None
    seen = Watch(environment.gates, environment.monitor, started_at=before.started_at, automatic=False, baseline=baseline)
    return judge(before.ticks, seen).status is Status.DEGRADED


def _unfinished(run: Guarded, deployment: str, since: float) -> list[Unfinished]:
    """The killed watches over this deployment after the last one that came to its end, newest first.

    None that began before `since` (UTC seconds), when what stands there was last changed. Where no deployment is recorded
    (an empty id) nothing else bounds them, and one whose time is over says nothing of today.
    """
    found, now = [], run.machine.clock.now()
    for folder in sorted(_folders(run.configuration.layout.runs(run.environment)), reverse=True):
        state = state_in(folder)
        started_at = state.get("started_at")
        if state.get("deployment") != deployment or not isinstance(started_at, float):
            continue
        late = now >= state.get("until", started_at)
        if state.get("finished") or started_at < since or (late and not deployment):
            break
        found.append(
            Unfinished(
                run=folder.name,
                started_at=started_at,
                ticks=tuple(_intact(folder / "samples.jsonl")),
                same=state.get("configuration") == run.configuration.digest,
                late=late,
                failed=tuple(state.get("failed", ())),
            )
        )
    return found


def _folders(path: Path) -> list[Path]:
    return [entry for entry in path.iterdir() if entry.is_dir()] if path.is_dir() else []


def state_in(folder: Path) -> dict[str, Any]:
    """What the watch of this run folder noted of itself; nothing where there is no note, or half of one."""
    try:
        state = loads((folder / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _intact(path: Path) -> Iterator[Tick]:
    """The recorded ticks up to the first line that is torn or changed."""
    try:
        yield from samples.read_linked(path)
    except (OSError, ValueError):
        return
