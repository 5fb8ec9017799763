"""Where Windows would take a code page: what goes to files and pipes is UTF-8, and no sign ends a verb as a bug."""

from __future__ import annotations

import os
import sys

import pytest

from support.project import PROGRAM, Project, clean_environment

WORDS = "näe → ✓ 😀.txt"
"""Letters that cp1252 has, signs that it has not, and one beyond the first plane."""


PAGE = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
"""What Windows chooses for pipes, by itself."""


def test_every_verb_ends_as_it_would_in_utf_8(project: Project) -> None:
    (project.root / WORDS).write_text("there")
    project.environment["check"] = {"files": [WORDS, f"no {WORDS}"]}
    project.settings["premerge"] = {"legs": ["check"]}
    project.write()
    for code, *arguments in (
        (0, "config", "check"),
        (0, "backup", "create"),
        (0, "backup", "verify"),
        (0, "backup", "list"),
        (1, "check", "--json"),
        (1, "premerge"),
        (0, "evidence", "verify"),
        (2, WORDS),
    ):
        done = project.guard(*map(str, arguments), env=PAGE)
        assert done.code == code, (arguments, done.out, done.err)
        assert "Traceback" not in done.err, (arguments, done.err)
        if "check" in arguments or "premerge" in arguments:
            assert f"file no {WORDS}" in done.out or done.code == 0
    comment = ("report", "--format", "comment")
    assert project.guard(*comment, env=PAGE).out == project.guard(*comment).out


@pytest.mark.skipif(os.name != "posix", reason="a terminal that a program makes; run on Linux or macOS")
def test_a_terminal_keeps_its_code_page(project: Project) -> None:
    import pty
    import subprocess

    ours, theirs = pty.openpty()
    env = clean_environment() | PAGE | {"TERM": "dumb"}
    command = [sys.executable, str(PROGRAM), "config", "check"]
    done = subprocess.run(command, cwd=project.root, env=env, stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(theirs)
    said = os.read(ours, 65536)
    os.close(ours)
    assert done.returncode == 0, done.stderr
    assert rb"\u2713" in said
