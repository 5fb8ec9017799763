"""Who may order a rollback through a workflow: actor times permission times target, every cell."""

from __future__ import annotations

from itertools import product

import pytest
from attrs import evolve

from dhash_guard.gates.deputy import ROLES, Leave, Order, Person, judge

ORDER = Order(
    event="workflow_dispatch",
    people=(Person("ada", "write"),),
    least="write",
    target="backups/dhash_production_20261121_030000.zip",
    target_known=True,
    rolled_back_to="",
    forced=False,
)
OTHER = "backups/dhash_production_20261120_030000.zip"


@pytest.mark.parametrize(
    ("role", "least", "known", "before", "forced"),
    list(
        product(
            [*ROLES, None, "a role of theirs"],
            ["write", "maintain", "admin"],
            [True, False],
            ["", "same", OTHER],
            [True, False],
        )
    ),
)
def test_every_cell_of_the_matrix(role: str | None, least: str, known: bool, before: str, forced: bool) -> None:
    rolled_back_to = ORDER.target if before == "same" else before
    people = (Person("ada", role),)
    order = evolve(ORDER, people=people, least=least, target_known=known, rolled_back_to=rolled_back_to, forced=forced)
    enough = {"write": ("write", "maintain", "admin"), "maintain": ("maintain", "admin"), "admin": ("admin",)}[least]
    expected = "granted"
    if role is not None and role not in enough:
        expected = "actor-not-permitted"
    elif not known:
        expected = "target-unknown"
    elif before == "same" and not forced:
        expected = "already-rolled-back"
    elif role is None:
        expected = "role-unknown"
    answer = judge(order)
    assert answer.code == expected
    assert answer.leave is {"granted": Leave.GRANTED, "role-unknown": Leave.UNPROVEN}.get(expected, Leave.REFUSED)
    assert bool(answer.cure) == (answer.leave is Leave.REFUSED)


@pytest.mark.parametrize(
    "event", ["pull_request", "pull_request_target", "issue_comment", "workflow_run", "fork", "watch", "", "something new"]
)
def test_an_event_of_strangers_orders_nothing(event: str) -> None:
    answer = judge(evolve(ORDER, event=event, people=(Person("ada", "admin"),), forced=True))
    assert (answer.leave, answer.code) == (Leave.REFUSED, "untrusted-event")


@pytest.mark.parametrize("event", ["workflow_dispatch", "repository_dispatch", "push", "schedule", "release", "deployment"])
def test_events_of_people_with_rights_do(event: str) -> None:
    assert judge(evolve(ORDER, event=event)).leave is Leave.GRANTED


def test_force_gives_no_rights() -> None:
    assert judge(evolve(ORDER, people=(Person("ada", "read"),), forced=True)).code == "actor-not-permitted"
    assert judge(evolve(ORDER, target_known=False, forced=True)).code == "target-unknown"


@pytest.mark.parametrize(("first", "again"), list(product([*ROLES, None], repeat=2)))
def test_of_a_run_that_was_run_again_both_have_to_be_permitted(first: str | None, again: str | None) -> None:
    answer = judge(evolve(ORDER, least="maintain", people=(Person("ada", first), Person("eve", again))))
    low = [who for who, role in (("ada", first), ("eve", again)) if role not in ("maintain", "admin", None)]
    if low:
        assert (answer.code, answer.text.split()[0]) == ("actor-not-permitted", low[0])
    elif None in (first, again):
        assert answer.code == "role-unknown"
    else:
        assert (answer.code, answer.text) == ("granted", f"ordered by ada, {first}, run again by eve, {again}")


def test_a_role_that_nobody_knows_counts_as_none() -> None:
    assert judge(evolve(ORDER, least="read", people=(Person("ada", "auditor"),))).code == "actor-not-permitted"
    assert judge(evolve(ORDER, least="read", people=(Person("ada", "read"),))).leave is Leave.GRANTED


def test_who_and_what_has_no_name_is_told_so() -> None:
    assert judge(evolve(ORDER, event="")).text == "the event without a name may be caused by strangers"
    assert judge(evolve(ORDER, event="issues")).text == "the event issues may be caused by strangers"
    for login, who in (("", "the actor"), ("ada", "ada")):
        text = judge(evolve(ORDER, people=(Person(login, None, "HTTP 500"),))).text
        assert text == f"GitHub does not tell what {who} may do, and a rollback does not wait for it: HTTP 500"
