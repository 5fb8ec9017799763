"""Looks and writes down what it saw, and nothing else, for a checkpoint or a person to judge later."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from attrs import define

from dhash_guard.errors import CannotTell
from dhash_guard.records.canonical import canonical
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.records.sample import Tick
from dhash_guard.records.units import format_duration
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.ticks import live, without_secrets
from dhash_guard.signals import Sampler, recorded
from dhash_guard.system.interrupt import Interrupted, held_off

_REMEMBERED = 1000
"""Looks of an existing log that running counts go on from; further back no signal that still lives was last seen."""


def collect(run: Guarded, log: Path | None) -> Evidence:
    """`monitor --collect`: look for the plan's duration or until INT or TERM; exit 0 either way."""
    path = log if log is not None else run.configuration.layout.collected(run.environment)
    run.machine.files.make_directory(path.absolute().parent)
    with run.machine.files.lock(path.with_name(path.name + ".lock"), "a collector"):
        collector = Collector(run, path)
        run.stage("collect", collector.work)
    return run.seal(run.evidence(result="collected", exit_code=0))


@define
class Collector:
    """One collector over one log, which nobody else writes meanwhile."""

    run: Guarded
    path: Path
    count: int = 0

    def work(self) -> Done:
        """Look until the time is over; what a signal interrupts is a look, never a line."""
        try:
            self._collect()
        except (KeyboardInterrupt, Interrupted):
            return Done(f"{self.count} looks written to {self.path}, until it was stopped")
        return Done(f"{self.count} looks written to {self.path}")

    def _collect(self) -> None:
        before = self._before()
        environment, now = self.run.configuration.environment, round(self.run.machine.clock.now(), 3)
        if before and now <= before[-1].at:
            raise CannotTell(
                f"its last look is of {iso(before[-1].at)}, and this machine's clock says {iso(now)}",
                where=str(self.path),
                cure="Set the clock, or collect into another file; a log never goes back in time.",
            )
        plan = environment.monitor
        sampler = Sampler(
            environment.health,
            environment.signals,
            base_url(self.run.configuration),
            self.run.configuration.layout.root,
            self.run.machine,
            resumed=before,
        )
        self.run.say(f"a look every {format_duration(plan.interval)} for {format_duration(plan.duration)}, into {self.path}")
        for tick in live(self.run, plan, sampler, now, before[-1].index + 1 if before else 0):
            self._write(without_secrets(tick, self.run.redactor))
            if tick.at - now >= plan.duration - 1e-3:
                return

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
        return list(deque(recorded.ticks(self.path), maxlen=_REMEMBERED))
