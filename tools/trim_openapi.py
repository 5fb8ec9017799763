"""Cuts GitHub's own API description down to what the simulator serves and we call, and cures what Prism stumbles over."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HOST = "https://api.github.com"
REPO = "/repos/{owner}/{repo}"
TEAM = "/orgs/{org}/teams/{team_slug}"

KEPT = {
    "/rate_limit",
    "/user",
    "/users/{username}",
    "/orgs/{org}",
    TEAM,
    REPO,
    REPO + "/activity",
    REPO + "/statuses/{sha}",
    REPO + "/codeowners/errors",
}
KEPT_BELOW = (
    TEAM + "/members",
    *(
        REPO + tail
        for tail in (
            "/actions/artifacts",
            "/actions/jobs",
            "/actions/runs",
            "/actions/workflows",
            "/branches",
            "/check-runs",
            "/check-suites",
            "/collaborators",
            "/commits",
            "/contents",
            "/deployments",
            "/environments",
            "/git/blobs",
            "/git/commits",
            "/git/matching-refs",
            "/git/ref",
            "/git/trees",
            "/issues/comments",
            "/issues/{issue_number}",
            "/pulls",
            "/rules",
        )
    ),
)
METHODS = ("get", "post", "put", "patch", "delete")

PREVIEWS = tuple(f"application/vnd.github.{name}-preview+json" for name in ("ant-man", "flash", "luke-cage"))
"""Media types that PyGithub still asks for; they mean the ordinary answer."""

EVERYWHERE = {
    "401": "The token is missing or unknown.",
    "403": "The token may not do this, or too much was asked.",
    "404": "It is not there, or the token may not know of it.",
    "422": "The request was understood and refused.",
    "429": "Too much was asked.",
}
"""Answers that GitHub gives on every path but describes only in prose; without them Prism would let any shape pass."""

ERROR = {
    "type": "object",
    "required": ["message", "documentation_url", "status"],
    "properties": {
        "message": {"type": "string"},
        "documentation_url": {"type": "string"},
        "status": {"type": "string"},
        "errors": {"type": "array"},
    },
}


def trim(source: dict[str, Any], base: str) -> dict[str, Any]:
    """The description of the kept paths, served at `base`."""
    text = json.dumps(source).replace(HOST, base)
    spec: dict[str, Any] = json.loads(text)
    spec["servers"] = [{"url": base}]
    spec.pop("x-webhooks", None)
    spec["paths"] = {path: item for path, item in spec["paths"].items() if path in KEPT or path.startswith(KEPT_BELOW)}
    # Described as if everything in it might be missing.
    spec["components"]["schemas"]["basic-error"]["required"] = ERROR["required"]
    for response in spec["components"]["responses"].values():
        cure(response)
    for item in spec["paths"].values():
        for method in METHODS:
            if method in item:
                responses = item[method]["responses"]
                for response in responses.values():
                    cure(response)
                describe_errors(responses)
    drop_unused(spec)
    make_compilable(spec)
    return spec


def cure(response: dict[str, Any]) -> None:
    """Leave one media type and its aliases, and no Link header, whose example leads to another host."""
    response.get("headers", {}).pop("Link", None)
    content = response.get("content")
    if not content:
        return
    plain = content.get("application/json") or content.get("application/vnd.github.object")
    if plain is not None:
        response["content"] = dict.fromkeys(("application/json", *PREVIEWS), plain)


def describe_errors(responses: dict[str, Any]) -> None:
    """Every path can fail in these ways, with GitHub's one error body."""
    for status, description in EVERYWHERE.items():
        documented = responses.get(status)
        # Some are documented without any content, though a body always comes.
        if documented is None or ("$ref" not in documented and "content" not in documented):
            responses[status] = {"description": description, "content": {"application/json": {"schema": ERROR}}}


NULL = {"enum": [None]}


def make_compilable(part: Any) -> None:
    """Say `nullable` beside oneOf so that Prism can compile it; what it cannot compile, it silently does not judge."""
    if isinstance(part, list):
        for inner in part:
            make_compilable(inner)
    elif isinstance(part, dict):
        if part.get("nullable") is True and "type" not in part:
            del part["nullable"]
            if "allOf" in part:
                part["anyOf"] = [{"allOf": part.pop("allOf")}]
            for word in {"oneOf", "anyOf"} & set(part):
                part[word].append(NULL)
        for inner in part.values():
            make_compilable(inner)


def drop_unused(spec: dict[str, Any]) -> None:
    """Keep only the components that something kept refers to; Prism starts in half the time."""
    used: set[str] = set()
    todo: list[Any] = [spec["paths"]]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str) and reference not in used:
                used.add(reference)
                todo.append(resolve(spec, reference))
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    for kind, things in spec["components"].items():
        spec["components"][kind] = {name: thing for name, thing in things.items() if f"#/components/{kind}/{name}" in used}


def resolve(spec: dict[str, Any], reference: str) -> Any:
    """What `#/a/b` stands for."""
    found: Any = spec
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def main() -> int:
    """`trim_openapi.py SOURCE TARGET BASE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="api.github.com.json of @octokit/openapi")
    parser.add_argument("target", type=Path)
    parser.add_argument("base", help="what replaces https://api.github.com")
    given = parser.parse_args()
    trimmed = trim(json.loads(given.source.read_text("utf-8")), given.base)
    given.target.write_text(json.dumps(trimmed), "utf-8")
    sys.stdout.write(f"{len(trimmed['paths'])} paths, {given.target.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
