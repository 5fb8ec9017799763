"""Chooses where evidence for the gate is looked for: in the ledger here, or among the artifacts of trusted runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dhash_guard.errors import Damaged, GuardError
from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.ledger import chain, verify
from dhash_guard.ledger.seal import EVIDENCE_FILE
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.statement import STATEMENT_FILE, Statement, Tier
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.trusted import Relied, Unfounded, Wanted, expected_of, opened, relied, unfounded
from dhash_guard.rollout.vouching import spoken

if TYPE_CHECKING:
    from dhash_guard.github.provenance import Provenance


def find(run: Guarded, wanted: Wanted, source: Provenance | None, commits: Sequence[str]) -> Relied | Unfounded:
    """The newest evidence that counts, or why there is none; older evidence never speaks where newer is refused.

    `source` asks GitHub; `commits` are those that a run there may have been about, the deployed one first.
    """
    if not run.facts.commit:
        return Unfounded(refused=None, value="this checkout has no commit to compare with")
    # A runner's own disk has at best a part of what was recorded; elsewhere it has everything.
    here = wanted.tier is Tier.LOCAL or (wanted.tier is Tier.KEYED and (source is None or not run.in_job))
    try:
        found = _local(run, wanted) if here else None
        if here and (found is not None or source is None or wanted.tier is Tier.KEYED):
            return found or Unfounded(refused=None, value=f"no {wanted.words} is recorded")
        if source is None:
            value = f"{wanted.tier.value} has to vouch for the {wanted.words}, and GitHub cannot be asked"
            return Unfounded(refused=None, value=value, cure="Ask in the workflow, with a token.")
        from dhash_guard.rollout.trusted_runs import of_runs  # what asks GitHub is not needed elsewhere

        return of_runs(run, wanted, source, commits)
    except Damaged as problem:
        refused = Refused(Reason.DIGEST_MISMATCH, problem.what.splitlines()[0], problem.cure)
        return unfounded(refused, wanted, _short(run, problem.where))
    except GuardError as problem:
        return Unfounded(refused=None, value=problem.what.splitlines()[0], cure=problem.cure)


def _local(run: Guarded, wanted: Wanted) -> Relied | Unfounded | None:
    """The newest sealed record of the ledger, checked; None where there is none at all."""
    layout = run.configuration.layout
    entries = [e for e in chain.read(layout.ledger) if (e.environment, e.verb) == (wanted.environment, wanted.verb)]
    if not entries:
        return None
    path = layout.run(wanted.environment, entries[-1].run) / EVIDENCE_FILE
    if not path.exists():
        return Unfounded(refused=None, value=f"the record of the latest {wanted.words} is gone")
    verify.verify(layout, path)
    content = path.read_bytes()
    evidence, digest = verify.load(path), sha256_hex(content)
    vouched = wanted.tier is not Tier.LOCAL and run.machine.environ.get("GITHUB_RUN_ID")
    repository = run.machine.environ.get("GITHUB_REPOSITORY", "") if vouched else ""
    expected = expected_of(run, wanted, evidence, digest, repository)
    statement = spoken(evidence, digest) if wanted.tier is Tier.LOCAL else _vouched(run, path, wanted)
    return relied(run, wanted, evidence, statement, expected, layout.relative(path))


def _vouched(run: Guarded, path: Path, wanted: Wanted) -> Statement | Refused:
    file = path.with_name(STATEMENT_FILE)
    content = file.read_bytes() if file.is_file() else None
    return opened(run, content, wanted)


def _short(run: Guarded, where: str) -> str:
    root = str(run.configuration.layout.root)
    return where.removeprefix(root).lstrip("/\\") if where.startswith(root) else where
