"""The committed JSON Schema is the one that the types export, and it agrees with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.config import check_all
from dhash_guard.config.export import schema, schema_text
from dhash_guard.config.node import Node
from dhash_guard.config.presets import PRESETS
from dhash_guard.config.shapes import words
from dhash_guard.config.source import read
from dhash_guard.records.event import Level
from unit.config.project import DOCUMENTED, framed

jsonschema = pytest.importorskip("jsonschema")
COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "dhash-guard.schema.json"

RIGHT = [
    DOCUMENTED,
    framed("kind: development"),
    framed("deploy: {run: [x], timeout: 90}\nmigrate: {run: [y], timeout: 1h30m}"),
    framed("deploy: {timeout: 5s}", "defaults: {deploy: {run: [x]}}\n"),
    framed("base_url: ${BASE}\ngates: {preset: default, latency: off}\nmonitor: {duration: '${SPAN}'}"),
    framed("signals: {host: off}\nsmoke: off\nqueue: off", "defaults: {signals: {host: {kind: host}}, queue: {path: /q}}\n"),
    framed("gates: {preset: off}", "defaults: {gates: {preset: default}}\n"),
    framed("notify: {channels: {a: {kind: log, level: critical}}}"),
    framed("base_url: http://a\ngates: {g: {signal: health.latency, fail_above: 2000ms, of_last: [2, 3], action: block}}"),
    framed("base_url: http://a\nhealth: {status_at: off}\nsmoke: [{name: s, post: /, json: {a: [1, null]}, get: off}]"),
    framed("freeze: [{from: 2026-12-23T00:00Z, to: 2026-12-24T00:00:30+00:00}]"),
    framed("targets: {eu-1: {wave: 1, base_url: 'http://a', smoke: off}, us-1: {wave: 2}}\nwaves: {undo: all}"),
]
WRONG = [
    DOCUMENTED.replace("  health: {path", "  helth: {path"),
    DOCUMENTED.replace("migrates: false", 'migrates: "false"'),
    DOCUMENTED.replace("expect: 200", "expect: 200.5"),
    DOCUMENTED.replace("kind: host,", "kind: hots,"),
    DOCUMENTED.replace("unit: ms", "unit: msec"),
    DOCUMENTED.replace("timeout: 5s", "timeout: 5 parsecs"),
    DOCUMENTED.replace("run: [npm, test]", "run: npm test"),
    DOCUMENTED.replace("guarded-rollout/staging", "guarded-rollout/stagign"),
    DOCUMENTED.replace("level: warning", "level: 2"),
    DOCUMENTED.replace("automatic: true", "automatic: off"),
    DOCUMENTED.replace("2026-12-23T00:00Z", "2026-12-23"),
    DOCUMENTED.replace("version: 1", "version: 2"),
    DOCUMENTED.replace("service: dhash", "service: Dhash"),
    DOCUMENTED.replace("{name: unit, ", "{"),
    DOCUMENTED.replace("teams: {ops: 1}", "teams: {ops: one}"),
    DOCUMENTED.replace("keep: {last: 10}", "keep: off"),
    DOCUMENTED.replace("service: dhash\n", ""),
    framed("targets: {eu-1: {base_url: 'http://a'}}"),
    framed("targets: {eu-1: {wave: 0}}"),
    framed("targets: {EU: {wave: 1}}"),
    framed("targets: {eu-1: {wave: 1, kind: production}}"),
    framed("targets: {eu-1: {wave: 1, requires: {}}}"),
    framed("targets: {}"),
    framed("targets: {eu-1: {wave: 1}}\nwaves: {undo: some}"),
    framed("kind: staging", "defaults: {targets: {eu-1: {wave: 1}}}\n"),
]


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def faults(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(plain(read(text.encode(), "f.yml")))]


def test_the_committed_schema_is_the_exported_one() -> None:
    cure = "write dhash_guard.config.export.schema_text() to docs/reference/dhash-guard.schema.json"
    assert COMMITTED.read_bytes() == schema_text().encode(), cure


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("text", RIGHT, ids=range(len(RIGHT)))
def test_what_the_loader_takes_the_schema_takes(tmp_path: Path, text: str) -> None:
    (tmp_path / "dhash-guard.yml").write_text(text)
    assert [checked.problems for checked in check_all(None, tmp_path, {}) if checked.problems] == []
    assert faults(text) == []


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_mistyped_both_refuse(tmp_path: Path, text: str) -> None:
    assert text != DOCUMENTED
    (tmp_path / "dhash-guard.yml").write_text(text)
    assert any(checked.problems for checked in check_all(None, tmp_path, {}))
    assert faults(text) != []


def test_every_mapping_that_is_a_record_is_closed() -> None:
    for name, definition in schema()["$defs"].items():
        if definition.get("type") == "object":
            assert definition["additionalProperties"] is False, name
            assert definition["description"], name


def test_presets_and_words_come_from_the_code() -> None:
    exported = schema()["$defs"]
    gates = exported["Environment"]["properties"]["gates"]["anyOf"][0]
    assert gates["properties"]["preset"]["enum"] == [*PRESETS, "off"]
    assert exported["LogChannel"]["properties"]["level"]["anyOf"][0]["enum"] == list(words(Level))
