"""Writes the log of a run for people and grep: one JSON object per line, redacted."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from dhash_guard.records.layout import iso
from dhash_guard.system.clock import Clock
from dhash_guard.system.files import Files
from dhash_guard.system.redaction import Redactor


class RunLog:
    """Lines `{"timestamp", "level", "environment", "message", "data"?}` in one file below `monitor_logs/`."""

    def __init__(
        self,
        path: Path,
        environment: str,
        clock: Clock,
        files: Files,
        redactor: Redactor,
        echo: Callable[[str], None] | None = None,
    ) -> None:
        """`echo` is told every message as well, for people who asked for more."""
        self.path = path
        self._echo = echo
        self._environment = environment
        self._clock = clock
        self._files = files
        self._redactor = redactor
        with suppress(OSError):
            files.make_directory(path.parent)

    def line(self, level: str, message: str, **data: Any) -> None:
        """Append one line; `level` is debug, info, warning, error or critical."""
        record = {
            "timestamp": iso(self._clock.now()),
            "level": level,
            "environment": self._environment,
            "message": message,
        } | ({"data": data} if data else {})
        text = json.dumps(self._redactor.data(record), ensure_ascii=False, default=str)
        # A log that cannot be written must not stop a rollback; the evidence is the record, and it does not fail silently.
        with suppress(OSError):
            self._files.append(self.path, text.encode("utf-8", "replace") + b"\n")
        if self._echo is not None:
            self._echo(f"{level}: {self._redactor.text(message)}")
