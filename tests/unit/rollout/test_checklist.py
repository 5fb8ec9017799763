"""Who ticked what: from GitHub's event to the comment, against the simulator; and what the gate makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.errors import CannotTell, UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.comment import Outcome
from dhash_guard.github.context import context_of
from dhash_guard.records.checklist import Memory, Tick
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.checklists import Proof, render_sheet
from dhash_guard.report.memory import DATA, boxes_in, remembered, written
from dhash_guard.rollout.checklist import Reported, credit, reported
from dhash_guard.rollout.comment import comment_leg
from dhash_guard.rollout.conditions import Answer
from dhash_guard.rollout.gate_evidence import standing
from dhash_guard.simulator import Simulator
from dhash_guard.system import Machine, this_machine
from support.acting import pull_request

SHA, NEXT = "a" * 40, "b" * 40


class Standstill:
    """A clock that starts now and jumps instead of waiting."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).timestamp()

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repository="octo/service").serving() as sim:
        sim.add_pull_request(number=7, head_sha=SHA)
        yield sim
        assert sim.unknown_routes == []


@pytest.fixture
def machine() -> Machine:
    return evolve(this_machine({}), clock=Standstill())


def api(github: Simulator, machine: Machine, sha: str = SHA) -> GithubApi:
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": "octo/service", "GITHUB_API_URL": github.url}
    return GithubApi("t-write", context_of(environ, pull_request(7, sha)), machine.clock)


def rehearsal(github: Simulator, machine: Machine, sha: str = SHA, text: str = "fine") -> str:
    """One leg reports; the body of the comment."""
    stage = LegStage(name="check", status=StageStatus.PASSED, text=text)
    leg = LegReport(leg="one", service="s", environment="e", commit=sha, result="proceed", exit_code=0, stages=(stage,))
    there = api(github, machine, sha)
    comment_leg(machine, there, there.transport.context, leg, ("one",))
    return body(github)


def body(github: Simulator) -> str:
    (comment,) = github.comments(7)
    return comment.body


def event(github: Simulator, before: str, who: str = "alice", at: str = "2026-11-21T09:00:00Z") -> dict[str, Any]:
    (comment,) = github.comments(7)
    return {
        "action": "edited",
        "changes": {"body": {"from": before}},
        "issue": {"number": 7, "pull_request": {}},
        "comment": {"id": comment.id, "body": comment.body, "updated_at": at, "user": {"login": comment.author}},
        "sender": {"login": who, "type": "User"},
    }


def clicked(github: Simulator, machine: Machine, box: str) -> str:
    """Somebody ticks or unticks a box as GitHub does it; the body before."""
    before = body(github)
    lines = before.split("\n")
    at = next(i for i, line in enumerate(lines) if f":{box} -->" in line)
    ticked = lines[at].startswith("- [x]")
    lines[at] = lines[at].replace("[x]" if ticked else "[ ]", "[ ]" if ticked else "[x]", 1)
    (comment,) = github.comments(7)
    api(github, machine).edit_comment(comment.id, "\r\n".join(lines))
    return before


def told(github: Simulator, before: str, **more: str) -> Reported:
    found = reported("issue_comment", event(github, before, **more))
    assert isinstance(found, Reported), found
    return found


def credited(github: Simulator, machine: Machine, before: str, **more: str) -> Outcome | str:
    done = credit(machine, api(github, machine), told(github, before, **more))
    return done if isinstance(done, str) else done.outcome


def test_a_tick_is_kept_with_who_and_when_and_is_written_once(github: Simulator, machine: Machine) -> None:
    rehearsal(github, machine)
    before = clicked(github, machine, "operator")
    edit = told(github, before)
    assert credited(github, machine, before) is Outcome.EDITED
    assert "ticked by `alice`, 2026-11-21 09:00:00 UTC" in body(github)
    assert boxes_in(body(github))["operator"]
    after = body(github)
    again = credit(machine, api(github, machine), edit)
    assert not isinstance(again, str)
    assert again.outcome is Outcome.UNCHANGED
    assert rehearsal(github, machine) == after, "a leg that reports the same writes nothing"
    assert "ticked by `alice`" in rehearsal(github, machine, text="otherwise")


def test_a_leg_between_click_and_event_loses_nothing(github: Simulator, machine: Machine) -> None:
    rehearsal(github, machine)
    before = clicked(github, machine, "operator")
    edit = told(github, before)
    assert "by whom is not known yet" in rehearsal(github, machine, text="a change that makes it write")
    credit(machine, api(github, machine), edit)
    assert "ticked by `alice`" in body(github)


def test_a_click_that_was_written_over_comes_back_with_its_event(github: Simulator, machine: Machine) -> None:
    first = rehearsal(github, machine)
    before = clicked(github, machine, "operator")
    edit = told(github, before)
    api(github, machine).edit_comment(github.comments(7)[0].id, first)
    credit(machine, api(github, machine), edit)
    assert "ticked by `alice`" in body(github)


def test_a_new_commit_revokes_what_was_about_the_old_one_and_says_so(github: Simulator, machine: Machine) -> None:
    rehearsal(github, machine)
    for box in ("reviewed", "operator"):
        credited(github, machine, clicked(github, machine, box))
    github.repository.pull_requests.clear()
    github.add_pull_request(number=7, head_sha=NEXT)
    shown = rehearsal(github, machine, NEXT)
    assert boxes_in(shown)["operator"], "who operates does not depend on the commit"
    assert not boxes_in(shown)["reviewed"]
    assert "**revoked**: ticked by `alice`, 2026-11-21 09:00:00 UTC for `aaaaaaaaaaaa`; now it is `bbbbbbbbbbbb`" in shown


def test_a_memory_that_somebody_rewrites_is_put_back(github: Simulator, machine: Machine) -> None:
    before = rehearsal(github, machine)
    lie = evolve(remembered(before), ticks={"operator": Tick(on=True, who="boss", at=1.0, seen=1.0)})
    other = DATA.sub(written(lie), before)
    assert other != before
    api(github, machine).edit_comment(github.comments(7)[0].id, other)
    credited(github, machine, before, who="mallory")
    assert body(github).rstrip() == before.rstrip()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"action": "created"}, "nobody edited"),
        ({"changes": {}}, "no text was changed"),
        ({"sender": {"login": "x[bot]", "type": "Bot"}}, "is no person"),
        ({"changes": {"body": {"from": "hello"}}}, "no comment of this program"),
    ],
)
def test_what_is_no_edit_of_a_person_does_nothing(
    github: Simulator, machine: Machine, changes: dict[str, Any], said: str
) -> None:
    before = rehearsal(github, machine)
    found = reported("issue_comment", event(github, before) | changes)
    assert isinstance(found, str)
    assert said in found
    assert isinstance(reported("pull_request", event(github, before)), str)
    broken = event(github, before)
    broken["comment"]["updated_at"] = "soon"
    with pytest.raises(CannotTell, match="does not say when"):
        reported("issue_comment", broken)


def test_a_comment_that_a_stranger_made_to_look_like_ours_does_nothing(github: Simulator, machine: Machine) -> None:
    before = rehearsal(github, machine)
    edit = told(github, before)
    assert "no comment of this program" in str(credit(machine, api(github, machine), evolve(edit, author="mallory")))
    assert "gone" in str(credit(machine, api(github, machine), evolve(edit, comment=99)))
    assert body(github) == before


def test_the_gate_wants_every_required_box_of_this_commit_ticked_by_somebody(github: Simulator, machine: Machine) -> None:
    rehearsal(github, machine)
    answer, value, _ = standing(body(github), SHA)
    assert (answer, value) == (Answer.NO_GO, "open: operator, reviewed, window")
    for box in ("reviewed", "operator"):
        credited(github, machine, clicked(github, machine, box))
    before = clicked(github, machine, "window")
    assert standing(body(github), SHA)[:2] == (Answer.CANNOT_TELL, "of nobody known: window")
    credited(github, machine, before)
    assert standing(body(github), SHA)[:2] == (Answer.GO, "4 of 4 ticked")
    assert standing(body(github), NEXT)[0] is Answer.CANNOT_TELL
    gone = "\n".join(line for line in body(github).split("\n") if ":operator" not in line)
    assert standing(gone, SHA)[0] is Answer.CANNOT_TELL
    assert standing("", SHA)[0] is Answer.CANNOT_TELL
    clicked(github, machine, "operator")
    assert standing(body(github), SHA)[:2] == (Answer.NO_GO, "open: operator")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{{ box("a", "x") }}\n{{ box("a", "y") }}', "two boxes have the id a"),
        ('{{ box("A b", "x") }}', "is no id of a box"),
        ('{{ box("a", "x", proof="nothing") }}', "'nothing' proves nothing here; a proof is one of premerge"),
        ('{{ box("a", "x", about="moon") }}', "it is one of commit"),
    ],
)
def test_a_wrong_template_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "checklist-pr.md").write_text(f"first\n{line}\n")
    with pytest.raises(UsageProblem, match=r"checklist-pr\.md:") as problem:
        render_sheet("pr", Memory(), proofs={"premerge": Proof(True, "")}, subjects={"commit": SHA}, templates=tmp_path)
    assert said in problem.value.what


def test_foreign_words_make_no_box(tmp_path: Path) -> None:
    hostile = "- [x] <!-- dhash-guard:box:forged --> <!-- dhash-guard:boxes:AAAA -->\n- [x] more"
    (tmp_path / "checklist-pr.md").write_text('{{ box("a", text, proof="premerge") }}'.replace("text", json.dumps(hostile)))
    sheet = render_sheet("pr", Memory(), proofs={"premerge": Proof(False, hostile)}, subjects={}, templates=tmp_path)
    assert boxes_in(sheet.text) == {"a": False}
    assert sheet.text.count("<!--") == 2
