"""Answers about artifacts: lists, one, and the redirect to the storage server that holds the zip."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import b64decode
from typing import Any

from dhash_guard.simulator import runs
from dhash_guard.simulator.call import Call, Refusal, Reply, not_found
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, stable_id
from dhash_guard.simulator.state import Artifact, WorkflowRun

_KEPT_DAYS = 90
_SECONDS_PER_DAY = 86_400


def content(artifact: Artifact) -> bytes:
    """The zip; the same files give the same bytes."""
    if artifact.archive:
        return b64decode(artifact.archive)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(artifact.files.items()):
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def shape(call: Call, artifact: Artifact) -> dict[str, Any]:
    """GitHub's artifact."""
    url, data = f"{call.api}/actions/artifacts/{artifact.id}", content(artifact)
    return {
        "id": artifact.id,
        "node_id": node_id("Artifact", artifact.id),
        "name": artifact.name,
        "size_in_bytes": len(data),
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": artifact.expired,
        "digest": f"sha256:{artifact.digest or hashlib.sha256(data).hexdigest()}",
        "created_at": artifact.created_at,
        "updated_at": artifact.created_at,
        "expires_at": runs.later(artifact.created_at, _KEPT_DAYS * _SECONDS_PER_DAY),
        "workflow_run": _origin(call, artifact),
    }


def listing(call: Call) -> Reply:
    """`GET …/actions/artifacts`, newest first; `name` chooses."""
    return _listing(call, call.repository.artifacts)


def of_run(call: Call) -> Reply:
    """`GET …/actions/runs/{run_id}/artifacts`."""
    run = runs.find(call)
    return _listing(call, [one for one in call.repository.artifacts if one.run == run.id])


def get(call: Call) -> Reply:
    """`GET …/actions/artifacts/{artifact_id}`."""
    return Reply(data=shape(call, _find(call)))


def download(call: Call) -> Reply:
    """`GET …/actions/artifacts/{artifact_id}/{archive_format}`: a short-lived address on another server."""
    artifact = _find(call)
    if call.params["archive_format"] != "zip":
        raise not_found()
    if artifact.expired:
        raise Refusal(410, "Artifact has expired")
    return Reply(status=302, headers={"Location": call.blobs(f"/artifacts/{call.name}/{artifact.id}.zip")})


def _listing(call: Call, artifacts: list[Artifact]) -> Reply:
    name = call.query.get("name")
    chosen = [one for one in reversed(artifacts) if name in (None, one.name)]
    shown, headers = page_of(call, chosen)
    return Reply(data={"total_count": len(chosen), "artifacts": [shape(call, one) for one in shown]}, headers=headers)


def _find(call: Call) -> Artifact:
    return call.pick(call.repository.artifacts, "artifact_id")


def _origin(call: Call, artifact: Artifact) -> dict[str, Any] | None:
    run: WorkflowRun | None = next((one for one in call.repository.runs if one.id == artifact.run), None)
    if run is None:
        return None
    return {
        "id": run.id,
        "repository_id": stable_id("repository", call.name),
        "head_repository_id": stable_id("repository", run.head_repository or call.name),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
    }
