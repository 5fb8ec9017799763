"""Composes the rooms' settings from one file, typed and explained: find, read, merge, fill in, check."""

from __future__ import annotations

from dhash_guard.config.load import Checked, arranged, check_all, environments, load
from dhash_guard.config.schema import Configuration, Directories, Environment, Kind
from dhash_guard.config.settle import Overrides

__all__ = [
    "Checked",
    "Configuration",
    "Directories",
    "Environment",
    "Kind",
    "Overrides",
    "arranged",
    "check_all",
    "environments",
    "load",
]
