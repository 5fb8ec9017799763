"""Asks this machine what it tells of itself: shares of processor, memory and disk in use, and who runs this."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from typing import Any, Protocol

_STAT = Path("/proc/stat")
_MEMINFO = Path("/proc/meminfo")


class Host(Protocol):
    """Shares in use as fractions 0–1; None where this system does not tell, or not yet. And the account."""

    def cpu(self) -> float | None: ...

    def memory(self) -> float | None: ...

    def disk(self, path: Path) -> float | None: ...

    def free_bytes(self, path: Path) -> int | None: ...

    def account(self) -> str:
        """Who this process runs as: the account's name, its number where it has none, or nothing."""
        ...


class SystemHost:
    """This machine, read from /proc where there is one and through psutil where that is installed."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None

    def cpu(self) -> float | None:
        """Share of processor time since the previous call; the first call has nothing to compare with."""
        times = self._cpu_times()
        if times is None:
            return None
        before, self._before = self._before, times
        if before is None or times[1] <= before[1]:
            return None
        return min(1.0, max(0.0, (times[0] - before[0]) / (times[1] - before[1])))

    def memory(self) -> float | None:
        if _MEMINFO.exists():
            fields = dict(line.split(":", 1) for line in _MEMINFO.read_text("ascii").splitlines())
            total, free = (float(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
            return 1 - free / total
        psutil = _psutil()
        return None if psutil is None else float(psutil.virtual_memory().percent) / 100

    def disk(self, path: Path) -> float | None:
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            return None
        return usage.used / (usage.used + usage.free)

    def free_bytes(self, path: Path) -> int | None:
        try:
            return shutil.disk_usage(path).free
        except OSError:
            return None

    def account(self) -> str:
        try:
            accounts: Any = importlib.import_module("pwd")
            number = os.getuid()
        except (ImportError, AttributeError):  # not on this system
            return ""
        try:
            return str(accounts.getpwuid(number).pw_name)
        except KeyError:  # a container may run as a number that nobody has
            return f"uid {number}"

    def _cpu_times(self) -> tuple[float, float] | None:
        """Busy and total processor seconds since some start."""
        if _STAT.exists():
            numbers = [float(n) for n in _STAT.read_text("ascii").splitlines()[0].split()[1:9]]
            idle = numbers[3] + numbers[4]
            return sum(numbers) - idle, sum(numbers)
        psutil = _psutil()
        if psutil is None:
            return None
        times = psutil.cpu_times()
        total = float(sum(times))
        return total - float(times.idle), total


def _psutil() -> Any:
    try:
        return importlib.import_module("psutil")
    except ImportError:
        return None
