"""Decides which backups of an environment stay: by their sequence and each other's dates, never by today's clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from attrs import frozen

from dhash_guard.backup.naming import is_date
from dhash_guard.backup.settings import LAST, Keep
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.layout import iso
from dhash_guard.records.units import format_duration

SLACK = 300.0
"""Seconds that a date may lie ahead of the clock: backups of one second are dated one second apart."""

LEAP = 366 * 86400.0
"""A step between the dates of neighbours, in seconds, that may be a clock that jumped as well as a pause."""

_DAY = 86400
_NONE: Mapping[str, str] = MappingProxyType({})

Reasons = dict[str, list[str]]


@frozen(kw_only=True)
class Decision:
    """What becomes of one backup, and why. `counts` says whether it is good, so that rules may choose it."""

    backup: BackupFacts
    keep: bool
    counts: bool
    reasons: tuple[str, ...]


def decide(
    backups: Sequence[BackupFacts],
    environment: str,
    keep: Keep,
    now: float,
    *,
    needed: Collection[str] = (),
    discounted: Mapping[str, str] = _NONE,
    pinned: Mapping[str, str] = _NONE,
) -> tuple[Decision, ...]:
    """One decision for each of `backups` (any order), oldest first by sequence; `now` is UTC epoch seconds.

    What is no good backup of `environment` (also what `discounted` names, with its reason) counts for nothing and stays:
    whether it is worth anything is for a person to say. `pinned` are names that stay whatever the rules say, with the
    reason. A backup that lacks one of the components `needed` is no way back: it is judged among its like only, and takes
    no other's place. Snapshots have a retention of their own: as many as `last`; no backup goes or stays because of them.

    `now` only tells what is dated in the future. Ages and periods are those of the dates among each other, and where two
    neighbours are dated more than a year apart, what the rules kept before that step stays: the clock may have jumped.
    """
    ordered = sorted(backups, key=lambda facts: (facts.sequence, facts.sealed_at, facts.name))
    useless = _useless(ordered, environment, now, discounted)
    good = [facts for facts in ordered if facts.name not in useless]
    stays: Reasons = {}
    backups_of: dict[tuple[bool, bool], list[BackupFacts]] = {}
    for facts in good:
        if facts.purpose is Purpose.BACKUP:  # those without a number have a place among each other only
            backups_of.setdefault((bool(facts.sequence), facts.holds(needed)), []).append(facts)
    for alike in backups_of.values():
        stays |= _kept(alike, keep)
    why_all = _why_everything_stays(keep, stays)
    if not why_all:
        snapshots = [facts for facts in good if facts.purpose is Purpose.PRE_ROLLBACK]
        of_snapshots = Keep(last=keep.last or LAST, within=keep.within, older_than=keep.older_than)
        stays |= _kept(snapshots, of_snapshots)
    decisions = []
    for facts in ordered:
        reasons = [f"counts for nothing: {useless[facts.name]}"] if facts.name in useless else stays.get(facts.name, [])
        reasons = [*reasons, *([f"pinned: {pinned[facts.name]}"] if facts.name in pinned else [])]
        kept = bool(reasons or why_all)
        decisions.append(
            Decision(
                backup=facts,
                keep=kept,
                counts=facts.name not in useless,
                reasons=tuple(reasons or [why_all or _why_it_goes(keep)]),
            )
        )
    return tuple(decisions)


def _useless(ordered: Sequence[BackupFacts], environment: str, now: float, discounted: Mapping[str, str]) -> dict[str, str]:
    """Why each of those that count for nothing does."""
    found: dict[str, str] = {}
    originals: dict[str, str] = {}
    for facts in ordered:
        why = _uselessness(facts, environment, now) or discounted.get(facts.name, "")
        if not why and facts.sequence and facts.sha256:  # plain copies of one content are several backups
            original = originals.setdefault(facts.sha256, facts.name)
            why = "" if original == facts.name else f"the same archive as {original}"
        if why:
            found[facts.name] = why
    return found


def _uselessness(facts: BackupFacts, environment: str, now: float) -> str:
    if facts.environment != environment:
        return f"it belongs to {facts.environment or 'an unknown environment'}"
    if facts.problem:
        return facts.problem
    if not is_date(facts.sealed_at):
        return "its date is none"
    return f"dated in the future, {iso(facts.sealed_at)}" if facts.sealed_at > now + SLACK else ""


def _why_everything_stays(keep: Keep, stays: Reasons) -> str:
    if keep == Keep():
        return "the policy names no rule"
    return "" if stays else "there is no good backup"


def _why_it_goes(keep: Keep) -> str:
    if keep.older_than is None:
        return "no rule keeps it"
    alone = keep == Keep(older_than=keep.older_than)
    return f"older than {_span(keep.older_than)}" + ("" if alone else ", and no rule keeps it")


def _kept(good: Sequence[BackupFacts], keep: Keep) -> Reasons:
    """Why each that stays does; `good` is oldest first. Every part that ends at a leap of the dates is judged by itself."""
    found = _by_rules(good, keep)
    for before, after in zip(range(len(good)), range(1, len(good)), strict=False):
        step = good[after].sealed_at - good[before].sealed_at
        if abs(step) > LEAP:
            for name, reasons in _by_rules(good[:after], keep).items():
                said = f"before a step of {round(step / _DAY)} days in the dates, perhaps of the clock: {', '.join(reasons)}"
                found.setdefault(name, [said])
    return found


def _by_rules(good: Sequence[BackupFacts], keep: Keep) -> Reasons:
    found: Reasons = {}
    for name, reason in _chosen(good[::-1], keep):
        found.setdefault(name, []).append(reason)
    if good:
        found.setdefault(good[-1].name, ["the newest good one"])
    return found


def _chosen(good: Sequence[BackupFacts], keep: Keep) -> Iterator[tuple[str, str]]:
    """Each name that a rule keeps, with that rule; `good` is newest first."""
    for number, facts in enumerate(good[: keep.last or 0], start=1):
        yield facts.name, f"last {number} of {keep.last}"
    for rule, count, period in (
        ("daily", keep.daily, _day),
        ("weekly", keep.weekly, _week),
        ("monthly", keep.monthly, _month),
    ):
        for name, label in _newest_of_periods(good, count or 0, period):
            yield name, f"{rule} {label}"
    for facts in good:
        age = good[0].sealed_at - facts.sealed_at
        if keep.within is not None and age <= keep.within:
            yield facts.name, f"within {_span(keep.within)}"
        if keep.older_than is not None and age <= keep.older_than:
            yield facts.name, f"not older than {_span(keep.older_than)}"


def _newest_of_periods(
    good: Sequence[BackupFacts], count: int, period: Callable[[datetime], str]
) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for facts in good:
        label = period(datetime.fromtimestamp(facts.sealed_at, UTC))
        if label not in seen and len(seen) < count:
            seen.add(label)
            yield facts.name, label


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _week(moment: datetime) -> str:
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


def _span(seconds: float) -> str:
    days, rest = divmod(seconds, _DAY)
    return f"{days:.0f}d" if days and not rest else format_duration(seconds)
