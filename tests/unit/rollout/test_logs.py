"""The logging check, line by line, and the archive that loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dhash_guard.config.verbs import LogSettings
from dhash_guard.rollout.logs import faults_of
from dhash_guard.system.redaction import Redactor
from dhash_guard.system.secret_shapes import SecretShapes

GOOD = {"timestamp": "2026-11-21T03:15:00.123Z", "level": "info", "message": "fine"}
SECRETS = {
    "a GitHub token": "token ghp_" + "a1B2" * 9,
    "a fine GitHub token": "github_pat_" + "a1B2" * 20,
    "an AWS key": "id AKIA" + "ABCDEFGH23456789"[:16],
    "a Slack token": "xoxb-" + "1234567890-abc",
    "a Slack webhook": "https://hooks.slack.com/" + "services/T0AB/B0CD/" + "xyz123",
    "a Discord webhook": "https://discord.com/api/" + "webhooks/123456/" + "a" * 30,
    "a JWT": "eyJhbGciOiJI" + ".eyJzdWIiOiIx" + "." + "c2lnbmF0dXJlc2ln",
    "a key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "an address": "postgres://dhash:" + "hunter2x@db/dhash",
    "a header": "Authorization: Bearer " + "abcdef123456",
    "a password": 'password="' + 'correct-horse"',
    "an escaped password": json.dumps(json.dumps({"password": "correct" + "horse"})),
    "a value": "it is " + "s3cr3t-value" + " here",
}
HARMLESS = (
    "password: ***", "password=null", "Password check passed", "Authorization: Bearer ***", "http://host:5000/path@x",
    "https://user:***@host/", "no password given", "the token is missing", "api_key: <redacted>", "at 12:30:00 x@y.example",
)  # fmt: skip


def faults(tmp_path: Path, *lines: object, raw: bytes = b"", **settings: object) -> list[str]:
    path = tmp_path / "x.log"
    written = b"".join((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n" for line in lines)
    path.write_bytes(written + raw)
    asked = LogSettings(**settings)  # type: ignore[arg-type]  # test builder
    cleaned = Redactor(["s3cr3t-value"]).text
    return faults_of(path, asked, SecretShapes(asked.secrets), cleaned)[0]


def test_lines_as_we_write_them_are_right(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD, {**GOOD, "level": "ERROR", "data": {"x": 1}}) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plain text", "is no JSON"),
        ("[1]", "is no JSON object"),
        ("", "is no JSON"),
        ({**GOOD, "message": ""}, "has no message"),
        ({"message": "x"}, "has no timestamp, level"),
        ({**GOOD, "timestamp": "yesterday"}, "ISO 8601"),
        ({**GOOD, "timestamp": "2026-11-21T03:15:00"}, "its zone"),
        ({**GOOD, "timestamp": 5}, "ISO 8601"),
        ({**GOOD, "level": "loud"}, "level that is none of"),
    ],
)
def test_each_wrong_line_is_named(tmp_path: Path, line: object, said: str) -> None:
    (fault,) = faults(tmp_path, GOOD, line)
    assert fault.startswith("line 2 ")
    assert said in fault


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_told_by_its_kind_and_never_repeated(tmp_path: Path, secret: str) -> None:
    (fault,) = faults(tmp_path, {**GOOD, "message": secret})
    assert "line 1 holds" in fault
    assert secret not in fault


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_is_none(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, {**GOOD, "message": text}) == []


def test_a_project_has_patterns_and_keys_of_its_own(tmp_path: Path) -> None:
    assert faults(tmp_path, {**GOOD, "message": "card 4111"}, secrets={"a card": r"card \d+"}) == ["line 1 holds a card"]
    assert faults(tmp_path, GOOD, required=("timestamp", "request")) == ["line 1 has no request"]
    assert faults(tmp_path, {"at": 1}, required=()) == []


def test_a_line_that_is_being_written_is_no_fault_but_bytes_and_length_are(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD, raw=b'{"timest') == []
    assert faults(tmp_path, raw=b"\xff\xfe\n") == ["line 1 is no UTF-8"]
    assert faults(tmp_path, raw=b"x" * 2_500_000 + b"\n") == ["line 1 is longer than a million bytes"]
    assert faults(tmp_path, *["x"] * 10)[-1] == "and 7 more lines"
