"""Keeps what every planned fault came to, and makes the table of docs/reference from it.

python -m faults.table <rows.jsonl> > docs/reference/faults.md
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from attrs import asdict, frozen

ROWS = "DHASH_GUARD_FAULTS"
"""The variable that names the file to which rows are added; without it none are kept."""

LEFT_OUT = "left out"
"""Why a test did not run that nobody asked for."""

FIRST = "first disk"
_AT_A_STEP = ("killed", "power cut")

_HEAD = """\
# Faults

<!-- made by `make faults-table`; do not edit -->

What was done to backups and to whole releases on purpose, at which step, on which file system, how often, and how often \
one of the promises below was broken. The judge of backups (`tests/faults/checker.py`) uses only `sha256sum`, `unzip` and \
`find`.

- Everything under the final name of a backup has a checksum file, passes `sha256sum -c` from the project root and \
`unzip -t`, and its members pass `sha256sum -c SHA256SUMS` once unpacked.
- A backup that was good before stays good, unless retention decided to remove it; the newest good one always stays.
- After the next command, the tree is entirely the one before or entirely the one from the backup.
- A deployment, a watch or a rollback that dies leaves nothing that reads as healthy, here or on GitHub, without the sealed \
evidence of a watch that says so; the gate of the next environment stays shut; no other machine deploys while the lease \
lasts. The next command finishes, or holds with an exit code of its own, and the files are whole. The judge \
(`tests/faults/release_arena.py`) reads files, hashes and GitHub's records.
- Each planned fault was hit: the tests fail otherwise. \
*untouched* is the run after the last, which had nothing left to hit.

`make faults` runs a selection, `make full` all of it, `make faults-table` all of it and writes this page. \
*first disk* is whatever the tests' own temporary folder lies on; \
*0 of 7* means that none of seven runs broke a promise.
"""


@frozen
class Row:
    """One planned fault: while doing what, at which step, where; `violations` of one run, `skipped` where it had none."""

    operation: str
    step: str
    fault: str
    file_system: str = FIRST
    violations: tuple[str, ...] = ()
    skipped: str = ""


def record(row: Row) -> None:
    """Add a row to the file that the environment names."""
    if target := os.environ.get(ROWS):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def judged(operation: str, step: str, fault: str, violations: Sequence[str], file_system: str = FIRST) -> None:
    """Record what one fault came to, and fail where it broke a promise."""
    record(Row(operation, step, fault, file_system, tuple(violations)))
    assert not violations, f"{operation}, {step}, {fault}, {file_system}: " + "; ".join(violations)


def table(rows: Sequence[Row]) -> str:
    """The page."""
    ran = [row for row in rows if not row.skipped]
    left_out = Counter(module for module, _ in {(row.fault, row.step) for row in rows if row.skipped == LEFT_OUT})
    skipped = sorted({(row.fault, row.step, row.skipped) for row in rows if row.skipped not in ("", LEFT_OUT)})
    broken = sum(bool(row.violations) for row in ran)
    world = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    lines = [_HEAD, f"{len(ran)} faults, {broken} with violations; {world}. {_part(left_out)}\n"]
    for operation in sorted({row.operation for row in ran}):
        mine = [row for row in ran if row.operation == operation]
        lines.append(f"\n## {operation}\n")
        lines += _matrix([row for row in mine if row.fault.startswith(_AT_A_STEP)])
        lines += _list([row for row in mine if not row.fault.startswith(_AT_A_STEP)])
    if skipped:
        lines += ["\n## Not run here\n", "| test | why |", "|---|---|"]
        lines += [f"| {module}: {name} | {why} |" for module, name, why in skipped]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _part(left_out: Counter[str]) -> str:
    """Whether all of it was run, or what is missing."""
    if not left_out:
        return "Every test was run in full."
    return f"Run in part, without {', '.join(f'{n} of `{module}`' for module, n in sorted(left_out.items()))}."


def _matrix(rows: Sequence[Row]) -> list[str]:
    """Steps against faults and file systems; a cell says how many of how many runs broke a promise."""
    columns = sorted({(row.fault, row.file_system) for row in rows})
    if not columns:
        return []
    heads = [fault if disk == FIRST else f"{fault}, {disk}" for fault, disk in columns]
    lines = [f"| step | {' | '.join(heads)} |", f"|---|{'--:|' * len(columns)}"]
    for step in dict.fromkeys(row.step for row in rows):
        cells = [_cell([r for r in rows if (r.step, r.fault, r.file_system) == (step, *column)]) for column in columns]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return [*lines, ""]


def _list(rows: Sequence[Row]) -> list[str]:
    grouped: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.fault, row.file_system, row.step].append(row)
    lines = ["| fault | file system | step | violations |", "|---|---|---|--:|"] if rows else []
    lines += [f"| {' | '.join(key)} | {_cell(same)} |" for key, same in sorted(grouped.items())]
    return [*lines, ""]


def _cell(rows: Sequence[Row]) -> str:
    return f"{sum(bool(row.violations) for row in rows)} of {len(rows)}" if rows else "–"


if __name__ == "__main__":
    read = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    sys.stdout.write(table([Row(**{**each, "violations": tuple(each["violations"])}) for each in read]))
