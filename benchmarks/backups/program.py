"""The installed program and the three commands of it that are measured."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALLED = Path(sys.executable).with_name("dhash-guard")
STDLIB = {"DHASH_GUARD_DEFLATE": "stdlib"}
"""Makes the archive writer leave isal alone."""


@dataclass(frozen=True)
class Program:
    """Shell commands for a project's root; restore takes the only backup that lies there."""

    path: Path = INSTALLED

    @property
    def create(self) -> str:
        return f"{self._exec} create -q"

    @property
    def verify(self) -> str:
        return f"{self._exec} verify -q"

    @property
    def restore(self) -> str:
        return f"{self._exec} restore --backup backups/*.zip --force -q"

    @property
    def _exec(self) -> str:
        return f"exec {shlex.quote(str(self.path))} backup"
