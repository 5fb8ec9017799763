"""Looks and writes down what it saw, and nothing else, for a checkpoint or a person to judge later."""

from __future__ import annotations

import math
from collections import deque
from itertools import takewhile
from pathlib import Path

from attrs import define

from dhash_guard.errors import CannotTell
from dhash_guard.records.canonical import canonical
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.records.sample import Absence, Tick
from dhash_guard.records.units import format_duration
from dhash_guard.report.words import plural
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.ticks import live, without_secrets
from dhash_guard.signals import Sampler, recorded
from dhash_guard.system.interrupt import Interrupted, held_off

KEPT = 7 * 86400.0
"""Seconds of looks that the environment's own log is cut to when a collector begins: what a checkpoint reads whole."""

_REMEMBERED = 1000
"""Looks of an existing log that running counts go on from; further back no signal that still lives was last seen."""


def collect(run: Guarded, log: Path | None) -> Evidence:
    """`monitor --collect`: look for the plan's duration or until INT or TERM; exit 0 either way.

    A dry run takes one look, to see who answers, and says what would be written.
    """
    own = run.configuration.layout.collected(run.environment)
    path = log if log is not None else own
    plan = run.configuration.environment.monitor
    # What a person named is theirs to cut; of our own, twice a watch is what a running one and the baseline before it need.
    kept = max(KEPT, 2 * (plan.duration + plan.extend_by)) if path == own else math.inf
    run.machine.files.make_directory(path.absolute().parent)
    with run.machine.files.lock(path.with_name(path.name + ".lock"), "a collector"):
        collector = Collector(run, path, kept)
        run.stage("collect", collector.rehearse if run.machine.dry else collector.work)
    return run.seal(run.evidence(result="planned" if run.machine.dry else "collected", exit_code=0))


@define
class Collector:
    """One collector over one log, which nobody else writes meanwhile."""

    run: Guarded
    path: Path
    kept: float = math.inf
    """Seconds of looks that stay in a log that is there already."""
    count: int = 0

    def work(self) -> Done:
        """Look until the time is over; what a signal interrupts is a look, never a line."""
        try:
            self._collect()
        except (KeyboardInterrupt, Interrupted):
            return Done(f"{plural(self.count, 'look')} written to {self.path}, until it was stopped")
        return Done(f"{plural(self.count, 'look')} written to {self.path}")

    def rehearse(self) -> Done:
        """What would be written, after every check that reads; not one line of it is, so there is no need to wait."""
        sampler, now, index = self._begin()
        samples = sampler.look(index, now).samples
        read = sum(not isinstance(value, Absence) for value in samples.values())
        return Done(f"would write {self._told()}; just now {read} of {plural(len(samples), 'signal')} had a value")

    def _collect(self) -> None:
        sampler, now, index = self._begin()
        plan = self.run.configuration.environment.monitor
        self.run.say(self._told())
        for tick in live(self.run, plan, sampler, now, index):
            self._write(without_secrets(tick, self.run.redactor))
            if tick.at - now >= plan.duration - 1e-3:
                return

    def _told(self) -> str:
        plan = self.run.configuration.environment.monitor
        return f"a look every {format_duration(plan.interval)} for {format_duration(plan.duration)}, into {self.path}"

    def _begin(self) -> tuple[Sampler, float, int]:
        """Who looks, the moment of the first look, and its number; raise CannotTell where the log is ahead of the clock."""
        before = self._before()
        environment, now = self.run.configuration.environment, round(self.run.machine.clock.now(), 3)
        if before and now <= before[-1].at:
            raise CannotTell(
                f"its last look is of {iso(before[-1].at)}, and this machine's clock says {iso(now)}",
                where=str(self.path),
                cure="Set the clock, or collect into another file; a log never goes back in time.",
            )
        sampler = Sampler(
            environment.health,
            environment.signals,
            base_url(self.run.configuration),
            self.run.configuration.layout.root,
            self.run.machine,
            resumed=before,
        )
        return sampler, now, before[-1].index + 1 if before else 0

    def _write(self, tick: Tick) -> None:
        with held_off():
            self.run.machine.files.append(self.path, canonical(tick.to_data()) + b"\n")
            self.count += 1

    def _before(self) -> list[Tick]:
        """The newest looks that the log has already; the half line of a killed collector is taken off first."""
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        if not content.endswith(b"\n"):
            # A line behind it would make it one broken line in the middle, which is a fault and no longer an end.
            self.run.machine.files.write_atomic(self.path, content[: content.rfind(b"\n") + 1])
        self._cut()
        return list(deque(recorded.ticks(self.path), maxlen=_REMEMBERED))

    def _cut(self) -> None:
        """Take off what is too old beside the newest look, whatever the clock says; a reader keeps the file it has."""
        newest = recorded.last(self.path)
        if newest is None or self.run.machine.dry:
            return
        since = newest.at - self.kept
        if old := sum(1 for _ in takewhile(lambda tick: tick.at < since, recorded.ticks(self.path))):
            lines = self.path.read_bytes().splitlines(keepends=True)
            self.run.machine.files.write_atomic(self.path, b"".join(lines[old:]))
            self.run.say(f"{plural(old, 'look')} older than {format_duration(self.kept)} taken off {self.path.name}")
