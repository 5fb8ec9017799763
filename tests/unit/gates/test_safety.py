"""When an automatic rollback is safe: the whole table."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from attrs import evolve

from dhash_guard.gates.safety import Facts, hazards

SAFE = Facts(
    deployment_known=True,
    backup_verified=True,
    backup_complete=True,
    backup_current=True,
    migrated=False,
    migration_reversible=False,
    migration_covered=False,
    previous_healthy=True,
    rollbacks_so_far=0,
)


def codes(**changed: Any) -> list[str]:
    return [hazard.code for hazard in hazards(evolve(SAFE, **changed))]


def test_everything_known_and_well_is_safe() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"deployment_known": False}, "no-deployment"),
        ({"backup_verified": False}, "no-verified-backup"),
        ({"backup_verified": None}, "no-verified-backup"),
        ({"backup_complete": False}, "partial-backup"),
        ({"backup_current": False}, "outdated-backup"),
        ({"migrated": True}, "irreversible-migration"),
        ({"previous_healthy": False}, "previous-not-healthy"),
        ({"previous_healthy": None}, "previous-not-healthy"),
        ({"rollbacks_so_far": 1}, "already-rolled-back"),
    ],
)
def test_each_hazard_alone_forbids_it(changed: dict[str, object], code: str) -> None:
    assert codes(**changed) == [code]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"backup_verified": False}, "the backup from before the deployment could not be verified"),
        ({"backup_verified": None}, "the backup from before the deployment is missing"),
        ({"previous_healthy": False}, "the version before this deployment was not healthy"),
        ({"previous_healthy": None}, "the version before this deployment is not known to have been healthy"),
    ],
)
def test_unknown_counts_as_no_but_is_called_unknown(changed: dict[str, Any], text: str) -> None:
    assert [hazard.text for hazard in hazards(evolve(SAFE, **changed))] == [text]


def test_that_none_is_open_is_another_thing_than_that_none_is_recorded() -> None:
    (none,) = hazards(evolve(SAFE, deployment_known=False, previous_healthy=None))
    (ended,) = hazards(evolve(SAFE, deployment_known=False, previous_healthy=None, closed="v2 was found healthy"))
    assert "is recorded" in none.text
    assert ended.text.startswith("v2 was found healthy, and no deployment is open since")


def test_a_migration_is_safe_when_reversible_or_covered() -> None:
    for reversible, covered in product((True, False), repeat=2):
        found = codes(migrated=True, migration_reversible=reversible, migration_covered=covered)
        assert (found == []) == (reversible or covered)


def test_only_the_one_good_combination_is_safe() -> None:
    safe = [
        row
        for row in product(
            (True, False),
            (True, False, None),
            (True, False),
            (True, False),
            (True, False),
            (True, False),
            (True, False),
            (True, False, None),
            (0, 1),
            ("",),
        )
        if not hazards(Facts(**dict(zip(Facts.__annotations__, row, strict=True))))  # type: ignore[arg-type]  # table rows
    ]
    assert all(
        known and verified and whole and current and healthy and not before
        for known, verified, whole, current, _, _, _, healthy, before, _ in safe
    )
    assert len(safe) == 7  # of the eight migration rows, one is irreversible and uncovered
