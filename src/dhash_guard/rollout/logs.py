"""The logging check: logs can be written, are JSON lines with what they must have, hold no secret, and are rotated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from dhash_guard.config.verbs import LogSettings
from dhash_guard.errors import CannotTell, GuardError, NoGo
from dhash_guard.records.canonical import loads
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import Layout
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.units import format_bytes, format_duration
from dhash_guard.report.words import plural
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.system.secret_shapes import SecretShapes

Cleaner = Callable[[str], str]
"""Replaces the values of secret variables; a text that it changes held one."""

LEVELS = ("debug", "info", "warn", "warning", "error", "critical", "fatal")
_LONGEST = 1_000_000
"""Characters of one line; nothing that reads logs line by line survives longer ones."""
_SHOWN = 3
"""Faulty lines of a file that are named."""


class LogsWrong(NoGo):
    """A log is not as it must be; `findings` has every one."""

    code = "logs-wrong"


def validate(run: Guarded) -> Evidence:
    """The `logs validate` verb; 0, 1, or 3 where there is no log to look at."""
    try:
        run.stage("logging", lambda: prove_logs(run))
    except GuardError as problem:
        return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    return run.seal(run.evidence(result="logs-right", exit_code=0))


def prove_logs(run: Guarded) -> Done:
    """Write a line as every run does, then look at all logs; raise LogsWrong naming everything that is wrong."""
    run.log.line("info", "logging check")
    layout, settings = run.configuration.layout, run.configuration.environment.logs
    findings = [*_places(layout)]
    paths = log_files(layout, settings)
    shapes = SecretShapes(settings.secrets)
    now = run.machine.clock.now()
    for path in paths:
        findings.append(_file(path, layout.relative(path), settings, shapes, run.redactor.text, now))
    wrong = [finding for finding in findings if finding.status is StageStatus.FAILED]
    if wrong:
        text = "; ".join(f"{finding.check}: {finding.text}" for finding in wrong)
        raise LogsWrong(text, cure=wrong[0].cure, findings=tuple(findings))
    if not paths:
        cure = "Let the service write one, or name its files in logs.files."
        raise CannotTell(f"there is no log in {layout.relative(layout.logs)}", cure=cure, findings=tuple(findings))
    return Done(f"{plural(len(paths), 'log')} looked at", tuple(findings))


def log_files(layout: Layout, settings: LogSettings) -> list[Path]:
    """The logs that the patterns name; links are not followed, because they may lead anywhere."""
    if not layout.logs.is_dir():
        return []
    found = {path for pattern in settings.files for path in layout.logs.glob(pattern)}
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _places(layout: Layout) -> Iterator[Finding]:
    name = layout.relative(layout.logs)
    there = next(parent for parent in (layout.logs, *layout.logs.parents) if parent.exists())
    good = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    yield _finding(name, "" if good else "no log can be written there", f"Let this user write {name}.", "writable")


def _file(path: Path, name: str, settings: LogSettings, shapes: SecretShapes, cleaned: Cleaner, now: float) -> Finding:
    """One log: everything that is wrong with it in one finding."""
    try:
        stat = path.stat()
        faults, lines = faults_of(path, settings, shapes, cleaned)
    except OSError as problem:
        return _finding(name, f"cannot be read: {problem.strerror or problem}", f"Let this user read {name}.", "")
    if not os.access(path, os.W_OK):
        faults.append("cannot be written")
    if stat.st_size > settings.largest.value:
        faults.append(f"has {format_bytes(stat.st_size)}, more than {settings.largest}: it is not rotated")
    cure = f"Mend what writes {name}." if faults else ""
    age = now - stat.st_mtime
    if not faults and age > settings.keep:
        text = f"is {format_duration(round(age))} old, kept for {format_duration(settings.keep)}"
        return Finding(check=name, status=StageStatus.PASSED, text=text, cure="dhash-guard logs archive", warned=True)
    return _finding(name, "; ".join(faults), cure, f"{plural(lines, 'line')}")


def faults_of(path: Path, settings: LogSettings, shapes: SecretShapes, cleaned: Cleaner) -> tuple[list[str], int]:
    """What is wrong with the lines of a log, and how many there are; a last line without its end is being written."""
    faults: list[str] = []
    wrong = lines = 0
    with path.open("rb") as file:
        while raw := file.readline(_LONGEST):
            if not raw.endswith(b"\n"):
                if len(raw) < _LONGEST:
                    break
                while (rest := file.readline(_LONGEST)) and not rest.endswith(b"\n"):
                    pass
                fault = "is longer than a million bytes"
            else:
                fault = _line(raw, settings, shapes, cleaned)
            lines += 1
            if fault:
                wrong += 1
                if wrong <= _SHOWN:
                    faults.append(f"line {lines} {fault}")
    if wrong > _SHOWN:
        faults.append(f"and {plural(wrong - _SHOWN, 'more line')}")
    return faults, lines


def _line(raw: bytes, settings: LogSettings, shapes: SecretShapes, cleaned: Cleaner) -> str:
    """What is wrong with one line; of a secret only its kind is told."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return "is no UTF-8"
    if (kind := next(shapes.in_line(text), "")) or cleaned(text) != text:
        return f"holds {kind or 'the value of a secret variable'}"
    try:
        record = loads(text)
    except ValueError:
        return "is no JSON"
    if not isinstance(record, dict):
        return "is no JSON object"
    missing = [key for key in settings.required if record.get(key) in (None, "")]
    if missing:
        return f"has no {', '.join(missing)}"
    if "timestamp" in settings.required and not _is_time(record["timestamp"]):
        return "has a timestamp that is no ISO 8601 time with its zone"
    if "level" in settings.required and str(record["level"]).casefold() not in LEVELS:
        return f"has a level that is none of {', '.join(LEVELS)}"
    return ""


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _finding(check: str, fault: str, cure: str, good: str) -> Finding:
    status = StageStatus.FAILED if fault else StageStatus.PASSED
    return Finding(check=check, status=status, text=fault or good, cure=cure if fault else "")
