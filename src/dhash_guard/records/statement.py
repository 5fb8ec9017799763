"""What is said about one evidence file: who made it, where, for which commit and environment, until when it counts."""

from __future__ import annotations

import re
from enum import Enum

from attrs import frozen

STATEMENT_FILE = "evidence.statement.json"
"""Beside evidence.json, where a key vouches for it."""

SCHEMA_VERSION = 1


class Tier(Enum):
    """Who vouches for evidence: this machine's ledger, GitHub's record of the run, or a key that pre-merge never sees."""

    LOCAL = "local"
    RUN = "run"
    KEYED = "keyed"

    @property
    def rank(self) -> int:
        """How much it proves; a higher tier is accepted where a lower one is asked for."""
        return list(Tier).index(self)


@frozen(kw_only=True)
class Statement:
    """Times are UTC epoch seconds, hashes are lower-case hex; what is not known is empty or 0.

    Off GitHub everything from `repository` to `head_repository` is empty.
    """

    tier: Tier
    evidence: str
    """The sha256 of the bytes of evidence.json."""
    samples: str = ""
    """The sha256 of the recorded series, empty where there is none."""
    repository: str = ""
    """owner/name"""
    repository_id: int = 0
    workflow: str = ""
    """The path of the workflow's file in its repository."""
    workflow_sha: str = ""
    """The commit that the file was read at."""
    workflow_ref: str = ""
    """owner/name/path@ref as the runner names it; GitHub's API does not tell it."""
    event: str = ""
    run: int = 0
    attempt: int = 0
    job: str = ""
    """The jobs that may have made it, by their names, or the id of the one that says so itself."""
    conclusion: str = ""
    """How these jobs ended as the API tells it; empty where nobody has been asked."""
    head_repository: str = ""
    """owner/name of the repository that the commit comes from."""
    environment: str
    commit: str
    tree: str
    configuration: str
    verb: str
    result: str
    target: str = ""
    """The tag that was deployed, empty where the evidence is about none."""
    issued_at: float
    expires_at: float
    nonce: str
    key: str = ""
    """The name of the key that vouches for it, empty in other tiers."""
    schema_version: int = SCHEMA_VERSION


_LEAST = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def artifact_name(part: str, commit: str, attempt: int) -> str:
    """How the artifact with the evidence of `part` (an environment, or a system of the matrix) is called."""
    if not _LEAST.fullmatch(commit) or attempt < 1:
        raise ValueError("an artifact is named after a whole commit id and an attempt from 1 on")
    return f"dhash-guard-evidence-{part}-{commit[:12]}-{attempt}"


def attempt_in(name: str, part: str) -> int:
    """The attempt that an artifact of this part names; 0 where it is called otherwise.

    The commit in the name is for people: of a pull request it may be the head or the test merge.
    """
    found = re.fullmatch(r"dhash-guard-evidence-(.+)-[0-9a-f]{12}-([1-9][0-9]{0,5})", name)
    return int(found[2]) if found is not None and found[1] == part else 0
