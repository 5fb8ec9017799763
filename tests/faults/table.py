"""Keeps what every planned fault came to, and makes the table of docs/reference from it.

python -m faults.table <rows.jsonl> > docs/reference/faults.md
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from attrs import asdict, frozen

ROWS = "DHASH_GUARD_FAULTS"
"""The variable that names the file to which rows are added; without it none are kept."""

_HEAD = """\
# Faults

<!-- made by `make faults-table`; do not edit -->

What was done to backups on purpose, at which step, on which file system, how often, and how often one of the promises \
below was broken. The judge (`tests/faults/checker.py`) uses only `sha256sum`, `unzip` and `find`.

- Everything under the final name of a backup has a checksum file, passes `sha256sum -c` from the project root and \
`unzip -t`, and its members pass `sha256sum -c SHA256SUMS` once unpacked.
- A backup that was good before stays good, unless retention decided to remove it; the newest good one always stays.
- After the next command, the tree is entirely the one before or entirely the one from the backup.
- Each planned fault was hit; a run that ended untouched ends its row.

`make faults` runs a selection, `make full` all of it. *first disk* is whatever the tests' own temporary folder lies on.
"""


@frozen
class Row:
    """One planned fault: while doing what, at which step, where; `violations` of one run, `skipped` where it had none."""

    operation: str
    step: str
    fault: str
    file_system: str = "first disk"
    violations: tuple[str, ...] = ()
    skipped: str = ""


def record(row: Row) -> None:
    """Add a row to the file that the environment names."""
    if target := os.environ.get(ROWS):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def judged(operation: str, step: str, fault: str, violations: Sequence[str], file_system: str = "first disk") -> None:
    """Record what one fault came to, and fail where it broke a promise."""
    record(Row(operation, step, fault, file_system, tuple(violations)))
    assert not violations, f"{operation}, {step}, {fault}, {file_system}: " + "; ".join(violations)


def table(rows: Sequence[Row]) -> str:
    """The page."""
    grouped: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.operation, row.fault, row.file_system, row.step].append(row)
    ran = [row for row in rows if not row.skipped]
    broken_runs = sum(bool(row.violations) for row in ran)
    world = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    lines = [_HEAD, f"{len(ran)} faults, {broken_runs} with violations; {world}.\n"]
    operation = None
    for (does, fault, disk, step), same in sorted(grouped.items()):
        if does != operation:
            operation = does
            lines += [f"\n## {does}\n", "| fault | file system | step | runs | violations |", "|---|---|---|--:|--:|"]
        skipped = next((row.skipped for row in same if row.skipped), "")
        broken = f"not run: {skipped}" if skipped else str(sum(bool(row.violations) for row in same))
        lines.append(f"| {fault} | {disk} | {step} | {sum(not row.skipped for row in same)} | {broken} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    read = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    sys.stdout.write(table([Row(**{**each, "violations": tuple(each["violations"])}) for each in read]))
