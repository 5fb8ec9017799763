"""Reads workflow files as data, and decides whether what they promise as a required check can be relied on."""

from dhash_guard.github.workflows.completeness import Required, completeness
from dhash_guard.github.workflows.file import Unreadable, Workflow, read
from dhash_guard.github.workflows.hole import Hole, Weight

__all__ = ["Hole", "Required", "Unreadable", "Weight", "Workflow", "completeness", "read"]
