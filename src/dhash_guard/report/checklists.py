"""Decides how a checklist stands: boxes that evidence proves tick themselves, those of people keep their ticks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

from attrs import define, evolve, field, frozen

from dhash_guard.records.checklist import Memory, Shown, Tick
from dhash_guard.report.escape import Md, code, markdown
from dhash_guard.report.memory import DATA, ID, LINE, together, written
from dhash_guard.report.templates import render_markdown
from dhash_guard.report.words import moment

COMMIT = "commit"


@frozen
class Proof:
    """What evidence says: whether it holds, and in words."""

    holds: bool
    text: str


@frozen(kw_only=True)
class Sheet:
    """A rendered checklist: its Markdown with the line that remembers, and the memory itself."""

    text: Md
    memory: Memory


def render_sheet(
    name: str,
    memory: Memory,
    *,
    proofs: Mapping[str, Proof],
    subjects: Mapping[str, str],
    templates: Path | None = None,
) -> Sheet:
    """The checklist of the template `checklist-<name>.md`, with what `memory` says of it.

    `proofs` are what boxes may name as proof, `subjects` what ticks may be about, with their values now; a tick is
    revoked when the value of what it is about is another one. The template belongs to the project: ids are what counts
    there, texts and order may change. Raise UsageProblem for a box without id, two of one id, and unknown names.
    """
    filling = _Filling(memory=memory, proofs=proofs, subjects=subjects)
    context = {"box": filling.box, "proofs": tuple(proofs), "code": lambda text: code(str(text))}
    text = render_markdown(f"checklist-{name}.md", context, templates)
    after = Memory(ticks=filling.ticks, shown=filling.shown, commit=subjects.get(COMMIT, ""))
    return Sheet(text=Md(f"{text.rstrip()}\n\n{written(after)}"), memory=after)


def patched(body: str, memory: Memory) -> str:
    """The body with its boxes as `memory` says, for who has no evidence to render it from; all other text stays."""
    shown = dict(memory.shown)

    def line(found: re.Match[str]) -> str:
        name = found["id"]
        box = shown.get(name)
        if box is None:
            return found[0]
        if box.proved:
            return f"{found['start']}[{'x' if box.on else ' '}]{found['text']}{found['note']}"
        tick = memory.ticks.get(name)
        shown[name] = evolve(box, on=tick is not None and tick.holds)
        note = _noted(_said(tick, box.required))
        return f"{found['start']}[{'x' if shown[name].on else ' '}]{found['text']}{note}"

    text = LINE.sub(line, body.replace("\r\n", "\n"))
    data = written(evolve(memory, shown=shown))
    return DATA.sub(lambda _: data, text, count=1) if DATA.search(text) else f"{text.rstrip()}\n{data}\n"


@define
class _Filling:
    memory: Memory
    proofs: Mapping[str, Proof]
    subjects: Mapping[str, str]
    shown: dict[str, Shown] = field(factory=dict)
    ticks: dict[str, Tick] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ticks = dict(self.memory.ticks)

    def box(
        self,
        id: str,  # noqa: A002  # the template's word
        text: str,
        *,
        proof: str = "",
        about: str = COMMIT,
        required: bool = False,
        was: Sequence[str] = (),
    ) -> Md:
        """One line of the list, for the template. `was` are ids that it had before; raise ValueError for a wrong one."""
        if not ID.fullmatch(id):
            raise ValueError(f"{id!r} is no id of a box; use lower-case letters, digits and hyphens")
        if id in self.shown:
            raise ValueError(f"two boxes have the id {id}")
        if proof:
            return self._line(id, text, self._proof(proof), required)
        if about and about not in self.subjects:
            raise ValueError(f"a tick cannot be about {about!r}; it is one of {', '.join(self.subjects)}, or empty")
        value = self.subjects[about] if about else ""
        tick = self._tick(id, [was] if isinstance(was, str) else was, value)
        on = tick is not None and tick.holds
        self.shown[id] = Shown(on=on, proved=False, about=value, required=required)
        return _box(id, text, on, _said(tick, required))

    def _proof(self, name: str) -> Proof:
        if name not in self.proofs:
            raise ValueError(f"{name!r} proves nothing here; a proof is one of {', '.join(self.proofs)}")
        return self.proofs[name]

    def _line(self, name: str, text: str, proof: Proof, required: bool) -> Md:
        self.shown[name] = Shown(on=proof.holds, proved=True, required=required)
        return _box(name, text, proof.holds, Md(markdown(proof.text)))

    def _tick(self, name: str, was: Sequence[str], value: str) -> Tick | None:
        """What a person last did to the box, moved to its present id, and revoked where its subject has changed."""
        names = [each for each in (name, *was) if each in self.ticks]
        if not names:
            return None
        tick = reduce(together, [self.ticks.pop(each) for each in names])
        if tick.holds and value and tick.about != value:
            tick = evolve(tick, revoked=value) if tick.about else evolve(tick, about=value)
        self.ticks[name] = tick
        return tick


def _box(name: str, text: str, on: bool, note: Md) -> Md:
    # The note stands behind the id, so that it can be written anew where the text is not known.
    return Md(f"- [{'x' if on else ' '}] {markdown(text)} <!-- dhash-guard:box:{name} -->{_noted(note)}")


def _noted(note: Md) -> str:
    return f" — {note}" if note else ""


def _said(tick: Tick | None, required: bool) -> Md:
    """Who ticked it and when; or that it is still to be done, and why again."""
    open_ = "**required**" if required else ""
    if tick is None:
        return Md(open_)
    who = f"{'ticked' if tick.on else 'taken back'} by {code(tick.who)}, {moment(tick.at)}" if tick.who else ""
    if tick.revoked:
        past = who or "ticked"
        of = f" for {code(tick.about[:12])}"
        return Md(f"**revoked**: {past}{of}; now it is {code(tick.revoked[:12])}")
    if tick.on:
        return Md(who or "ticked; by whom is not known yet")
    return Md(", ".join(filter(None, [open_, who])))
