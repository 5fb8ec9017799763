"""A real Prometheus server on loopback, over series that the test wrote."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from support.programs import program
from support.project import clean_environment

Points = Sequence[tuple[float, float]]
"""(UTC seconds, value) in the order of time."""


@frozen
class Server:
    """A running server: its address, and the process, so that a test can let it die."""

    url: str
    process: subprocess.Popen[bytes]

    def die(self) -> None:
        self.process.kill()
        self.process.wait()


def openmetrics(series: Mapping[str, Points]) -> str:
    """The points in the format that promtool makes blocks of; a key is a metric with its labels."""
    families: dict[str, list[str]] = {}
    for name, points in series.items():
        lines = families.setdefault(name.split("{")[0], [])
        lines += [f"{name} {value} {at:.3f}\n" for at, value in points]
    typed = (f"# TYPE {family} gauge\n{''.join(lines)}" for family, lines in families.items())
    return "".join(typed) + "# EOF\n"


@contextmanager
def serving(folder: Path, series: Mapping[str, Points]) -> Iterator[Server]:
    """Start a server that knows these series; it and its data are gone afterwards."""
    prometheus, promtool = program("prometheus", "prometheus"), program("promtool", "prometheus")
    folder.mkdir(parents=True)
    (folder / "series.txt").write_text(openmetrics(series))
    (folder / "prometheus.yml").write_text("global: {}\n")
    make = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", "series.txt", "data"]
    done = subprocess.run(make, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with (folder / "log").open("wb") as log:
        # A service that the system's package may have started is another process, with another port and other data.
        process = subprocess.Popen(
            [
                prometheus,
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--storage.tsdb.retention.time=100y",
                "--web.listen-address=127.0.0.1:0",
            ],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield Server(_ready(process, folder / "log"), process)
    finally:
        process.kill()
        process.wait()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that the system chose, once the server answers there."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told = re.search(r'msg="Listening on" address=(127\.0\.0\.1:\d+)', log.read_text("utf-8", "replace"))
        if told is not None and _answers(f"http://{told[1]}/-/ready"):
            return f"http://{told[1]}"
        assert process.poll() is None, log.read_text("utf-8", "replace")
        time.sleep(0.02)
    raise AssertionError("Prometheus did not become ready:\n" + log.read_text("utf-8", "replace"))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
