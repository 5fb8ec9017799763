"""What all runs against one environment share: who holds it, which evidence is used up, the ledger's head, what is live."""

from __future__ import annotations

from attrs import frozen

from dhash_guard.records.canonical import canonical, loads
from dhash_guard.records.codec import from_data, to_data

SCHEMA_VERSION = 1


@frozen(kw_only=True)
class Holder:
    """Who holds the environment; times are UTC epoch seconds, `fencing` is the number that this claim was given.

    `owner` is `<run id>/<attempt>` on a runner, else a name of this machine's; `token` tells two holders of one name
    (the jobs of one run) apart.
    """

    owner: str
    token: str
    verb: str
    actor: str
    reason: str
    since: float
    until: float
    fencing: int


@frozen(kw_only=True)
class Consumption:
    """One use of a piece of evidence, which one attempt has once in an environment; `at` is in UTC seconds.

    `target` is the release that was deployed, and `by` names the claim.
    """

    evidence: str
    environment: str
    target: str
    attempt: int
    by: str
    at: float


@frozen(kw_only=True)
class Live:
    """What the last deployment or rollback that came to its end left behind, and when (UTC seconds).

    `run` is the deployment's or rollback's id, `fencing` the number of its claim. `begun_at` and `newest_sequence` are those
    of the deployment's record; both are 0 where that is not known. After a rollback `backup` names what was put back; whose
    tag and commit that was is not known here.
    """

    run: str
    tag: str
    commit: str
    at: float
    fencing: int
    backup: str = ""
    begun_at: float = 0.0
    newest_sequence: int = 0


@frozen(kw_only=True)
class SharedState:
    """The state of one environment; every change counts `sequence` up, every claim counts `fencing` up.

    `ledger_head` is the hash of the newest ledger entry that was told, and `ledger_count` its number.
    """

    environment: str
    schema_version: int = SCHEMA_VERSION
    sequence: int = 0
    fencing: int = 0
    holder: Holder | None = None
    ledger_head: str = ""
    ledger_count: int = 0
    consumed: tuple[Consumption, ...] = ()
    live: Live | None = None


@frozen(kw_only=True)
class Unreconciled:
    """What a rollback did while the shared state could not be reached; `why` says why not. Times are UTC epoch seconds.

    `ended_at` is None while it goes on, and for one that was killed.
    """

    environment: str
    run: str
    owner: str
    actor: str
    reason: str
    began_at: float
    why: str
    ended_at: float | None = None
    live: Live | None = None
    ledger_head: str = ""
    ledger_count: int = 0


def content(state: SharedState) -> bytes:
    """The one byte form of the state."""
    return canonical(to_data(state))


def read(data: bytes | str, environment: str) -> SharedState:
    """What `content` wrote; raise ValueError where it is something else, or of another environment or version."""
    plain = loads(data)
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema version {str(version)[:20]}, this program knows {SCHEMA_VERSION}")
    state = from_data(SharedState, plain)
    if state.environment != environment:
        raise ValueError(f"it is of the environment {state.environment[:80]!r}, not {environment!r}")
    return state
