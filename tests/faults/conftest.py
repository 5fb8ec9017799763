"""What the crash tests share: a prepared project, and what a person runs after a crash."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from faults.arena import Arena, child, start
from faults.table import LEFT_OUT, Row, record
from support.programs import program
from support.project import clean_environment, run_program


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    for name, package in (("sha256sum", "coreutils"), ("unzip", "unzip")):
        program(name, package)
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    start(prepared)
    first = child(prepared, "create")
    assert first.returncode == 0, first.stderr
    return Arena(prepared, tmp_path)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What this machine does not let happen stands in the table too, with the reason."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and isinstance(report.longrepr, tuple):
        why = str(report.longrepr[2]).removeprefix("Skipped: ").splitlines()[0]
        record(Row("Not run here", item.name, item.path.stem, skipped=why))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """What nobody asked for is counted, so that the page says that it shows a part."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            record(Row("Not run here", item.name, item.path.stem, skipped=LEFT_OUT))


@pytest.fixture
def next_command() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """What a person runs after a crash: any command of the installed program, which first finishes what was begun.

    Loading the program takes longest, so that most recoveries are done without it.
    """
    turn = count()

    def run(root: Path) -> subprocess.CompletedProcess[str]:
        if next(turn) % 8:
            return child(root, "recover")
        return run_program("backup", "list", cwd=root, env=clean_environment())

    return run
