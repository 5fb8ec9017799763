"""The running service answers as promised, and its releases differ as promised."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

from support.mobius import Project, eventually

pytest.importorskip("PIL", reason="needs Pillow: pip install 'dhash-guard[demo]'")

GETS = ("/health", "/metrics", "/metrics/dhash", "/api/dhash/queue/status", "/static/")


def test_health(running: Project) -> None:
    health = running.get("/health")
    assert health["status"] == "healthy"
    assert health["release"] == "good"
    assert health["version"] == "1.4.0"
    assert 0 <= health["uptime"] < 60
    assert health["pid"] == running.pid


@pytest.mark.parametrize("path", GETS)
def test_head_goes_wherever_get_does(running: Project, path: str) -> None:
    got, head = running.ask("GET", path), running.ask("HEAD", path)
    assert got.status == head.status == 200
    assert head.body == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    assert int(got.headers["content-length"]) == len(got.body)


def test_hash_by_id_and_by_kind(running: Project) -> None:
    by_id = running.hash("meeple-001")
    assert by_id.status == 200
    assert set(by_id.json) == {"component", "dhash", "confidence", "ms"}
    assert re.fullmatch("[0-9a-f]{16}", by_id.json["dhash"])
    assert by_id.json["ms"] > 0
    by_kind = running.hash("meeple").json
    assert by_kind["component"] == "meeple-001"
    assert by_kind["dhash"] == by_id.json["dhash"]


def test_refusals_are_json(running: Project) -> None:
    asked: list[tuple[str, str, str | None, int]] = [
        ("POST", "/api/dhash/hash", '{"component": "dragon-001"}', 404),
        ("POST", "/api/dhash/hash", "{", 400),
        ("POST", "/api/dhash/hash", "[" * 5000, 400),
        ("POST", "/api/dhash/hash", "[]", 400),
        ("POST", "/api/dhash/hash", '{"component": 7}', 400),
        ("POST", "/health", "{}", 404),
        ("GET", "/api/dhash/hash", None, 404),
        ("GET", "/", None, 404),
        ("GET", "/static/../library.json", None, 404),
        ("DELETE", "/health", None, 501),
    ]
    for method, path, body, status in asked:
        reply = running.ask(method, path, body)
        assert reply.status == status, (method, path, body)
        assert reply.headers["content-type"] == "application/json"
        assert reply.json["error"]


def test_numbers_follow_the_work(project: Project) -> None:
    project.ok("scripts/service.py", "start")
    idle = project.get("/metrics/dhash")
    assert idle["avg_hash_time"] is idle["p95_hash_time"] is idle["extraction_failures_rate"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", idle["timestamp"])
    (project.root / "uploads" / "die-001.png").unlink()
    for component in ("meeple-001", "meeple-002", "die-001", "die-002"):
        project.hash(component)
    busy = project.get("/metrics/dhash")
    assert busy["extractions"] == 4
    assert busy["extraction_failures"] == 1
    assert busy["extraction_failures_rate"] == 25
    assert 0 < busy["avg_hash_time"] <= busy["p95_hash_time"]
    assert busy["total_hashes_generated"] == 3
    assert project.get("/api/dhash/queue/status") == {"low_confidence": 0, "processed": 3, "pending": 0}
    assert b"dhash_extraction_failures_total 1\n" in project.ask("GET", "/metrics").body
    log = (project.root / "logs" / "service.log").read_text()
    assert '"POST /api/dhash/hash HTTP/1.1" 422' in log


def test_a_mistake_in_a_release_costs_one_answer(project: Project) -> None:
    extract = project.root / "releases" / "good" / "extract.py"
    extract.write_text("def extract(data):\n    return 1 / 0\n")
    project.ok("scripts/service.py", "start")
    assert project.hash("meeple").status == 500
    assert project.get("/metrics/dhash")["extraction_failures"] == 1
    assert project.get("/health")["status"] == "healthy"
    assert "ZeroDivisionError" in (project.root / "logs" / "service.log").read_text()


def work_through(project: Project, rounds: int) -> dict[str, Any]:
    for component in project.components() * rounds:
        assert project.hash(component["id"]).status in (200, 422)
    numbers: dict[str, Any] = project.get("/metrics/dhash")
    return numbers


def test_releases_differ_as_promised(project: Project) -> None:
    project.ok("scripts/deploy.py", "good")
    # Two rounds: the p95 of forty leaves room for two which something else on the machine slowed down.
    good = work_through(project, 2)
    project.ok("scripts/deploy.py", "bad")
    assert project.get("/metrics/dhash")["extractions"] == 0
    bad = work_through(project, 1)
    assert bad["p95_hash_time"] >= 5 * good["p95_hash_time"]
    assert bad["avg_hash_time"] >= 5 * good["avg_hash_time"]
    assert good["extraction_failures_rate"] == 0
    assert 20 < bad["extraction_failures_rate"] < 50
    assert good["low_confidence_queue_length"] == 0
    assert bad["low_confidence_queue_length"] >= 5

    project.ok("scripts/deploy.py", "sick")
    reply = project.ask("GET", "/health")
    assert reply.status == 200
    assert reply.json["status"] == "unhealthy"
    assert reply.json["reason"]
    assert project.hash("meeple").status == 200


def test_migrated_and_served_hashes_agree(project: Project) -> None:
    project.ok("scripts/migrate.py", "-i", "library.json")
    project.ok("scripts/service.py", "start")  # reads schema 2 as well
    for component in project.components()[:6]:
        served = project.hash(component["id"]).json
        assert (served["dhash"], served["confidence"]) == (component["dhash"], component["confidence"])


def test_load_survives_an_outage(project: Project) -> None:
    project.ok("scripts/service.py", "start")
    url = f"http://127.0.0.1:{project.port}"
    call = [sys.executable, str(project.root / "load.py"), "--url", url, "--rate", "50", "--duration", "0"]
    load = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    try:
        eventually(lambda: project.get("/metrics/dhash")["extractions"] > 3)
        project.ok("scripts/service.py", "restart")  # on the same port
        eventually(lambda: project.get("/metrics/dhash")["extractions"] > 3)
        load.send_signal(signal.SIGTERM)
        tally = json.loads(load.communicate(timeout=10)[0])
    finally:
        load.kill()
    assert load.returncode == 0
    assert tally["200"] >= 8
    assert tally["requests"] == sum(count for outcome, count in tally.items() if outcome != "requests")
