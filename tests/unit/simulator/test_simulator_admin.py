"""The log, the state, and faults over HTTP: what a workflow under test leaves behind, and what nobody else may touch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from dhash_guard.errors import UsageProblem
from dhash_guard.simulator import Simulator, read_document
from dhash_guard.simulator.document import document, to_json
from unit.simulator.asking import START, Ask

STATE = """
repositories:
  mobius/dhash-service:
    private: false
    collaborators: {grace: admin}
    branches:
      main: {by: ruleset, required_checks: [build]}
    pull_requests:
      - number: 12
        author: eve
        head_repository: eve/dhash-service
        created_at: 2026-11-20T10:00:00Z
        files: [{filename: app.py}]
    reviews:
      - {id: 1, pull: 12, author: grace, state: APPROVED, commit: ""}
teams:
  mobius/ops: {members: {grace: active}}
tokens:
  secret: {login: "github-actions[bot]", permissions: {issues: write}}
faults:
  - {kind: status, method: GET, path: "*/pulls/12", status: 503}
"""


def test_the_log_says_who_asked_what(sim: Simulator, ask: Ask) -> None:
    ask("POST", "issues/7/comments", {"body": "hello"})
    ask("GET", "pulls/7?x=1", token="t-user")
    first, second = requests.get(f"{sim.url}/_simulator/log", timeout=5).json()["requests"]
    assert first["body"] == {"body": "hello"}
    assert (first["method"], first["status"], first["identity"]) == ("POST", 201, "github-actions[bot]")
    assert first["route"] == "/repos/{owner}/{repo}/issues/{issue_number}/comments"
    assert (second["identity"], second["query"]) == ("ada", {"x": "1"})
    assert "t-user" not in json.dumps([first, second])


def test_what_is_not_served_is_404_and_remembered(sim: Simulator, ask: Ask) -> None:
    assert ask("GET", "pulls/7").status_code == 200
    assert sim.unknown_routes == []
    assert ask("POST", "labels", {"name": "x"}).status_code == 404
    assert sim.unknown_routes == [f"POST /repos/{sim.name}/labels"]
    told = requests.get(f"{sim.url}/_simulator/log", timeout=5).json()
    assert told["unknown_routes"] == sim.unknown_routes


def test_the_state_goes_out_and_comes_back_the_same(sim: Simulator, ask: Ask) -> None:
    ask("POST", "issues/7/comments", {"body": "hello"})
    sim.add_artifact(sim.add_run().id, "leg", {"result.json": "{}"})
    before = requests.get(f"{sim.url}/_simulator/state", timeout=5).json()
    assert requests.put(f"{sim.url}/_simulator/state", json=before, timeout=5).status_code == 204
    assert requests.get(f"{sim.url}/_simulator/state", timeout=5).json() == before
    assert ask.bodies() == ["hello"]


def test_faults_are_armed_over_http(sim: Simulator, ask: Ask) -> None:
    armed = requests.post(f"{sim.url}/_simulator/faults", json=[{"kind": "status", "status": 503}], timeout=5)
    assert armed.status_code == 204
    assert [ask("GET", "pulls/7").status_code for _ in range(2)] == [503, 200]
    wrong = requests.post(f"{sim.url}/_simulator/faults", json=[{"kind": "flood"}], timeout=5)
    assert wrong.status_code == 422
    assert "flood" in wrong.json()["message"]


def test_a_page_that_found_loopback_under_another_name_is_refused(sim: Simulator) -> None:
    reply = requests.get(f"{sim.url}/_simulator/state", headers={"Host": "evil.example:80"}, timeout=5)
    assert reply.status_code == 403


def test_a_state_file_may_be_short(tmp_path: Path) -> None:
    file = tmp_path / "state.yml"
    file.write_text(STATE, "utf-8")
    with Simulator(read_document(file, START)).serving() as sim, Ask(sim) as ask:
        assert ask("GET", "pulls/12", token="secret").status_code == 503
        pull = ask("GET", "pulls/12", token="secret").json()
        assert (pull["created_at"], pull["changed_files"]) == ("2026-11-20T10:00:00Z", 1)
        assert ask("GET", "pulls/12/reviews", token="secret").json()[0]["commit_id"] == pull["head"]["sha"]
        assert ask("GET", "pulls/12", token="t-write").status_code == 401


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("collaborators:", "colaborators:", "colaborators"),
        ("private: false", 'private: "false"', "not true or false"),
        ("number: 12", 'number: "12"', "not an integer"),
        ("author: eve", "author: 7", "put it in quotes"),
        ("kind: status", "kind: flood", "flood"),
        ("mobius/dhash-service:", "dhash-service:", "owner/name"),
    ],
)
def test_a_wrong_state_file_is_refused_with_its_place(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    file = tmp_path / "state.yml"
    file.write_text(STATE.replace(was, becomes), "utf-8")
    with pytest.raises(UsageProblem, match=said) as refused:
        read_document(file, START)
    assert refused.value.where == str(file)


def test_a_state_file_that_is_none(tmp_path: Path) -> None:
    for text in ("[", "- 1\n"):
        file = tmp_path / "state.yml"
        file.write_text(text, "utf-8")
        with pytest.raises(UsageProblem):
            read_document(file, START)
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_document(tmp_path / "nothing.yml", START)


def test_writing_and_reading_are_inverse() -> None:
    made = document({"repositories": {"a/b": {"pull_requests": [{"number": 1}]}}}, START)
    assert document(json.loads(to_json(made.world)), START + 999).world == made.world
