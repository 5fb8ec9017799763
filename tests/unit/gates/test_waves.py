"""Which targets may start, and which are rolled back: tables, and what holds for any arrangement."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.gates.waves import Target, Undo, Waves, ahead, holes, undone
from dhash_guard.records.outcome import Status

HEALTHY, DEGRADED, CANNOT_TELL = Status.HEALTHY, Status.DEGRADED, Status.CANNOT_TELL


def arrangement(undo: Undo = Undo.WAVE, **waves: int) -> Waves:
    targets = tuple(Target(name=name, place=f"production-{name}", wave=wave) for name, wave in waves.items())
    return Waves(environment="production", targets=targets, undo=undo)


THREE = arrangement(a=1, b=2, c=2, d=3)


def standing(words: str) -> Mapping[str, Status]:
    """`a=healthy b=degraded`."""
    return {f"production-{name}": Status(word) for name, word in (pair.split("=") for pair in words.split())}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("", (HEALTHY, CANNOT_TELL, CANNOT_TELL)),
        ("a=cannot-tell", (HEALTHY, CANNOT_TELL, CANNOT_TELL)),
        ("a=degraded", (HEALTHY, DEGRADED, DEGRADED)),
        ("a=healthy", (HEALTHY, HEALTHY, CANNOT_TELL)),
        ("a=healthy b=healthy", (HEALTHY, HEALTHY, CANNOT_TELL)),
        ("a=healthy b=healthy c=degraded", (HEALTHY, HEALTHY, DEGRADED)),
        ("a=healthy b=degraded", (HEALTHY, HEALTHY, DEGRADED)),
        ("a=healthy b=healthy c=not-judged", (HEALTHY, HEALTHY, CANNOT_TELL)),
        ("a=healthy b=healthy c=healthy", (HEALTHY, HEALTHY, HEALTHY)),
        ("a=healthy b=healthy c=healthy d=degraded", (HEALTHY, HEALTHY, HEALTHY)),
        ("b=healthy c=healthy", (HEALTHY, CANNOT_TELL, CANNOT_TELL)),
        ("a=degraded b=healthy c=healthy", (HEALTHY, DEGRADED, DEGRADED)),
    ],
)
def test_a_wave_starts_when_all_before_are_healthy(known: str, expected: tuple[Status, ...]) -> None:
    assert tuple(ahead(THREE, wave, standing(known)) for wave in (1, 2, 3)) == expected


@pytest.mark.parametrize(
    ("policy", "wave", "expected"),
    [
        (Undo.WAVE, 1, "a"), (Undo.WAVE, 2, "bc"), (Undo.WAVE, 3, "d"),
        (Undo.ALL, 1, "a"), (Undo.ALL, 2, "bca"), (Undo.ALL, 3, "dbca"),
        (Undo.NONE, 1, ""), (Undo.NONE, 3, ""), (Undo.WAVE, 4, ""),
    ],
)  # fmt: skip
def test_the_policy_says_what_is_rolled_back(policy: Undo, wave: int, expected: str) -> None:
    assert "".join(target.name for target in undone(evolve(THREE, undo=policy), wave)) == expected


@pytest.mark.parametrize(
    ("used", "missing"), [([], ()), ([1, 2, 2], ()), ([2], (1,)), ([1, 4, 3], (2,)), ([5], (1, 2, 3, 4))]
)
def test_holes_are_found(used: list[int], missing: tuple[int, ...]) -> None:
    assert holes(used) == missing


def test_an_environment_without_targets_is_one_wave() -> None:
    one = Waves(environment="staging", targets=(Target(name="", place="staging"),))
    assert (one.count, one.of(1), one.before(1)) == (1, one.targets, ())
    assert ahead(one, 1, {}) is HEALTHY
    assert Waves().count == 0


NUMBERED = st.lists(st.integers(1, 5), max_size=12)
STATUSES = st.lists(st.sampled_from(Status), min_size=12, max_size=12)


def numbered(numbers: list[int], undo: Undo = Undo.WAVE) -> Waves:
    return arrangement(undo, **{f"t{index}": number for index, number in enumerate(numbers)})


@given(numbers=NUMBERED, statuses=STATUSES, known=st.integers(0, 12), wave=st.integers(1, 6))
def test_nothing_starts_while_anything_before_it_is_not_healthy(
    numbers: list[int], statuses: list[Status], known: int, wave: int
) -> None:
    waves = numbered(numbers)
    standing = {target.place: status for target, status in list(zip(waves.targets, statuses, strict=False))[:known]}
    blocked = [one for one in waves.targets if one.wave < wave and standing.get(one.place) is not HEALTHY]
    found = ahead(waves, wave, standing)
    assert (found is HEALTHY) == (not blocked)
    assert (found is DEGRADED) == any(standing.get(one.place) is DEGRADED for one in blocked)


@given(numbers=NUMBERED, statuses=STATUSES, index=st.integers(0, 11), worse=st.sampled_from([DEGRADED, CANNOT_TELL]))
def test_worse_news_never_lets_more_start(numbers: list[int], statuses: list[Status], index: int, worse: Status) -> None:
    waves = numbered(numbers)
    standing = {target.place: status for target, status in zip(waves.targets, statuses, strict=False)}
    changed = standing | {f"production-t{index}": worse}
    for wave in range(1, 7):
        if ahead(waves, wave, changed) is HEALTHY:
            assert ahead(waves, wave, standing) is HEALTHY


@given(numbers=NUMBERED, statuses=STATUSES, wave=st.integers(1, 5))
def test_a_wave_that_may_start_follows_only_waves_that_could(numbers: list[int], statuses: list[Status], wave: int) -> None:
    waves = numbered(numbers)
    standing = {target.place: status for target, status in zip(waves.targets, statuses, strict=False)}
    if ahead(waves, wave + 1, standing) is HEALTHY:
        assert ahead(waves, wave, standing) is HEALTHY


@given(numbers=NUMBERED, wave=st.integers(1, 5))
def test_what_is_rolled_back_is_exactly_what_the_policy_reaches(numbers: list[int], wave: int) -> None:
    found = {undo: undone(numbered(numbers, undo), wave) for undo in Undo}
    assert found[Undo.NONE] == ()
    assert {one.wave for one in found[Undo.WAVE]} <= {wave}
    assert len(found[Undo.WAVE]) == numbers.count(wave)
    assert len(found[Undo.ALL]) == sum(number <= wave for number in numbers)
    assert [one.wave for one in found[Undo.ALL]] == sorted((n for n in numbers if n <= wave), reverse=True)
    assert set(found[Undo.WAVE]) <= set(found[Undo.ALL])
    for targets in found.values():
        assert len(set(targets)) == len(targets)
