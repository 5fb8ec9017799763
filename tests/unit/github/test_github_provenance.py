"""What GitHub says of an artifact, and how its bytes are fetched without the token going anywhere else."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import define, evolve, field

from dhash_guard.errors import Damaged
from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.github.api import GithubApi
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import Forbidden, Silent
from dhash_guard.github.patience import Patience
from dhash_guard.github.provenance import Artifact, JobFacts, Provenance, RunFacts, makers, stated
from dhash_guard.github.unpacked import MOST_BYTES, unpacked
from dhash_guard.system.http import Answer, NoAnswer, Trouble
from unit.github.world import StillClock

SHA = "a" * 40
ZIP = b"PK the zip"
RUN = RunFacts(
    id=4242, attempt=1, workflow=".github/workflows/deploy.yml", event="push", head_sha=SHA, tree="b" * 40,
    head_repository="o/r", repository="o/r", repository_id=7, url="https://github.com/o/r/actions/runs/4242",
    started_at=100.0,
)  # fmt: skip
FOUND = Artifact(
    id=9, name="n", attempt=1, digest=hashlib.sha256(ZIP).hexdigest(), created_at=150.0, expires_at=900.0, expired=False
)


@define
class Storage:
    """Keeps what it was asked, and answers with the zip."""

    answer: Answer | NoAnswer = Answer(status=200, headers={}, body=ZIP, seconds=0.0)
    asked: list[tuple[str, dict[str, str]]] = field(factory=list)

    def request(
        self, method: str, url: str, *, timeout: float, headers: Mapping[str, str] | None = None, json_body: Any = None
    ) -> Answer | NoAnswer:
        self.asked.append((url, dict(headers or {})))
        return self.answer


def source(storage: Storage, location: str = "https://blobs.example/x?sig=1", **replies: Any) -> Provenance:
    def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], str]:
        if path.endswith("/zip"):
            return 302, {"location": location} if location else {}, ""
        status, data = next(((200, data) for part, data in replies.items() if part in path), (403, {"message": "no"}))
        return status, {}, json.dumps(data)

    context = context_of({"GITHUB_REPOSITORY": "o/r", "GITHUB_API_URL": "https://api.github.example"}, {})
    return Provenance(GithubApi("t", context, StillClock(), Patience(), send), storage)


def test_the_zip_comes_from_elsewhere_and_the_token_stays_here() -> None:
    storage = Storage()
    assert source(storage).fetched(FOUND) == ZIP
    assert storage.asked == [("https://blobs.example/x?sig=1", {})]


def test_other_bytes_than_the_uploaded_ones_are_refused() -> None:
    storage = Storage(Answer(status=200, headers={}, body=ZIP + b"x", seconds=0.0))
    told = source(storage).fetched(FOUND)
    assert isinstance(told, Refused)
    assert told.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("change", [{"digest": ""}, {"expired": True}])
def test_nothing_is_fetched_that_could_not_be_compared(change: dict[str, Any]) -> None:
    storage = Storage()
    with pytest.raises(Silent):
        source(storage).fetched(evolve(FOUND, **change))
    assert storage.asked == []


@pytest.mark.parametrize(
    "location", ["", "http://blobs.example/x", "http://127.0.0.1/x", "file:///etc/passwd", "ftp://x/y", "//blobs.example/x"]
)
def test_an_address_that_is_not_encrypted_is_not_asked(location: str) -> None:
    storage = Storage()
    with pytest.raises(Silent):
        source(storage, location).fetched(FOUND)
    assert storage.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        NoAnswer(Trouble.TIMEOUT, "no answer within 60 s"),
        NoAnswer(Trouble.TOO_LARGE, "answer larger than 4000000 bytes"),
        Answer(status=403, headers={}, body=b"AuthenticationFailed", seconds=0.0),
    ],
    ids=["slow", "large", "refused"],
)
def test_what_does_not_come_is_asked_for_twice(answer: Answer | NoAnswer) -> None:
    storage = Storage(answer)
    with pytest.raises(Silent, match="cannot be fetched"):
        source(storage).fetched(FOUND)
    assert len(storage.asked) == 2


def run_data(**facts: Any) -> dict[str, Any]:
    return {
        "id": 4242, "run_attempt": 1, "path": ".github/workflows/deploy.yml@main", "event": "push", "head_sha": SHA,
        "head_commit": {"tree_id": "b" * 40}, "head_repository": {"full_name": "o/r"}, "html_url": RUN.url,
        "repository": {"full_name": "o/r", "id": 7}, "run_started_at": "1970-01-01T00:01:40Z",
    } | facts  # fmt: skip


def test_runs_are_read_strictly() -> None:
    listed = {
        "workflow_runs": [run_data(), run_data(id=1, run_started_at="1970-01-01T00:00:10Z"), run_data(head_sha="f" * 40)]
    }
    found = source(Storage(), runs=listed).runs_of(SHA)
    assert found == [RUN, evolve(RUN, id=1, started_at=10.0)], "of this commit alone, the latest first"
    (gone,) = source(Storage(), runs={"workflow_runs": [run_data(head_repository=None, head_commit=None)]}).runs_of(SHA)
    assert (gone.head_repository, gone.tree) == ("", "")
    for odd in ({}, {"workflow_runs": None}, {"workflow_runs": [run_data(run_attempt=None)]}, {"workflow_runs": [7]}):
        with pytest.raises(Silent):
            source(Storage(), runs=odd).runs_of(SHA)
    with pytest.raises(Forbidden):
        source(Storage()).runs_of(SHA)


def job(conclusion: str, start: float, end: float | None) -> JobFacts:
    return JobFacts(name="j", conclusion=conclusion, started_at=start, ended_at=end)


@pytest.mark.parametrize(
    ("jobs", "conclusion"),
    [
        ([job("success", 100, 200)], "success"),
        ([job("success", 150, 150)], "success"),
        ([job("success", 100, 200), job("failure", 210, 220)], "success"),
        ([job("success", 100, 200), job("failure", 100, 150)], "failure"),
        ([job("success", 100, 200), job("skipped", 150, 150)], "success"),
        ([job("in_progress", 100, None)], "in_progress"),
        ([job("success", 100, 200), job("in_progress", 160, None)], "success"),
        ([job("success", 10, 20)], "unknown"),
        ([], "unknown"),
    ],
)
def test_every_job_that_may_have_made_it_counts(jobs: list[JobFacts], conclusion: str) -> None:
    said = stated(RUN, FOUND, jobs)
    assert said.conclusion == conclusion
    assert len(makers(jobs, FOUND.created_at)) == len(said.job.split(", ")) if said.job else True


def test_what_is_older_than_its_attempt_is_of_an_earlier_one() -> None:
    assert stated(RUN, FOUND).attempt == 1
    assert stated(evolve(RUN, attempt=2, started_at=151.0), evolve(FOUND, attempt=2)).attempt == 0


def test_nothing_of_the_file_is_believed() -> None:
    said = stated(RUN, FOUND)
    assert (said.environment, said.configuration, said.verb, said.result, said.target, said.evidence) == ("",) * 6
    assert (said.commit, said.workflow_sha, said.issued_at, said.expires_at) == (SHA, SHA, 150.0, 900.0)


def test_a_zip_whose_directory_lies() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.json", b"{}" * 200)
        archive.writestr("folder/", b"")
        archive.writestr("report.html", b"<p>")
    honest = buffer.getvalue()
    assert unpacked(honest) == {"evidence.json": b"{}" * 200}
    refused = 0
    for at in range(len(honest)):
        try:
            told = unpacked(honest[:at] + bytes([honest[at] ^ 0xFF]) + honest[at + 1 :])
        except Damaged:
            refused += 1
        else:
            assert told.get("evidence.json", b"{}" * 200) == b"{}" * 200, "never other bytes under the name"
    assert refused > 50
    assert MOST_BYTES < 1 << 30
