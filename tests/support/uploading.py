"""Stands in for upload-artifact and download-artifact: what a job keeps goes to the simulator, and comes from there.

    python uploading.py upload NAME PATH
    python uploading.py download NAME PATH

The job that uploads is entered as one that has just ended well, because act tells nobody how its jobs end.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import urllib.request
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def state(new: Any = None) -> Any:
    """The simulator's state; with `new`, replaced by it."""
    data = None if new is None else json.dumps(new).encode()
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/_simulator/state", data=data, method="GET" if new is None else "PUT"
    )
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    return json.loads(body) if body else None


def packed(folder: Path) -> str:
    """The folder as upload-artifact packs it: without the path to it."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return base64.b64encode(into.getvalue()).decode()


def upload(name: str, folder: Path) -> None:
    """Enter the artifact and the job that made it."""
    now, run = datetime.now(UTC), int(os.environ["GITHUB_RUN_ID"])
    world = state()
    repository = world["repositories"][os.environ["GITHUB_REPOSITORY"]]
    new = world["next_id"]
    world["next_id"] = new + 2
    repository["artifacts"].append(
        {"id": new, "name": name, "run": run, "archive": packed(folder), "created_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    )
    repository["jobs"].append(
        {
            "id": new + 1,
            "run": run,
            "name": os.environ["GITHUB_JOB"],
            "started_at": f"{now - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
            "completed_at": f"{now + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
        }
    )
    state(world)


def download(name: str, folder: Path) -> None:
    """The newest artifact of that name of this run."""
    repository = state()["repositories"][os.environ["GITHUB_REPOSITORY"]]
    found = [one for one in repository["artifacts"] if one["name"] == name]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found[-1]["archive"]))) as archive:
        archive.extractall(folder)


if __name__ == "__main__":
    {"upload": upload, "download": download}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
