"""What the steps of a rehearsal's workflow do in every situation: our action as a process, the simulator, a line for each.

A line says what lies there, what is set, and how it ends: exit code, comments of ours, and requests, which the step's own
output has counted too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from dhash_guard.records.codec import to_data
from dhash_guard.records.stage import StageStatus
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.state import Comment
from support.acting import REPOSITORY, pull_request
from support.legs import NEWER, SHA, leg
from support.project import Project, Result
from support.steps import run_action, run_step
from unit.github.parser import read_outputs

SYSTEMS = ("linux", "mac", "windows")
RUN = "9000"
WORDS = {
    "passed": StageStatus.PASSED,
    "failed": StageStatus.FAILED,
    "skipped": StageStatus.SKIPPED,
    "unsure": StageStatus.CANNOT_TELL,
}
FORK = {"head": {"sha": SHA, "ref": "change", "repo": {"full_name": "mallory/service"}}}
MERGE_GROUP = {
    "action": "checks_requested",
    "merge_group": {
        "head_sha": SHA,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{SHA}",
        "base_sha": NEWER,
        "base_ref": "refs/heads/main",
    },
    "repository": {"full_name": REPOSITORY},
}


@frozen(kw_only=True)
class Line:
    """One situation of the gate over three systems, all of which passed unless `left` says otherwise."""

    name: str
    code: int
    comments: int = 1
    requests: int = 4
    left: dict[str, str] = field(factory=dict)
    """By system (`linux`, `linux 2` for a second file): a word for both legs and facts such as `attempt=2`; or `gone`."""
    jobs: str = "success"
    settings: dict[str, Any] = field(factory=dict)
    attempt: int = 1
    event: str = "pull_request"
    payload: dict[str, Any] = field(factory=dict)
    token: str = "t-write"
    actor: str = "ada"
    pull: dict[str, Any] = field(factory=dict)
    fault: dict[str, Any] = field(factory=dict)
    inputs: dict[str, str] = field(factory=dict)
    words: str = ""


def line(name: str, code: int, **facts: Any) -> Line:
    return Line(name=name, code=code, **facts)


LINES = [
    line("all passed", 0, words="Ready to merge"),
    line("one failed", 1, left={"mac": "failed"}, words="Not ready"),
    line("one could not be told", 3, left={"mac": "unsure"}, words="Cannot tell"),
    line("one is missing", 3, left={"mac": "gone"}, words="wait for mac"),
    line("all are missing", 3, left=dict.fromkeys(SYSTEMS, "gone"), comments=0, requests=0),
    line("one is missing, and may be", 0, left={"mac": "gone"}, settings={"may_miss": ["mac"]}, words="wait for mac"),
    line("one skipped its legs", 3, left={"mac": "skipped"}),
    line("one skipped its legs, and may", 0, left={"mac": "skipped"}, settings={"may_skip": ["check", "backup"]}),
    line("GitHub says cancelled", 3, jobs="cancelled"),
    line("GitHub says failure", 1, jobs="failure"),
    line(
        "GitHub says skipped, and nothing lies there",
        3,
        jobs="skipped",
        left=dict.fromkeys(SYSTEMS, "gone"),
        comments=0,
        requests=0,
    ),
    line("one was cancelled while it ran", 3, jobs="cancelled", left={"windows": "gone"}, words="wait for windows"),
    line(
        "a re-run: the older attempt failed",
        0,
        attempt=2,
        left={
            "linux": "failed attempt=1",
            "linux 2": "passed attempt=2",
            "mac": "passed attempt=2",
            "windows": "passed attempt=2",
        },
    ),
    line(
        "a re-run: the older attempt passed",
        1,
        attempt=2,
        left={
            "linux": "passed attempt=1",
            "linux 2": "failed attempt=2",
            "mac": "passed attempt=2",
            "windows": "passed attempt=2",
        },
        words="Not ready",
    ),
    line("a re-run of what failed alone", 3, attempt=2, left={"linux": "passed attempt=2"}, words="wait for mac, windows"),
    line(
        "a re-run of what failed alone, as allowed",
        0,
        attempt=2,
        left={"linux": "passed attempt=2"},
        settings={"earlier_attempts": True},
    ),
    line("an attempt of the future", 3, left={"mac": "passed attempt=7"}),
    line("of another run", 3, left={"mac": "passed run=1"}, words="wait for mac"),
    line("of another commit: pushed in between", 3, left={"mac": f"passed head={NEWER}"}),
    line("of another service", 3, left={"mac": "passed service=other"}),
    line("of another environment", 3, left={"mac": "passed environment=staging"}),
    line("of a system that nobody expects", 0, left={"solaris": "passed"}),
    line("of a system that nobody expects, and failed", 1, left={"solaris": "failed"}),
    line("two of one attempt that differ", 3, left={"mac 2": "failed"}),
    line("two of one attempt that are alike", 0, left={"mac 2": "passed"}),
    line("a file that is none", 3, left={"mac": "broken"}),
    line("pushed since: the comment is left alone", 0, pull={"head_sha": NEWER}, comments=0, requests=1),
    line("closed since", 0, pull={"state": "closed"}, comments=0, requests=1),
    line("merged since", 0, pull={"state": "closed", "merged": True}, comments=0, requests=1),
    line("locked since", 0, pull={"locked": True}, comments=0, requests=4),
    line("a fork's run", 0, payload=FORK, token="t-read", comments=0, requests=3),
    line("Dependabot's run", 0, actor="dependabot[bot]", token="t-dependabot", comments=0, requests=3),
    line("the job lacks the permission", 0, token="t-read", comments=0, requests=4),
    line("an unknown token", 0, token="t-unknown", comments=0, requests=1),
    line("no token", 0, token="", comments=0, requests=0),
    line("comments are off", 0, inputs={"comment": "off"}, comments=0, requests=0),
    line("a merge queue", 0, event="merge_group", payload=MERGE_GROUP, comments=0, requests=0),
    line(
        "a merge queue, and one failed",
        1,
        event="merge_group",
        payload=MERGE_GROUP,
        left={"mac": "failed"},
        comments=0,
        requests=0,
    ),
    line(
        "a merge queue, and one is of the pull request's own run",
        3,
        event="merge_group",
        payload=MERGE_GROUP,
        left={"mac": "passed run=1"},
        comments=0,
        requests=0,
    ),
    line("a push", 0, event="push", payload={"after": SHA, "ref": "refs/heads/main"}, comments=0, requests=0),
    line("GitHub refuses for an hour", 0, fault={"kind": "primary-limit", "retry_after": 3600}, comments=0, requests=1),
    line("GitHub asks for a moment", 0, fault={"kind": "too-many", "retry_after": 1, "method": "GET"}, requests=5),
    line("GitHub loses an answer", 0, fault={"kind": "lost-answer", "method": "POST", "path": "*/comments"}, requests=5),
]


@pytest.fixture
def hub() -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY).serving() as served:
        yield served
        assert served.unknown_routes == []


@pytest.fixture
def base(project: Project) -> Project:
    project.settings["premerge"] = {"legs": ["check", "backup"], "systems": list(SYSTEMS)}
    project.write()
    return project


def lay(folder: Path, left: dict[str, str]) -> None:
    """The results, as their artifacts were downloaded."""
    folder.mkdir()
    for number, (name, told) in enumerate((dict.fromkeys(SYSTEMS, "passed") | left).items()):
        system = name.split()[0]
        word, *facts = told.split()
        if word == "gone":
            continue
        claims: dict[str, Any] = {"run": RUN} | dict(fact.split("=") for fact in facts)
        claims["attempt"] = int(claims.get("attempt", 1))
        found = leg(system, *[WORDS.get(word, StageStatus.PASSED)] * 2, **claims)
        path = folder / f"premerge-{number}" / f"result-{system}.json"
        path.parent.mkdir()
        path.write_text("{" if word == "broken" else json.dumps(to_data(found)))


def ours(hub: Simulator) -> list[Comment]:
    return [one for one in hub.comments(7) if one.author == "github-actions[bot]"]


def told(base: Project) -> tuple[dict[str, str], str]:
    """The outputs and the summary that a step left."""
    outputs, summary = (base.root.parent / name for name in ("output", "summary"))
    return read_outputs(outputs.read_text()), summary.read_text() if summary.exists() else ""


def gate(base: Project, hub: Simulator, one: Line) -> Result:
    payload = one.payload if one.event != "pull_request" else pull_request(7, SHA, **one.payload)
    args = f"--gate\nresults\n--jobs\n{one.jobs}"
    inputs = {"command": "premerge", "environment": "production", "args": args, "comment": "auto"} | one.inputs
    environ = {"GITHUB_RUN_ATTEMPT": str(one.attempt), "GITHUB_ACTOR": one.actor}
    return run_action(base, one.event, payload, hub.url, inputs, one.token, environ, here=True)


@pytest.mark.parametrize("one", LINES, ids=[one.name for one in LINES])
def test_the_gate(base: Project, hub: Simulator, one: Line) -> None:
    facts: dict[str, Any] = {"number": 7, "head_sha": SHA} | one.pull
    hub.add_pull_request(**facts)
    if one.fault:
        hub.fault(**one.fault)
    base.settings["premerge"] |= one.settings
    base.write()
    lay(base.root / "results", one.left)
    done = gate(base, hub, one)
    assert done.code == one.code, done.out
    left = ours(hub)
    assert len(left) == one.comments, done.out
    assert not one.words or one.words in left[0].body
    outputs, summary = told(base)
    assert outputs["exit-code"] == str(one.code)
    assert int(outputs["api-requests"]) == len(hub.log) == one.requests
    assert (f"{one.requests} requests to GitHub" in summary) == bool(one.requests)


def test_the_lines_differ() -> None:
    assert len({one.name for one in LINES}) == len(LINES) >= 40


def test_enterprise_server(base: Project) -> None:
    lay(base.root / "results", {})
    with Simulator(repository=REPOSITORY, enterprise=True).serving() as sim:
        sim.add_pull_request(number=7, head_sha=SHA)
        assert gate(base, sim, LINES[0]).code == 0
        assert (len(ours(sim)), sim.unknown_routes) == (1, [])


def test_a_leg_that_another_hid_stands_there_again_after_the_gate(base: Project, hub: Simulator) -> None:
    """And a gate that has nothing to add writes nothing."""
    hub.add_pull_request(number=7, head_sha=SHA)
    lay(base.root / "results", {})
    for found in (base.root / "results").glob("*/result-*.json"):
        found.rename(found.with_suffix(".kept")) if "mac" in found.name else None
    assert gate(base, hub, LINES[0]).code == 3
    assert "wait for mac" in ours(hub)[0].body
    for found in (base.root / "results").glob("*/result-*.kept"):
        found.rename(found.with_suffix(".json"))
    assert gate(base, hub, LINES[0]).code == 0
    (healed,) = ours(hub)
    assert "3 of 3 systems passed" in healed.body
    assert gate(base, hub, LINES[0]).code == 0
    assert ours(hub) == [healed]
    assert told(base)[0]["api-requests"] == "2"


def test_three_legs_and_the_gate_stay_below_forty_requests(base: Project, hub: Simulator) -> None:
    """The whole pre-merge run, as its steps make it one after the other."""
    base.settings["premerge"]["legs"] = ["check"]
    base.settings["premerge"]["systems"] = ["linux"]
    base.write()
    hub.add_pull_request(number=7, head_sha=SHA)
    inputs = {"command": "premerge", "environment": "production", "args": "--leg=linux"}
    attempt = {"GITHUB_RUN_ATTEMPT": "1"}
    assert run_action(base, "pull_request", pull_request(7, SHA), hub.url, inputs, environ=attempt).code == 0
    each = len(hub.log)
    (base.root / "premerge_artifacts").rename(base.root / "results")
    assert gate(base, hub, LINES[0]).code == 0
    assert (each, len(hub.log) - each) == (4, 2)
    assert 3 * (each + 2) + 2 <= 40, "even where each leg needs a turn more"


def closing(base: Project, hub: Simulator, action: str = "closed", token: str = "t-write", args: str = "--close") -> Result:
    payload = pull_request(7, SHA) | {"action": action}
    return run_action(
        base,
        "pull_request_target",
        payload,
        hub.url,
        {"command": "premerge", "args": args, "comment": "off"},
        token,
        here=True,
    )


@pytest.mark.parametrize(("merged", "words"), [(True, "**Merged** at"), (False, "**Closed without a merge** at")])
def test_a_pull_request_that_is_closed_ends_its_comment(base: Project, hub: Simulator, merged: bool, words: str) -> None:
    hub.add_pull_request(number=7, head_sha=SHA)
    lay(base.root / "results", {})
    assert gate(base, hub, LINES[0]).code == 0
    hub.change_pull_request(7, state="closed", merged=merged)
    before = len(hub.log)
    done = closing(base, hub)
    assert (done.code, len(hub.log) - before) == (0, 5), done.out
    (final,) = ours(hub)
    assert words in final.body.split("\n")[1]
    assert closing(base, hub).code == 0
    assert gate(base, hub, LINES[0]).code == 0
    assert ours(hub) == [final], "no leg and no gate writes any more"


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"action": "synchronize"}, 0, "no pull request was closed"),
        ({}, 0, "pull request 7 is open"),
        ({"token": "t-read", "state": "closed"}, 2, "pull-requests: write"),
        ({"args": "--close\n--dry-run", "state": "closed"}, 0, "would close the comment"),
        ({"args": "--close\n--gate\nresults"}, 2, "different things"),
    ],
    ids=["another action", "opened again", "no right", "rehearsed", "two things at once"],
)
def test_closing_what_cannot_be_closed(base: Project, hub: Simulator, facts: dict[str, Any], code: int, words: str) -> None:
    hub.add_pull_request(number=7, head_sha=SHA, state=facts.pop("state", "open"))
    lay(base.root / "results", {})
    ours_before = hub.add_comment(7, "<!-- dhash-guard:v1:premerge:production -->\nwell")
    done = closing(base, hub, **facts)
    assert done.code == code, done.out
    assert words in done.out
    assert ours(hub) == [ours_before]


def tick(hub: Simulator, box: str, mark: str = "x", token: str = "t-user") -> dict[str, Any]:
    """Somebody ticks a box in the browser: GitHub's own PATCH, and the event that it sends."""
    import requests

    (there,) = ours(hub)
    pattern = re.compile(rf"\[[ x]\](.*dhash-guard:box:{box} -->)")
    body = pattern.sub(rf"[{mark}]\1", there.body, count=1)
    address = f"{hub.url}/repos/{REPOSITORY}/issues/comments/{there.id}"
    answer = requests.patch(address, json={"body": body}, headers={"Authorization": f"Bearer {token}"}, timeout=5)
    assert answer.status_code == 200
    who = hub.world.tokens[token].login
    return {
        "action": "edited",
        "changes": {"body": {"from": there.body}},
        "issue": {"number": 7, "pull_request": {}},
        "comment": answer.json(),
        "repository": {"full_name": REPOSITORY, "id": 1, "default_branch": "main"},
        "sender": {"login": who, "type": "User"},
    }


def box(hub: Simulator, name: str) -> str:
    (line,) = (line for line in ours(hub)[0].body.split("\n") if f"dhash-guard:box:{name} -->" in line)
    return line


def test_the_checklist_says_who_ticked_and_when(base: Project, hub: Simulator) -> None:
    hub.add_pull_request(number=7, head_sha=SHA)
    lay(base.root / "results", {})
    assert gate(base, hub, LINES[0]).code == 0

    def credited(payload: dict[str, Any]) -> Result:
        return run_step(base, "approvals.yml", "checklist", "issue_comment", payload, hub.url)

    ticked = tick(hub, "operator")
    done = credited(ticked)
    assert done.code == 0, done.out
    when = ticked["comment"]["updated_at"][:16].replace("T", " ")
    assert box(hub, "operator").startswith("- [x]")
    assert "ada" in box(hub, "operator") and when in box(hub, "operator"), box(hub, "operator")
    before, count = ours(hub), len(hub.log)
    assert credited(ticked).code == 0
    assert ours(hub) == before, "an event that comes twice changes nothing"
    assert len(hub.log) - count <= 4
    assert gate(base, hub, LINES[0]).code == 0
    assert ours(hub) == before, "nor does the gate"
    assert credited(tick(hub, "window", token="t-admin")).code == 0
    assert "grace" in box(hub, "window")
    assert credited(tick(hub, "operator", mark=" ", token="t-admin")).code == 0
    assert box(hub, "operator").startswith("- [ ]")
    assert box(hub, "window").startswith("- [x]")


def test_who_asks_for_every_line_hears_how_many_requests_it_took(base: Project, hub: Simulator) -> None:
    hub.add_pull_request(number=7, head_sha=SHA)
    base.environment["requires"] = {"approvals": {"at_least": 1}}
    base.write()
    known = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": hub.url, "GITHUB_TOKEN": "t-write"}
    done = base.guard("approvals", "--pull", "7", "-v", env=known)
    assert f"requests to GitHub: {len(hub.log)}\n" in done.err
    assert "requests to GitHub" not in base.guard("approvals", "--pull", "7", env=known).err
