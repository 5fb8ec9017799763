"""Times backups against `zip -r && sha256sum`, in the same run: whole processes, interleaved, minimum and median of N."""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("dhash-guard")
CONFIGURATION = """\
version: 1
service: dhash
environments:
  bench: {backup: {components: {data: {paths: [data/]}}}}
"""


def corpus(root: Path, megabytes: int) -> None:
    """Half incompressible media, half JSON, from a seed."""
    source = random.Random(7)
    (root / "data/media").mkdir(parents=True)
    (root / "data/json").mkdir()
    for number in range(megabytes * 5 // 2):
        (root / f"data/media/{number:05}.png").write_bytes(source.randbytes(200_000))
        line = f'{{"id": {number}, "dhash": "{source.getrandbits(64):016x}", "name": "component"}},\n'
        (root / f"data/json/{number:05}.json").write_text(line * (200_000 // len(line)))
    (root / "dhash-guard.yml").write_text(CONFIGURATION)


def timed(command: list[str] | str, root: Path) -> float:
    """Seconds of one whole process."""
    began = time.perf_counter()
    subprocess.run(command, cwd=root, check=True, capture_output=True, shell=isinstance(command, str))
    return time.perf_counter() - began


def main() -> int:
    """Print one table; the goals of a later version stand beside what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=100)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        corpus(root, given.megabytes)
        guard = [str(PROGRAM), "backup"]
        contenders: dict[str, Callable[[], float]] = {
            "create": lambda: timed([*guard, "create", "-q"], root),
            "zip -r && sha256sum": lambda: timed("zip -qr peer.zip data && sha256sum peer.zip > peer.sha256", root),
            "verify": lambda: timed([*guard, "verify", "-q"], root),
            "sha256sum archive": lambda: timed("sha256sum backups/*.zip", root),
        }
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(given.rounds):
            for name, run in contenders.items():
                times[name].append(run())
            shutil.rmtree(root / "backups")
            (root / "peer.zip").unlink()
            shutil.rmtree(root / ".dhash-guard")
    print(f"{given.megabytes} MB, {given.rounds} rounds, seconds: minimum / median")
    for name, all_of_them in times.items():
        print(f"  {name:<22}{min(all_of_them):8.2f} /{statistics.median(all_of_them):8.2f}")
    least = {name: min(all_of_them) for name, all_of_them in times.items()}
    row("create: times faster than zip -r && sha256sum", 4.0, least["zip -r && sha256sum"] / least["create"], at_least=True)
    row("verify: times the cost of hashing the archive", 2.0, least["verify"] / least["sha256sum archive"], at_least=False)
    return 0


def row(name: str, goal: float, measured: float, *, at_least: bool) -> None:
    """Goal, measured ratio, and whether it is met."""
    met = measured >= goal if at_least else measured <= goal
    sign = "≥" if at_least else "≤"
    print(f"{name:<50} goal {sign} {goal:.1f}   measured {measured:5.2f}   {'ok' if met else 'short'}")


if __name__ == "__main__":
    sys.exit(main())
