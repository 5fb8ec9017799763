"""Answers the gate's condition of waves: every target of every earlier wave is healthy with this very release."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from dhash_guard.config.verbs import MonitoredRequirement
from dhash_guard.gates.waves import Target, ahead
from dhash_guard.github.provenance import Provenance
from dhash_guard.records.outcome import Status
from dhash_guard.rollout import deployments, gate_evidence
from dhash_guard.rollout.conditions import Answer, Condition
from dhash_guard.rollout.run import Guarded

_STATUSES = {Answer.GO: Status.HEALTHY, Answer.NO_GO: Status.DEGRADED}
_ANSWERS = {Status.HEALTHY: Answer.GO, Status.DEGRADED: Answer.NO_GO, Status.CANNOT_TELL: Answer.CANNOT_TELL}
_MOST_TOLD = 5


def waved(run: Guarded, source: Provenance | None) -> Iterator[Condition]:
    """The condition `wave` of a target that does not go in the first one; nothing for all other places."""
    target, waves = run.configuration.target, run.configuration.waves
    earlier = waves.before(target.wave) if target is not None else ()
    if target is None or not earlier:
        return
    found = {one: _watched(run, one, source) for one in earlier}
    bad = {one: condition for one, condition in found.items() if condition.answer is not Answer.GO}
    standing = {one.place: _STATUSES.get(condition.answer, Status.CANNOT_TELL) for one, condition in found.items()}
    answer = _ANSWERS[ahead(waves, target.wave, standing)]
    if any(condition.answer is Answer.ALTERED for condition in bad.values()):
        answer = Answer.ALTERED
    # What decides is told first; the rest of a long list is only counted.
    told = sorted(bad, key=lambda one: bad[one].answer is not answer)
    value = "; ".join(f"{one.name}: {bad[one].value}" for one in told[:_MOST_TOLD])
    if len(told) > _MOST_TOLD:
        value += f"; and {len(told) - _MOST_TOLD} more"
    earlier_waves = "wave 1" if target.wave == 2 else f"waves 1 to {target.wave - 1}"
    yield Condition(
        name="wave",
        answer=answer,
        value=value or f"{', '.join(one.name for one in earlier)} healthy",
        limit=f"every target of {earlier_waves} healthy with this release",
        source=bad[told[0]].source if told else "",
        cure=bad[told[0]].cure if told else "",
        relies_on=tuple(digest for condition in found.values() for digest in condition.relies_on),
    )


def _watched(run: Guarded, target: Target, source: Provenance | None) -> Condition:
    """How a target stands: by its latest watch, and by what is known here of its deployment.

    A checkout may be newer than what runs there, and what was rolled back is well again with another release: a watch of
    that is no word for this one.
    """
    condition = gate_evidence.monitored(run, MonitoredRequirement(environment=target.place), source)
    deployment = deployments.latest_of(run.configuration.layout, target.place)
    if condition.answer is not Answer.GO or deployment is None:
        return condition
    if deployment.state in deployments.TAKEN_BACK:
        return evolve(condition, answer=Answer.NO_GO, value=f"{deployment.tag} was rolled back ({deployment.state.value})")
    if deployment.commit != run.facts.commit:
        value = f"runs commit {deployment.commit[:12] or 'unknown'}, not {run.facts.commit[:12]}"
        return evolve(condition, answer=Answer.CANNOT_TELL, value=value, cure=f"dhash-guard deploy --env {target.place}")
    return condition
