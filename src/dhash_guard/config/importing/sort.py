"""Sorts the values of a document by its family's rules: pieces of gates, settings, and what has no place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import define, field

from dhash_guard.config.importing import parts
from dhash_guard.config.importing.account import Account, Fate
from dhash_guard.config.importing.families import Family, Gates, Left, Meaning, Setting, Words
from dhash_guard.config.importing.parts import Piece, Role
from dhash_guard.config.importing.patterns import Match, match, snake
from dhash_guard.config.importing.subjects import Subject, known, subject_of
from dhash_guard.config.names import suggest
from dhash_guard.config.node import Node

_LIMIT = re.compile(r"threshold|limit|max|min(_|$)|rate|percent|failures|latency|multiplier|queue|usage|_ms$")

Pieces = dict[str, dict[str, Piece]]
"""By our gate's name, then by the key in the file."""


@define
class Sorted:
    """The values of a document by what they are for; those that are for nothing are in the account already."""

    account: Account
    own: dict[str, Pieces] = field(factory=dict)
    base: Pieces = field(factory=dict)
    settings: list[tuple[str, Setting, Node]] = field(factory=list)
    subjects: dict[str, Subject] = field(factory=dict)

    def add(self, table: Pieces, subject: Subject, piece: Piece) -> None:
        """Put a piece to its gate; a second one under the same key is kept too, so that it can be refused."""
        self.subjects[subject.gate] = subject
        entries = table.setdefault(subject.gate, {})
        entries[piece.key if piece.key not in entries else f"{piece.key} #{len(entries)}"] = piece


def sort(family: Family, leaves: Iterable[Node], environments: tuple[str, ...]) -> Sorted:
    """Every leaf to its kind."""
    found = Sorted(Account(), own={env: {} for env in environments})
    for leaf in leaves:
        for pattern, meaning in family.rules:
            fit = match(pattern, leaf.mark.path, environments)
            if fit is not None:
                _take(found, meaning, leaf, fit)
                break
        else:
            _unknown(found, leaf)
    return found


def _take(found: Sorted, meaning: Meaning, leaf: Node, fit: Match) -> None:
    match meaning:
        case Left(reason):
            found.account.say(leaf, Fate.LEFT, reason, env=fit.env, depth=fit.depth)
        case Setting():
            found.settings.append((fit.env, meaning, leaf))
        case Gates():
            _nested(found, meaning, leaf, fit)
        case Words():
            _word(found, leaf, fit)


def _nested(found: Sorted, meaning: Gates, leaf: Node, fit: Match) -> None:
    name = fit.gate or meaning.subject
    piece, subject = parts.nested(leaf, fit.rest), subject_of(name)
    if subject is not None:
        for table in _tables(found, fit.env, meaning.base):
            found.add(table, subject, piece)
    elif piece.part.role is Role.LEFT or (not fit.rest and isinstance(leaf.value, str)):
        found.account.say(leaf, Fate.LEFT, piece.part.reason or parts.TEXT, env=fit.env)
    else:
        why = f"no gate of ours watches {name}; {suggest(snake(name), known())}"
        found.account.say(leaf, Fate.REFUSED, why, env=fit.env, gate=True)


def _word(found: Sorted, leaf: Node, fit: Match) -> None:
    name = snake(str(leaf.mark.path[-1]))
    meant = parts.flat(leaf, name)
    if meant is not None:
        for table in _tables(found, fit.env, base=False):
            found.add(table, *meant)
    elif not isinstance(leaf.value, (int, float)) and leaf.value is not None:
        found.account.say(leaf, Fate.LEFT, parts.TEXT, env=fit.env)
    else:
        why = parts.UNWATCHED.get(name, f"nothing of ours is called {name}")
        found.account.say(leaf, Fate.REFUSED, f"{why}; define a signal and a gate by hand", env=fit.env, gate=True)


def _tables(found: Sorted, env: str, base: bool) -> list[Pieces]:
    if base:
        return [found.base]
    return [found.own[env]] if env else list(found.own.values())


def _unknown(found: Sorted, leaf: Node) -> None:
    """What no rule speaks of: a number that is called like a limit is refused, the rest has no place."""
    name = snake(str(leaf.mark.path[-1])) if leaf.mark.path else ""
    numeric = isinstance(leaf.value, (int, float)) and not isinstance(leaf.value, bool)
    if numeric and _LIMIT.search(name):
        why = "is called like a limit, but stands where this family has none; move it to its gate, or remove it"
        found.account.say(leaf, Fate.REFUSED, why, gate=True)
    else:
        found.account.say(leaf, Fate.LEFT, "is no key of this family; nothing was made of it")
