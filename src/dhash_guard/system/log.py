"""Writes the log of a run for people and grep: one JSON object per line, redacted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dhash_guard.records.layout import iso
from dhash_guard.system.clock import Clock
from dhash_guard.system.files import Files
from dhash_guard.system.redaction import Redactor


class RunLog:
    """Lines `{"timestamp", "level", "environment", "message", "data"?}` in one file below `monitor_logs/`."""

    def __init__(self, path: Path, environment: str, clock: Clock, files: Files, redactor: Redactor) -> None:
        self.path = path
        self._environment = environment
        self._clock = clock
        self._files = files
        self._redactor = redactor
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
        self._files.append(self.path, text.encode("utf-8", "replace") + b"\n")
