"""Reads Markdown as GitHub does, as far as a plain library can: blocks, tables, inline structure, and what GitHub links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_REFERENCE = re.compile(
    r"@\w|#\d|\bGH-\d|://|\bwww\.|(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])|mailto:|:[a-z_+-][\w+-]*:",
    re.IGNORECASE,
)


@cache
def parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])


@lru_cache(maxsize=8)
def tokens(text: str) -> Sequence[Token]:
    """The page taken apart; tests ask about one page several times."""
    return tuple(parser().parse(text))


def structure(text: str) -> Counter[str]:
    """How often each kind of token occurs, inline ones included; HTML with its text."""
    found: Counter[str] = Counter()
    for token in tokens(text):
        found[token.type] += 1
        for child in token.children or ():
            if child.type not in ("text", "text_special", "softbreak"):
                found[f"{child.type} {child.content}" if child.type == "html_inline" else child.type] += 1
        if token.type == "html_block":
            found[f"html {token.content.strip()}"] += 1
    return found


def visible(text: str) -> list[str]:
    """The texts that are shown, one per inline block, code spans left out (GitHub links nothing there)."""
    shown = []
    for token in tokens(text):
        if token.type == "inline":
            shown.append("".join(c.content for c in token.children or () if c.type in ("text", "text_special")))
    return shown


def references(text: str) -> list[str]:
    """What GitHub would turn into mentions, links or references."""
    return [found for shown in visible(text) for found in _REFERENCE.findall(shown)]
