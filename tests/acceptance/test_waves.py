"""Three services as three targets in two waves, through the installed program: start, gate, degrade, go back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from dhash_guard.github.workflows.expression import evaluate, truth
from support.git import commit
from support.loopback import Loopback, body
from support.project import HEALTH_GATE, Project, Result

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/waves.md"
WAVES = {"eu-1": 1, "us-1": 2, "us-2": 2}

DEPLOY = """
import pathlib, sys
pathlib.Path(sys.argv[2], "version.txt").write_text(sys.argv[1] + "\\n")
"""


class Fleet(Project):
    """A project whose three targets have a folder and a service each; one is sick while its version says `bad`."""

    def __init__(self, root: Path, services: dict[str, Loopback]) -> None:
        self.services = services
        super().__init__(root, services["eu-1"])
        (root / "deploy.py").write_text(DEPLOY)
        del self.environment["base_url"]
        # Two looks are enough to be sick, and a busy machine has them in this time.
        self.environment["monitor"] |= {"duration": "900ms"}
        self.environment["gates"] = {"health": HEALTH_GATE | {"consecutive": 2}}
        run = self.environment["deploy"].pop("run")
        self.environment["requires"] = {"backup": {"verified": True}}
        self.environment["targets"] = {}
        for name, service in services.items():
            (root / name).mkdir()
            (root / name / "library.json").write_text('{"schema": 1}\n')
            self.set_version(name, "good")
            service.say("/metrics", {"p95": 100.0, "rate": 0.01})
            self.environment["targets"][name] = {
                "wave": WAVES[name],
                "base_url": service.url,
                "deploy": {"run": [*run, name]},
                "backup": {
                    "components": {
                        "database": {"paths": [f"{name}/library.json"]},
                        "release": {"paths": [f"{name}/version.txt"]},
                    }
                },
            }
        self.write()
        commit(root)

    def set_version(self, name: str, version: str) -> None:
        (self.root / name / "version.txt").write_text(f"{version}\n")

    def at(self, name: str) -> str:
        return (self.root / name / "version.txt").read_text().strip()

    def watched(self, name: str, *options: str) -> Result:
        return self.guard("monitor", "--env", "production", "--target", name, *options)

    def sent(self, name: str, tag: str = "next") -> None:
        """Deploy to one target; the test goes on only where that worked."""
        done = self.guard("deploy", "--env", "production", "--target", name, "--tag", tag, "--backup-first", "--force")
        assert done.code == 0, done.err + done.out

    def first_wave(self, tag: str = "next") -> None:
        """Take the release to the first wave, and see it healthy."""
        self.sent("eu-1", tag)
        assert self.watched("eu-1").code == 0

    def gate(self, name: str) -> Result:
        return self.guard("gate", "--env", "production", "--target", name)

    def sick(self, *names: str) -> None:
        """From now on these services are sick with anything but the good release."""
        for name in names:
            self.services[name].routes["/health"] = partial(self._told, name)

    def _told(self, name: str) -> tuple[int, bytes]:
        return body({"status": "healthy" if self.at(name) == "good" else "unhealthy"})

    def undo(self, wave: int, *options: str) -> list[str]:
        done = self.guard("plan", "--env", "production", "--matrix", "--undo", str(wave), *options)
        assert done.code == 0, done.err
        return [one["target"] for one in done.json.get("undo", {"include": []})["include"]]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        services = {name: stack.enter_context(Loopback().serving()) for name in WAVES}
        for service in services.values():
            service.say("/health", {"status": "healthy"})
        yield Fleet(tmp_path / "project", services)


def wave_of(done: Result) -> dict[str, Any]:
    (stage,) = done.json["stages"]
    return next(one for one in stage["findings"] if one["check"] == "wave")


def test_a_wave_starts_when_the_one_before_is_healthy(fleet: Fleet) -> None:
    for name in WAVES:
        fleet.guard("backup", "create", "--env", "production", "--target", name)
    assert fleet.gate("eu-1").code == 0, "the first wave waits for nobody"
    held = fleet.gate("us-1")
    assert held.code == 3, held.out
    assert "wave: eu-1: no watch of production-eu-1 is recorded" in held.out + held.err
    done = fleet.guard("deploy", "--env", "production", "--target", "us-1", "--tag", "next", "--backup-first", "--force")
    assert (done.code, fleet.at("us-1")) == (3, "good"), "a deployment asks the same"
    fleet.sent("eu-1")
    assert fleet.gate("us-1").code == 3, "deployed is not yet healthy"
    assert fleet.watched("eu-1").code == 0
    done = fleet.gate("us-1")
    assert done.code == 0, done.err + done.out
    for name in ("us-1", "us-2"):
        fleet.sent(name)
        assert fleet.watched(name).code == 0
    assert {name: fleet.at(name) for name in WAVES} == dict.fromkeys(WAVES, "next")


def test_another_commit_is_another_release(fleet: Fleet) -> None:
    fleet.guard("backup", "create", "--env", "production", "--target", "us-1")
    fleet.first_wave()
    assert fleet.gate("us-1").code == 0
    (fleet.root / "deploy.py").write_text(DEPLOY + "# another\n")
    commit(fleet.root)
    assert fleet.gate("us-1").code == 3
    assert fleet.watched("eu-1").code == 0, "eu-1 is well, with what it has"
    done = fleet.gate("us-1")
    assert done.code == 3
    assert "wave: eu-1: runs commit" in done.out + done.err


def test_altered_evidence_of_an_earlier_wave_is_no_evidence(fleet: Fleet) -> None:
    fleet.guard("backup", "create", "--env", "production", "--target", "us-1")
    fleet.services["eu-1"].say("/health", {"status": "unhealthy"})
    assert fleet.watched("eu-1", "--no-rollback").code == 1
    assert fleet.gate("us-1").code == 1
    (record,) = (fleet.root / ".dhash-guard/runs/production-eu-1").glob("*/evidence.json")
    record.write_bytes(record.read_bytes().replace(b'"status":"degraded"', b'"status":"healthy"'))
    assert fleet.gate("us-1").code == 4


def test_a_degraded_first_wave_stops_the_second(fleet: Fleet) -> None:
    fleet.guard("backup", "create", "--env", "production", "--target", "us-1")
    fleet.sent("eu-1")
    fleet.sick("eu-1")
    assert fleet.watched("eu-1").code == 5
    assert fleet.at("eu-1") == "good"
    done = fleet.guard("gate", "--env", "production", "--target", "us-1", "--json")
    assert done.code == 1
    assert wave_of(done)["status"] == "failed"
    assert fleet.watched("eu-1").code == 0, "the release that was put back is well"
    done = fleet.guard("gate", "--env", "production", "--target", "us-1", "--json")
    assert done.code == 1, "and no word for the one that was taken away"
    assert "next was rolled back" in wave_of(done)["text"]


@pytest.mark.parametrize(("policy", "undone"), [("wave", ["us-2"]), ("all", ["us-2", "eu-1"]), ("none", [])])
def test_a_degraded_target_takes_back_what_the_policy_says(fleet: Fleet, policy: str, undone: list[str]) -> None:
    fleet.environment["waves"] = {"undo": policy}
    fleet.write()
    commit(fleet.root)
    fleet.first_wave()
    for name in ("us-1", "us-2"):
        fleet.sent(name)
    fleet.sick("us-1")
    for name, code in {"us-2": 0, "us-1": 5}.items():
        assert fleet.watched(name).code == code, name
    assert fleet.undo(2) == undone, "us-1 has rolled itself back"
    for name in undone:
        assert fleet.undo(2, "--target", name) == [name]
        before = json.loads((fleet.root / name / "library.json").read_text())
        done = fleet.guard("rollback", "--env", "production", "--target", name, "--auto", "--reason", "wave 2 degraded")
        assert done.code == 0, done.err + done.out
        assert json.loads((fleet.root / name / "library.json").read_text()) == before
    assert {name: fleet.at(name) for name in WAVES} == {
        name: "good" if name in ("us-1", *undone) else "next" for name in WAVES
    }
    assert fleet.undo(2) == [], "nothing is left to be undone"


def test_a_target_that_was_held_back_keeps_its_release(fleet: Fleet) -> None:
    """Its wave is rolled back, and it never had the release: what it has is another deployment's."""
    fleet.first_wave("earlier")
    fleet.sent("us-2", "earlier")
    (fleet.root / "deploy.py").write_text(DEPLOY + "# another\n")
    commit(fleet.root)
    fleet.first_wave()
    fleet.sent("us-1")
    fleet.sick("us-1")
    assert fleet.watched("us-1", "--no-rollback").code == 1
    assert fleet.undo(2) == ["us-1"]
    done = fleet.guard("plan", "--env", "production", "--undo", "2")
    assert "left alone: us-2: its latest deployment is of commit" in done.err


def test_targets_have_backups_records_and_locks_of_their_own(fleet: Fleet) -> None:
    fleet.first_wave()
    fleet.sent("us-1")
    state = fleet.root / ".dhash-guard"
    assert {path.name for path in (state / "deployments").iterdir()} == {"production-eu-1.json", "production-us-1.json"}
    assert {path.name for path in (state / "runs").iterdir()} == {"production-eu-1", "production-us-1"}
    assert len(list((fleet.root / "backups").glob("dhash_production-eu-1_*.zip"))) == 1
    listed = fleet.guard("backup", "list", "--env", "production", "--target", "us-1")
    assert "production-us-1" in listed.out and "eu-1" not in listed.out
    other = next((fleet.root / "backups").glob("dhash_production-eu-1_*.zip")).name
    done = fleet.guard("rollback", "--env", "production", "--target", "us-1", "--backup", other, "--auto")
    assert done.code == 2, "another target's backup is another environment's"


@pytest.mark.parametrize(
    "command",
    [
        "deploy --tag v1 --force",
        "monitor",
        "rollback --auto",
        "backup create",
        "gate",
        "service stop",
        "queue status",
        "config show",
        "premerge",
    ],
)
def test_a_verb_that_acts_on_one_place_asks_which(fleet: Fleet, command: str) -> None:
    done = fleet.guard(*command.split(), "--env", "production")
    assert done.code == 2, done.out
    assert "production has several targets: eu-1, us-1, us-2" in done.err
    assert "--target" in done.err


def test_the_variable_names_the_target_too(fleet: Fleet) -> None:
    variables = {"DHASH_GUARD_ENV": "production", "DHASH_GUARD_TARGET": "us-2"}
    assert fleet.guard("health", env=variables).code == 0
    assert (fleet.root / ".dhash-guard/runs/production-us-2").is_dir()
    assert fleet.guard("health", "--target", "us-3", env=variables).code == 2


def test_more_waves_than_the_workflow_has_jobs_for_are_refused(fleet: Fleet) -> None:
    assert fleet.guard("plan", "--env", "production", "--at-most", "2").code == 0
    done = fleet.guard("plan", "--env", "production", "--at-most", "1")
    assert done.code == 2
    assert "production has 2 waves, and the workflow has jobs for 1" in done.err
    assert fleet.guard("plan", "--env", "production", "--undo", "3").code == 2


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Project]:
    """A project with the configuration of the page."""
    with Loopback().serving() as service:
        project = Project(tmp_path / "project", service)
        (project.root / "dhash-guard.yml").write_text(blocks("yaml")[0])
        yield project


def test_the_page_shows_what_the_program_says(shown: Project) -> None:
    console = [block.split("\n", 1) for block in blocks("console")]
    assert len(console) >= 5
    for command, expected in console:
        done = shown.guard(*command.removeprefix("$ dhash-guard ").split())
        printed = done.out if done.code == 0 else done.err
        if expected.startswith("{"):
            assert json.loads(printed) == json.loads(expected), command
        else:
            assert printed == expected, command


def test_the_expressions_of_the_page_read_the_plan(shown: Project) -> None:
    """What its workflow makes of the plan, by the rules of GitHub's expressions."""
    jobs = yaml.safe_load(blocks("yaml")[1])["jobs"]

    def value(text: str, **needs: Any) -> Any:
        inner = re.fullmatch(r"\$\{\{(.*)\}\}", text.strip(), re.DOTALL)
        functions = {"cancelled": lambda: False}
        return evaluate(inner[1] if inner else text, {"needs": needs, "steps": needs}, functions)

    def planned(*options: str) -> dict[str, Any]:
        return {
            "outputs": {"matrix": shown.guard("plan", "--env", "production", "--matrix", *options).out},
            "result": "success",
        }

    whole, first, undo = planned(), planned("--target", "eu-1"), planned("--undo", "2")
    wave = jobs["wave-2"]
    assert [one["target"] for one in value(wave["strategy"]["matrix"], plan=whole)["include"]] == ["us-1", "us-2"]
    assert truth(value(wave["if"], plan=whole)) is True
    assert truth(value(wave["if"], plan=first)) is False, "no target of that wave: the job is skipped"
    back = jobs["back"]
    assert [one["name"] for one in value(back["strategy"]["matrix"], undo=undo)["include"]] == [
        "production-us-1",
        "production-us-2",
    ]
    assert truth(value(back["if"], undo=undo)) is True
    assert truth(value(back["if"], undo=whole)) is False
    sick, well = {"outputs": {"degraded": "true"}}, {"outputs": {"degraded": ""}}
    assert truth(value(jobs["undo"]["if"], **{"wave-1": well, "wave-2": sick})) is True
    assert truth(value(jobs["undo"]["if"], **{"wave-1": well, "wave-2": well})) is False
    number = re.fullmatch(r"--undo=(.*)", jobs["undo"]["steps"][1]["with"]["args"])
    assert number is not None
    assert value(number[1], **{"wave-2": sick}) == 2
    assert value(number[1], **{"wave-2": well}) == 1
    for deploy, watch, degraded in (
        ("0", "5", "true"),
        ("5", "", "true"),
        ("0", "6", "true"),
        ("0", "0", ""),
        ("1", "", ""),
    ):
        steps = {"deploy": {"outputs": {"exit-code": deploy}}, "watch": {"outputs": {"exit-code": watch}}}
        assert value(wave["outputs"]["degraded"], **steps) == degraded, steps
