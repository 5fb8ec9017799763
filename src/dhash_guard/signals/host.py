"""Reads this machine's own processor, memory and disk as signals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from dhash_guard.records.sample import Absence, AbsenceKind, Value
from dhash_guard.records.units import Dimension
from dhash_guard.signals.source import Dimensions, Faults, Place
from dhash_guard.system.host import Host


@frozen(kw_only=True)
class HostSignal:
    """Shares in use of the machine that runs the guard; `disk` is a path below the project root."""

    kind: Literal["host"]
    disk: str = "."

    def dimensions(self, name: str) -> Dimensions:
        return {f"{name}.{part}": Dimension.RATIO for part in ("cpu", "memory", "disk")}

    def counted(self) -> frozenset[str]:
        return frozenset()

    def faults(self) -> Faults:
        return []

    def open(self, name: str, place: Place) -> HostSource:
        return HostSource(name, self, place.root, place.machine.host)


class HostSource:
    """The signals `<name>.cpu`, `<name>.memory` and `<name>.disk`."""

    def __init__(self, name: str, settings: HostSignal, root: Path, host: Host) -> None:
        self._name = name
        self._disk = root / settings.disk
        self._host = host

    def sample(self) -> Mapping[str, Value]:
        shares = {"cpu": self._host.cpu(), "memory": self._host.memory(), "disk": self._host.disk(self._disk)}
        return {
            f"{self._name}.{part}": Absence(AbsenceKind.EMPTY, "this system does not tell")
            if share is None
            else round(share, 6)
            for part, share in shares.items()
        }
