"""The whole way from a file to the configuration of one environment."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dhash_guard.config import Overrides, check_all, environments, load
from dhash_guard.config.verbs import Leg
from dhash_guard.errors import ConfigurationProblem, GuardError, UsageProblem
from dhash_guard.records.units import Seconds
from dhash_guard.records.vulnerability import Severity
from unit.config.project import DOCUMENTED, ENVIRON, NAME, Project, framed

GATED = "base_url: http://127.0.0.1:1\ngates: {preset: default}\n"
WINDOW = GATED.replace(
    "default}", "default, w: {signal: health.latency, fail_above: 1s, over: 10m, aggregate: max, action: block}}"
)


def test_the_documented_example_loads(project: Project, documented: str) -> None:
    found = project.load(documented, "production")
    assert (found.name, found.others, found.layout.service) == ("production", ("staging",), "dhash")
    assert found.layout.backups == project.root / "backups"
    assert found.environment.freeze[0].since == 1797984000.0
    assert found.environment.freeze[0].reason == "holidays"
    assert found.environment.monitor.then is not None
    assert found.environment.monitor.then.interval == 120.0
    assert found.premerge.legs == tuple(Leg)
    assert found.premerge.security.block is Severity.CRITICAL
    assert found.trust.max_age == 86400.0
    assert found.state.kind.value == "auto"
    assert found.environment.queue is not None
    assert set(found.environment.gates) == {
        "health",
        "extraction",
        "p95-hash-time",
        "low-confidence",
        "memory",
        "latency-vs-before",
    }


def test_the_documented_example_is_right_in_every_environment(project: Project, documented: str) -> None:
    project.write(documented)
    checked = check_all(None, project.root, ENVIRON)
    assert [(c.environment, c.problems, c.notes) for c in checked] == [("staging", (), ()), ("production", (), ())]
    assert environments(None, project.root) == ("staging", "production")


def test_the_default_environment_is_used(project: Project, documented: str) -> None:
    assert project.load(documented).name == "staging"


def test_a_single_environment_needs_no_name(project: Project) -> None:
    assert project.staging("{}".replace("{}", "kind: staging")).name == "staging"


def test_several_and_none_named_lists_them(project: Project, documented: str) -> None:
    with pytest.raises(UsageProblem, match="there are several environments: staging, production"):
        project.load(documented.replace("default_environment: staging\n", ""))


def test_an_unknown_environment_names_the_nearest(project: Project, documented: str) -> None:
    with pytest.raises(UsageProblem, match=r"no environment 'prodction'; did you mean production\?"):
        project.load(documented, "prodction")


def test_a_file_without_environments_says_so_whatever_is_asked(project: Project) -> None:
    assert "environments: is missing" in project.problems("version: 1\nservice: a\n", "production")[0]


def test_variables_are_filled_in_once(project: Project) -> None:
    body = "deploy: {run: [x, '${A}-${B}', '${A}']}"
    deploy = project.load(framed(body), environ={"A": "${B}", "B": "b"}).environment.deploy
    assert deploy is not None
    assert deploy.run == ("x", "${B}-b", "${B}")


def test_a_variable_that_holds_off_removes_nothing(project: Project) -> None:
    top = "defaults:\n  health: {status_at: state}\n"
    found = project.load(framed("base_url: http://a\nhealth: {status_at: '${A}'}", top), environ={"A": "off"})
    assert found.environment.health.status_at == "off"


def test_variables_of_other_environments_do_not_matter(project: Project, documented: str) -> None:
    assert project.load(documented, "production", environ={}).name == "production"
    with pytest.raises(ConfigurationProblem) as caught:
        project.load(documented, "staging", environ={})
    assert len(caught.value.problems) == 1
    assert "the variable STAGING_URL is not set" in caught.value.problems[0]
    assert caught.value.problems[0].startswith(
        f"{NAME}:{documented.splitlines().index('    base_url: ${STAGING_URL}') + 1}: "
    )


def test_variables_that_are_not_set_are_notes_when_all_is_checked(project: Project, documented: str) -> None:
    project.write(documented.replace("default_environment: staging", "default_environment: stagin"))
    top, staging, production = check_all(None, project.root, {})
    assert "did you mean staging?" in top.problems[0]
    assert (top.environment, staging.environment, production.environment) == ("", "staging", "production")
    assert (staging.problems, len(staging.notes), production.problems, production.notes) == ((), 1, (), ())


CENTRAL = """
base_url: http://127.0.0.1:1
signals:
  central: {kind: prometheus, url: 'http://127.0.0.1:2', values: {p95: {query: p95, unit: ms}}}
  host: {kind: host}
monitor: {mode: checkpoint}
gates:
  health: {signal: health, fail_when: unhealthy, consecutive: 3, action: rollback}
  p95: {signal: p95, fail_above: 2s, consecutive: 3, action: rollback}
  memory: {signal: host.memory, fail_above: 85%, action: alert}
"""


def test_what_only_a_collector_can_tell_at_a_checkpoint_is_a_note(project: Project) -> None:
    """It is no fault: a collector is no part of the configuration."""
    project.write(framed(CENTRAL))
    (checked,) = check_all(None, project.root, ENVIRON)
    line = next(number for number, text in enumerate(framed(CENTRAL).splitlines(), 1) if "health: {signal" in text)
    (note,) = checked.notes
    assert checked.problems == ()
    assert note == (
        f"{NAME}:{line}: environments.staging.gates.health.signal: at a checkpoint only a collector can tell health; "
        "where none runs (dhash-guard monitor --collect), no verdict is healthy"
    )
    project.write(framed(CENTRAL.replace("mode: checkpoint", "mode: watch")))
    assert check_all(None, project.root, ENVIRON)[0].notes == ()


def test_what_a_variable_holds_is_not_repeated(project: Project) -> None:
    with pytest.raises(ConfigurationProblem) as caught:
        project.load(framed("deploy: {run: [x], timeout: '${T}'}"), environ={"T": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert "'${T}' is no duration" in str(caught.value)


def test_the_digest_says_the_rules_and_nothing_else(project: Project, documented: str) -> None:
    first = project.load(documented, "production").digest
    turned = documented.replace("{last: 10}", "{last: 10} # the newest").replace(
        "{path: /health, expect: 200,", "{expect: 200, path: /health,"
    )
    assert turned != documented
    assert project.load(turned, "production").digest == first
    assert project.load(documented.replace("younger_than: 24h", "younger_than: 1d"), "production").digest == first
    assert project.load(documented.replace("fail_ratio: 1.5", "fail_ratio: 1.6"), "production").digest != first
    assert (
        project.load(documented.replace("error-rate: off", "memory: off\n      error-rate: off"), "production").digest
        != first
    )
    assert project.load(documented, "staging").digest != first


def test_a_shorter_watch_from_the_command_line_is_no_fault(project: Project) -> None:
    overrides = Overrides(duration=Seconds(120.0), interval=Seconds(10.0))
    plan = project.load(framed(WINDOW + "monitor: {duration: 60m, then: {after: 5m, interval: 2m}}"), overrides=overrides)
    monitor = plan.environment.monitor
    assert (monitor.duration, monitor.interval, monitor.then) == (120.0, 10.0, None)
    assert "longer than the watch" in project.wrong(WINDOW + "monitor: {duration: 5m}")[0]


@pytest.mark.parametrize(
    ("written", "duration", "extended"),
    [
        ("monitor: {duration: 60m}", None, 900.0),
        ("monitor: {duration: 60m}", 600.0, 150.0),
        ("monitor: {duration: 60m, extend_by: 2m}", 600.0, 120.0),
        ("monitor: {duration: 60m, extend_by: 0s}", None, 0.0),
    ],
)
def test_a_watch_that_cannot_tell_is_extended_also_where_nothing_says_so(
    project: Project, written: str, duration: float | None, extended: float
) -> None:
    overrides = Overrides(duration=Seconds(duration) if duration is not None else None)
    assert project.load(framed(GATED + written), overrides=overrides).environment.monitor.extend_by == extended


def test_a_watch_of_no_length_is_refused(project: Project) -> None:
    with pytest.raises(UsageProblem, match="--duration must be longer than nothing"):
        project.load(framed(GATED), overrides=Overrides(duration=Seconds(0.0)))


def test_an_unreadable_file_is_a_usage_problem(project: Project) -> None:
    with pytest.raises(UsageProblem):
        load(Path("\0"), project.root, {})


PIECES = st.sampled_from([
    *string.printable, "off", "true", "null", "${A}", "${", "\ud7ff", "\u2028", "é",
    "- ", ": ", "\n  ", "\n    ", "{", "}", "[", "]",
    "gates", "preset", "default", "health", "signals", "kind", "host", "monitor", "duration", "interval", "smoke",
    "1e9", "99999d",
    "environments:\n", "version: 1\n", "service: a\n", "&a", "*a", "<<", "!!", "0", "-1", '"', "'", "\\U", "%",
])  # fmt: skip


def never_anything_but_a_guard_error(root: Path, content: bytes) -> None:
    (root / NAME).write_bytes(content)
    for call in (lambda: load(None, root, {"A": "x"}, None), lambda: check_all(None, root, {})):
        try:
            call()
        except GuardError as problem:
            assert problem.exit_code == 2


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(lambda p: "".join(p).encode("utf-8", "replace")))
)
@example(b'a: "\\UFFFFFFFF"')
@example(b"a: " + b"9" * 5000)
@example(b"%YAML 9.9\n---\na: 1")
@example(b"\xff\xfea\x00")
def test_no_file_at_all_breaks_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    never_anything_but_a_guard_error(tmp_path_factory.mktemp("any"), content)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_to_a_good_file_breaks_it(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DOCUMENTED)))
    end = start + data.draw(st.integers(0, 12))
    damaged = DOCUMENTED[:start] + "".join(data.draw(st.lists(PIECES, max_size=3))) + DOCUMENTED[end:]
    never_anything_but_a_guard_error(tmp_path_factory.mktemp("damaged"), damaged.encode("utf-8", "replace"))
