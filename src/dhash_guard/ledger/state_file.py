"""Keeps the shared state in a file of this disk, for machines that no other machine deploys from."""

from __future__ import annotations

from pathlib import Path

from dhash_guard.errors import Damaged, OutsideSilent
from dhash_guard.records.canonical import sha256_hex
from dhash_guard.records.layout import Layout
from dhash_guard.records.shared_state import SharedState, content, read
from dhash_guard.system.files import Files
from dhash_guard.system.state_store import NOTHING, Versioned

_PATIENCE = 10.0
"""Seconds to wait for another process that is replacing the file; that takes one write."""


class StateFile:
    """Keeps `StateStore`: the version is the sha256 of the file, a lock makes comparing and replacing one step."""

    shared = False

    def __init__(self, files: Files, layout: Layout, environment: str) -> None:
        self._files = files
        self._path = layout.shared_state(environment)
        self._lock = layout.state / "locks" / f"state-{environment}.lock"
        self._environment = environment

    @property
    def where(self) -> str:
        return str(self._path)

    def read(self) -> Versioned:
        """The state in the file; raise Damaged where it is no state, OutsideSilent where the disk does not give it."""
        try:
            data = _bytes(self._path)
        except OSError as problem:
            raise self._silent("read", problem) from problem
        if data is None:
            return Versioned(state=SharedState(environment=self._environment), version=NOTHING)
        try:
            return Versioned(state=read(data, self._environment), version=sha256_hex(data))
        except ValueError as problem:
            raise Damaged(
                f"the shared state is damaged: {problem}",
                where=str(self._path),
                cure="Look who changed it; where nobody deploys now it can be removed, and begins anew.",
            ) from problem

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        """Replace the file where it still has this version; raise Locked where another process keeps its lock."""
        written = content(new)
        try:
            with self._files.lock(self._lock, why, wait=_PATIENCE):
                data = _bytes(self._path)
                if (NOTHING if data is None else sha256_hex(data)) != version:
                    return None
                self._files.make_directory(self._path.parent)
                self._files.write_atomic(self._path, written)
        except OSError as problem:
            raise self._silent("written", problem) from problem
        return sha256_hex(written)

    def _silent(self, done: str, problem: OSError) -> OutsideSilent:
        what = f"the shared state cannot be {done}: {problem.strerror or problem}"
        return OutsideSilent(what, where=str(self._path), cure="Look at the disk.")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
