"""Decides how foreign text is written so that it stays text: in Markdown on GitHub, in HTML and on a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

ZERO_WIDTH = "&#8203;"
"""Parts what GitHub would join into a mention, reference or box; it looks at rendered text: a backslash is not enough."""

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_ENTITIES = {ord(char): f"&#{ord(char)};" for char in '<&"|\\@$#'}
_BACKSLASHED = {ord(char): "\\" + char for char in "*_`~[]>"}
_TABLE = _ENTITIES | _BACKSLASHED
_IN_HTML = _ENTITIES | {code: f"&#{code};" for code in _BACKSLASHED}
_REFERENCES = re.compile(
    r"(?P<at>@)|(?P<hash>#)(?=\d)|(?P<gh>\bGH-)(?=\d)|(?P<scheme>:)(?=//)|(?P<www>\bwww)(?=\.)"
    r"|(?P<mail>\b(?:mailto|xmpp):)|(?P<emoji>:)(?=[A-Za-z_+-][\w+-]*(?::|$))"
    r"|(?P<box>\[)(?=[\sx]\])"
    r"|(?P<commit>[0-9a-f]{6})(?=[0-9a-f])",
    re.IGNORECASE,
)
_BLOCK_START = re.compile(r"^(?:[-+=:]|\d{1,9}(?=[.)](?:\s|$)))")
_SIMPLE = re.compile(r"[\w./:=+,%-][\w ./:=+,%-]*", re.ASCII)


class Md(str):
    """Markdown that this room made itself; every string operation on it yields a plain, again untrusted, string."""

    __slots__ = ()


def one_line(text: str) -> str:
    """Fold breaks into spaces and make what is invisible (bidi marks, escapes, zero widths) visible as ⟨U+202E⟩."""
    return "".join(_shown(char) for char in _BREAKS.sub(" ", text)).strip()


def _shown(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    if unicodedata.category(char) in _HIDDEN:
        return f"⟨U+{ord(char):04X}⟩"
    return char


def clip(text: str, most: int) -> str:
    """Cut a text that is longer than `most` characters and say how much is missing."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text) - most} more characters)"


def markdown(text: str) -> Md:
    """Foreign text for one line or table cell: no structure, link, mention, reference, HTML or break comes through."""
    return Md(_BLOCK_START.sub(_guard_start, _escaped(one_line(text), _TABLE)))


def _escaped(flat: str, table: Mapping[int, str]) -> str:
    """The line translated, and parted where GitHub would find a reference."""
    parts: list[str] = []
    at = 0
    for found in _REFERENCES.finditer(flat):
        parts += (flat[at : found.end()].translate(table), ZERO_WIDTH)
        at = found.end()
    return "".join(parts) + flat[at:].translate(table)


def _guard_start(found: re.Match[str]) -> str:
    start = found[0]
    # A number is followed by the dot that would begin a list; the other starts are single marks.
    return f"{start}{ZERO_WIDTH}" if start.isdigit() else f"\\{start}"


def code(text: str) -> Md:
    """Foreign text as a code span; anything unusual becomes an HTML element, where table pipes cannot split it."""
    flat = one_line(text)
    if _SIMPLE.fullmatch(flat):
        return Md(f"`{flat}`")
    return Md(f"<code>{markdown(flat)}</code>") if flat else Md("")


def element(text: str) -> Md:
    """Foreign text as a code element in a line of HTML, such as a summary, where GitHub reads no Markdown."""
    # Backslashes and backticks would be shown there; character references mean the same in both.
    return Md(f"<code>{_escaped(one_line(text), _IN_HTML)}</code>")


def link(text: str, address: str) -> Md:
    """A link to an https address; anything else stays text."""
    if not re.fullmatch(r"https://[\w.-]+(?::\d+)?(?:/[\w./%~+=&?#@,:-]*)?", address, re.ASCII):
        return markdown(text)
    return Md(f"[{markdown(text)}](<{address}>)")


def terminal(text: str) -> str:
    """Foreign text for one line of a terminal or a job's log, where no workflow command can begin."""
    flat = one_line(text)
    while "##[" in flat:
        flat = flat.replace("##[", "# #[")
    return re.sub(r"^:(?=:)", ": ", flat)
