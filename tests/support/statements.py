"""Evidence of a healthy watch of staging, the statement about it, and what production expects of both."""

from __future__ import annotations

from typing import Any

from dhash_guard.gates.trust import Expected
from dhash_guard.records.canonical import canonical, sha256_hex
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Evidence, Run
from dhash_guard.records.statement import Statement, Tier

COMMIT, TREE, OTHER = "a" * 40, "b" * 40, "c" * 40
CONFIGURATION = "d" * 64
REPOSITORY, WORKFLOW = "mobius/service", ".github/workflows/deploy.yml"
NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86400.0

EVIDENCE = Evidence(
    run=Run(
        id="20270115T080000000Z-aaaaaaaaaaaa-1",
        verb="monitor",
        service="service",
        environment="staging",
        kind="staging",
        commit=COMMIT,
        tree=TREE,
        attempt=1,
        tag="v7",
        started_at=NOW - 2 * HOUR,
        ended_at=NOW - HOUR,
        tool="dhash-guard 1",
    ),
    configuration=CONFIGURATION,
    result="healthy",
)
CONTENT = canonical(to_data(EVIDENCE))
DIGEST = sha256_hex(CONTENT)


def statement(tier: Tier = Tier.KEYED, **facts: Any) -> Statement:
    """What is true of it."""
    known: dict[str, Any] = {
        "tier": tier,
        "evidence": DIGEST,
        "repository": REPOSITORY,
        "repository_id": 7,
        "workflow": WORKFLOW,
        "workflow_sha": COMMIT,
        "workflow_ref": f"{REPOSITORY}/{WORKFLOW}@refs/heads/main" if tier is Tier.KEYED else "",
        "event": "push",
        "run": 4242,
        "attempt": 1,
        "job": "staging",
        "conclusion": "" if tier is Tier.KEYED else "success",
        "head_repository": REPOSITORY,
        "environment": "staging",
        "commit": COMMIT,
        "tree": TREE,
        "configuration": CONFIGURATION,
        "verb": "monitor",
        "result": "healthy",
        "target": "v7",
        "issued_at": NOW - HOUR,
        "expires_at": NOW + DAY,
        "nonce": "e" * 32,
        "key": "main" if tier is Tier.KEYED else "",
    }
    return Statement(**known | facts)


def expected(tier: Tier = Tier.KEYED, **facts: Any) -> Expected:
    """What the gate of production asks for."""
    known: dict[str, Any] = {
        "tier": tier,
        "evidence": DIGEST,
        "samples": "",
        "environment": "staging",
        "verb": "monitor",
        "commit": COMMIT,
        "tree": TREE,
        "configuration": CONFIGURATION,
        "target": "v7",
        "repository": REPOSITORY,
        "repository_id": 7,
        "workflows": (WORKFLOW,),
        "workflow_sha": "",
        "events": ("push", "workflow_dispatch"),
        "run": 4242,
        "attempt": 1,
        "jobs_told": tier is Tier.RUN,
        "max_age": DAY,
    }
    return Expected(**known | facts)
