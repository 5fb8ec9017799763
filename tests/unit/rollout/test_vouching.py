"""Who vouches for what a run leaves is settled when the run opens: a key that cannot is told before anything changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from dhash_guard.config import load
from dhash_guard.errors import UsageProblem
from dhash_guard.records.statement import STATEMENT_FILE
from dhash_guard.rollout.run import Guarded, open_run
from support.state_stores import NOON
from support.world import said, world

KEY = "a key that no pull request sees, 32 bytes"
SETTINGS = """\
version: 1
service: dhash
trust: {key_env: DHASH_GUARD_EVIDENCE_KEY}
environments: {production: {}}
"""


def opened(root: Path, verb: str, lines: list[str], **environ: str) -> Guarded:
    (root / "dhash-guard.yml").write_text(SETTINGS)
    machine, _ = world(lambda path, now: said({}), NOON)
    machine = evolve(machine, environ={"DHASH_GUARD_EVIDENCE_KEY": KEY} | environ)
    return open_run(machine, load(root / "dhash-guard.yml", root, {}, "production"), verb, lines.append)


BAD = {
    "fewer than 32 bytes": {"DHASH_GUARD_EVIDENCE_KEY": "short"},
    "cannot read the event": {"GITHUB_EVENT_PATH": "/nowhere/event.json"},
}


@pytest.mark.parametrize("why", BAD)
@pytest.mark.parametrize("verb", ["deploy", "gate", "backup drill"])
def test_what_cannot_vouch_is_told_before_anything_changes(tmp_path: Path, verb: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        opened(tmp_path, verb, [], **BAD[why])


@pytest.mark.parametrize("why", BAD)
def test_it_keeps_nobody_from_looking_after_the_service(tmp_path: Path, why: str) -> None:
    """A watch goes on, and no gate takes for vouched for what is not; a rollback needs no key."""
    lines: list[str] = []
    run = opened(tmp_path, "monitor", lines, **BAD[why])
    assert [why in line for line in lines] == [True]
    run.seal(run.evidence(result="healthy", exit_code=0))
    assert not (run.folder / STATEMENT_FILE).exists()
    assert opened(tmp_path, "rollback", lines, **BAD[why]).voucher is None
    assert len(lines) == 1


def test_a_key_vouches_for_what_the_run_leaves(tmp_path: Path) -> None:
    run = opened(tmp_path, "monitor", [])
    run.seal(run.evidence(result="healthy", exit_code=0))
    assert (run.folder / STATEMENT_FILE).is_file()


def test_but_not_where_the_code_of_a_pull_request_runs(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"number": 7, "pull_request": {"number": 7, "head": {"sha": "%s"}, "base": {}}}' % ("a" * 40))
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    assert opened(tmp_path, "monitor", [], **environ).voucher is None
