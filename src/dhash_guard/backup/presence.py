"""Decides whether what the components name is there at all: a path that leads nowhere must not pass for a backup."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dhash_guard.backup.settings import Component
from dhash_guard.errors import NoGo
from dhash_guard.records.layout import Layout


def require_present(layout: Layout, components: Mapping[str, Component]) -> tuple[str, ...]:
    """The paths where nothing stands, of components that are there otherwise; raise NoGo naming each that is not at all.

    Of an `optional` component nothing has to stand there. The output of a command is there once it ran.
    """
    partly: list[str] = []
    gone: list[str] = []
    for name, part in components.items():
        missing = [path for path in (*part.paths, *part.sqlite) if not os.path.lexists(layout.root / path)]
        if part.optional or not missing:
            continue
        if len(missing) < len(part.roots):
            partly += missing
        else:
            gone.append(f"component {name}: {', '.join(missing)} {'do' if len(missing) > 1 else 'does'} not exist")
    if gone:
        raise NoGo("; ".join(gone), cure="Mend the paths; where nothing stands there yet, write optional: true.")
    return tuple(partly)
