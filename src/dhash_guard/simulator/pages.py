"""Cuts a list into pages as GitHub does: 30 or up to 100 a page, the rest in the Link header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from dhash_guard.simulator.call import Call

_DEFAULT, _MOST = 30, 100


def page_of(call: Call, things: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
    """The things of the page that was asked for, and the headers that lead to the others."""
    size = min(_positive(call.query.get("per_page"), _DEFAULT), _MOST)
    page = _positive(call.query.get("page"), 1)
    last = max(1, -(-len(things) // size))
    wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page >= last:
        del wanted["next"], wanted["last"]
    if page == 1:
        del wanted["prev"], wanted["first"]
    links = [f'<{_address(call, number)}>; rel="{name}"' for name, number in wanted.items()]
    return things[(page - 1) * size : page * size], {"Link": ", ".join(links)} if links else {}


def _address(call: Call, number: int) -> str:
    return f"{call.base}{call.path}?{urlencode({**call.query, 'page': str(number)})}"


def _positive(text: str | None, otherwise: int) -> int:
    """GitHub ignores a page that is no number."""
    return int(text) if text and text.isdecimal() and int(text) > 0 else otherwise
