"""Who is told of a gate while a watch runs."""

from __future__ import annotations

import json
from pathlib import Path

from dhash_guard.config import load
from dhash_guard.rollout.monitor import WatchOrders, monitor
from dhash_guard.rollout.run import open_run
from support.watching import START
from support.world import Said, said, world


class Unseen:
    """Nobody looks on."""

    def show(self, *shown: object) -> None: ...

    def close(self) -> None: ...


def web(asked: str, now: float) -> Said:
    """Slow from the fifth second to the ninth."""
    return said({"status": "ok", "p95": 9.0 if 5 <= now - START < 10 else 0.1})


def test_who_heard_of_an_alert_hears_that_it_cleared(tmp_path: Path) -> None:
    limit = {"signal": "p95", "fail_above": "2s"}
    environment = {
        "kind": "production",
        "base_url": "http://service",
        "signals": {"service": {"kind": "http-json", "path": "/", "values": {"p95": {"at": "p95", "unit": "s"}}}},
        "monitor": {"duration": "20s", "interval": "1s"},
        "gates": {
            "slow": limit | {"action": "alert", "clear_after": 3},
            "dead": limit | {"action": "block", "consecutive": 15},
        },
    }
    whole = {"version": 1, "service": "dhash", "environments": {"production": environment}}
    (tmp_path / "dhash-guard.yml").write_text(json.dumps(whole))  # which is YAML
    machine, _ = world(web, START)
    run = open_run(machine, load(None, tmp_path, {}), "monitor", lambda text: None)
    monitor(run, WatchOrders(automatic=False), Unseen())
    told = [json.loads(line)["undelivered"] for line in run.configuration.layout.fallback.read_text().splitlines()]
    gates = [(one["name"], one["level"], one["title"].split(": ")[1]) for one in told if one["name"].startswith("gate-")]
    assert gates == [("gate-failed", "warning", "slow"), ("gate-cleared", "warning", "slow")]
