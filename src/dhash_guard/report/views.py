"""Decides everything a renderer shows, as frozen plain data: templates only lay it out."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dhash_guard.records.backup import Restoration
from dhash_guard.records.canonical import digest
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Delivery, Evidence
from dhash_guard.records.sample import Tick
from dhash_guard.records.stage import StageStatus
from dhash_guard.records.units import format_bytes
from dhash_guard.report.headline import Headline, NextAction, headline, next_action
from dhash_guard.report.rows import AbsenceRow, GateRow, StageRow, absence_rows, gate_rows, stage_rows
from dhash_guard.report.words import STAGES, moment, plural, sentences, span


@frozen
class Fact:
    """One labelled fact; `literal` marks names and digests, which are set in a fixed-width face."""

    label: str
    value: str
    literal: bool = False


@frozen(kw_only=True)
class RestorationView:
    """What was put back, and whether every byte was proven."""

    sentence: str
    tone: str
    backup: str
    roots: tuple[tuple[str, str, int, str], ...]
    """Path, kind, files, digest of each root."""


@frozen(kw_only=True)
class DeliveryRow:
    """One message that left, or stands in the fallback file."""

    channel: str
    event: str
    status: str
    at: str
    detail: str


@frozen(kw_only=True)
class View:
    """One run, ready to be laid out."""

    headline: Headline
    action: NextAction
    reason: str
    reason_code: str
    counterfactual: str
    warnings: tuple[str, ...]
    gates: tuple[GateRow, ...]
    stages: tuple[StageRow, ...]
    facts: tuple[Fact, ...]
    restoration: RestorationView | None
    deliveries: tuple[DeliveryRow, ...]
    absences: tuple[AbsenceRow, ...]
    proof: tuple[Fact, ...]
    verify: str


VERIFY = "dhash-guard evidence verify evidence.json"
"""How anybody recomputes the verdict from the run's folder."""


def view(evidence: Evidence, ticks: Sequence[Tick]) -> View:
    """Everything there is to show of a run."""
    gates = gate_rows(evidence, ticks)
    verdict = evidence.verdict
    deciding = next((row for row in gates if verdict and row.gate == verdict.gate), None)
    return View(
        headline=headline(evidence),
        action=next_action(evidence),
        reason=verdict.reason if verdict else _why(evidence),
        reason_code=verdict.reason_code if verdict else evidence.result if evidence.exit_code else "",
        counterfactual=deciding.counterfactual if deciding else "",
        warnings=verdict.warnings if verdict else (),
        gates=gates,
        stages=stage_rows(evidence),
        facts=_facts(evidence),
        restoration=_restoration(evidence.restoration) if evidence.restoration else None,
        deliveries=tuple(_delivery(delivery) for delivery in evidence.deliveries),
        absences=absence_rows(ticks),
        proof=_proof(evidence),
        verify=VERIFY,
    )


def _why(evidence: Evidence) -> str:
    """Of a run without a verdict: what its first stage that did not pass said; nothing where all is well."""
    for status in (StageStatus.FAILED, StageStatus.CANNOT_TELL):
        for stage in evidence.stages:
            if stage.status is status:
                return f"{stage.name}: {sentences(stage.text)}" if stage.text else f"{stage.name} {STAGES[status].word}"
    return evidence.result if evidence.exit_code else ""


def _facts(evidence: Evidence) -> tuple[Fact, ...]:
    run = evidence.run
    facts = (
        Fact("Service", run.service),
        Fact("Environment", f"{run.environment} ({run.kind})" if run.kind not in ("", run.environment) else run.environment),
        Fact("Tag", run.tag, literal=True),
        Fact("Commit", run.commit, literal=True),
        Fact("Command", run.verb),
        Fact("Started", moment(run.started_at)),
        Fact("Took", span(run.ended_at - run.started_at)),
        Fact("By", run.actor),
        Fact("Reason given", run.reason or ("missing" if run.verb == "rollback" else "")),
        Fact("Watched", _watched(evidence)),
        Fact("Backup", evidence.backup, literal=True),
        Fact("Attempt", str(run.attempt)),
    )
    return tuple(fact for fact in facts if fact.value)


def _watched(evidence: Evidence) -> str:
    verdict = evidence.verdict
    if verdict is None:
        return ""
    return f"{span(verdict.ended_at - verdict.started_at)}, {plural(verdict.ticks, 'look')}, ended {verdict.ending.value}"


def _restoration(done: Restoration) -> RestorationView:
    amount = f"{plural(done.files, 'file')}, {format_bytes(done.bytes_written)}, in {span(done.seconds)}"
    proven = "every file read back is identical to the backup" if done.identical else "NOT proven identical to the backup"
    return RestorationView(
        sentence=f"{amount}; {proven}.",
        tone="good" if done.identical else "bad",
        backup=done.backup,
        roots=tuple((root.path, root.kind, root.files, root.digest) for root in done.roots),
    )


def _delivery(sent: Delivery) -> DeliveryRow:
    return DeliveryRow(channel=sent.channel, event=sent.event, status=sent.status, at=moment(sent.at), detail=sent.detail)


def _proof(evidence: Evidence) -> tuple[Fact, ...]:
    samples = evidence.samples
    facts = (
        Fact("Evidence sha256", digest(to_data(evidence)), literal=True),
        Fact("Samples sha256", samples.sha256 if samples else "", literal=True),
        Fact("Samples", f"{plural(samples.count, 'line')} in {samples.file}" if samples else ""),
        Fact("Configuration sha256", evidence.configuration, literal=True),
        Fact("Tree", evidence.run.tree, literal=True),
        Fact("Run", evidence.run.id, literal=True),
        Fact("Deployment", evidence.deployment, literal=True),
        Fact("Made by", evidence.run.tool),
    )
    return tuple(fact for fact in facts if fact.value)
