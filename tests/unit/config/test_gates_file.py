"""A gates file named by --config takes the place of all gates of a run, and of nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhash_guard.config import Configuration, check_all, load
from dhash_guard.config.show import show
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from unit.config import gate_files
from unit.config.gate_files import FAMILIES, Data, write
from unit.config.project import ENVIRON, Project

NAME = Path("custom-gates.json")
PIECES = ["", "0", "-", "9", "1e999", "NaN", "{}", "[]", "null", "true", '"', '"x": 1,', "}", ",", "\ud7ff", "\\ud800", " "]
BASE = """\
version: 1
service: dhash
defaults:
  base_url: http://127.0.0.1:1
  signals:
    service:
      kind: http-json
      path: /metrics
      values:
        p95_hash_time: {at: p95, unit: ms}
        extraction_failure_rate: {at: rate, unit: percent}
        low_confidence_queue: {at: queue, unit: count}
        error_rate: {at: errors, unit: percent}
    host: {kind: host}
environments: {production: {}, staging: {}}
"""


def loaded(project: Project, documented: str, data: Data, env: str = "production") -> Configuration:
    project.write(documented)
    write(project.root, data)
    return load(NAME, project.root, ENVIRON, env)


def test_the_gates_of_the_file_replace_all_others_and_the_presets(project: Project, documented: str) -> None:
    found = loaded(project, documented, gate_files.UNITS_NAMED)
    assert set(found.environment.gates) == {"health", "extraction", "low-confidence", "disk"}
    assert str(found.environment.gates["extraction"].fail_above) == "0.5%"


def test_nothing_else_of_the_file_is_used(project: Project, documented: str) -> None:
    project.write(documented)
    before = load(None, project.root, ENVIRON, "production")
    found = loaded(project, documented, gate_files.UNITS_NAMED)
    assert found.environment.monitor == before.environment.monitor
    assert found.environment.rollback == before.environment.rollback
    assert found.environment.base_url == before.environment.base_url
    assert found.path == before.path
    assert found.digest != before.digest
    taken = "the gates of custom-gates.json take the place of all gates of production"
    assert found.notes == (
        f"{taken}; nothing else of it is used: whether production rolls back by itself stays as configured",
    )


def test_values_come_from_the_lines_of_the_file(project: Project, documented: str) -> None:
    loaded(project, documented, gate_files.UNITS_NAMED)
    shown = show(NAME, project.root, ENVIRON, "production", origin=True)
    (line,) = [line for line in shown.splitlines() if "0.5%" in line]
    assert "# custom-gates.json:" in line


def test_an_environment_that_the_file_lacks_is_refused(project: Project, documented: str) -> None:
    with pytest.raises(UsageProblem, match="no environment 'staging', only production"):
        loaded(project, documented, gate_files.UNITS_NAMED, "staging")
    checked = {one.environment: one for one in check_all(NAME, project.root, ENVIRON)}
    assert checked["staging"].problems == ()
    assert "a run with it is refused" in checked["staging"].notes[-1]


def problems(project: Project, documented: str, data: Data) -> list[str]:
    with pytest.raises(ConfigurationProblem) as caught:
        loaded(project, documented, data)
    return caught.value.problems


def test_a_gate_that_cannot_be_read_stops_the_run(project: Project, documented: str) -> None:
    data = copy.deepcopy(gate_files.UNITS_NAMED)
    data["environments"]["production"]["quality_gates"]["disk_usage"]["threshold_percentage"] = "sustained"
    (first, *rest) = problems(project, documented, data)
    assert first.startswith("custom-gates.json:") and "disk_usage.threshold_percentage: 'sustained' is no number" in first
    assert all("cannot be read as a whole" in line for line in rest)


def test_a_gate_of_another_environment_may_be_wrong(project: Project, documented: str) -> None:
    data = copy.deepcopy(gate_files.UNITS_NAMED)
    data["environments"]["later"] = {"quality_gates": {"p95_hash_time": {"threshold": "soon"}}}
    assert loaded(project, documented, data).name == "production"


def test_a_signal_that_is_not_there_is_an_error_on_the_line_of_the_file(project: Project, documented: str) -> None:
    data = copy.deepcopy(gate_files.UNITS_NAMED)
    data["environments"]["production"]["quality_gates"]["error_rate"] = {"threshold_percentage": 3, "action": "alert"}
    (line,) = problems(project, documented, data)
    assert line.startswith("custom-gates.json:") and "there is no signal error_rate" in line


def test_a_window_is_measured_with_the_watch_of_the_configuration(project: Project, documented: str) -> None:
    data = copy.deepcopy(gate_files.UNITS_NAMED)
    data["environments"]["production"]["quality_gates"]["extraction_failure_rate"]["time_window_minutes"] = 61
    (line,) = problems(project, documented, data)
    assert "extraction_failure_rate.time_window_minutes: 1h1m is longer than the watch (1h)" in line


def test_a_file_without_gates_for_the_environment_is_refused(project: Project, documented: str) -> None:
    data = {"environments": {"production": {"quality_gates": {}}, "staging": gate_files.BARE["environments"]["staging"]}}
    assert "has no gate" in problems(project, documented, data)[0]


def test_a_configuration_of_our_own_may_be_json(project: Project) -> None:
    text = '{"version": 1, "service": "dhash", "environments": {"staging": {}}}'
    project.write(text, "other.json")
    assert load(Path("other.json"), project.root, {}).path == project.root / "other.json"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"limits": 3}', "no gates file of a known shape"),
        ('{"environments": {"a": {"checks": {"x": 1}}}}', "nothing in it can be watched"),
        ('{"a": 1,}', "custom-gates.json:1: is no valid JSON"),
        ('{"a": 1, "a": 2}', "duplicate"),
    ],
)
def test_json_that_is_neither_is_told_so(project: Project, documented: str, text: str, why: str) -> None:
    project.write(documented)
    project.write(text, NAME.name)
    with pytest.raises(UsageProblem, match=why):
        load(NAME, project.root, ENVIRON, "production")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_no_file_is_half_read(tmp_path_factory: pytest.TempPathFactory, number: int, draw: st.DataObject) -> None:
    """Whatever is taken out or put in: a run starts with gates that its loader accepts, or ends as wrong input."""
    root = tmp_path_factory.getbasetemp()
    text = json.dumps(FAMILIES[number])
    at = draw.draw(st.integers(0, len(text)))
    (root / "dhash-guard.yml").write_text(BASE)
    (root / NAME).write_text(text[:at] + draw.draw(st.sampled_from(PIECES)) + text[at + draw.draw(st.integers(0, 6)) :])
    try:
        found = load(NAME, root, {}, draw.draw(st.sampled_from(["production", "staging"])))
    except UsageProblem:
        return
    assert found.environment.gates
