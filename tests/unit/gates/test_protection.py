"""The audit of a branch, question by question: what one layer says, what nobody says, and what follows from silence."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.protection import Answer, Grade, Layer, LayerAnswer, ProtectionFacts, Protects, Wanted, audit

RULES, CLASSIC, FILES = Layer.RULESETS, Layer.CLASSIC, Layer.FILES
GOOD, HOLE, UNKNOWN, NOTE = Grade.GOOD, Grade.HOLE, Grade.UNKNOWN, Grade.NOTE


def facts(*described: Protects, silent: tuple[Layer, ...] = ()) -> ProtectionFacts:
    """A branch that these layers describe; the `silent` ones did not answer."""
    layers = [
        LayerAnswer(layer=one, answered=one not in silent, text=f"the {one.value} is silent", cure=f"ask the {one.value}")
        for one in Layer
    ]
    return ProtectionFacts(branch="main", described=described, layers=layers)


def rules(**says: Any) -> Protects:
    return Protects(layer=RULES, **says)


def classic(**says: Any) -> Protects:
    return Protects(layer=CLASSIC, **says)


def answers(there: ProtectionFacts, **wanted: Any) -> dict[str, Answer]:
    return {one.check: one for one in audit(there, Wanted(**wanted))}


def test_a_layer_that_says_nothing_asks_for_nothing() -> None:
    found = answers(facts(rules()))
    assert {name: one.grade for name, one in found.items()} == {
        "pull-request": HOLE, "approvals": HOLE, "checks": HOLE, "force-push": HOLE, "deletion": HOLE,
    }  # fmt: skip
    assert not facts(rules()).queue
    assert facts(rules(queue=True)).queue
    assert all(one.layer is None and one.cure for one in found.values())


def test_one_approval_is_wanted_where_nothing_is_said_and_staleness_is_not_asked() -> None:
    for approvals, grade in ((0, HOLE), (1, GOOD), (2, GOOD)):
        assert answers(facts(rules(approvals=approvals)))["approvals"].grade is grade
    assert answers(facts(rules(approvals=1)), approvals=2)["approvals"].grade is HOLE
    assert answers(facts(rules(approvals=None)))["approvals"].grade is UNKNOWN
    assert "stale" not in answers(facts(rules()))


@pytest.mark.parametrize(
    ("says", "grade"),
    [
        ({"dismiss_stale": True}, GOOD),
        ({"last_push": True}, GOOD),
        ({"dismiss_stale": True, "last_push": None}, GOOD),
        ({"dismiss_stale": None, "last_push": True}, GOOD),
        ({}, NOTE),
        ({"dismiss_stale": None}, NOTE),
        ({"last_push": None}, NOTE),
        ({"dismiss_stale": None, "last_push": None}, NOTE),
    ],
    ids=str,
)
def test_approvals_that_outlive_a_push_are_worth_a_note(says: dict[str, Any], grade: Grade) -> None:
    found = answers(facts(rules(**says)), fresh=True)["stale"]
    assert found.grade is grade
    unsure = grade is NOTE and None in says.values()
    assert ("cannot be told" in found.text) == unsure
    assert found.cure == ("" if grade is GOOD else "Dismiss stale approvals, or ask for approval of the last push.")


def test_required_checks() -> None:
    assert answers(facts(rules(checks=None)))["checks"].grade is UNKNOWN
    assert answers(facts(rules(checks={})))["checks"].grade is HOLE
    found = answers(facts(rules(checks={"test": 0, "lint": 15368, "gate": 0})))
    assert (found["checks"].grade, found["checks"].text) == (GOOD, "required: gate, lint, test")
    assert found["source"].text == "whoever may write statuses can set gate, test"
    assert "source" not in answers(facts(rules(checks={"gate": 15368})))
    named = answers(facts(rules(checks={"gate": 1})), checks=["gate", "test"])
    assert "checks" not in named
    assert (named["required check gate"].grade, named["required check test"].grade) == (GOOD, HOLE)
    assert answers(facts(rules(checks=None)), checks=["gate"])["required check gate"].grade is UNKNOWN


def test_a_check_is_bound_where_one_layer_binds_it() -> None:
    for one, other in ((0, 7), (7, 0)):
        assert facts(rules(checks={"gate": one}), classic(checks={"gate": other})).checks == {"gate": 7}
    assert facts(rules(checks=None), classic(checks={"gate": 7})).checks == {"gate": 7}


@pytest.mark.parametrize(
    ("check", "says"), [("force-push", "no_force_push"), ("deletion", "no_deletion"), ("pull-request", "pull_request")]
)
def test_one_layer_that_forbids_is_enough_and_is_named(check: str, says: str) -> None:
    for one, other, layer in ((rules(**{says: True}), classic(), RULES), (rules(), classic(**{says: True}), CLASSIC)):
        found = answers(facts(one, other))[check]
        assert (found.grade, found.layer) == (GOOD, layer)
    assert answers(facts(rules(), classic()))[check].grade is HOLE
    assert answers(facts(rules(), classic(**{says: None})))[check].grade is UNKNOWN


@pytest.mark.parametrize("silent", [RULES, CLASSIC])
def test_where_a_layer_is_silent_nothing_is_a_hole_and_its_own_cure_is_given(silent: Layer) -> None:
    found = answers(facts(rules(no_deletion=True), silent=(silent, FILES)))
    assert found["deletion"].grade is GOOD
    assert (found["force-push"].grade, found["force-push"].cure) == (UNKNOWN, f"ask the {silent.value}")
    assert found["force-push"].text == f"cannot be told: the {silent.value} is silent"


def test_what_a_layer_that_answered_does_not_tell_has_the_cure_of_the_question() -> None:
    found = answers(facts(rules(no_deletion=None), silent=(FILES,)))["deletion"]
    assert found.text == "cannot be told: it needs an administrator's view"
    assert found.cure == "Forbid that main is deleted."


def test_files_alone_make_no_branch_dark() -> None:
    assert not facts(silent=(FILES,)).dark
    assert facts(silent=(RULES,)).dark
    assert facts(silent=(CLASSIC, FILES)).dark


@pytest.mark.parametrize(
    ("described", "grade"),
    [
        ([classic(admins_too=False)], HOLE),
        ([classic(admins_too=False), rules()], HOLE),
        ([classic(admins_too=False), rules(pull_request=True)], NOTE),
        ([classic(admins_too=False, pull_request=True), rules()], HOLE),
        ([rules(pull_request=True), classic(admins_too=False)], NOTE),
        ([classic(admins_too=True)], None),
        ([classic()], None),
        ([classic(admins_too=None)], None),
        ([rules(admins_too=False)], None),
        ([], None),
    ],
)
def test_administrators_who_may_pass(described: list[Protects], grade: Grade | None) -> None:
    found = answers(facts(*described)).get("administrators")
    assert (found and found.grade) is grade
    assert found is None or found.layer is CLASSIC
