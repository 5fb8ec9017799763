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
    sys.path += _further(os.environ.get("DHASH_GUARD_INPUT_LIBRARIES", "").strip())
    if len(sys.argv) > 1:
        from dhash_guard.cli import main as program
    else:
        from dhash_guard.cli.action import main as program
    program()


def _further(folder: str) -> list[str]:
    """Libraries that an earlier step has installed, searched last; none of the workspace, which a pull request fills."""
    if not folder:
        return []
    real, workspace = os.path.realpath(folder), os.environ.get("GITHUB_WORKSPACE", "")
    inside = bool(workspace) and (real + os.sep).startswith(os.path.realpath(workspace) + os.sep)
    if inside or not os.path.isabs(folder) or not os.path.isdir(real):
        why = "lies in the workspace" if inside else "is no folder with an absolute path"
        sys.exit(_refused(f"The input 'libraries' {why}. Install them below the variable RUNNER_TEMP."))
    return [real]


def _refused(text: str) -> int:
    """Tell the runner as start.sh does where nothing could start; the exit code."""
    sys.stdout.write(f"::error title=dhash-guard cannot start::{text}\n")
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as file:  # noqa: PTH123  # as above
            file.write("decision=hold\nreason-code=usage\nexit-code=2\n")
    return 2


def _installed() -> str:
    """A checkout that is no release carries no libraries: take them from the tool cache, or install them there once."""
    sys.path.insert(0, HERE)
    import install  # type: ignore[import-not-found]  # it lies beside this file

    sys.path.remove(HERE)
    folder: str = install.ready(ROOT)
    return folder


if __name__ == "__main__":
    main()
