"""What is looked at after a rollback, with a clock that only sleep moves: how many looks, how far apart, what they prove."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dhash_guard.config import load
from dhash_guard.errors import CannotTell, GuardError
from dhash_guard.gates.drainage import Flow
from dhash_guard.records.stage import StageStatus
from dhash_guard.rollout.health import Unhealthy
from dhash_guard.rollout.queue import Growing, look
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.rollout.verification import verify_service
from support.world import Said, said, world

START = 1_790_000_000.0
SETTINGS = """
version: 1
service: dhash
environments:
  production:
    base_url: http://127.0.0.1:1
    queue: {processed_at: done}
    rollback: {}
"""


class Service:
    """Answers health and queue in turn, and remembers when it was asked."""

    def __init__(self, health: Sequence[str] = ("healthy",), queue: Sequence[float] = (0,)) -> None:
        self.health, self.queue = list(health), list(queue)
        self.asked: dict[str, list[float]] = {}

    def __call__(self, path: str, now: float) -> Said:
        times = self.asked.setdefault(path, [])
        times.append(now - START)
        if path == "/health":
            return said({"status": self.health[min(len(times), len(self.health)) - 1]})
        length = self.queue[min(len(times), len(self.queue)) - 1]
        return said({"low_confidence": length, "done": 3 * len(times)}) if length >= 0 else said({}, 503)


def begun(root: Path, service: Service, settings: str = SETTINGS) -> Guarded:
    (root / "dhash-guard.yml").write_text(settings)
    machine, _ = world(service, START)
    configuration = load(root / "dhash-guard.yml", root, {}, "production")
    return open_run(machine, configuration, "rollback", lambda text: None)


def test_three_looks_ten_seconds_apart(tmp_path: Path) -> None:
    service = Service()
    run = begun(tmp_path, service)
    verify_service(run)
    assert service.asked["/health"] == [0.0, 10.0, 20.0]
    assert [stage.status.value for stage in run.stages] == ["passed", "skipped", "passed"]


@pytest.mark.parametrize("before", [1, 2])
def test_a_failure_starts_the_count_over(tmp_path: Path, before: int) -> None:
    service = Service(["healthy"] * before + ["unhealthy"] + ["healthy"] * 3)
    verify_service(begun(tmp_path, service))
    assert len(service.asked["/health"]) == before + 4


def test_two_in_a_row_are_never_enough(tmp_path: Path) -> None:
    service = Service(["healthy", "healthy", "unhealthy"] * 10)
    run = begun(tmp_path, service)
    with pytest.raises(Unhealthy):
        verify_service(run)
    assert run.stages[-1].status is StageStatus.FAILED


def test_a_queue_is_looked_at_five_times(tmp_path: Path) -> None:
    service = Service(queue=[9, 12, 11, 10, 9])
    verify_service(begun(tmp_path, service))
    times = service.asked["/api/dhash/queue/status"]
    assert [after - times[0] for after in times] == [0.0, 10.0, 20.0, 30.0, 40.0]


@pytest.mark.parametrize(
    ("lengths", "problem"), [([1, 2, 3, 4, 5], Growing), ([1, -1, -1, 2, 3], CannotTell), ([-1], CannotTell)]
)
def test_a_queue_that_is_not_shown_to_drain_ends_it(tmp_path: Path, lengths: list[float], problem: type[GuardError]) -> None:
    with pytest.raises(problem) as raised:
        verify_service(begun(tmp_path, Service(queue=lengths)))
    assert len(raised.value.findings) == 5


def test_without_an_address_nothing_is_proven(tmp_path: Path) -> None:
    settings = "version: 1\nservice: dhash\nenvironments: {production: {}}\n"
    with pytest.raises(CannotTell):
        verify_service(begun(tmp_path, Service(), settings))


def test_rates_of_a_queue(tmp_path: Path) -> None:
    looked = look(begun(tmp_path, Service(queue=[10, 8, 6])), samples=3, interval=2.0)
    assert (looked.drainage.flow, looked.drainage.grows_by, looked.drainage.processes) == (Flow.DRAINING, -1.0, 1.5)
