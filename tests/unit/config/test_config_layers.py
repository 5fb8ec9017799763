"""Defaults, environments, presets and off: which layer wins."""

from __future__ import annotations

import pytest

from dhash_guard.config import Kind
from dhash_guard.gates.settings import Aggregate
from dhash_guard.records.outcome import Action
from dhash_guard.records.units import Dimension, Quantity
from dhash_guard.signals.host import HostSignal
from unit.config.project import Project, framed

BASE = "base_url: http://127.0.0.1:1\n"
SIGNALS = """
signals:
  service:
    kind: http-json
    path: /metrics
    values:
      p95_hash_time: {at: a, unit: ms}
      extraction_failure_rate: {at: b, unit: percent}
      low_confidence_queue: {at: c, unit: count}
      error_rate: {at: d, unit: percent}
  host: {kind: host}
"""


def test_mappings_merge_lists_replace_scalars_replace(project: Project) -> None:
    top = "defaults:\n  health: {path: /up, ok: [fine], timeout: 1s}\n"
    health = project.staging(BASE + "health: {ok: [good, better], timeout: 2s}", top).environment.health
    assert (health.path, health.ok, health.timeout) == ("/up", ("good", "better"), 2.0)


def test_off_removes_an_entry_an_optional_section_and_a_list(project: Project) -> None:
    top = """
defaults:
  signals: {host: {kind: host}, other: {kind: host}}
  queue: {path: /q}
  smoke: [{name: a, run: [x]}]
  health: {status_at: state}
"""
    body = BASE + "signals: {host: off}\nqueue: off\nsmoke: off\nhealth: {status_at: off}"
    environment = project.staging(body, top).environment
    assert environment.signals == {"other": HostSignal(kind="host")}
    assert (environment.queue, environment.smoke, environment.health.status_at) == (None, (), None)


def test_what_was_off_can_be_written_again(project: Project) -> None:
    queue = project.staging(BASE + "queue: {path: /q}", "defaults: {queue: off}\n").environment.queue
    assert queue is not None
    assert queue.path == "/q"


def test_an_off_that_removes_nothing_names_the_nearest(project: Project) -> None:
    top = "defaults:\n  signals: {host: {kind: host}}\n"
    assert project.wrong(BASE + "signals: {hots: off}", top) == [
        (
            "dhash-guard.yml:6: environments.staging.signals.hots: there is nothing of this name to switch off; "
            'did you mean host?, or put the word in quotes ("off") if it is text'
        )
    ]


def test_off_is_neither_false_nor_a_value(project: Project) -> None:
    top = "defaults:\n  rollback: {automatic: true}\n  monitor: {duration: 30m}\n"
    found = project.wrong(
        BASE + "rollback: {automatic: off}\nmonitor: {duration: off}\nhealth: off\ngates: {preset: default}", top
    )
    assert [line.split(": ", 2)[1] for line in found] == [
        f"environments.staging.{path}" for path in ("rollback.automatic", "monitor.duration", "health")
    ]
    assert "not the same as false" in found[0]


def test_a_mapping_of_another_kind_replaces(project: Project) -> None:
    top = "defaults:\n  signals: {s: {kind: http-json, path: /m, values: {a: {at: a, unit: ms}}}}\n"
    assert project.staging("signals: {s: {kind: host}}", top).environment.signals == {"s": HostSignal(kind="host")}


def test_in_a_list_off_is_a_word(project: Project) -> None:
    deploy = project.staging("deploy: {run: [service, off]}").environment.deploy
    assert deploy is not None
    assert deploy.run == ("service", "off")


def test_the_kind_follows_the_name_unless_written(project: Project, documented: str) -> None:
    assert project.load(documented, "production").environment.kind is Kind.PRODUCTION
    assert project.load(documented, "staging").environment.kind is Kind.STAGING
    assert project.staging("kind: development").environment.kind is Kind.DEVELOPMENT
    assert project.load(framed("kind: staging").replace("  staging:", "  production:")).environment.kind is Kind.STAGING


def test_notify_at_the_top_is_the_lowest_layer(project: Project) -> None:
    top = "notify: {channels: {a: {kind: log, level: error}, b: {kind: log}}}\n"
    channels = project.staging("notify: {channels: {b: off, a: {level: info}}}", top).environment.notify.channels
    assert {name: channel.level.name for name, channel in channels.items()} == {"a": "INFO"}


def test_the_production_preset_is_the_guides_table(project: Project) -> None:
    body = BASE + "gates: {preset: guarded-rollout/production}\n" + SIGNALS
    environment = project.staging(body).environment
    rows = {
        name: (gate.signal, gate.fail_above, gate.consecutive, gate.over, gate.aggregate, gate.action)
        for name, gate in environment.gates.items()
    }
    rollback, alert, mean = Action.ROLLBACK, Action.ALERT, Aggregate.MEAN
    ratio, time, count = Dimension.RATIO, Dimension.TIME, Dimension.COUNT
    assert rows == {
        "health": ("health", None, 3, None, None, rollback),
        "extraction": ("extraction_failure_rate", Quantity(0.05, ratio), None, 600.0, mean, rollback),
        "p95-hash-time": ("p95_hash_time", Quantity(2.0, time), None, 900.0, mean, rollback),
        "low-confidence": ("low_confidence_queue", Quantity(1000.0, count), None, None, None, rollback),
        "memory": ("host.memory", Quantity(0.85, ratio), None, None, None, alert),
        "error-rate": ("error_rate", Quantity(0.03, ratio), None, 300.0, mean, alert),
    }
    assert environment.rollback.automatic is True


def test_the_staging_preset_blocks_and_never_rolls_back(project: Project) -> None:
    environment = project.staging(BASE + "gates: {preset: guarded-rollout/staging}\n" + SIGNALS).environment
    assert {gate.action for gate in environment.gates.values()} == {Action.BLOCK}
    assert environment.gates["health"].consecutive == 4
    assert environment.gates["extraction"].fail_above == Quantity(0.1, Dimension.RATIO)
    assert environment.gates["low-confidence"].fail_above == Quantity(500.0, Dimension.COUNT)
    assert environment.rollback.automatic is False


def test_the_default_preset_needs_no_signals_of_its_own(project: Project) -> None:
    environment = project.staging(BASE + "gates: {preset: default}").environment
    assert set(environment.gates) == {"health", "success-rate", "latency"}
    assert environment.rollback.automatic is True


@pytest.mark.parametrize(("written", "automatic"), [("true", True), ("false", False)])
def test_a_written_automatic_wins_over_the_preset(project: Project, written: str, automatic: bool) -> None:
    body = BASE + f"gates: {{preset: default}}\nrollback: {{automatic: {written}}}"
    assert project.staging(body).environment.rollback.automatic is automatic


def test_without_a_preset_nothing_rolls_back_by_itself(project: Project) -> None:
    assert project.staging("kind: staging").environment.rollback.automatic is False


def test_a_gate_beside_the_preset_replaces_adds_or_removes(project: Project) -> None:
    body = (
        BASE
        + """
gates:
  preset: default
  latency: off
  health: {signal: health, fail_when: warning, action: block}
  own: {signal: health.latency, fail_above: 1s, action: observe}
"""
    )
    gates = project.staging(body).environment.gates
    assert set(gates) == {"health", "success-rate", "own"}
    assert (gates["health"].consecutive, gates["health"].action) == (None, Action.BLOCK)


def test_a_presets_gate_without_its_signal_names_both_ways_out(project: Project) -> None:
    body = BASE + "gates: {preset: guarded-rollout/production}\n" + SIGNALS.replace("  host: {kind: host}\n", "")
    found = project.wrong(body.replace("      error_rate: {at: d, unit: percent}\n", ""))
    where = "dhash-guard.yml:6: environments.staging.gates"
    of = "(preset guarded-rollout/production): the signal"
    assert found == [
        (
            f"{where}.memory.signal {of} host.memory is not defined; "
            "write host: {kind: host} under signals, or memory: off under gates"
        ),
        (
            f"{where}.error-rate.signal {of} error_rate is not defined; "
            "define error_rate as a value under signals, or write error-rate: off under gates"
        ),
    ]


def test_an_off_in_defaults_may_concern_only_some_presets(project: Project) -> None:
    body = BASE + "gates: {preset: guarded-rollout/staging}\n" + SIGNALS
    assert "memory" not in project.staging(body, "defaults: {gates: {memory: off}}\n").environment.gates
    assert "memroy: there is nothing" in project.wrong(body, "defaults: {gates: {memroy: off}}\n")[0]


def test_an_unknown_preset_names_the_nearest(project: Project) -> None:
    assert project.wrong("gates: {preset: guarded-rollout/prodution}") == [
        (
            "dhash-guard.yml:5: environments.staging.gates.preset: 'guarded-rollout/prodution' is no preset; "
            "did you mean guarded-rollout/production?"
        )
    ]
