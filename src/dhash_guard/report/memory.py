"""Decides what people did to the boxes of a body: nothing that was ticked is lost, and nothing is ticked that nobody did."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence

from attrs import evolve

from dhash_guard.records.checklist import Edit, Memory, Tick
from dhash_guard.records.codec import from_data, to_data
from dhash_guard.report.escape import Md

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
LINE = re.compile(
    r"^(?P<start>[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+)\[(?P<mark>[ xX])\]"
    r"(?P<text>[ \t].*<!-- dhash-guard:box:(?P<id>[a-z0-9][a-z0-9-]{0,63}) -->)(?P<note>.*)$",
    re.MULTILINE,
)
"""A line with a box: its mark, its text up to its id, and what is said of it."""
DATA = re.compile(r"<!-- dhash-guard:boxes:([A-Za-z0-9_-]*=*) -->")
_UNPACKED = 1_000_000
_MOST = 300
"""Boxes that are remembered; the latest of those that are no longer shown."""


def boxes_in(body: str) -> dict[str, bool]:
    """Each box of the body and whether it is ticked; of a box that stands there twice, only if both are."""
    found: dict[str, bool] = {}
    for box in LINE.finditer(body.replace("\r\n", "\n")):
        found[box["id"]] = found.get(box["id"], True) and box["mark"] != " "
    return found


def remembered(body: str) -> Memory:
    """What the body carries; nothing for anything that is not exactly what we write."""
    found = DATA.search(body)
    if found is None:
        return Memory()
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.urlsafe_b64decode(found[1]), _UNPACKED)
        memory = from_data(Memory, json.loads(content))
    except (ValueError, zlib.error, TypeError, RecursionError):
        return Memory()
    return memory if all(ID.fullmatch(name) for name in (*memory.ticks, *memory.shown)) else Memory()


def written(memory: Memory) -> Md:
    """The line by which the next rendering remembers."""
    unshown = sorted((name for name in memory.ticks if name not in memory.shown), key=lambda name: -memory.ticks[name].at)
    kept = {name: memory.ticks[name] for name in sorted({*memory.ticks} - {*unshown[_MOST:]})}
    data = to_data(evolve(memory, ticks=kept))
    content = json.dumps(data, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii")
    return Md(f"<!-- dhash-guard:boxes:{base64.urlsafe_b64encode(zlib.compress(content, 9)).decode('ascii')} -->")


def recalled(bodies: Sequence[str], edit: Edit | None, now: float) -> Memory:
    """What people did to the boxes, by the bodies as they stand (oldest comment first) and the edit that is reported.

    `now` (UTC epoch seconds) is a moment before the bodies were read. Each edit may be reported late, twice, in any
    order, or after its effect was overwritten; once all have been, each box stands as its last edit left it.
    """
    found = [observed(_believed(body, edit), body, now) for body in bodies]
    memory = Memory() if not found else found[0]
    for other in found[1:]:
        ticks = dict(memory.ticks)
        for name, tick in other.ticks.items():
            ticks[name] = together(ticks[name], tick) if name in ticks else tick
        memory = evolve(memory, ticks=ticks, shown={**other.shown, **memory.shown})
    return memory if edit is None else credited(memory, edit)


def observed(memory: Memory, body: str, now: float) -> Memory:
    """With what somebody did since the body was written: a box for people stands otherwise than it was shown."""
    ticks = dict(memory.ticks)
    for name, on in boxes_in(body).items():
        shown = memory.shown.get(name)
        if shown is not None and not shown.proved and shown.on != on:
            ticks[name] = Tick(on=on, at=now, seen=now, about=shown.about)
    return evolve(memory, ticks=ticks)


def credited(memory: Memory, edit: Edit) -> Memory:
    """With the edit: whoever did what is seen gets the credit, and what was overwritten before it was seen comes back."""
    before, base = boxes_in(edit.before), remembered(edit.before)
    ticks = dict(memory.ticks)
    for name, on in boxes_in(edit.after).items():
        shown = base.shown.get(name)
        if shown is None or shown.proved or before.get(name, on) == on:
            continue
        ticks[name] = _credited(ticks.get(name), Tick(on=on, who=edit.who, at=edit.at, seen=edit.at, about=shown.about))
    return evolve(memory, ticks=ticks)


def together(one: Tick, other: Tick) -> Tick:
    """What two accounts of one box come to: what was only seen gets the credit that the other account knows."""
    if bool(one.who) != bool(other.who):
        return _credited(*((other, one) if one.who else (one, other)))
    first, second = sorted((one, other), key=lambda tick: (tick.at, tick.seen))
    return _credited(first, second) if one.who else second


def _credited(there: Tick | None, done: Tick) -> Tick:
    if there is None:
        return done
    if there.on != done.on or (there.about and done.about and there.about != done.about):
        return done if done.at > there.seen else there
    if there.who and done.at <= there.at:
        return there  # a later edit did the same, or this one is reported again
    return evolve(there, who=done.who, at=done.at, seen=max(there.seen, done.seen))


def _believed(body: str, edit: Edit | None) -> Memory:
    """What the body carries, unless this very edit wrote it there: people tick boxes, they do not rewrite memories."""
    if edit is None:
        return remembered(body)
    ours, theirs = DATA.search(edit.before), DATA.search(edit.after)
    tampered = (ours and ours[0]) != (theirs and theirs[0])
    stands = DATA.search(body)
    return remembered(edit.before if tampered and (stands and stands[0]) == (theirs and theirs[0]) else body)
