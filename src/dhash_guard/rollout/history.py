"""Reads what was recorded of an environment right before a deployment: by its collector, or by who keeps series anyway."""

from __future__ import annotations

from dhash_guard.errors import UsageProblem
from dhash_guard.records.layout import iso
from dhash_guard.records.sample import Tick
from dhash_guard.rollout import deployments
from dhash_guard.rollout.checkpoint import since_start
from dhash_guard.rollout.run import Guarded
from dhash_guard.signals import past, recorded

LOOKS = 60
"""Looks of the watch's own interval that a baseline reaches back: what the default gates were measured with."""


def looks_before(run: Guarded, until: float) -> list[Tick]:
    """The looks of the last `LOOKS` intervals before `until` (UTC seconds), none older than the release that runs.

    A collector's log counts where it comes up to now; else the sources that keep series are asked. Empty where there is
    neither.
    """
    configuration = run.configuration
    interval = configuration.environment.monitor.interval
    latest = deployments.latest(configuration)
    since = max(until - LOOKS * interval, latest.begun_at, latest.changed_at) if latest else until - LOOKS * interval
    found = _collected(run, since, until)
    if not found and (count := int((until - since) / interval)) > 0:
        found = past(
            configuration.environment.signals,
            configuration.environment.base_url or "",
            configuration.layout.root,
            run.machine,
            start=until - count * interval,
            step=interval,
            count=count,
        )
    return found


def _collected(run: Guarded, since: float, until: float) -> list[Tick]:
    log = run.configuration.layout.collected(run.environment)
    if not log.exists():
        return []
    try:
        seen = [tick for tick in recorded.ticks(log) if since <= tick.at < until]
    except UsageProblem as problem:
        run.say(f"warning: {problem}; the baseline does without the collector")
        return []
    if not seen or seen[-1].at < until - 2 * run.configuration.environment.monitor.interval:
        last = f"ends at {iso(seen[-1].at)}" if seen else f"has nothing since {iso(since)}"
        run.say(f"warning: {log.name} of the collector {last}; the baseline does without it")
        return []
    return list(since_start(seen))
