"""Runs several command lines of the program at the same moment, each in a process of its own.

    python racer.py <project> '[["backup", "create"], …]'

The program is loaded once; then as many forks wait for one pipe to close. Prints the exit codes, as JSON.
"""

from __future__ import annotations

import json
import os
import sys

from dhash_guard.cli import run as program


def run(project: str, commands: list[list[str]]) -> list[int]:
    """The exit codes of the commands."""
    os.chdir(project)
    reading, writing = os.pipe()
    pids = []
    for command in commands:
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            os.read(reading, 1)  # nothing is ever written: all wake when it is closed
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1):
                os.dup2(nothing, descriptor)
            code = 70
            try:
                code = program(command)
            finally:
                os._exit(code)
        pids.append(pid)
    os.close(writing)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], json.loads(sys.argv[2]))))
