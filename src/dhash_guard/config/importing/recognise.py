"""Decides which family a document belongs to, and which environments it speaks of."""

from __future__ import annotations

from dhash_guard.config.importing.families import Family, keys
from dhash_guard.config.importing.families_environments import BARE, BASED, CAMEL, NESTED, UNITS_NAMED
from dhash_guard.config.importing.families_sections import CHECKS, FLAT, PERFORMANCE, SINGLE, TOP, TRIGGERS
from dhash_guard.config.importing.json_nodes import told
from dhash_guard.config.node import Node
from dhash_guard.errors import UsageProblem

FAMILIES = (TRIGGERS, PERFORMANCE, BASED, SINGLE, CAMEL, NESTED, UNITS_NAMED, BARE, CHECKS, FLAT, TOP)
"""In the order in which they are tried: the first that fits is meant."""


def recognise(node: Node) -> Family | None:
    """The family of a document, or None; a mapping with a `service` is a configuration of our own."""
    if not node.is_mapping or node.get("service") is not None:
        return None
    return next((family for family in FAMILIES if family.fits(node)), None)


def recognised(node: Node) -> Family:
    """Like `recognise`; raise UsageProblem for an unknown shape, and for a family that can never be imported."""
    family = recognise(node)
    if family is None:
        known = "\n".join(f"  {one.shape}" for one in sorted(FAMILIES, key=lambda one: one.number))
        found = f"its top has {', '.join(keys(node)[:12]) or 'nothing'}" if node.is_mapping else told(node)
        raise UsageProblem(
            f"is no gates file of a known shape: {found}; the known shapes are\n{known}",
            where=str(node.mark),
            cure="Write the gates by hand (gates: in dhash-guard.yml), or bring the file into one of these shapes.",
        )
    if family.refusal:
        raise UsageProblem(f"the file {family.refusal}", where=str(node.mark), cure="Nothing was imported.")
    return family


def environments(family: Family, node: Node, env: str | None) -> tuple[str, ...]:
    """The environments that the document speaks of; `env` names the one of a document that names none.

    Raise UsageProblem where there is none, or where `env` is another one than the document's.
    """
    names = family.environments(node)
    if not names and env is not None:
        return (env,)
    if not names:
        cure = 'Write "environment": "NAME" at its top; config import also takes --env.'
        raise UsageProblem("the file names no environment", where=str(node.mark), cure=cure)
    if env is not None and env not in names:
        raise UsageProblem(f"the file has no environment {env!r}, only {', '.join(names)}", where=str(node.mark))
    return names
