"""Every family of gates files becomes a configuration that says the same, and every value of it is accounted for."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhash_guard.config import Environment, load
from dhash_guard.config.importing.account import Entry, Fate
from dhash_guard.config.importing.file import Import, import_file
from dhash_guard.config.importing.told import account_lines, as_data
from dhash_guard.config.node import path_text
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from unit.config import gate_files
from unit.config.gate_files import FAMILIES, Data, write

URLS = {f"DHASH_{env}_URL": "http://127.0.0.1:1" for env in ("PRODUCTION", "STAGING", "LIVE", "CANARY")}


def imported(folder: Path, data: Data, **options: Any) -> Import:
    return import_file(write(folder, data), folder, URLS, service="dhash", **options)


def settled(folder: Path, data: Data, env: str, **options: Any) -> Environment:
    """What our own loader makes of what was written."""
    (folder / "dhash-guard.yml").write_text(imported(folder, data, **options).text, encoding="utf-8")
    return load(None, folder, URLS, env).environment


def in_short(environment: Environment) -> dict[str, str]:
    """Each gate in one line: limit, hold, action."""
    return {
        name: " ".join(
            str(part)
            for part in (
                gate.fail_above or gate.fail_below or (gate.fail_when.value if gate.fail_when else ""),
                f"x{gate.consecutive}" if gate.consecutive else "",
                f"{gate.of_last[0]}/{gate.of_last[1]}" if gate.of_last else "",
                f"{gate.aggregate.value} {gate.over:g}" if gate.aggregate and gate.over else "",
                f"n{gate.min_samples}" if gate.min_samples > 1 else "",
                gate.action.value,
            )
            if part != ""
        )
        for name, gate in environment.gates.items()
    }


EXPECTED: list[tuple[int, str, dict[str, str]]] = [
    (1, "live", {
        "latency": "250 ms block", "error-rate": "0.2% block", "cpu": "75% alert", "memory": "85% alert",
        "health": "unhealthy x4 block",
    }),
    (2, "production", {
        "health": "unhealthy x3 block", "extraction": "10% block", "p95-hash-time": "30 s x3 block",
        "low-confidence": "100 block", "cpu": "85% min 300 alert",
    }),
    (3, "production", {
        "latency-p95": "1500 ms 2/20 block", "latency-p99": "4000 ms 2/100 block", "error-rate": "4% block",
        "availability": "99% block", "cpu": "70% alert", "memory": "80% alert", "disk": "90% alert",
    }),
    (5, "production", {
        "health": "unhealthy x4 rollback", "extraction": "6% mean 720 rollback", "low-confidence": "900 rollback",
    }),
    (5, "canary", {
        "health": "unhealthy x4 rollback", "extraction": "6% mean 720 rollback", "low-confidence": "900 rollback",
    }),
    (6, "production", {
        "health": "unhealthy x3 rollback", "extraction": "4% mean 540 rollback",
        "p95-hash-time": "1900 ms mean 840 rollback", "low-confidence": "800 rollback",
    }),
    (6, "canary", {"health": "unhealthy x2 block"}),
    (7, "production", {
        "health": "unhealthy x3 rollback", "extraction": "5.5% mean 660 n3 rollback",
        "p95-hash-time": "2100 ms mean 960 rollback", "low-confidence": "1100 rollback", "memory": "88% alert",
        "error-rate": "3.5% mean 360 alert",
    }),
    (7, "staging", {"health": "unhealthy x4 block", "memory": "90% alert"}),
    (8, "staging", {
        "health": "unhealthy x4 rollback", "extraction": "8.5% mean 600 rollback",
        "p95-hash-time": "3100 ms mean 900 rollback", "low-confidence": "1600 rollback",
    }),
    (9, "production", {
        "health": "unhealthy x3 rollback", "extraction": "5% mean 600 rollback",
        "p95-hash-time": "2000 ms mean 900 rollback", "low-confidence": "1000 rollback",
    }),
    (9, "staging", {
        "health": "unhealthy x4 rollback", "extraction": "8% mean 600 rollback",
        "p95-hash-time": "2000 ms mean 900 rollback", "low-confidence": "1500 rollback",
    }),
    (10, "production", {
        "health": "unhealthy x3 rollback", "extraction": "0.5% mean 600 rollback", "low-confidence": "1000 alert",
        "disk": "92% alert",
    }),
    (11, "production", {
        "health": "unhealthy x3 block", "extraction": "5% mean 600 block", "p95-hash-time": "2000 ms mean 900 block",
        "low-confidence": "1000 block", "memory": "85% alert", "cpu": "80% alert",
    }),
    (11, "staging", {"health": "unhealthy x2 block", "low-confidence": "500 block"}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "env", "gates"), EXPECTED, ids=[f"{family}-{env}" for family, env, _ in EXPECTED])
def test_the_gates_say_what_the_file_says(tmp_path: Path, family: int, env: str, gates: dict[str, str]) -> None:
    assert in_short(settled(tmp_path, FAMILIES[family], env)) == gates


@pytest.mark.parametrize("number", FAMILIES)
def test_a_family_is_recognised_by_its_shape(tmp_path: Path, number: int) -> None:
    assert imported(tmp_path, FAMILIES[number]).family == number


PLACED: list[tuple[int, str, str]] = [
    (1, "live", "watch=1800/20 automatic=False"),
    (2, "production", "watch=2700/15 automatic=False ok=('ok',) timeout=7"),
    (3, "production", "watch=5400/30 automatic=False"),
    (5, "production", "watch=2400/20>240/60 automatic=True expect=204 path=/healthz timeout=4 consecutive=5"),
    (6, "production", "watch=3000/20>300/100 automatic=True"),
    (6, "canary", "watch=900/10>300/30 automatic=False"),
    (7, "production", "watch=4200/25>360/100 automatic=True timeout=8"),
    (7, "staging", "watch=1800/30 automatic=False timeout=8"),
    (8, "staging", "watch=3300/15>180/90 automatic=True watch_after=720"),
    (9, "staging", "watch=3600/30 automatic=True"),
    (10, "production", "watch=3600/30>600/120 automatic=True"),
    (11, "production", "watch=3600/30>300/120 automatic=False"),
]


@pytest.mark.parametrize(("family", "env", "text"), PLACED, ids=[f"{family}-{env}" for family, env, _ in PLACED])
def test_what_is_no_gate_has_its_place(tmp_path: Path, family: int, env: str, text: str) -> None:
    found = settled(tmp_path, FAMILIES[family], env)
    plan = found.monitor
    slower = f">{plan.then.after:g}/{plan.then.interval:g}" if plan.then else ""
    told = [f"watch={plan.duration:g}/{plan.interval:g}{slower}", f"automatic={found.rollback.automatic}"]
    told += [f"expect={found.health.expect}"] * (found.health.expect != 200)
    told += [f"path={found.health.path}"] * (found.health.path != "/health")
    told += [f"ok={found.health.ok}"] * (len(found.health.ok) == 1)
    told += [f"timeout={found.health.timeout:g}"] * (found.health.timeout != 5.0)
    told += [f"consecutive={found.rollback.consecutive}"] * (found.rollback.consecutive != 3)
    told += [] if found.rollback.watch_after is None else [f"watch_after={found.rollback.watch_after:g}"]
    assert " ".join(told) == text


def scalars(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every value of the file, walked by other means than the import's own."""
    if isinstance(data, dict) and data:
        for key, child in data.items():
            yield from scalars(child, (*path, key))
    elif isinstance(data, list) and any(isinstance(item, (dict, list)) for item in data):
        for index, item in enumerate(data):
            yield from scalars(item, (*path, index))
    else:
        yield path


def assert_complete(data: Data, entries: list[Entry]) -> None:
    told = Counter(entry.value.split(" = ")[0] for entry in entries)
    assert told == Counter(path_text(path) for path in scalars(data))
    assert not [entry for entry in entries if "please report it" in entry.text or not entry.text]


@pytest.mark.parametrize("number", FAMILIES)
def test_every_value_is_accounted_for_once(tmp_path: Path, number: int) -> None:
    assert_complete(FAMILIES[number], imported(tmp_path, FAMILIES[number]).entries)


_SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 3000) | st.floats(-1, 101) | st.sampled_from(["sustained", "5m", "x y"])
)
_KEYS = st.sampled_from(["threshold", "window_minutes", "action", "extra", "max_rate", "enabled", "unit", "p95_hash_time"])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_whatever_stands_in_it_every_value_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, number: int, draw: st.DataObject
) -> None:
    data = copy.deepcopy(FAMILIES[number])
    for _ in range(draw.draw(st.integers(1, 4))):
        here: Any = data
        while isinstance(here, dict) and (inner := [key for key in here if isinstance(here[key], dict) and here[key]]):
            if draw.draw(st.integers(0, 4)) == 0:
                break
            here = here[draw.draw(st.sampled_from(inner))]
        here[draw.draw(_KEYS | st.sampled_from(sorted(here)))] = draw.draw(_SCALARS | st.lists(_SCALARS, max_size=2))
    try:
        done = imported(tmp_path_factory.getbasetemp(), data, partial=True)
    except UsageProblem:
        return
    assert_complete(data, done.entries)


def gates_of(data: Data, env: str = "staging") -> Data:
    found: Data = data["environments"][env]["quality_gates"]
    return found


REFUSED: list[tuple[str, str, Any, str]] = [
    ("extraction_failure_rate", "threshold", 0.05, "0.05% or, as a fraction, 5%"),
    ("extraction_failure_rate", "threshold", -1, "negative"),
    ("extraction_failure_rate", "threshold", 101, "more than all"),
    ("extraction_failure_rate", "threshold", True, "no number"),
    ("extraction_failure_rate", "threshold", "5", "no number"),
    ("extraction_failure_rate", "threshold", "sustained", "no number"),
    ("extraction_failure_rate", "threshold", None, "no number"),
    ("extraction_failure_rate", "threshold", float("nan"), "no finite number"),
    ("extraction_failure_rate", "threshold", float("inf"), "no finite number"),
    ("extraction_failure_rate", "threshold_percent", 5, "says the same as threshold"),
    ("extraction_failure_rate", "unit", "ms", "a limit in ms"),
    ("extraction_failure_rate", "unit", "bananas", "no unit"),
    ("extraction_failure_rate", "window_minutes", 0, "no span"),
    ("extraction_failure_rate", "window_minutes", "10", "has no unit"),
    ("extraction_failure_rate", "window_minutes", 56, "longer than the watch (55m)"),
    ("extraction_failure_rate", "window_minutes", 1, "shorter than the distance of looks"),
    ("extraction_failure_rate", "min_samples", 1.5, "no whole number"),
    ("extraction_failure_rate", "sustained", "5m", "a second hold"),
    ("extraction_failure_rate", "action", "page", "no known action"),
    ("extraction_failure_rate", "action", [], "no known action"),
    ("extraction_failure_rate", "enabled", "yes", "no boolean"),
    ("extraction_failure_rate", "comparison", "above", "no key of a gate"),
    ("p95_hash_time", "threshold", 3.1, "3.1 ms or 3.1 s"),
    ("p95_hash_time", "baseline_multiplier", 3, "smallest rise that matters"),
    ("health_failures", "threshold", 2.5, "no whole number"),
    ("health_failures", "unit", "percent", "no unit of failures"),
    ("low_confidence_queue", "queue_name", "uploads", "another queue"),
    ("low_confidence_queue", "threshold", {"max_time_ms": 5}, "a limit in ms"),
    ("disk_io_anomalies", "threshold", 5, "no gate of ours watches disk_io_anomalies"),
]


@pytest.mark.parametrize(("gate", "key", "value", "why"), REFUSED, ids=[f"{g}-{k}-{v}" for g, k, v, _ in REFUSED])
def test_what_could_be_misread_is_refused_with_its_line(tmp_path: Path, gate: str, key: str, value: Any, why: str) -> None:
    data = copy.deepcopy(gate_files.BARE)
    gates_of(data).setdefault(gate, {})[key] = value
    with pytest.raises(UsageProblem, match=re.escape(why)) as caught:
        imported(tmp_path, data)
    message = str(caught.value)
    assert re.search(rf"custom-gates\.json:\d+: environments\.staging\.quality_gates\.{gate}\.", message), message
    assert "--partial" in message
    assert message.startswith(f"{tmp_path}/custom-gates.json: 1 value ")


@pytest.mark.parametrize(
    ("section", "key", "value", "why"),
    [
        ("performance", "error_rate_threshold", 5, "5 is no fraction: it could be 5%"),
        ("performance", "throughput_min_rps", 10, "no signal of ours counts requests per second"),
        ("infrastructure", "network_latency_ms", 100, "the network alone is not measured"),
        ("infrastructure", "gpu_usage_threshold", 0.5, "nothing of ours is called gpu_usage_threshold"),
    ],
)
def test_a_limit_that_nothing_watches_is_refused(tmp_path: Path, section: str, key: str, value: Any, why: str) -> None:
    data = copy.deepcopy(gate_files.FLAT)
    data[section][key] = value
    with pytest.raises(UsageProblem, match=re.escape(f"{section}.{key} = {value}: {why}")):
        imported(tmp_path, data)


LEFT: list[tuple[int, str, str]] = [
    (1, "quality_gates.environments.live.audio.lufs_tolerance", "is measured in CI"),
    (1, "quality_gates.validation.required_approvers_min", "requires.approvals"),
    (1, "scripts.monitoring", "the project's own commands"),
    (3, "placeholders.RELEASE_TAG", "text for people"),
    (3, "monitoring.critical_alert_threshold", "counts alerts"),
    (5, "auto_rollback_triggers.p95_hash_time.threshold_ms", "belongs to a gate that is switched off"),
    (5, "environments.production.backup_retention_days", "backup.keep"),
    (5, "metrics_endpoints.hash_performance", "no gate reads it"),
    (7, "environments.staging.notifications.escalation.escalation_levels[0].delay_minutes", "under notify"),
    (7, "environments.production.quality_gates.health.threshold.check_interval_seconds", "one interval"),
    (8, "environments.staging.quality_gates.health_failures.window_minutes", "needs no window"),
    (8, "rollback_settings.confirmation_required.staging", "asks on every production environment"),
    (8, "testing_overrides.dry_run_mode.quality_gates.all_thresholds_multiplier", "test mode"),
    (10, "environments.production.quality_gates.disk_usage.severity", "by level"),
]


@pytest.mark.parametrize(("family", "path", "why"), LEFT, ids=[f"{family}-{path}" for family, path, _ in LEFT])
def test_what_has_no_place_is_left_with_its_reason(tmp_path: Path, family: int, path: str, why: str) -> None:
    (entry,) = [e for e in imported(tmp_path, FAMILIES[family]).of(Fate.LEFT) if e.value.startswith(f"{path} = ")]
    assert why in entry.text


def test_a_gate_may_be_its_bare_limit(tmp_path: Path) -> None:
    data = copy.deepcopy(gate_files.CAMEL)
    data["environments"]["canary"]["qualityGates"] = {"healthFailures": 3, "lowConfidenceQueue": 40}
    assert in_short(settled(tmp_path, data, "canary")) == {"health": "unhealthy x4 block", "low-confidence": "40 block"}


def test_partial_writes_the_rest_and_lists_the_refused(tmp_path: Path) -> None:
    data = copy.deepcopy(gate_files.BARE)
    gates_of(data)["p95_hash_time"]["window_minutes"] = "often"
    done = imported(tmp_path, data, partial=True)
    assert set(done.configuration["environments"]["staging"]["gates"]) == {"health", "extraction", "low-confidence"}
    assert len(done.of(Fate.REFUSED)) == 3, "the gate is never half read"
    assert any("REFUSED" in line for line in account_lines(done))


def test_the_account_is_data_too(tmp_path: Path) -> None:
    data = as_data(imported(tmp_path, gate_files.NESTED))
    assert set(data) == {"family", "configuration", "understood", "placed", "left", "refused", "notes"}
    assert data["refused"] == []
    (line,) = [row for row in data["understood"] if row["value"].endswith("max_time_ms = 2100")]
    assert (
        line["text"]
        == "gates.p95-hash-time: fail_above: 2100ms (milliseconds; strict: 2100ms passes), mean over 16m, rollback"
    )
    assert re.fullmatch(r".*custom-gates\.json:\d+", line["place"])


def test_an_environment_without_a_gate_is_given_none(tmp_path: Path) -> None:
    notes = imported(tmp_path, gate_files.NESTED).notes
    assert any(note.startswith("staging has no gate for extraction, p95-hash-time") for note in notes)


def test_more_samples_than_looks_would_silence_the_gate(tmp_path: Path) -> None:
    (entry,) = [e for e in imported(tmp_path, gate_files.NESTED).of(Fate.LEFT) if "min_sample_size = 50" in e.value]
    assert entry.text.startswith("16m of this watch hold 9 looks, one every 1m40s")


def test_a_gate_of_several_environments_is_told_for_each(tmp_path: Path) -> None:
    done = imported(tmp_path, gate_files.BASED)
    (entry,) = [e for e in done.entries if e.value == "quality_gates.queue_length.threshold = 1000"]
    assert entry.text.startswith("production: gates.low-confidence: fail_above: 1000")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"default_environment": "prod"}, "default_environment: there is no environment prod"),
        ({"environments": {}}, "no gates file of a known shape"),
        ({"monitor_rate": 5}, "called like a limit"),
    ],
)
def test_what_stands_outside_of_gates_is_checked_too(tmp_path: Path, change: Data, why: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(why)):
        imported(tmp_path, {**gate_files.BARE, **change})


def test_checks_of_ci_are_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="nothing in it can be watched"):
        imported(tmp_path, gate_files.CHECKS, partial=True)


def test_an_unknown_shape_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="its top has limits, name") as caught:
        imported(tmp_path, {"limits": {"p95": 3}, "name": "x"})
    assert "auto_rollback_triggers" in str(caught.value)


def test_a_file_that_names_no_environment_is_given_one(tmp_path: Path) -> None:
    data = {key: value for key, value in gate_files.SINGLE.items() if key != "environment"}
    with pytest.raises(UsageProblem, match="names no environment"):
        imported(tmp_path, data)
    assert "canary" in imported(tmp_path, data, env="canary").configuration["environments"]
    with pytest.raises(UsageProblem, match="no environment 'canary', only production"):
        imported(tmp_path, gate_files.SINGLE, env="canary")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{\n "a": 1,\n}', ":3: is no valid JSON"),
        ('{"a": 1} x', ":1: is no valid JSON: Extra data"),
        ('{\n "a": {\n  "b": 1,\n  "b": 2\n }\n}', ":4: a.b: is a duplicate of line 3"),
        ('{"a": "\\ud800"}', "impossible character"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "nested deeper"),
        ('{"a": ' + "[" * 99999 + "]" * 99999 + "}", "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "too long"),
        ("", "is no valid JSON"),
    ],
)
def test_broken_json_is_an_error_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "gates.json"
    path.write_text(text)
    with pytest.raises(ConfigurationProblem, match=re.escape(why)):
        import_file(path, tmp_path, {}, service="dhash")


def test_tabs_escapes_and_windows_lines_are_json(tmp_path: Path) -> None:
    path = tmp_path / "gates.json"
    text = json.dumps({**gate_files.TOP, "thresholds_description": {"a\u00e9/\U0001f600": "\t"}}, indent="\t")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert import_file(path, tmp_path, URLS, service="dhash").family == 11


def test_names_of_the_file_cannot_leave_their_line(tmp_path: Path) -> None:
    data = copy.deepcopy(gate_files.BARE)
    gates_of(data)["p95HashTime\nx: 1"] = {"description": "a b"}
    path = write(tmp_path, data, "gates\nversion: 2.json")
    done = import_file(path, tmp_path, URLS, service="dhash")
    assert "version: 2" not in {line.strip() for line in done.text.splitlines()}
