"""Nobody who lacks the key gets evidence accepted: not by a field, not by a byte, not by using it for something else."""

from __future__ import annotations

import json
import random
from itertools import product
from typing import Any

import pytest
from attrs import evolve, fields

from dhash_guard.errors import Damaged
from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.gates.trust import Expected, contradiction, judge
from dhash_guard.ledger import verify
from dhash_guard.ledger.keyed import Key, key_of, read, vouched
from dhash_guard.records.canonical import canonical, sha256_hex
from dhash_guard.records.codec import to_data
from dhash_guard.records.statement import Statement, Tier
from support.statements import CONTENT, DAY, EVIDENCE, HOUR, NOW, OTHER, REPOSITORY, WORKFLOW, expected, statement

KEY = Key(id="main", secret=b"k" * 32)
SEALED = vouched(statement(), KEY)
ROUNDS = 10_000


def verdict(content: bytes, sealed: bytes, asked: Expected, key: Key = KEY, now: float = NOW) -> str:
    """As the gate does it: the evidence, the key, the statement, and whether both say the same."""
    try:
        evidence = verify.recomputed(content, {}, "evidence.json")
    except Damaged:
        return "damaged"
    said = read(sealed, key)
    if isinstance(said, Refused):
        return said.reason.value
    told = judge(said, evolve(asked, evidence=sha256_hex(content)), now)
    refused = told if isinstance(told, Refused) else contradiction(said, evidence)
    return refused.reason.value if refused is not None else "accepted"


def test_the_true_one_is_accepted() -> None:
    assert verdict(CONTENT, SEALED, expected()) == "accepted"


@pytest.mark.parametrize("field", [field.name for field in fields(Statement)])
def test_every_field_that_is_changed_without_the_key_is_refused(field: str) -> None:
    for value in _others(getattr(statement(), field)):
        data = json.loads(SEALED)
        data["statement"][field] = value
        assert verdict(CONTENT, canonical(data), expected()) in ("bad-mac", "unknown-key", "malformed"), value
    data = json.loads(SEALED)
    del data["statement"][field]
    assert verdict(CONTENT, canonical(data), expected()) == "malformed"


def _others(value: Any) -> list[Any]:
    if isinstance(value, Tier):
        return [tier.value for tier in Tier if tier is not value] + ["sigstore", ""]
    if isinstance(value, str):
        return [value + "x", value[:-1] if value else "y", None, 7]
    return [value + 1, value - 1, -value, None, str(value)]


@pytest.mark.parametrize(
    "mac", ["", "0" * 64, None, 7, [], json.loads(SEALED)["mac"][:-1], json.loads(SEALED)["mac"].upper()]
)
def test_no_other_code_is_accepted(mac: Any) -> None:
    assert verdict(CONTENT, canonical(json.loads(SEALED) | {"mac": mac}), expected()) in ("bad-mac", "malformed")


def test_another_key_another_name_another_domain() -> None:
    assert verdict(CONTENT, vouched(statement(), Key(id="main", secret=b"x" * 32)), expected()) == "bad-mac"
    assert verdict(CONTENT, vouched(statement(key="old"), KEY), expected()) == "unknown-key"
    assert verdict(CONTENT, SEALED, expected(), Key(id="other", secret=KEY.secret)) == "unknown-key"
    import hmac

    plain = hmac.new(KEY.secret, canonical(to_data(statement())), "sha256").hexdigest()
    assert verdict(CONTENT, canonical(json.loads(SEALED) | {"mac": plain}), expected()) == "bad-mac"


@pytest.mark.parametrize(
    "odd",
    [
        b"", b"{}", b"null", b"[]", b"[" * 100_000, SEALED + b"\n", b" " + SEALED, SEALED.replace(b'":', b'": ', 1),
        SEALED.replace(b'"mac":', b'"mac":"x","mac":', 1), SEALED.replace(b"}}", b',"x":1}}'), SEALED + SEALED,
        json.dumps(json.loads(SEALED), indent=2).encode(), SEALED.replace(b"4242", b"4242.0"), b"\xef\xbb\xbf" + SEALED,
        SEALED.replace(b"staging", b"stagin\\u0067", 1), b"x" * 70_000, SEALED.decode().encode("utf-16"),
    ],
    ids=range(17),
)  # fmt: skip
def test_only_the_one_byte_form_is_read(odd: bytes) -> None:
    assert verdict(CONTENT, odd, expected()) == "malformed"


def test_ten_thousand_random_changes_of_bytes() -> None:
    chance = random.Random(20261121)
    told: dict[str, int] = {}
    for _ in range(ROUNDS):
        content, sealed = CONTENT, SEALED
        while (content, sealed) == (CONTENT, SEALED):
            if chance.random() < 0.4:
                content = _changed(content, chance)
            else:
                sealed = _changed(sealed, chance)
        reason = verdict(content, sealed, expected())
        told[reason] = told.get(reason, 0) + 1
    assert "accepted" not in told
    assert told.keys() <= {"damaged", "malformed", "bad-mac", "unknown-key", "digest-mismatch"}
    assert min(told.get(one, 0) for one in ("damaged", "malformed", "bad-mac", "digest-mismatch")) > 0, told


def _changed(data: bytes, chance: random.Random) -> bytes:
    """A few bytes written over, cut out, put in, or swapped; often by bytes that keep it JSON."""
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at, how = chance.randrange(len(data)), chance.randrange(5)
        byte = bytes([chance.choice(b"0123456789abcdefxyz") if chance.random() < 0.7 else chance.randrange(256)])
        length = chance.choice((1, 1, 2, 8))
        if how < 3:
            data = data[:at] + byte + data[at + 1 :]
        elif how == 3:
            data = data[:at] + data[at + length :]
        else:
            data = data[:at] + byte * length + data[at:]
    return data


def test_with_the_key_a_lie_still_has_to_be_the_truth_about_the_evidence() -> None:
    """What is vouched for by mistake, or by somebody who holds the key, meets the gate's own questions."""
    lies: dict[str, tuple[Any, str]] = {
        "environment": ("production", "wrong-environment"),
        "verb": ("deploy", "wrong-verb"),
        "configuration": ("f" * 64, "wrong-configuration"),
        "result": ("degraded", "contradicts-evidence"),
        "evidence": ("f" * 64, "digest-mismatch"),
        "samples": ("f" * 64, "digest-mismatch"),
        "repository": ("mallory/service", "wrong-repository"),
        "repository_id": (8, "wrong-repository"),
        "head_repository": ("mallory/service", "foreign-head-repository"),
        "workflow": (".github/workflows/x.yml", "untrusted-workflow"),
        "workflow_ref": (f"{REPOSITORY}/x.yml@main", "untrusted-workflow"),
        "workflow_sha": (OTHER, "wrong-workflow-sha"),
        "event": ("issue_comment", "wrong-event"),
        "run": (1, "wrong-run"),
        "attempt": (2, "superseded-attempt"),
        "conclusion": ("failure", "job-not-successful"),
        "commit": (OTHER, "wrong-workflow-sha"),
        "tree": (OTHER, "contradicts-evidence"),
        "target": ("v8", "wrong-target"),
        "issued_at": (NOW - DAY, "too-old"),
        "expires_at": (NOW, "expired"),
        "nonce": ("", "malformed"),
        "tier": (Tier.RUN, "malformed"),
        "key": ("old", "unknown-key"),
        "schema_version": (2, "malformed"),
    }
    assert {field.name for field in fields(Statement)} - lies.keys() == {"job"}
    for field, (value, why) in lies.items():
        assert verdict(CONTENT, vouched(evolve(statement(), **{field: value}), KEY), expected()) == why, field


def test_evidence_is_of_one_environment_commit_configuration_attempt_time_and_target() -> None:
    """Every cell of the matrix asks for something that the evidence is not, but for one."""
    moments = (NOW - 2 * HOUR, NOW, NOW + DAY - HOUR, NOW + 2 * DAY)
    answers = {}
    for cell in product(
        ("staging", "production", "Staging"),
        ((statement().commit, statement().tree), (OTHER, OTHER), ("", "")),
        (statement().configuration, "f" * 64),
        (1, 2),
        moments,
        ("v7", "v8"),
    ):
        environment, (commit, tree), configuration, attempt, now, target = cell
        asked = expected(
            environment=environment,
            commit=commit,
            tree=tree,
            configuration=configuration,
            attempt=attempt,
            target=target,
        )
        answers[cell] = verdict(CONTENT, SEALED, asked, now=now)
    assert len(answers) == 288
    truth = ("staging", (statement().commit, statement().tree), statement().configuration, 1, NOW, "v7")
    assert [cell for cell, answer in answers.items() if answer == "accepted"] == [truth]
    assert answers.keys() - {truth} == {cell for cell, answer in answers.items() if answer in {one.value for one in Reason}}


def test_a_short_key_is_no_key() -> None:
    from dhash_guard.errors import UsageProblem

    with pytest.raises(UsageProblem, match="fewer than 32 bytes"):
        key_of({"DHASH_GUARD_EVIDENCE_KEY": "k" * 31}, "DHASH_GUARD_EVIDENCE_KEY", "main")
    assert key_of({"DHASH_GUARD_EVIDENCE_KEY": "  "}, "DHASH_GUARD_EVIDENCE_KEY", "main") is None
    assert key_of({}, "", "main") is None
    assert "kkk" not in repr(KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": {}}, {"judged": {}}, {"schema_version": "1"}, {"run": None}, {"stages": "x"}, {"extra": 1},
        {"samples": {"file": "../../x", "sha256": "0" * 64, "count": 1}},
        {"samples": {"file": "samples.jsonl", "sha256": "0" * 64, "count": -1}},
    ],
    ids="-".join,
)  # fmt: skip
def test_evidence_that_does_not_hold_together_is_damaged(change: dict[str, Any]) -> None:
    assert verify.recomputed(CONTENT, {}, "evidence.json") == EVIDENCE
    with pytest.raises(Damaged):
        verify.recomputed(canonical(json.loads(CONTENT) | change), {"samples.jsonl": b"{}\n"}, "evidence.json")


def test_the_workflow_that_is_trusted_is_named_exactly() -> None:
    for near in (
        "deploy.yml",
        "./" + WORKFLOW,
        WORKFLOW.upper(),
        WORKFLOW + "@",
        ".github/workflows/../workflows/deploy.yml",
    ):
        assert verdict(CONTENT, vouched(statement(workflow=near, workflow_ref=""), KEY), expected()) == "untrusted-workflow"
