"""What a collector keeps of a log that is there already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dhash_guard.config import Configuration, load
from dhash_guard.rollout.collect import KEPT, collect
from dhash_guard.rollout.run import open_run
from support.watching import START
from support.world import said, world


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    environment = {
        "kind": "production",
        "base_url": "http://service",
        "signals": {"service": {"kind": "http-json", "path": "/", "values": {"p95": {"at": "p95", "unit": "s"}}}},
        "monitor": {"duration": "1m", "interval": "30s"},
        "gates": {"p95": {"signal": "p95", "fail_above": "2s", "action": "block"}},
    }
    whole = {"version": 1, "service": "dhash", "environments": {"production": environment}}
    (tmp_path / "dhash-guard.yml").write_text(json.dumps(whole))  # which is YAML
    return load(None, tmp_path, {})


def written(path: Path, *ages: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    looks = [{"tick": index, "at": START - age, "samples": {"p95": 0.1}} for index, age in enumerate(ages)]
    path.write_text("".join(json.dumps(look) + "\n" for look in looks))
    return path


def collected(configuration: Configuration, log: Path | None = None) -> list[str]:
    machine, _ = world(lambda asked, now: said({"status": "ok", "p95": 0.1}), START)
    lines: list[str] = []
    run = open_run(machine, configuration, "collect", lines.append)
    collect(run, log)
    return lines


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["tick"] for line in path.read_text().splitlines()]


def test_a_week_of_looks_is_kept_and_the_numbers_go_on(configuration: Configuration) -> None:
    path = written(configuration.layout.collected("production"), KEPT + 120, KEPT + 90, KEPT + 60, 60)
    lines = collected(configuration)
    assert numbers(path) == [2, 3, 4, 5, 6]
    assert any("2 looks older than" in line for line in lines), lines


def test_no_clock_that_is_wrong_takes_a_look_off(configuration: Configuration) -> None:
    path = written(configuration.layout.collected("production"), 9 * KEPT, 9 * KEPT - 30)
    collected(configuration)
    assert numbers(path) == [0, 1, 2, 3, 4]


def test_a_log_that_was_named_stays_whole(configuration: Configuration, tmp_path: Path) -> None:
    path = written(tmp_path / "looks.jsonl", KEPT + 60, 60)
    collected(configuration, path)
    assert numbers(path) == [0, 1, 2, 3, 4]
