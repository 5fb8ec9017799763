"""Writes the runner's workflow commands so that no text in them can end them, add a property, or become another command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum

from attrs import frozen

from dhash_guard.errors import Bug

SHORTEST_SECRET = 6
"""Masking shorter values would make the log unreadable and protect nothing; the redactor draws the same line."""

MOST_PER_KIND = 10
"""Annotations of a kind that GitHub shows for one step."""

_LONGEST_MESSAGE = 4000
_LONGEST_TITLE = 255

_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"} | {127: 0x2421}
"""Control characters to their pictures: an escape sequence of a service must not move the cursor of who reads the log."""


class Kind(Enum):
    """How loud an annotation is."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@frozen(kw_only=True)
class Annotation:
    """A remark on the run's page; with `file` (relative to the repository) and `line` (from 1) also on the change."""

    kind: Kind
    text: str
    title: str = ""
    file: str = ""
    line: int | None = None


def annotation_command(note: Annotation) -> str:
    """The command, one line without its end."""
    properties = {"title": cut(note.title, _LONGEST_TITLE), "file": note.file, "line": str(note.line or "")}
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    text = _data(cut(note.text, _LONGEST_MESSAGE)) or "(no text)"
    return f"::{note.kind.value}{' ' if written else ''}{written}::{text}"


def annotation_commands(notes: Sequence[Annotation], kind: Kind, used: int) -> list[str]:
    """The commands for the notes of one kind when `used` of its ten places are taken; the last place counts the rest."""
    chosen = [note for note in notes if note.kind is kind]
    room = max(MOST_PER_KIND - used, 0)
    if len(chosen) <= room:
        return [annotation_command(note) for note in chosen]
    shown = chosen[: max(room - 1, 0)]
    rest = f"{len(chosen) - len(shown)} more of kind {kind.value} are in the summary and the log"
    return [annotation_command(note) for note in shown] + (
        [annotation_command(Annotation(kind=kind, text=rest))] if room else [f"({rest})"]
    )


def mask_commands(secrets: Iterable[str]) -> list[str]:
    """One command per secret and per line of it; short and empty ones are left out."""
    lines = [line for secret in secrets for line in re.split(r"\r\n|\r|\n", secret)]
    return [f"::add-mask::{_data(line)}" for line in dict.fromkeys(lines) if len(line.strip()) >= SHORTEST_SECRET]


def fence(text: str, token: str) -> str:
    """`text` between stop-commands and its end, so that nothing in it is a command.

    `token` must be long, and must not occur in the text: raise Bug otherwise.
    """
    if not usable(token, text):
        raise Bug("the token of a fence must be new and at least 16 letters or digits")
    visible = _visible(text)
    return f"::stop-commands::{token}\n{visible}{'' if visible.endswith(chr(10)) or not visible else chr(10)}::{token}::\n"


def usable(token: str, text: str) -> bool:
    """Whether a random token can enclose the text: the runner compares without regard to case."""
    return re.fullmatch(r"[A-Za-z0-9_-]{16,100}", token) is not None and token.casefold() not in text.casefold()


def cut(text: str, most: int) -> str:
    """The text, at most so many characters long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _visible(text: str) -> str:
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")


def _data(text: str) -> str:
    return _visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
