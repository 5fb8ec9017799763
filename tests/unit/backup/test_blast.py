"""What a restore would take away, change and bring back: against a brute force, and on a real disk."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.backup.archive.manifest import Kind, Member
from dhash_guard.backup.blast import Difference, Sort, Tally, compare, going_along
from dhash_guard.backup.contents import content_of, members, roots, sha256_of, standing
from unit.backup.project import Project

Tree = dict[str, str]
"""Path to content; a path that ends with a slash is a folder, a content `->x` is a link."""

name = st.sampled_from(["a", "a.b", "ab", "b", "B", "-", "ä"])
content = st.sampled_from(["x", "y", "long", "->a", "->b"])
trees = st.dictionaries(st.lists(name, min_size=1, max_size=3).map("/".join), content, max_size=12)


def stream(files: Tree) -> list[Member]:
    """The members of a tree in order; a path below a file makes a folder of that."""
    found: dict[str, Member] = {}
    for path, text in files.items():
        kind = Kind.LINK if text.startswith("->") else Kind.FILE
        found[path] = Member(
            path=path, kind=kind, size=len(text), mode=0o640, sha256=text, link=text[2:] * (kind is Kind.LINK)
        )
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            found[above] = Member(path=above, kind=Kind.DIRECTORY, mode=0o750)
    return sorted(found.values(), key=lambda member: member.path.split("/"))


def differences(then: list[Member], now: list[Member]) -> dict[str, Sort]:
    return {one.shown.path: one.sort for one in compare(then, now, lambda old, new: new.sha256)}


@given(trees, trees)
def test_it_is_what_a_brute_force_finds(one: Tree, other: Tree) -> None:
    then, now = stream(one), stream(other)
    old, new = {m.path: m for m in then}, {m.path: m for m in now}
    expected = dict.fromkeys(new.keys() - old.keys(), Sort.LOST)
    expected |= dict.fromkeys(old.keys() - new.keys(), Sort.RETURNING)
    expected |= {path: Sort.SAME if old[path] == new[path] else Sort.CHANGED for path in old.keys() & new.keys()}
    assert differences(then, now) == expected


@given(trees)
def test_nothing_differs_from_itself(tree: Tree) -> None:
    assert set(differences(stream(tree), stream(tree)).values()) <= {Sort.SAME}


@given(trees, trees)
def test_looking_the_other_way_turns_lost_and_returning_around(one: Tree, other: Tree) -> None:
    turned = {Sort.LOST: Sort.RETURNING, Sort.RETURNING: Sort.LOST}
    there, back = differences(stream(one), stream(other)), differences(stream(other), stream(one))
    assert {path: turned.get(sort, sort) for path, sort in there.items()} == back


@given(trees, trees, st.integers(0, 4))
def test_the_tally_counts_everything_and_names_the_first(one: Tree, other: Tree, shown: int) -> None:
    found = list(compare(stream(one), stream(other), lambda old, new: new.sha256))
    tally = Tally(shown)
    for difference in found:
        tally.add(difference)
    for sort in (Sort.LOST, Sort.CHANGED, Sort.RETURNING):
        mine, share = [d.shown for d in found if d.sort is sort], tally.share(sort)
        assert share.entries == len(mine)
        assert share.bytes == sum(m.size for m in mine if m.kind is Kind.FILE)
        assert len(share.names) <= shown
        names = [member.entry for member in mine]
        assert set(share.names) <= set(names)
        if len(share.names) < shown:  # each is named, or lies in a folder that is
            assert all(any(name == said or name.startswith(said) for said in share.names) for name in names)


def test_a_file_of_another_size_is_not_read() -> None:
    def never(then: Member, now: Member) -> str:
        raise AssertionError(now.path)

    assert [one.sort for one in compare(stream({"a": "x"}), stream({"a": "xx"}), never)] == [Sort.CHANGED]


@pytest.mark.parametrize("paths", [["b", "a"], ["a", "a"], ["a.b", "a/c"], ["a/b", "a"]])
def test_a_stream_out_of_order_is_refused(paths: list[str]) -> None:
    wrong = [Member(path=path, kind=Kind.FILE) for path in paths]
    with pytest.raises(ValueError, match="out of order"):
        list(compare(wrong, [], lambda old, new: ""))


def test_modes_count_where_there_are_any() -> None:
    then, now = stream({"a": "x"}), stream({"a": "x"})
    now[0] = Member(path="a", kind=Kind.FILE, size=1, mode=0o4600, sha256="x")
    assert differences(then, now) == {"a": Sort.CHANGED}
    assert [d.sort for d in compare(then, now, lambda old, new: new.sha256, modes=0)] == [Sort.SAME]


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    def many(first: int) -> Iterator[Member]:
        return (Member(path=f"d/{i:09}", kind=Kind.FILE, size=1, sha256="x") for i in range(first, first + 50_000))

    tracemalloc.start()
    try:
        tally = Tally()
        for difference in compare(many(0), many(25_000), lambda old, new: "x"):
            tally.add(difference)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tally.share(Sort.LOST).files, tally.share(Sort.RETURNING).files) == (25_000, 25_000)
    assert peak < 100_000


def test_names_that_are_no_utf8_can_be_printed() -> None:
    tally = Tally()
    tally.add(Difference(Sort.LOST, None, Member(path=os.fsdecode(b"a\xff"), kind=Kind.FILE)))
    assert tally.share(Sort.LOST).names == ("a\\xff",)


def test_on_the_disk_both_sides_have_one_order(project: Project) -> None:
    project.components(all=("data",), none=("gone",))
    for path in ("data/a/x", "data/a.b/x", "data/ab", "data/-/x", "data/ä", "data/B/c/d"):
        project.put(path)
    (project.root / "data/link").symlink_to("ab")
    facts = project.create()
    then = list(members(project.layout, facts))
    now = list(standing(project.layout, roots(project.layout, facts)))
    assert [m.path for m in now] == [m.path for m in then] == sorted((m.path for m in now), key=lambda p: p.split("/"))
    hashed = compare(then, now, lambda old, new: sha256_of(project.layout, new.path, lambda size: None))
    assert {difference.sort for difference in hashed} == {Sort.SAME}


def test_what_backups_leave_out_does_not_count(project: Project) -> None:
    project.components(all=("data",))
    project.put("data/x")
    facts = project.create()
    project.put("data/.env", "SECRET=1")
    project.put("data/.x.dhash-prev-0123456789ab/y")
    project.put("data/.x.dhash-new-0123456789ab")
    now = list(standing(project.layout, ("data",)))
    assert [m.path for m in now] == ["data", "data/.env", "data/x"]
    assert [m.path for m in members(project.layout, facts)] == ["data", "data/x"]
    found = going_along(compare(members(project.layout, facts), now, lambda then, now: then.sha256), ("data",))
    assert {difference.sort for difference in found} == {Sort.SAME}


@pytest.mark.parametrize(
    ("then", "now", "lost"),
    [
        ({"data/x": "x"}, {"data/.env": "s", "data/x": "x"}, []),
        (
            {"data/x": "x"},
            {"data/new/.env": "s", "data/new/in/.env.local": "s", "data/x": "x"},
            ["new/", "new/.env", "new/in/", "new/in/.env.local"],
        ),
        ({"data/new": "x"}, {"data/new/.env": "s", "data/z/.env": "s"}, ["new/.env", "z/", "z/.env"]),
        ({"data/new/x": "x"}, {"data/gone/y": "s", "data/new/.env": "s"}, ["gone/", "gone/y"]),
        ({}, {"data": "x"}, [""]),
    ],
)
def test_environment_files_go_along_with_a_folder_that_goes(then: Tree, now: Tree, lost: list[str]) -> None:
    found = going_along(compare(stream(then), stream(now), lambda then, now: then.sha256), ("data",))
    gone = [d.shown.entry.removeprefix("data").removeprefix("/") for d in found if d.sort is Sort.LOST]
    assert gone == lost


def test_a_named_environment_file_counts(project: Project) -> None:
    project.components(all=(".env",))
    project.put(".env", "A=1")
    facts = project.create()
    assert [m.path for m in members(project.layout, facts)] == [".env"]
    assert [m.path for m in standing(project.layout, (".env",))] == [".env"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_special_files_and_what_is_not_there(project: Project) -> None:
    project.put("data/x")
    os.mkfifo(project.root / "data/pipe")
    assert [(m.path, m.kind) for m in standing(project.layout, ("data", "nothing"))] == [
        ("data", Kind.DIRECTORY),
        ("data/pipe", Kind.ABSENT),
        ("data/x", Kind.FILE),
    ]
    assert sha256_of(project.layout, "data/vanished", lambda size: None) == ""


def test_a_members_bytes(project: Project) -> None:
    project.components(all=("data",))
    project.put("data/x.json", b"[1]")
    facts = project.create()
    member = next(m for m in members(project.layout, facts) if m.path == "data/x.json")
    assert content_of(project.layout, facts, member) == b"[1]"
