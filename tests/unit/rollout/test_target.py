"""What a rollback goes back to, chosen by evidence."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dhash_guard.records.backup import BackupFacts, Purpose, Verification
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.rollout.target import choose, warnings_for

DEPLOYMENT = Deployment(
    id="d",
    environment="production",
    tag="t",
    commit="",
    begun_at=100.5,
    newest_sequence=2,
    backup="",
    baseline=None,
    state=DeploymentState.OPEN,
)


def facts(sequence: int, **changed: Any) -> BackupFacts:
    plain = BackupFacts(
        name=f"b{sequence}",
        environment="production",
        purpose=Purpose.BACKUP,
        sequence=sequence,
        sealed_at=0,
        size=1,
        sha256="",
        members=1,
        components=(),
    )
    return evolve(plain, **changed)


def verified(candidate: BackupFacts) -> Verification:
    problems = ("member x differs",) if "bad" in candidate.sha256 else ()
    return Verification(name=candidate.name, sha256="", members=0, bytes_read=0, problems=problems)


def test_the_newest_before_the_deployment() -> None:
    choice = choose([facts(3), facts(1), facts(2)], DEPLOYMENT, verified)
    assert choice.target == facts(2)
    assert choice.refused == (("b3", "taken after the deployment began"),)


def test_each_refusal_has_its_reason() -> None:
    candidates = [facts(3), facts(2, problem="no sidecar"), facts(1, sha256="bad"), facts(0)]
    choice = choose(candidates, DEPLOYMENT, verified)
    assert choice.target == facts(0)
    assert choice.refused == (("b3", "taken after the deployment began"), ("b2", "no sidecar"), ("b1", "member x differs"))


def test_a_number_that_was_given_twice_is_told_by_its_date() -> None:
    """Another machine, which knew of no backup before, begins at 1 again."""
    again = facts(1, name="again", sealed_at=DEPLOYMENT.begun_at + 3600)
    choice = choose([again, facts(1)], DEPLOYMENT, verified)
    assert choice.target == facts(1)
    assert choice.refused == (("again", "taken after the deployment began"),)
    assert warnings_for(again, DEPLOYMENT)


def test_clocks_that_differ_a_little_and_what_it_began_with() -> None:
    ahead = facts(2, sealed_at=DEPLOYMENT.begun_at + 200)
    assert choose([ahead, facts(1)], DEPLOYMENT, verified).target == ahead
    far = facts(2, sealed_at=DEPLOYMENT.begun_at + 3600)
    assert choose([far, facts(1)], DEPLOYMENT, verified).target == facts(1)
    assert choose([far, facts(1)], evolve(DEPLOYMENT, backup=far.name), verified).target == far


def test_one_without_a_number_goes_by_its_date() -> None:
    """Copies of other tools come after every numbered one, the newest of them first."""
    made_elsewhere = [
        facts(0, name="old", sealed_at=10),
        facts(0, name="new", sealed_at=99),
        facts(0, name="late", sealed_at=100),
    ]
    choice = choose(made_elsewhere, DEPLOYMENT, verified)
    assert choice.target == made_elsewhere[1]
    assert choice.refused == (("late", "taken after the deployment began"),)
    assert warnings_for(made_elsewhere[2], DEPLOYMENT) and not warnings_for(made_elsewhere[1], DEPLOYMENT)
    assert choose([*made_elsewhere, facts(1)], DEPLOYMENT, verified).target == facts(1)


def test_snapshots_are_no_targets() -> None:
    assert choose([facts(1, purpose=Purpose.PRE_ROLLBACK)], DEPLOYMENT, verified).target is None


def test_without_a_deployment_it_warns() -> None:
    choice = choose([facts(9)], None, verified)
    assert choice.target == facts(9)
    assert choice.warnings


def test_a_person_may_name_a_later_one_and_is_warned() -> None:
    assert warnings_for(facts(3), DEPLOYMENT)
    assert not warnings_for(facts(2), DEPLOYMENT)
