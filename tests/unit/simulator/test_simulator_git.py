"""The git database of the simulator: ids as git gives them, refs that only move forward, reads that come late."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dhash_guard.simulator import Simulator
from unit.simulator.asking import START, Ask, Clock

REF = "dhash-guard/production"


def tree(ask: Ask, content: str) -> str:
    entry = {"path": "state.json", "mode": "100644", "type": "blob", "content": content}
    return str(ask("POST", "git/trees", {"tree": [entry]}).json()["sha"])


def commit(ask: Ask, content: str, *parents: str) -> str:
    body = {"message": "a state", "tree": tree(ask, content), "parents": list(parents)}
    return str(ask("POST", "git/commits", body).json()["sha"])


def head(ask: Ask) -> Any:
    reply = ask("GET", f"git/ref/{REF}")
    return reply.json()["object"]["sha"] if reply.status_code == 200 else reply.status_code


@pytest.fixture
def first(ask: Ask) -> str:
    sha = commit(ask, "1")
    assert ask("POST", "git/refs", {"ref": f"refs/{REF}", "sha": sha}).status_code == 201
    return sha


def test_ids_are_those_of_git(ask: Ask, tmp_path: Path) -> None:
    made = tree(ask, "{}\n")
    (tmp_path / "state.json").write_text("{}\n")
    for command in (["init", "-q"], ["add", "state.json"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    written = subprocess.run(["git", "write-tree"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert made == written.stdout.strip()


def test_a_commit_by_another_clock_is_another(ask: Ask, clock: Clock) -> None:
    one = commit(ask, "1")
    assert commit(ask, "1") == one, "the same content at the same second"
    clock.at = START + 1
    assert commit(ask, "1") != one


def test_what_was_written_is_read_at_its_commit(ask: Ask, first: str) -> None:
    file = ask("GET", f"contents/state.json?ref={first}").json()
    assert base64.b64decode(file["content"]) == b"1"
    blob = ask("GET", f"git/blobs/{file['sha']}").json()
    assert base64.b64decode(blob["content"]) == b"1"
    read = ask("GET", f"git/trees/{first}").json()
    assert [entry["path"] for entry in read["tree"]] == ["state.json"]
    assert ask("GET", f"git/commits/{first}").json()["tree"]["sha"] == read["sha"]
    assert ask("GET", f"contents/other?ref={first}").status_code == 404
    assert ask("GET", "contents/state.json?ref=none").status_code == 404
    assert ask("GET", "contents/state.json").status_code == 404, "it is on no branch"


def test_a_ref_moves_forward_only(ask: Ask, first: str) -> None:
    second, other = commit(ask, "2", first), commit(ask, "3", first)
    assert ask("PATCH", f"git/refs/{REF}", {"sha": second, "force": False}).status_code == 200
    refused = ask("PATCH", f"git/refs/{REF}", {"sha": other, "force": False})
    assert (refused.status_code, refused.json()["message"]) == (422, "Update is not a fast forward")
    assert ask("PATCH", f"git/refs/{REF}", {"sha": first}).status_code == 422, "neither backwards"
    assert head(ask) == second
    assert ask("PATCH", f"git/refs/{REF}", {"sha": second}).status_code == 200, "to where it stands is no move"
    third = commit(ask, "4", second)
    assert ask("PATCH", f"git/refs/{REF}", {"sha": commit(ask, "5", third)}).status_code == 200, "also two at once"
    assert ask("PATCH", f"git/refs/{REF}", {"sha": other, "force": True}).status_code == 200
    assert head(ask) == other


def test_a_ref_is_made_once(ask: Ask, first: str) -> None:
    refused = ask("POST", "git/refs", {"ref": f"refs/{REF}", "sha": commit(ask, "2")})
    assert (refused.status_code, refused.json()["message"]) == (422, "Reference already exists")
    assert ask("POST", "git/refs", {"ref": "refs/a/b", "sha": "0" * 40}).json()["message"] == "Object does not exist"
    assert ask("PATCH", "git/refs/a/b", {"sha": first}).json()["message"] == "Reference does not exist"
    assert ask("PATCH", f"git/refs/{REF}", {"sha": "0" * 40}).json()["message"] == "Object does not exist"
    assert head(ask) == first


def test_a_branch_is_a_ref_too(sim: Simulator, ask: Ask) -> None:
    before = ask("GET", "git/ref/heads/main").json()["object"]["sha"]
    assert before == sim.repository.branches["main"].sha
    after = commit(ask, "x", before)
    assert ask("PATCH", "git/refs/heads/main", {"sha": after}).status_code == 200
    assert ask("GET", "branches/main").json()["commit"]["sha"] == after
    assert ask("POST", "git/refs", {"ref": "refs/heads/topic", "sha": after}).status_code == 201
    listed = ask("GET", "git/matching-refs/heads/").json()
    assert [ref["ref"] for ref in listed] == ["refs/heads/main", "refs/heads/topic"]


def test_a_move_may_be_seen_late(sim: Simulator, ask: Ask, first: str) -> None:
    second = commit(ask, "2", first)
    sim.fault("lag", method="PATCH", path="*/git/refs/*", reads=2)
    assert ask("PATCH", f"git/refs/{REF}", {"sha": second}).status_code == 200
    assert [head(ask) for _ in range(3)] == [first, first, second]


def test_a_move_is_never_decided_by_what_is_seen(sim: Simulator, ask: Ask, first: str) -> None:
    second = commit(ask, "2", first)
    sim.fault("lag", method="PATCH", path="*/git/refs/*", reads=9)
    ask("PATCH", f"git/refs/{REF}", {"sha": second})
    assert head(ask) == first
    assert ask("PATCH", f"git/refs/{REF}", {"sha": commit(ask, "3", first)}).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("git/trees", {"tree": []}, "Invalid tree info"),
        ("git/trees", {"tree": [{"path": "a/b", "mode": "100644", "content": ""}]}, "flat trees"),
        ("git/commits", {"message": "m", "tree": "0" * 40}, "Tree SHA does not exist"),
        ("git/refs", {"ref": "refs/x", "sha": "0" * 40}, "Object does not exist"),
    ],
)
def test_what_cannot_be_is_refused(ask: Ask, path: str, body: dict[str, Any], message: str) -> None:
    reply = ask("POST", path, body)
    assert reply.status_code == 422
    assert message in reply.json()["message"]


def test_a_name_needs_three_parts_and_a_parent_must_be_there(ask: Ask, first: str) -> None:
    assert "two slashes" in ask("POST", "git/refs", {"ref": "refs/x", "sha": first}).json()["message"]
    body = {"message": "m", "tree": tree(ask, "1"), "parents": ["0" * 40]}
    assert ask("POST", "git/commits", body).status_code == 422
