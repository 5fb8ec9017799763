"""Recorded runs judged again through the installed program: what other gates would have said, and how gates explain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dhash_guard.records.canonical import canonical
from support.project import Project

START = 1_800_000_000.0
CALM = [0.1] * 20
SLOW = [0.1] * 8 + [1.5] * 12
DEAD = [0.1] * 8 + [3.0] * 12


def log(path: Path, series: list[float], **more: Any) -> Path:
    """A look each second; the health is always fine."""
    rows = [
        {"tick": index, "at": START + index, "samples": {"health": {"health": "healthy"}, "p95": value, **more}}
        for index, value in enumerate(series)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def recorded(project: Project) -> Project:
    """Three sealed runs of one environment: calm, slow within the limit, and beyond it."""
    project.environment["monitor"] = {"duration": "10s", "interval": "1s", "baseline": 1}
    for gate in project.environment["gates"].values():
        gate["coverage"] = "50%"
    project.write()
    for name, series, code in (("calm", CALM, 0), ("slow", SLOW, 0), ("dead", DEAD, 1)):
        log(project.root / f"{name}.jsonl", series)
        assert project.guard("monitor", "--recorded", f"{name}.jsonl", "--no-rollback").code == code
    return project


def folders(project: Project) -> list[Path]:
    return sorted((project.root / ".dhash-guard/runs/production").iterdir())


def stricter(project: Project) -> str:
    """The same configuration with a limit of one second."""
    settings = json.loads(json.dumps(project.settings))
    gate = settings["environments"]["production"]["gates"]["p95"]
    settings["environments"]["production"]["gates"]["p95"] = gate | {"fail_above": "1000ms", "consecutive": 2}
    (project.root / "new.yml").write_text(yaml.safe_dump(settings))
    return "new.yml"


def test_the_same_gates_give_each_sealed_verdict_byte_for_byte(recorded: Project) -> None:
    done = recorded.guard("gates", "backtest", ".dhash-guard/runs", "--json")
    assert done.code == 0, done.err
    replays = {replay["name"]: replay for replay in done.json["replays"]}
    assert len(replays) == 3
    for folder in folders(recorded):
        sealed = json.loads((folder / "evidence.json").read_bytes())["verdict"]
        assert canonical(replays[folder.name]["now"]) == canonical(sealed)
        assert (replays[folder.name]["flips"], replays[folder.name]["known_from"]) == (False, "evidence")


def test_other_gates_flip_a_run_and_nothing_is_changed(recorded: Project) -> None:
    before = sorted(path for path in recorded.root.rglob("*"))
    config = stricter(recorded)
    done = recorded.guard("gates", "backtest", ".dhash-guard/runs/production", "--config", config)
    assert done.code == 0, done.err
    slow = folders(recorded)[1].name
    (line,) = [line for line in done.out.splitlines() if line.startswith(slow)]
    assert line.split()[1:8] == ["healthy", "degraded", "(rollback)", "yes", "p95", "9", "+0:09"]
    assert "3 runs replayed, 1 flip among 3 with a verdict." in done.out
    assert "Runs that would roll back: 2 of 3 (66.7 %, 95 % between 20.8 % and 93.9 %)." in done.out
    assert "Nothing says which of these were false" in done.out
    assert sorted(path for path in recorded.root.rglob("*")) == sorted([*before, recorded.root / config])


def test_runs_that_are_passed_over_are_counted(project: Project) -> None:
    for name in "ab":
        folder = project.root / "runs" / name
        folder.mkdir(parents=True)
        (folder / "samples.jsonl").touch()
    done = project.guard("gates", "backtest", "runs")
    assert done.code == 3
    assert done.err.splitlines()[0] == "passed over: 2 runs, each of which has no looks"


def test_labels_say_what_was_false_and_what_was_seen(recorded: Project) -> None:
    config = stricter(recorded)
    calm, slow, dead = (folder.name for folder in folders(recorded))
    words = {calm: "clean", slow: "clean", dead: {"fault_at": 8}}
    (recorded.root / "labels.yml").write_text(yaml.safe_dump(words))
    done = recorded.guard("gates", "backtest", ".dhash-guard/runs", "--config", config, "--labels", "labels.yml", "--json")
    assert done.code == 0, done.err
    summary = done.json["summary"]
    assert (summary["false_rollbacks"]["count"], summary["false_rollbacks"]["of"]) == (1, 2)
    assert (summary["detected"]["count"], summary["detected"]["of"], summary["median_delay"]) == (1, 1, 1.0)


@pytest.mark.parametrize("moment", ["8s", "2027-01-15T08:00:08Z", 8])
def test_a_fault_is_dated_in_three_ways(recorded: Project, moment: object) -> None:
    (recorded.root / "labels.json").write_text(json.dumps({"dead.jsonl": {"fault_at": moment}}))
    done = recorded.guard("gates", "backtest", "dead.jsonl", "--labels", "labels.json", "--json")
    assert done.code == 0, done.err
    (replay,) = done.json["replays"]
    assert (replay["delay"], replay["known_from"], replay["then"]) == (2.0, "log", None)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("clam.jsonl: clean", "did you mean calm.jsonl?"),
        ("calm.jsonl: dirty", "write clean"),
        ("calm.jsonl: {fault_at: soon}", "is no duration"),
        ("calm.jsonl: {fault_at: 99}", "after the last look"),
        ("calm.jsonl: {fault_at: 2020-01-01T00:00Z}", "before the watch"),
    ],
)
def test_a_wrong_label_is_named_with_file_and_line(recorded: Project, written: str, said: str) -> None:
    (recorded.root / "labels.yml").write_text(f"# what we know\n{written}\n")
    done = recorded.guard("gates", "backtest", "calm.jsonl", "--labels", "labels.yml")
    assert done.code == 2, done.out
    assert "labels.yml:2: " in done.err
    assert said in done.err


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", '"fast"', "true", "{}"])
def test_a_bad_line_is_named_with_file_and_line(project: Project, value: str) -> None:
    path = log(project.root / "log.jsonl", CALM)
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("0.1", value)
    path.write_text("\n".join(lines) + "\n")
    done = project.guard("gates", "backtest", "log.jsonl")
    assert done.code == 2
    assert "log.jsonl:4: " in done.err


def test_bad_evidence_is_named_with_its_line(recorded: Project) -> None:
    evidence = folders(recorded)[0] / "evidence.json"
    evidence.write_text("{\n")
    done = recorded.guard("gates", "backtest", str(evidence))
    assert done.code == 2
    assert "evidence.json:2: " in done.err


def test_nothing_to_replay_is_no_success(project: Project) -> None:
    (project.root / "empty").mkdir()
    (project.root / "log.jsonl").write_text("")
    for where in ("empty", "log.jsonl"):
        done = project.guard("gates", "backtest", where)
        assert (done.code, done.out) == (3, "")
        assert "nothing to replay" in done.err
    assert project.guard("gates", "backtest", "nowhere").code == 2


def test_runs_of_another_environment_are_passed_over(recorded: Project) -> None:
    recorded.settings["environments"]["staging"] = recorded.environment | {"kind": "staging"}
    recorded.write()
    done = recorded.guard("gates", "backtest", ".dhash-guard/runs", "--env", "staging")
    assert done.code == 3
    assert "is of production" in done.err
    named = recorded.guard("gates", "backtest", str(folders(recorded)[0] / "evidence.json"), "--env", "staging")
    assert named.code == 0, named.err
    assert "is of production, and judged by the gates of staging" in named.err


def test_gates_explain_themselves_in_sentences(recorded: Project) -> None:
    done = recorded.guard("gates", "explain", "p95")
    assert done.code == 0, done.err
    assert "Fails when the value is more than 2000 ms; 2000 ms itself passes." in done.out
    assert "A breach is 3 such looks in a row: look 3 triggers." in done.out
    assert "A total fault is seen after at most 3s." in done.out
    assert "dhash-guard.yml:" in done.out
    assert "health" not in done.out
    wrong = recorded.guard("gates", "explain", "p59")
    assert wrong.code == 2
    assert "did you mean p95?" in wrong.err


def test_a_recorded_log_shows_the_way_of_a_gate(recorded: Project) -> None:
    done = recorded.guard("gates", "explain", "p95", "--recorded", str(folders(recorded)[2]))
    assert done.code == 0, done.err
    told = [line.split() for line in done.out.split("In this log:")[1].strip().splitlines()]
    assert [(row[0], row[4], row[6]) for row in told] == [
        ("+0:00", "ms", "of"),
        ("+0:08", "ms", "of"),
        ("+0:09", "ms", "of"),
        ("+0:10", "ms", "of"),
    ]
    assert told[-1][5:9] == ["3", "of", "3", "degraded:"]
