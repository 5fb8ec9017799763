"""Taking a backup may die at any step: what has a final name is whole, and what was there before stays."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.arena import child, seen, strays

if TYPE_CHECKING:
    from faults.arena import Arena, Killed

pytestmark = pytest.mark.skipif(
    "not hasattr(__import__('signal'), 'SIGKILL')", reason="needs signals; run on Linux or macOS"
)


def _checked(root: Path) -> list[str]:
    """Names of all zips under a final name, each with a checksum file that agrees, by the documents' own command."""
    names = sorted(path.relative_to(root).as_posix() for path in (root / "backups").rglob("*.zip") if path.name[0] != ".")
    sha256sum = shutil.which("sha256sum")
    for name in names:
        if sha256sum:
            run = subprocess.run([sha256sum, "-c", f"{name}.sha256"], cwd=root, capture_output=True, text=True, check=False)
            assert run.returncode == 0, run.stderr
        else:
            stated = (root / f"{name}.sha256").read_text("ascii")
            assert stated == f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n"
    return names


def test_a_killed_backup_is_sealed_or_absent(arena: Arena) -> None:
    [first] = _checked(arena.prepared)
    before = seen(arena.prepared)
    counts = set()

    def judge(killed: Killed) -> None:
        names = _checked(killed.root)
        assert names[0] == first, killed
        counts.add(len(names))
        assert seen(killed.root) == before, killed
        again = child(killed.root, "create")
        assert again.returncode == 0, f"{killed}{again.stderr}"
        assert len(_checked(killed.root)) == len(names) + 1, killed
        assert strays(killed.root) == [], killed
        sidecars = list((killed.root / "backups").rglob("*.sha256"))
        assert len(sidecars) == len(names) + 1, f"an orphan checksum file stays, {killed}"

    assert arena.kill_everywhere("create", judge) > 10
    assert counts == {1, 2}
