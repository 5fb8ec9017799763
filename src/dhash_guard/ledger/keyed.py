"""Vouches for evidence with a key: HMAC-SHA256 over the canonical statement, written beside it and read strictly."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from dhash_guard.errors import UsageProblem
from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.records.canonical import canonical, loads
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.records.statement import STATEMENT_FILE, Statement
from dhash_guard.system import Machine

_DOMAIN = b"dhash-guard/evidence-statement/v1\0"
"""So that nothing else that the same key may sign one day can be taken for a statement."""

_LEAST_KEY = 32
_LARGEST = 64 * 1024
_FIND_OUT = "Somebody altered it, or holds another key; find out who."


@frozen(kw_only=True)
class Key:
    """A shared secret and the name that statements know it by."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"


def key_of(environ: Mapping[str, str], variable: str, key_id: str) -> Key | None:
    """The key in an environment variable, None where it is not there; raise UsageProblem where it is too short."""
    secret = environ.get(variable, "").strip().encode() if variable else b""
    if not secret:
        return None
    if len(secret) < _LEAST_KEY:
        cure = "Make one with `openssl rand -hex 32`."
        raise UsageProblem(f"the key has fewer than {_LEAST_KEY} bytes", where=variable, cure=cure)
    return Key(id=key_id, secret=secret)


def vouched(statement: Statement, key: Key) -> bytes:
    """The bytes of a statement file: the statement and its code, canonical."""
    data = to_data(statement)
    return canonical({"mac": _mac(canonical(data), key), "statement": data})


def write(machine: Machine, folder: Path, statement: Statement, key: Key) -> Path:
    """Write the statement beside the evidence in `folder`; return the file."""
    path = folder / STATEMENT_FILE
    machine.files.write_atomic(path, vouched(statement, key))
    return path


def read(content: bytes, key: Key) -> Statement | Refused:
    """The statement in these bytes where the key vouches for it; whether it is about the right thing is asked elsewhere."""
    try:
        statement = _parsed(content)
    except (ValueError, TypeError, RecursionError) as problem:
        return Refused(Reason.MALFORMED, f"the statement cannot be read: {str(problem)[:200]}", _FIND_OUT)
    if statement.key != key.id:
        what = f"the key {statement.key[:64] or 'without a name'} vouches for it, not {key.id}"
        return Refused(Reason.UNKNOWN_KEY, what, "Let it be made with the key that trust.key_id names.")
    told = loads(content)["mac"]
    if not hmac.compare_digest(_mac(canonical(to_data(statement)), key).encode(), str(told).encode("utf-8", "replace")):
        return Refused(Reason.BAD_MAC, "the key does not vouch for what the statement says", _FIND_OUT)
    return statement


def _parsed(content: bytes) -> Statement:
    """Only the one byte form is read, so that no two files say the same and no key stands there twice."""
    if len(content) > _LARGEST:
        raise ValueError("it is too large")
    data = loads(content)
    if not isinstance(data, dict) or data.keys() != {"mac", "statement"}:
        raise ValueError("it is no statement")
    statement = from_data(Statement, data["statement"])
    if canonical({"mac": str(data["mac"]), "statement": to_data(statement)}) != content:
        raise ValueError("it is not in canonical form")
    return statement


def _mac(statement: bytes, key: Key) -> str:
    return hmac.new(key.secret, _DOMAIN + statement, "sha256").hexdigest()
