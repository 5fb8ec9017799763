"""Random histories of a checklist: whatever people, legs and templates do in between, no tick is lost and none invented."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from attrs import define, evolve, field

from dhash_guard.records.checklist import Edit, Memory
from dhash_guard.report.checklists import Proof, patched, render_sheet
from dhash_guard.report.memory import boxes_in, recalled

HISTORIES = 10_000 if os.environ.get("DHASH_GUARD_FULL") else 1_000
BLOCKS = 10
PEOPLE = ("alice", "bob", "carol")
NAMES = tuple(f"box-{n}" for n in range(5))


@define
class Template:
    """The project's template: which boxes, in which order, under which words and ids; one is proved by evidence."""

    order: list[str] = field(factory=lambda: [*NAMES])
    words: dict[str, str] = field(factory=lambda: {name: f"Text of {name}" for name in NAMES})
    ids: dict[str, str] = field(factory=lambda: {name: name for name in NAMES})
    past: dict[str, list[str]] = field(factory=lambda: {name: [] for name in NAMES})

    def write(self, folder: Path) -> None:
        lines = ['{{ box("proved", "Proved", proof="premerge") }}']
        for name in self.order:
            about = "commit" if name in NAMES[:3] else ""
            was = ", ".join(f'"{each}"' for each in self.past[name])
            lines.append(f'{{{{ box("{self.ids[name]}", "{self.words[name]}", about="{about}", was=[{was}]) }}}}')
        (folder / "checklist-pr.md").write_text("\n".join(lines) + "\n")


@define
class Deed:
    """The last thing that a person did to a box."""

    on: bool
    who: str
    at: float
    commit: str


@define
class World:
    """A comment, the people who click in it, and the program that writes it; the truth is what people last did."""

    dice: random.Random
    folder: Path
    template: Template = field(factory=Template)
    body: str = ""
    now: float = 1_000_000.0
    commit: str = "commit-0"
    shown: str = "commit-0"
    proof: bool = False
    truth: dict[str, Deed] = field(factory=dict)
    revoked: set[str] = field(factory=set)
    reported: list[Edit] = field(factory=list)
    late: list[Edit] = field(factory=list)
    patched: bool = False
    """Whether the last write knew nothing of the template, so that what it credited to a former id is still to be shown."""

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    def compose(self, edit: Edit | None, read: str, since: float) -> str:
        """One look and one write of the program."""
        memory = recalled([read] if read else [], edit, since)
        self.patched = edit is not None and self.dice.random() < 0.5
        if self.patched:
            return patched(read, memory)
        sheet = render_sheet(
            "pr",
            memory,
            proofs={"premerge": Proof(self.proof, "proof")},
            subjects={"commit": self.commit},
            templates=self.folder,
        )
        return f"## {self.commit}\n\n{sheet.text}\n"

    def render(self, edit: Edit | None = None, click_between: bool = False) -> None:
        since, read = self.tick(), self.body
        if click_between and read:
            self.click()  # and what was clicked is written over in a moment
        new = self.compose(edit, read, since)
        full = new.startswith(f"## {self.commit}")
        self.body = new
        if full and self.shown != self.commit:
            self.shown = self.commit
        # What was about another commit is revoked by whoever renders it, for as long as nobody does it again.
        for name, deed in self.truth.items():
            if deed.on and name in NAMES[:3] and name in self.template.order and full and deed.commit != self.commit:
                self.revoked.add(name)

    def click(self) -> None:
        """A person ticks or unticks one box, as GitHub does it: the whole body with one mark changed."""
        there = {self.template.ids[name]: name for name in self.template.order}
        ids = [each for each in boxes_in(self.body) if each in there]
        if not ids:
            return
        name = self.dice.choice(ids)
        before, lines = self.body, self.body.split("\n")
        index = next(i for i, line in enumerate(lines) if f"dhash-guard:box:{name} -->" in line)
        on = lines[index].startswith("- [ ]")
        lines[index] = lines[index].replace("- [ ]", "- [x]", 1) if on else lines[index].replace("- [x]", "- [ ]", 1)
        self.body = "\n".join(lines)
        if self.dice.random() < 0.3:
            self.body = self.body.replace("\n", "\r\n")
        self.edited(before, there[name], on)

    def edited(self, before: str, name: str, on: bool) -> None:
        edit = Edit(who=self.dice.choice(PEOPLE), at=self.tick(), before=before, after=self.body)
        self.truth[name] = Deed(on, edit.who, edit.at, self.shown if name in NAMES[:3] else "")
        self.revoked.discard(name)
        self.reported.append(edit)

    def toggle_proved(self) -> None:
        """Somebody ticks what only evidence ticks, or scrawls into the memory; neither has any effect."""
        before = self.body
        if self.dice.random() < 0.5:
            self.body = self.body.replace("- [ ] Proved", "- [x] Proved")
        else:
            at = self.body.find("dhash-guard:boxes:") + 30
            self.body = self.body[:at] + self.dice.choice("AbC_") + self.body[at + 1 :]
        if before != self.body:
            edit = Edit(who="mallory", at=self.tick(), before=before, after=self.body)
            self.render(edit)

    def reorder_by_hand(self) -> None:
        """Somebody moves lines in the comment itself."""
        before, lines = self.body, self.body.replace("\r\n", "\n").split("\n")
        places = [i for i, line in enumerate(lines) if "dhash-guard:box:" in line]
        shuffled = [lines[i] for i in places]
        self.dice.shuffle(shuffled)
        for place, line in zip(places, shuffled, strict=True):
            lines[place] = line
        self.body = "\n".join(lines)
        self.reported.append(Edit(who="dora", at=self.tick(), before=before, after=self.body))

    def change_template(self) -> None:
        name = self.dice.choice(NAMES)
        match self.dice.randrange(4):
            case 0:
                self.dice.shuffle(self.template.order)
            case 1:
                self.template.words[name] = f"Other words, {self.dice.randrange(100)}: [x] *{name}*"
            case 2:
                self.template.past[name].append(self.template.ids[name])
                self.template.ids[name] = f"{name}-{self.dice.randrange(1000)}-{len(self.template.past[name])}"
            case 3 if name in self.template.order and len(self.template.order) > 1:
                self.template.order.remove(name)
            case 3:
                self.template.order.append(name)
        self.template.order = list(dict.fromkeys(self.template.order))
        self.template.write(self.folder)

    def deliver(self) -> None:
        """One report arrives: in any order, and some a second time."""
        if self.reported:
            edit = self.reported.pop(self.dice.randrange(len(self.reported)))
            self.late.append(edit)
            self.render(edit)
        elif self.late and self.dice.random() < 0.3:
            self.render(self.dice.choice(self.late))

    def render_only(self) -> None:
        """Nothing is reported yet, and nobody sees a box of theirs change by itself, unless it says that it is revoked."""
        before, known = boxes_in(self.body), not self.patched
        self.render()
        ticks = recalled([self.body], None, self.now).ticks
        for name, on in boxes_in(self.body).items():
            if known and name != "proved" and before.get(name, on) != on:
                assert before[name] and ticks[name].revoked, f"{name} changed by itself"

    def step(self) -> None:
        self.tick()
        match self.dice.randrange(12):
            case 0 | 1 | 2 | 3:
                self.click()
            case 4:
                self.render_only()
            case 5:
                self.render(click_between=True)
            case 6 | 7:
                self.deliver()
            case 8:
                self.change_template()
                self.render()
            case 9 if self.dice.random() < 0.3:
                self.commit = f"commit-{self.dice.randrange(1000)}"
                self.render()
            case 10:
                self.proof = not self.proof
                self.toggle_proved()
            case 11:
                self.reorder_by_hand()

    def settle(self) -> Memory:
        """All reports arrive, all boxes are shown again, and the comment is written once more."""
        while self.reported:
            self.deliver()
        self.template.order = [*NAMES]
        self.template.write(self.folder)
        self.render()
        self.render()
        return recalled([self.body], None, self.tick())


def check(world: World, memory: Memory) -> None:
    shown = boxes_in(world.body)
    assert shown["proved"] is world.proof
    for name in NAMES:
        tick, deed = memory.ticks.get(world.template.ids[name]), world.truth.get(name)
        if deed is None:
            assert tick is None, f"invented: {name} {tick}"
            assert not shown[world.template.ids[name]]
            continue
        assert tick is not None, f"lost: {name} {deed}"
        assert (tick.on, tick.who, tick.at) == (deed.on, deed.who, deed.at), f"{name}: {tick} {deed}"
        revoked = deed.on and name in NAMES[:3] and deed.commit != world.commit
        assert bool(tick.revoked) is (revoked or name in world.revoked), f"{name}: {tick} {deed}"
        assert shown[world.template.ids[name]] is (deed.on and not tick.revoked)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_tick_is_lost_and_none_is_invented(block: int, tmp_path: Path) -> None:
    for number in range(HISTORIES // BLOCKS):
        seed = block * HISTORIES + number
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(dice=random.Random(seed), folder=folder)
        world.template.write(folder)
        world.render()
        try:
            for _ in range(world.dice.randrange(4, 24)):
                world.step()
            check(world, world.settle())
        except AssertionError as problem:
            raise AssertionError(f"history {seed}: {problem}") from problem


def test_an_edit_that_is_reported_twice_changes_nothing_more(tmp_path: Path) -> None:
    world = World(dice=random.Random(1), folder=tmp_path)
    world.template.write(tmp_path)
    world.render()
    world.click()
    edit = world.reported.pop()
    once = patched(world.body, recalled([world.body], edit, world.tick()))
    assert patched(once, recalled([once], evolve(edit), world.tick())) == once
