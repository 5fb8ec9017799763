"""The plan command tells whoever started the program the matrix, and refuses what it cannot plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dhash_guard.cli import run
from dhash_guard.cli.outputs import Ending, outputs

FILE = """version: 1
service: dhash
environments:
  staging: {}
  production:
    waves: {undo: all}
    targets: {eu: {wave: 1}, us: {wave: 2}, ap: {wave: 2}}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dhash-guard.yml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    for name in ("ENV", "TARGET", "CONFIG", "UNDO", "AT_MOST"):
        monkeypatch.delenv(f"DHASH_GUARD_{name}", raising=False)
    return tmp_path


def test_the_output_matrix_is_what_a_workflow_reads(capsys: pytest.CaptureFixture[str]) -> None:
    ending = Ending()
    assert run(["plan", "--env=production", "--undo=2"], ending) == 0
    found = outputs(ending, 0, "")
    assert "\n" not in found["matrix"]
    told = json.loads(found["matrix"])
    assert [one["name"] for one in told["wave-2"]["include"]] == ["production-us", "production-ap"]
    assert [one["target"] for one in told["undo"]["include"]] == ["us", "ap", "eu"]
    assert (found["decision"], found["exit-code"]) == ("proceed", "0")
    printed = capsys.readouterr().out
    assert printed.splitlines() == ["wave 1  eu", "wave 2  us, ap", "undo    us, ap, eu"]
    assert outputs(Ending(), 0, "")["matrix"] == ""


def test_without_targets_there_is_one_wave(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--env=staging"], Ending()) == 0
    assert capsys.readouterr().out == "wave 1  staging\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--env=production --target=uss", "production has no target 'uss'; did you mean us?"),
        ("--env=production-eu --target=us", "production-eu is the target eu, not us"),
        ("--env=staging --target=us", "staging has no target 'us'; there are none"),
        ("--env=production --undo=3", "production has no wave 3, only 2 waves"),
        ("--env=production --at-most=1", "production has 2 waves, and the workflow has jobs for 1"),
        ("--env=prodution", "there is no environment 'prodution'; did you mean production?"),
        ("", "there are several environments"),
    ],
)
def test_what_cannot_be_planned_is_refused(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    ending = Ending()
    assert run(["plan", *line.split()], ending) == 2
    assert words in capsys.readouterr().err
    assert ending.matrix == ""


def test_a_wrong_file_is_said_before_anything_is_planned(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "dhash-guard.yml").write_text(FILE.replace("eu: {wave: 1}", "eu: {wave: 3}"))
    assert run(["plan", "--env=production"], Ending()) == 2
    assert "nothing goes in wave 1" in capsys.readouterr().err
