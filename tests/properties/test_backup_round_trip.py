"""Whatever stands in the roots comes back after whatever happened to them, and an undo takes that back again."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhash_guard.backup import facade as backup
from dhash_guard.backup.names import folded
from dhash_guard.system.files import SystemFiles
from unit.backup.project import Project, dhash_project

_PART = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\:"), min_size=1
)
_NAMES = _PART.filter(lambda part: part not in (".", "..") and not part.startswith(".") and len(part.encode()) < 80)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_MODES = st.sampled_from([0o600, 0o640, 0o755, 0o444, 0o777])
_FILES = st.dictionaries(_PATHS, st.tuples(st.binary(max_size=300), _MODES, st.integers(1, 2**61)), max_size=6)


def _write(project: Project, files: dict[str, tuple[bytes, int, int]]) -> None:
    """Fill `uploads`; a name that is a folder already, or that another only differs from in case, is left out."""
    top = project.root / "uploads"
    SystemFiles().remove_tree(top)
    top.mkdir()
    taken: dict[str, str] = {}
    for path, (content, mode, mtime) in files.items():
        parts = path.split("/")
        above = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if any(taken.get(folded(each), each) != each for each in above):
            continue
        location = top / path
        try:
            location.parent.mkdir(parents=True, exist_ok=True)
            location.write_bytes(content)
        except OSError:  # a file where a folder would be, or the other way round
            continue
        taken.update({folded(each): each for each in above})
        location.chmod(mode)
        os.utime(location, ns=(mtime, mtime))


def _times(project: Project) -> dict[str, int]:
    top = project.root / "uploads"
    return {path.relative_to(top).as_posix(): path.lstat().st_mtime_ns for path in (top, *top.rglob("*"))}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=_FILES, after=_FILES)
def test_create_change_restore_undo(
    before: dict[str, tuple[bytes, int, int]], after: dict[str, tuple[bytes, int, int]]
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        project = dhash_project(folder)
        _write(project, before)
        good, times = project.snapshot(), _times(project)
        facts = project.create()
        assert backup.verify(project.machine, project.layout, facts).ok
        _write(project, after)
        bad = project.snapshot()
        assert backup.restore(project.machine, project.layout, facts, project.settings).identical
        assert project.snapshot() == good
        assert _times(project) == times
        backup.undo(project.machine, project.layout)
        assert project.snapshot() == bad
    finally:
        shutil.rmtree(folder, ignore_errors=True)
