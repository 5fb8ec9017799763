"""Starts Prism in front of a server: it judges each request and answer by GitHub's own description of its API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
PRISM = MODULES / "@stoplight" / "prism-cli" / "dist" / "index.js"
DESCRIPTION = MODULES / "@octokit" / "openapi" / "generated" / "api.github.com.json"

_READY = re.compile(r"Prism is listening on (http://127\.0\.0\.1:\d+)")
_PATIENCE = 90.0


def require_node() -> None:
    """Skip where the tools of package.json are not installed; in CI that is a failure."""
    missing = [path.relative_to(ROOT).as_posix() for path in (PRISM, DESCRIPTION) if not path.is_file()]
    if not missing:
        return
    reason = f"{', '.join(missing)} not found: run `npm ci`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def judging(upstream: str, folder: Path) -> Iterator[str]:
    """The address of a Prism that forwards to `upstream`; what it said stands in `folder`/prism.log."""
    require_node()
    described, log = folder / "github.json", folder / "prism.log"
    trim = [sys.executable, str(ROOT / "tools" / "trim_openapi.py"), str(DESCRIPTION), str(described), upstream]
    subprocess.run(trim, check=True, capture_output=True, timeout=60)
    call = ["node", str(PRISM), "proxy", str(described), upstream, "-h", "127.0.0.1", "-p", "0", "--errors"]
    with log.open("wb") as output:
        child = subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _address(child, log)
    finally:
        child.kill()
        child.wait()


def complaint(reply: requests.Response) -> Any:
    """What Prism found wrong, in its own words; None where the answer is the upstream's."""
    if not reply.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    said = reply.json()
    return {"type": said["type"].rpartition("#")[2], "validation": said.get("validation", said.get("detail"))}


def _address(child: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and child.poll() is None:
        if found := _READY.search(log.read_text("utf-8", "replace")):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Prism did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
