"""Gate completeness: every seeded hole is found at its line, and clean workflows give no alarm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.github.workflows import Hole, Required, Unreadable, Weight, completeness, read
from support.acting import ROOT, SYSTEMS
from support.workflow_files import BASES, CALLER, CLEAN, GATE, SEEDED, Seeded, Set

FOLDER = ".github/workflows"


def holes(one: Set) -> list[Hole]:
    workflows = [read(f"{FOLDER}/{name}", text) for name, text in one.files.items()]
    return completeness(workflows, Required(checks=dict.fromkeys(one.checks, 0), optional=one.optional, queue=one.queue))


@pytest.mark.parametrize("one", CLEAN, ids=[one.id for one in CLEAN])
def test_clean_workflows_give_no_alarm(one: Set) -> None:
    assert holes(one) == []


def seeded(one: Seeded) -> tuple[Set, str, str]:
    found = BASES[one.base]
    name = next(name for name, text in found.files.items() if one.old in text)
    text = found.files[name].replace(one.old, one.new, 1)
    return Set(id=one.id, files=found.files | {name: text}, checks=found.checks, queue=found.queue), name, text


@pytest.mark.parametrize("one", SEEDED, ids=[one.id for one in SEEDED])
def test_every_seeded_hole_is_found_at_its_line(one: Seeded) -> None:
    changed, name, text = seeded(one)
    found = [hole for hole in holes(changed) if hole.rule == one.rule]
    assert found, holes(changed)
    assert all(hole.cure and hole.text for hole in found)
    if one.rule != "no-such-check":
        assert any(hole.weight is Weight.HOLE for hole in found)
    if one.at:
        lines = [number for number, line in enumerate(text.splitlines(), 1) if one.at in line]
        assert {hole.line for hole in found} & set(lines), (found, lines)
        assert found[0].path == f"{FOLDER}/{name}"


def test_there_are_enough_of_both() -> None:
    assert len(SEEDED) >= 40
    assert len(CLEAN) >= 20
    assert len({one.id for one in SEEDED}) == len(SEEDED)
    assert len({one.id for one in CLEAN}) == len(CLEAN)


def test_a_name_nobody_reports_is_sure_where_it_must_be_ours() -> None:
    workflow = read(f"{FOLDER}/ci.yml", GATE)
    for required, weight in (
        (Required(checks={"codecov/patch": 0, "gate": 0}), Weight.UNKNOWN),
        (Required(checks={"codecov/patch": 15368, "gate": 0}), Weight.HOLE),
        (Required(checks={"codecov/patch": 0, "gate": 0}, ours=["codecov/patch"]), Weight.HOLE),
        (Required(checks={"gates": 0, "gate": 0}), Weight.HOLE),
    ):
        (hole,) = completeness([workflow], required)
        assert (hole.rule, hole.weight) == ("no-such-check", weight)


def test_what_a_called_workflow_of_others_reports_is_not_guessed() -> None:
    workflows = [read(f"{FOLDER}/ci.yml", CALLER), read(f"{FOLDER}/called.yml", BASES["caller"].files["called.yml"])]
    known = Required(checks={"scan / anything": 0, "gate": 0}, queue=True)
    assert completeness(workflows, known) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no mapping"),
        ("on: push\n", 1, "no jobs"),
        ("jobs:\n  a:\n    runs-on: x\n", 1, "listens to nothing"),
        ("on: push\njobs: [\n", 3, "no valid YAML"),
        ("on: push\njobs:\n  a: {}\n  a: {}\n", 4, "twice"),
        ("on: push\njobs: " + "[" * 60 + "]" * 60, 2, "nested"),
    ],
)
def test_what_is_no_workflow_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(words)) as refused:
        read("ci.yml", text)
    assert refused.value.line == line


@given(st.text(max_size=300), st.integers(0, len(GATE)))
def test_nothing_written_into_a_workflow_breaks_the_reader(text: str, at: int) -> None:
    try:
        workflow = read("ci.yml", GATE[:at] + text + GATE[at:])
    except Unreadable:
        return
    completeness([workflow], Required(checks={"gate": 0}, queue=True))


PAGE = ROOT / "docs/how-to/require-checks-before-the-merge.md"
NAMES = (*(f"premerge-validation ({system})" for system in SYSTEMS), "security-scan")


def documented(page: Path, number: int = 0) -> str:
    """A workflow that a page shows."""
    blocks: list[str] = re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "\njobs:" in block][number]


@pytest.mark.parametrize("names", [NAMES, (*NAMES, "premerge-gate"), ("premerge-gate",)], ids=len)
def test_the_form_that_the_project_owns_reports_the_names_of_the_rule(names: tuple[str, ...]) -> None:
    """The page's own workflow, under the four names that runbooks give, with and without its gate."""
    own = documented(PAGE)
    assert holes(Set(id="owned", files={"premerge-validation.yml": own}, checks=names, queue=True)) == []
    unheard = own.replace("  merge_group:\n", "")
    found = holes(Set(id="owned", files={"premerge-validation.yml": unheard}, checks=names, queue=True))
    assert {hole.rule for hole in found} == {"no-merge-group"}
    assert len(found) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_rule_that_no_job_has_any_more_is_found(name: str) -> None:
    system = name.partition("(")[2].rstrip(")") or "security-scan"
    gone = documented(PAGE).replace(f"name: {name}\n", "name: scan\n").replace(f"os: [{', '.join(SYSTEMS)}]", "os: [a, b]")
    assert system in documented(PAGE)
    found = holes(Set(id="gone", files={"premerge-validation.yml": gone}, checks=(name,), queue=True))
    assert "no-such-check" in {hole.rule for hole in found}


def test_the_form_that_calls_ours_reports_below_its_caller() -> None:
    """Both forms are known: the name of the one is missing in the other, and said so where it must be ours."""
    files = {"pre-merge.yml": documented(ROOT / "docs/reference/premerge.md")}
    called = tuple(f"validation / {name}" for name in (*NAMES, "premerge-gate"))
    assert holes(Set(id="called", files=files, checks=called, queue=True)) == []
    workflows = [read(f"{FOLDER}/{name}", text) for name, text in files.items()]
    found = completeness(workflows, Required(checks=dict.fromkeys(NAMES, 0), ours=NAMES, queue=True))
    assert [(hole.rule, hole.weight) for hole in found] == [("no-such-check", Weight.HOLE)] * 4
    assert all("validation / " in hole.cure for hole in found)


def test_our_published_workflows_have_no_hole_themselves() -> None:
    """What a called job would report, looked at in our own file as if a caller lay beside it."""
    caller = documented(ROOT / "docs/reference/premerge.md").replace("mobius/dhash-guard/", "./").replace("@v1", "")
    files = {
        "pre-merge.yml": caller,
        "premerge-validation.yml": (ROOT / FOLDER / "premerge-validation.yml").read_text("utf-8"),
    }
    for checks in ((*NAMES[:3], "premerge-gate"), ("premerge-gate",)):
        required = tuple(f"validation / {name}" for name in checks)
        found = holes(Set(id="ours", files=files, checks=required, queue=True))
        assert [(hole.rule, hole.weight) for hole in found] == [("gate-unclear", Weight.UNKNOWN)] * len(found), found
