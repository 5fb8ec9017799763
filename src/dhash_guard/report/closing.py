"""Decides what a comment says once its pull request is merged or closed: one line more, and the rest as it was."""

from __future__ import annotations

import re

from dhash_guard.report.escape import code

_FINAL = "<!-- dhash-guard:final -->"
_LINE = re.compile(rf"^.*{re.escape(_FINAL)}\n\n?", re.MULTILINE)


def finalised(body: str, *, merged: bool, commit: str) -> str:
    """The body with that line below its marker; said once, however often. `commit` was the last of the pull request."""
    body = body.replace("\r\n", "\n")
    first, _, rest = _LINE.sub("", body).partition("\n")
    word = "Merged" if merged else "Closed without a merge"
    at = f" at {code(commit[:7])}" if commit else ""
    return f"{first}\n**{word}**{at}: this is what the rehearsal said last. It does not change any more. {_FINAL}\n\n{rest}"
