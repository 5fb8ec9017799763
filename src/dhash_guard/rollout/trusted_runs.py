"""Finds evidence among the artifacts of trusted runs: who made it is asked of GitHub, what it says is computed again."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from dhash_guard.errors import Damaged
from dhash_guard.gates.refusals import Reason, Refused
from dhash_guard.gates.trust import Expected, stranger
from dhash_guard.github.provenance import Artifact, Provenance, RunFacts, stated
from dhash_guard.github.unpacked import unpacked
from dhash_guard.ledger import verify
from dhash_guard.ledger.seal import EVIDENCE_FILE
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.statement import STATEMENT_FILE, Tier
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.trusted import Relied, Unfounded, Wanted, expected_of, opened, relied, unfounded

MOST_RUNS = 10
"""Trusted runs of one commit whose artifacts are asked for, the latest first."""

MOST_ARTIFACTS = 5
"""Artifacts that are fetched; others of the name are of other commands."""


@frozen
class _Made:
    run: RunFacts
    artifact: Artifact


@frozen
class _Record:
    """One evidence file of an artifact, with the files beside it by name."""

    content: bytes
    beside: dict[str, bytes]
    evidence: Evidence


def of_runs(run: Guarded, wanted: Wanted, source: Provenance, commits: Sequence[str]) -> Relied | Unfounded:
    """The newest artifact with evidence of what is wanted, judged; raise GithubProblem."""
    made, passed_over = _candidates(run, wanted, source, commits)
    for one in made[:MOST_ARTIFACTS]:
        content = source.fetched(one.artifact)
        if isinstance(content, Refused):
            return unfounded(content, wanted, _place(one))
        try:
            record = _record(content, wanted)
        except Damaged as problem:
            return unfounded(Refused(Reason.MALFORMED, problem.what, problem.cure), wanted, _place(one))
        if record is not None:
            return _judged(run, wanted, source, one, record)
        passed_over.append(Refused(Reason.WRONG_VERB, f"{one.artifact.name} holds none of {wanted.verb}"))
    told = "; ".join(dict.fromkeys(f"{one.reason.value}: {one.what}" for one in passed_over))
    value = f"no artifact holds a {wanted.words} of {run.facts.commit[:12]}" + (f"; passed over: {told}" if told else "")
    cure = passed_over[0].cure if passed_over else "Let a trusted workflow upload it, for this commit or one with its tree."
    return Unfounded(refused=None, value=value, cure=cure)


def _candidates(
    run: Guarded, wanted: Wanted, source: Provenance, commits: Sequence[str]
) -> tuple[list[_Made], list[Refused]]:
    """Artifacts of runs that are ours, the latest first, and why other runs are passed over."""
    made, passed_over = [], []
    for commit in commits:
        ours = 0
        for facts in source.runs_of(commit):
            foreign = stranger(stated(facts), _expected(run, wanted, source, facts), run.machine.clock.now())
            if foreign is not None:
                passed_over.append(foreign)
            elif ours < MOST_RUNS:
                ours += 1
                made += [_Made(facts, artifact) for artifact in source.artifacts_of(facts, wanted.environment)[:1]]
    return sorted(made, key=lambda one: one.artifact.created_at, reverse=True), passed_over


def _judged(run: Guarded, wanted: Wanted, source: Provenance, made: _Made, record: _Record) -> Relied | Unfounded:
    """GitHub's word on the artifact; where a key is asked for, also the statement that lies in it."""
    evidence, digest = record.evidence, sha256_hex(record.content)
    said = evolve(
        stated(made.run, made.artifact, source.jobs_of(made.run)),
        evidence=digest,
        samples=evidence.samples.sha256 if evidence.samples is not None else "",
        environment=evidence.run.environment,
        configuration=evidence.configuration,
        verb=evidence.run.verb,
        result=evidence.result,
        target=evidence.run.tag,
    )
    expected = _expected(run, wanted, source, made.run, evidence, digest)
    by_github = relied(run, wanted, evidence, said, evolve(expected, tier=Tier.RUN, jobs_told=True), _place(made))
    if wanted.tier is not Tier.KEYED or isinstance(by_github, Unfounded):
        return by_github
    keyed = opened(run, record.beside.get(STATEMENT_FILE), wanted)
    return relied(run, wanted, evidence, keyed, expected, _place(made))


def _expected(
    run: Guarded, wanted: Wanted, source: Provenance, made: RunFacts, evidence: Evidence | None = None, digest: str = ""
) -> Expected:
    """As for evidence that lies here, and of this very run and attempt."""
    told = expected_of(run, wanted, evidence, digest, source.api.transport.context.full_name)
    return evolve(told, repository_id=told.repository_id or made.repository_id, run=made.id, attempt=made.attempt)


def _record(content: bytes, wanted: Wanted) -> _Record | None:
    """The latest evidence of the wanted command in a zip, computed again; raise Damaged where something does not hold.

    A job that deploys and watches leaves the records of both, perhaps of several environments.
    """
    members = unpacked(content)
    paths = [path for path in members if path.rpartition("/")[2] == EVIDENCE_FILE]
    runs = {path: verify.parsed(members[path], path).run for path in paths}
    fitting = [path for path in paths if runs[path].verb == wanted.verb]
    if not fitting:
        return None
    chosen = max(fitting, key=lambda path: (runs[path].environment == wanted.environment, runs[path].ended_at))
    return _computed(members, chosen)


def _computed(members: dict[str, bytes], path: str) -> _Record:
    folder = path.removesuffix(EVIDENCE_FILE)
    beside = {name.removeprefix(folder): data for name, data in members.items() if name.startswith(folder)}
    return _Record(members[path], beside, verify.recomputed(members[path], beside, path))


def _place(made: _Made) -> str:
    return f"{made.run.url} attempt {made.artifact.attempt}"
