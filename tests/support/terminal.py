"""A person at a real pseudo-terminal: what they see of the installed program, and what they answer."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Sequence

from support.project import PROGRAM, Project, Result, clean_environment


def on_a_terminal(
    project: Project,
    answer: bytes,
    *arguments: str,
    meanwhile: Callable[[], object] | None = None,
    under: Sequence[str] = (),
) -> Result:
    """Run the program, or another that runs it, with a person at a terminal, who answers once.

    `meanwhile` happens while they think.
    """
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [*under, str(PROGRAM), *arguments],
        cwd=project.root,
        env=clean_environment() | {"TERM": "dumb"},
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
    )
    os.close(follower)
    if meanwhile is None:
        os.write(leader, answer)
    said = b""
    while True:
        if meanwhile is not None and b"[y/N]" in said:
            meanwhile()
            meanwhile = None
            os.write(leader, answer)
        try:
            block = os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        said += block
    out, _ = child.communicate(timeout=30)
    os.close(leader)
    return Result(child.returncode, out.decode(), said.decode())
