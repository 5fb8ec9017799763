"""Proves that a backup can be put back: restores it to a scratch directory, lets a probe look, and leaves a receipt."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from dhash_guard.backup.drilling import clear_dead, scratch_for
from dhash_guard.backup.receipts import TOOL, read_whole, write
from dhash_guard.backup.restoring.extract import Extracted, extract
from dhash_guard.errors import Damaged, GuardError, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.layout import Layout
from dhash_guard.records.receipt import Proof, Receipt, Result
from dhash_guard.records.units import format_bytes
from dhash_guard.system.machine import Machine

_SPARE = 1.05
_PRIVATE = 0o700

Probe = Callable[[Path], str]
"""Looks at the scratch directory and says in one line what it did; raises GuardError where what stands there is no use."""


@frozen(kw_only=True)
class Drilled:
    """What a drill found: `seconds` is the time to restore, `probe` what the probe said (empty: there was none)."""

    backup: str
    files: int
    bytes: int
    seconds: float
    probe: str


def drill(
    machine: Machine, layout: Layout, facts: BackupFacts, above: Path, probe: Probe | None = None, command: str = ""
) -> Drilled:
    """Restore the backup below `above`, compare every hash, let `probe` look; the scratch directory is removed always.

    `command` is the probe as the receipt names it. Raise Damaged for a bad backup and what the probe raises, with a receipt
    that says so; UsageProblem or NoGo, without one, where `above` cannot take it or the receipt cannot be written; and
    CannotTell, without one, where the backup is gone: retention keeps it only once the drill has begun.
    """
    measured: list[tuple[Extracted, float]] = []
    try:
        clear_dead(machine, layout)
        _require_directory(above)
        with scratch_for(machine, layout, facts, above) as scratch:
            whole = rehearse_drill(machine, layout, facts, above)
            try:
                if whole.problems:
                    raise Damaged(f"the backup is damaged: {'; '.join(whole.problems[:3])}", where=facts.name)
                machine.files.make_directory(scratch, _PRIVATE)
                began = machine.clock.monotonic()
                extracted = extract(machine, layout, facts, scratch)
                measured.append((extracted, round(machine.clock.monotonic() - began, 3)))
                said = probe(scratch) if probe is not None else ""
            except GuardError as problem:
                _file(machine, layout, _receipt(machine, facts, measured, command, problem.what))
                raise
    except OSError as problem:
        full = "the disk is full" if problem.errno in (errno.ENOSPC, errno.EDQUOT) else "the drill could not write"
        raise NoGo(f"{full}: {problem}", cure="Name a directory with room by --into.") from problem
    _file(machine, layout, _receipt(machine, facts, measured, command, ""))
    [(extracted, seconds)] = measured
    return Drilled(backup=facts.name, files=extracted.files, bytes=extracted.bytes, seconds=seconds, probe=said)


def rehearse_drill(machine: Machine, layout: Layout, facts: BackupFacts, above: Path) -> Verification:
    """Read the backup whole and see that `above` can hold it; raise UsageProblem or NoGo where it cannot."""
    _require_directory(above)
    found = read_whole(machine, layout, facts)
    free, needed = machine.host.free_bytes(above), round(found.bytes_read * _SPARE)
    if free is not None and free < needed:
        missing = format_bytes(needed - free)
        raise NoGo(
            f"the drill needs {format_bytes(needed)} in {above}, {missing} more than are free",
            cure="Name a directory with room by --into.",
        )
    return found


def _require_directory(above: Path) -> None:
    if not above.is_dir():
        raise UsageProblem(f"{above} is no directory", cure="Name one with --into.")


def _receipt(
    machine: Machine, facts: BackupFacts, measured: Sequence[tuple[Extracted, float]], command: str, problem: str
) -> Receipt:
    extracted, seconds = measured[0] if measured else (None, None)
    return Receipt(
        proof=Proof.DRILLED,
        at=machine.clock.now(),
        environment=facts.environment,
        backup=facts.name,
        sha256=facts.sha256,
        result=Result.FAILED if problem else Result.PASSED,
        files=extracted.files if extracted is not None else 0,
        bytes=extracted.bytes if extracted is not None else 0,
        seconds=seconds,
        tool=TOOL,
        probe=command,
        problem=problem,
        components=facts.components,
    )


def _file(machine: Machine, layout: Layout, receipt: Receipt) -> None:
    try:
        write(machine, layout, receipt)
    except OSError as problem:
        raise NoGo(f"the receipt of the drill could not be written: {problem}") from problem
