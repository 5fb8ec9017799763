"""The world as every verb is given it, and the dry world in which what would change is only planned."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from dhash_guard.records.stage import Change
from dhash_guard.system.clock import Clock, SystemClock
from dhash_guard.system.dry import DryFiles, DryProcesses
from dhash_guard.system.files import Files, SystemFiles
from dhash_guard.system.host import Host, SystemHost
from dhash_guard.system.http import Http, RequestsHttp
from dhash_guard.system.process import Processes, SystemProcesses
from dhash_guard.system.progress import Progress, unseen
from dhash_guard.system.workers import cores


@frozen(kw_only=True)
class Machine:
    """Clock, disk, programs, network, host, environment variables, how many workers may be busy at once,
    and who is told how far they are."""

    clock: Clock
    files: Files
    processes: Processes
    http: Http
    host: Host
    environ: Mapping[str, str]
    workers: int = 1
    progress: Progress = unseen
    plan: list[Change] | None = None

    @property
    def dry(self) -> bool:
        return self.plan is not None

    def rehearsing(self) -> Machine:
        """The same world, but whatever would change something is written to `plan` instead."""
        plan: list[Change] = []
        return evolve(self, files=DryFiles(plan), processes=DryProcesses(self.processes, plan), plan=plan)


def this_machine(environ: Mapping[str, str]) -> Machine:
    """The machine that this process runs on."""
    return Machine(
        clock=SystemClock(),
        files=SystemFiles(),
        processes=SystemProcesses(environ),
        http=RequestsHttp(),
        host=SystemHost(),
        environ=environ,
        workers=cores(),
    )
