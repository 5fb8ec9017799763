"""Decides what a name may look like, and which known name a mistyped one probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What the name of an environment variable looks like."""

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
"""What may become part of a file's name."""

UNFIT_NAME = "is no name for files; use lower-case letters, digits and hyphens"


def suggest(name: str, known: Iterable[str], most: int = 12) -> str:
    """`did you mean health?`, or the list of what there is where nothing is near."""
    from difflib import get_close_matches

    options = sorted(set(known))
    near = get_close_matches(name.lower(), options, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    if not options:
        return "there are none"
    rest = f" and {len(options) - most} more" if len(options) > most else ""
    return f"use one of {', '.join(options[:most])}{rest}"
