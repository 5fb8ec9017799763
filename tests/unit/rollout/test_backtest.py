"""Which recorded looks a backtest judges, how far, and that one watch counts once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.config import Configuration, load
from dhash_guard.gates.backtest import Label, Replay
from dhash_guard.records.canonical import canonical
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.outcome import Ending, Status
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import recordings
from dhash_guard.rollout.backtest import PassedOver, replays
from dhash_guard.rollout.labels import Known
from dhash_guard.rollout.monitor import WatchOrders, monitor
from dhash_guard.rollout.run import open_run
from support.watching import START
from support.world import Said, said, world

HOUR = 3600.0
GATE = {"signal": "p95", "fail_above": "2000ms", "consecutive": 3, "action": "rollback"}
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "service": "dhash",
    "environments": {
        name: {
            "kind": name,
            "base_url": "http://service",
            "signals": {"service": {"kind": "http-json", "path": "/", "values": {"p95": {"at": "p95", "unit": "s"}}}},
            "monitor": {"duration": "60m", "interval": "30s"},
            "gates": {"p95": GATE},
        }
        for name in ("production", "staging")
    },
}


class Unseen:
    """Nobody looks on."""

    def show(self, *shown: object) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return configured(tmp_path)


def configured(root: Path, name: str = "production") -> Configuration:
    (root / "dhash-guard.yml").write_text(json.dumps(CONFIGURATION))  # which is YAML
    return load(root / "dhash-guard.yml", root, {}, name)


def log(path: Path, hours: float, bad: range = range(0)) -> Path:
    """A look every 30 seconds; those in `bad` are slow."""
    looks = range(round(hours * HOUR / 30) + 1)
    rows = [{"tick": i, "at": START + 30 * i, "samples": {"p95": 9.0 if i in bad else 0.1}} for i in looks]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def judged(
    configuration: Configuration, path: Path, known: dict[str, Known] | None = None
) -> tuple[list[Replay], list[PassedOver]]:
    return replays(recordings.find([path]), configuration, known or {})


def test_a_log_without_evidence_is_judged_to_its_end(configuration: Configuration, tmp_path: Path) -> None:
    path = log(tmp_path / "day.jsonl", 24, bad=range(600, 603))
    ((day,), _) = judged(configuration, path, {str(path): Known(label=Label(look=600), where="labels.yml:1")})
    assert (day.now.status, day.look, day.delay) == (Status.DEGRADED, 602, 60.0)


def test_clean_hours_are_all_hours_of_a_log(configuration: Configuration, tmp_path: Path) -> None:
    ((day,), _) = judged(configuration, log(tmp_path / "day.jsonl", 24))
    assert (day.now.status, day.now.ending) == (Status.HEALTHY, Ending.PLANNED)
    assert day.now.ended_at - day.now.started_at == 24 * HOUR


def test_a_log_shorter_than_the_watch_is_no_whole_one(configuration: Configuration, tmp_path: Path) -> None:
    ((short,), _) = judged(configuration, log(tmp_path / "short.jsonl", 0.5))
    assert (short.now.status, short.now.ending) == (Status.CANNOT_TELL, Ending.CUT_SHORT)


def test_the_half_line_of_a_killed_writer_does_not_end_a_log_early(configuration: Configuration, tmp_path: Path) -> None:
    path = log(tmp_path / "day.jsonl", 5, bad=range(400, 403))
    with path.open("a") as more:
        more.write('{"tick": 601, "at": 17')
    ((day,), _) = judged(configuration, path)
    assert day.look == 402


def test_a_watch_over_a_longer_log_says_what_it_leaves(configuration: Configuration, tmp_path: Path) -> None:
    lines: list[str] = []
    machine, _ = world(lambda asked, now: said({}), START)
    run = open_run(machine, configuration, "monitor", lines.append)
    monitor(run, WatchOrders(automatic=False, recorded=log(tmp_path / "day.jsonl", 24)), Unseen())
    assert any("the log goes on for 23h after the end of the watch" in line for line in lines), lines


def sealed(configuration: Configuration, at: float, *, deployment: str = "d", result: str = "") -> Path:
    """A watch that a process sealed at this moment, of looks that began with START."""

    def web(asked: str, now: float) -> Said:
        return said({"p95": 0.1, "status": "ok"})

    short = evolve(
        configuration.environment,
        monitor=evolve(configuration.environment.monitor, duration=Seconds(60.0), interval=Seconds(30.0)),
    )
    machine, _ = world(web, START)
    run = open_run(machine, evolve(configuration, environment=short), "monitor", lambda text: None)
    evidence = monitor(run, WatchOrders(automatic=False), Unseen())
    folder = run.folder.rename(run.folder.with_name(f"{round(at)}-run"))
    rewrite(folder, evolve(evidence, deployment=deployment, result=result or evidence.result))
    return folder


def rewrite(folder: Path, evidence: Evidence) -> None:
    (folder / "evidence.json").write_bytes(canonical(to_data(evidence)))


def test_what_is_only_on_course_is_no_run(configuration: Configuration) -> None:
    for minutes in (5, 15, 30):
        sealed(configuration, START + minutes * 60, result="on-course")
    last = sealed(configuration, START + HOUR)
    done, over = judged(configuration, configuration.layout.runs("production"))
    assert [one.name for one in done] == [last.name]
    assert len(over) == 3 and all("on course" in one.why for one in over)


def test_of_one_watch_the_last_counts(configuration: Configuration) -> None:
    first, last = sealed(configuration, START + 60), sealed(configuration, START + 120)
    other = sealed(configuration, START + 180, deployment="another")
    done, over = judged(configuration, configuration.layout.runs("production"))
    assert [one.name for one in done] == [last.name, other.name]
    assert [(one.name, one.why) for one in over] == [(first.name, f"is a part of the watch of {last.name}")]


def test_a_killed_watch_does_not_stand_beside_its_successor(configuration: Configuration) -> None:
    killed, successor = sealed(configuration, START + 60), sealed(configuration, START + 120)
    (killed / "evidence.json").unlink()
    (killed / "state.json").write_text(json.dumps({"deployment": "d", "started_at": START, "finished": False}))
    done, over = judged(configuration, configuration.layout.runs("production"))
    assert [one.name for one in done] == [successor.name]
    assert [one.name for one in over] == [killed.name]


def test_a_watch_that_nobody_went_on_with_counts(configuration: Configuration) -> None:
    killed = sealed(configuration, START + 60)
    (killed / "evidence.json").unlink()
    (killed / "state.json").write_text(json.dumps({"deployment": "d", "started_at": START, "finished": False}))
    assert len(judged(configuration, configuration.layout.runs("production"))[0]) == 1


def test_a_run_of_another_environment_that_was_named_says_so(configuration: Configuration, tmp_path: Path) -> None:
    folder = sealed(configured(tmp_path, "staging"), START)
    ((one,), _) = judged(configuration, folder)
    assert one.environment == "staging"
