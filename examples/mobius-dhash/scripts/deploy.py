#!/usr/bin/env python3
"""Points `current` at a release and makes the service run it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # a run must not litter the project with __pycache__
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import atomic

PROJECT = Path(__file__).resolve().parent.parent
SERVICE = Path(__file__).resolve().parent / "service.py"


def releases(root: Path) -> dict[str, str]:
    """The known releases: tag -> version."""
    found: dict[str, str] = {}
    for about in sorted((root / "releases").glob("*/release.json")):
        try:
            found[about.parent.name] = json.loads(about.read_bytes())["version"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a release one could run
    return found


def current(root: Path) -> str | None:
    """The tag of the release in use."""
    try:
        return (root / "current").readlink().name
    except OSError:
        return None


def service(root: Path, command: str, quiet: bool = False) -> int:
    """Run scripts/service.py; its exit code."""
    output = subprocess.DEVNULL if quiet else None
    call = [sys.executable, str(SERVICE), command, "--root", str(root)]
    return subprocess.run(call, stdout=output, check=False).returncode


def plan(root: Path, tag: str, known: dict[str, str]) -> dict[str, Any]:
    """What a deployment of `tag` would do now."""
    before = current(root)
    action = "restart" if service(root, "status", quiet=True) == 0 else "start"
    return {
        "tag": tag,
        "version": known[tag],
        "current": before,
        "current_version": known.get(before or ""),
        "switch": before != tag,
        "service": action,
        "steps": [f"link current -> releases/{tag}", f"{action} the service"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tag", help="name of a folder in releases/")
    parser.add_argument("--plan", action="store_true", help="print as JSON what would happen; change nothing")
    parser.add_argument("--root", type=Path, default=PROJECT, help="project directory")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    known = releases(root)
    if options.tag not in known:
        names = ", ".join(known) or "none"
        print(f"deploy: unknown release {options.tag!r}; known: {names}", file=sys.stderr)
        return 2
    if options.plan:
        print(json.dumps(plan(root, options.tag, known), indent=2))
        return 0

    try:
        atomic.link(root / "current", f"releases/{options.tag}")
    except OSError as error:
        print(f"deploy: cannot switch {root / 'current'}: {error.strerror}", file=sys.stderr)
        return 1
    # The link is moved first: until the restart the old code keeps running, loaded as it is.
    print(f"deploy: current is now {options.tag} {known[options.tag]}", flush=True)
    if service(root, "restart") != 0:
        print(f"deploy: {options.tag} is in place, but the service did not come up", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
