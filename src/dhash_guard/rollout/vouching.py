"""Vouches for evidence: what the ledger here says of it, and what a key says in commands and events a gate may rely on."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from pathlib import Path

from attrs import evolve, frozen

from dhash_guard.config import Configuration
from dhash_guard.errors import UsageProblem
from dhash_guard.gates.trust import BEFORE_MERGE
from dhash_guard.ledger import keyed
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.context import RunContext
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.statement import Statement, Tier
from dhash_guard.system import Machine

VERBS = frozenset({"monitor", "deploy", "gate", "backup drill"})
"""Commands that run behind the merge, where the key is."""


@frozen
class Voucher:
    """The key that vouches for what one run leaves, and what the runner says of that run."""

    key: keyed.Key
    context: RunContext


def open_voucher(machine: Machine, configuration: Configuration, verb: str, say: Callable[[str], None]) -> Voucher | None:
    """Who vouches for a run of `verb`; None where this process has not the key of `trust.key_env`.

    Nobody does in an event that runs the code of a pull request: a key that is there is there by mistake. Raise
    UsageProblem where the key is too short or the event cannot be read; a watch looks after the service all the same.
    """
    trust = configuration.trust
    try:
        key = keyed.key_of(machine.environ, trust.key_env or "", trust.key_id) if verb in VERBS else None
        if key is None:
            return None
        from dhash_guard.github.context import read_context  # most processes have no key

        context = read_context(machine.environ)
    except UsageProblem as problem:
        if verb != "monitor":
            raise
        say(f"warning: no key vouches for this watch: {problem}")
        return None
    return Voucher(key, context) if context.event not in BEFORE_MERGE else None


def spoken(evidence: Evidence, digest: str) -> Statement:
    """What the ledger of this machine says of evidence that it sealed."""
    return Statement(
        tier=Tier.LOCAL,
        evidence=digest,
        samples=evidence.samples.sha256 if evidence.samples is not None else "",
        attempt=evidence.run.attempt,
        environment=evidence.run.environment,
        commit=evidence.run.commit,
        tree=evidence.run.tree,
        configuration=evidence.configuration,
        verb=evidence.run.verb,
        result=evidence.result,
        target=evidence.run.tag,
        issued_at=evidence.run.ended_at,
        expires_at=math.inf,  # the gate's own limit counts
        nonce=digest,
    )


def vouch(machine: Machine, configuration: Configuration, evidence: Evidence, path: Path, by: Voucher) -> None:
    """Write the statement beside the sealed evidence at `path`."""
    context = by.context
    on_github = bool(context.run_id)
    # owner/name/path@ref
    workflow = context.workflow_ref.partition("@")[0].removeprefix(f"{context.full_name}/") if on_github else ""
    number = machine.environ.get("GITHUB_REPOSITORY_ID", "")
    statement = evolve(
        spoken(evidence, sha256_hex(path.read_bytes())),
        tier=Tier.KEYED,
        repository=context.full_name if on_github else "",
        repository_id=int(number) if on_github and number.isdecimal() else 0,
        workflow=workflow,
        workflow_sha=context.workflow_sha if on_github else "",
        workflow_ref=context.workflow_ref if on_github else "",
        event=context.event if on_github else "",
        run=int(context.run_id or 0),
        attempt=context.attempt or evidence.run.attempt,
        job=context.job if on_github else "",
        head_repository=_head(context) if on_github else "",
        expires_at=evidence.run.ended_at + configuration.trust.lifetime,
        nonce=secrets.token_hex(16),
        key=by.key.id,
    )
    keyed.write(machine, path.parent, statement, by.key)


def _head(context: RunContext) -> str:
    """Where the commit comes from; of a fork that was deleted nothing is known, which no gate takes for ours."""
    return context.head_repository if context.is_fork else context.full_name
