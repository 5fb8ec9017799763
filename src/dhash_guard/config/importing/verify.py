"""Loads what was written with the loader that will read it, and takes out or refuses what that would refuse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dhash_guard.config.document import opened
from dhash_guard.config.find import Found
from dhash_guard.config.importing.compose import Composed
from dhash_guard.config.importing.interpret import Interpretation
from dhash_guard.config.node import Fault, path_text
from dhash_guard.config.settle import Overrides, settle
from dhash_guard.config.source import read


def faults(text: str, path: Path, root: Path, environ: Mapping[str, str]) -> list[Fault]:
    """Everything the loader finds in every environment; a variable that is not set here is no fault."""
    document = opened(Found(path, root, path.name), read(text.encode(), path.name))
    found = list(document.faults)
    for name in document.places:
        found += settle(document, name, environ, Overrides()).faults
    return found


def take_out(found: Interpretation, composed: Composed, wrong: list[Fault]) -> list[str]:
    """Drop each gate that is at fault; return, as file:line: path: what, the faults that no gate is the cause of."""
    left = []
    for fault in wrong:
        gate, origin = _gate(found, fault), composed.origin(fault.mark.path)
        if gate is None:
            place = f"{origin}: " if origin is not None else ""
            left.append(f"{place}{path_text(fault.mark.path)}: {fault.text}")
        elif gate[1] in found.environments[gate[0]].gates:
            why = f"gates.{gate[1]} would be refused by our loader: {fault.text}"
            at = origin.path if origin is not None else ()
            found.environments[gate[0]].drop(gate[1], found.account, gate[0], at, why)
    return left


def _gate(found: Interpretation, fault: Fault) -> tuple[str, str] | None:
    """The environment and gate that a fault is about."""
    match fault.mark.path:
        case ("environments", str(env), "gates", str(gate), *_) if env in found.environments:
            return (env, gate) if gate in found.environments[env].leaves else None
    return None
