"""Puts our own folders, and nothing of the workspace, on the import path, and starts the program."""

from __future__ import annotations

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))  # pathlib would be a tenth of the start
ROOT = os.path.dirname(HERE)


def main() -> None:
    """Without arguments the step of the action; with arguments the command line."""
    libraries = os.path.join(ROOT, "lib")
    if not os.path.isdir(libraries):
        libraries = _installed()
    # The stubs come last: where the real library is present, it is used.
    sys.path[:0] = [os.path.join(ROOT, "src"), libraries, os.path.join(HERE, "stubs")]
    if len(sys.argv) > 1:
        from dhash_guard.cli import main as program
    else:
        from dhash_guard.cli.action import main as program
    program()


def _installed() -> str:
    """A checkout that is no release carries no libraries: take them from the tool cache, or install them there once."""
    sys.path.insert(0, HERE)
    import install  # type: ignore[import-not-found]  # it lies beside this file

    sys.path.remove(HERE)
    folder: str = install.ready(ROOT)
    return folder


if __name__ == "__main__":
    main()
