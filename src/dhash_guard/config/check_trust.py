"""Finds workflows that are no files, events that do not exist, and keys that nobody could hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dhash_guard.config.names import suggest
from dhash_guard.config.node import Fault, KeyPath, Node
from dhash_guard.config.verbs import TrustSettings
from dhash_guard.records.statement import Tier
from dhash_guard.system.process import WITHHELD

EVENTS = frozenset(
    {
        "check_run", "check_suite", "create", "deployment", "deployment_status", "issue_comment", "merge_group",
        "pull_request", "pull_request_review", "pull_request_target", "push", "release", "repository_dispatch", "schedule",
        "workflow_call", "workflow_dispatch", "workflow_run",
    }
)  # fmt: skip
"""Events that start runs which could leave evidence."""

_WORKFLOW = re.compile(r"\.github/workflows/[^/@\s]+\.ya?ml(?:@[0-9a-f]{40})?")
_KEY_ENV = re.compile(WITHHELD + r"(?:_[A-Z0-9_]+)?")
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def trust(settings: TrustSettings, node: Node) -> Iterator[Fault]:
    """Everything that is wrong with the section `trust`, each at its place in the file."""
    for path, text in _faults(settings):
        yield Fault(node.nearest(("trust", *path)), text)


def _faults(settings: TrustSettings) -> Iterator[tuple[KeyPath, str]]:
    for index, workflow in enumerate(settings.workflows):
        if not _WORKFLOW.fullmatch(workflow):
            yield ("workflows", index), "is no workflow; write .github/workflows/name.yml, or that and @ and a commit id"
    for index, event in enumerate(settings.events):
        if event not in EVENTS:
            yield ("events", index), f"there is no event {event}; {suggest(event, sorted(EVENTS))}"
    if settings.key_env is not None and not _KEY_ENV.fullmatch(settings.key_env):
        yield ("key_env",), f"must be {WITHHELD}, or begin with it and _: only such are kept from your own commands"
    if not _KEY_ID.fullmatch(settings.key_id):
        yield ("key_id",), "is no name for a key; use up to 64 letters, digits, dots, hyphens and underscores"
    if settings.tier is Tier.KEYED and settings.key_env is None:
        yield ("tier",), f"needs a key; write key_env: {WITHHELD}"
    for name in ("max_age", "lifetime"):
        if getattr(settings, name) <= 0:
            yield (name,), "must be longer than nothing; write one such as 24h"
