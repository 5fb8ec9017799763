"""Compares backups with named tools: whole processes, interleaved, `sync` before each, minimum and median of N."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.backups import clones, memory, rows, timing
from benchmarks.backups.contenders import CREATE_FAST, CREATE_STDLIB, Contest
from benchmarks.backups.corpora import Corpus, corpus, facts, tidy, tiny
from benchmarks.backups.goals import GOALS, Goals, judged
from benchmarks.backups.program import INSTALLED, Program
from benchmarks.backups.rows import Row

PARTS = ("A", "B", "memory", "clone")


def main() -> int:
    """Print the tables of the chosen parts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often each process runs")
    options.add_argument("--scale", type=float, default=1.0, help="size of everything: 0.02 is a rehearsal")
    options.add_argument("--keep", type=Path, metavar="DIR", help="make the corpora here, or use those that lie here")
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run; default: all")
    options.add_argument("--million", action="store_true", help="memory also at 1,000,000 files")
    options.add_argument("--program", type=Path, default=INSTALLED, help="another dhash-guard than the one installed here")
    given = options.parse_args()
    program = Program(given.program.resolve())
    with contextlib.ExitStack() as cleaning:
        folder = given.keep or Path(cleaning.enter_context(tempfile.TemporaryDirectory(prefix="bench-backup-")))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name, goals in GOALS.items():
            if name in given.only:
                contest(folder, name, goals, program, given)
        if "memory" in given.only:
            counts = [10_000, 100_000, *([1_000_000] if given.million else [])]
            print("\n## Memory at growing numbers of files\n")
            rows.show([row for count in counts for row in growing(folder, int(count * given.scale), program)])
        if "clone" in given.only:
            print("\n## Clones\n")
            clones.report(folder, given.scale, program)
    return 0


def contest(folder: Path, name: str, goals: Goals, program: Program, given: argparse.Namespace) -> None:
    """One corpus: seconds, goals, and whether its files are still the same after all those restores."""
    timing.say(f"corpus {name} at scale {given.scale:g}")
    made = corpus(folder, name, given.scale, goals.make)
    print(f"\n## Corpus {name}: {made.facts.files:,} files, {made.facts.size / 1e6:.0f} MB, {given.rounds} rounds\n")
    entered = Contest(made, program)
    times = timing.interleaved(entered.groups(), given.rounds)
    timing.show(times)
    print()
    rows.show(judged(goals, {who: min(seconds) for who, seconds in times.items()}, entered.sizes))
    print()
    rows.show(memory.footprint(made, f"corpus {name}", program))
    fast, stdlib = (entered.sizes.get(who, 0) for who in (CREATE_FAST, CREATE_STDLIB))
    # Times and sequence numbers in the manifest make a few bytes of difference.
    if fast and abs(fast - stdlib) < fast / 10_000:
        print("\nBoth archives are equally long: DHASH_GUARD_DEFLATE seems to do nothing, and its rows mean nothing.")
    unchanged(made)
    shutil.rmtree(made.peers, ignore_errors=True)


def growing(folder: Path, count: int, program: Program) -> list[Row]:
    """Memory with so many tiny files."""
    timing.say(f"memory with {count:,} files")
    made = corpus(folder, "tiny", count, tiny)
    found = memory.footprint(made, f"{count:,} tiny files", program)
    unchanged(made)
    return found


def unchanged(made: Corpus) -> None:
    """Say so loudly where a restore did not bring the same files back."""
    tidy(made.project)
    if facts(made.project / "data") != made.facts:
        print(f"\n**The files of {made.name} are not what they were: a restore went wrong, and no figure above counts.**\n")


if __name__ == "__main__":
    sys.exit(main())
