"""Keeps a repository's git database: blobs, trees and commits under the ids that git gives them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

from dhash_guard.simulator.call import Call, Refusal, Reply, not_found
from dhash_guard.simulator.people import node_id, stable_id
from dhash_guard.simulator.repository import existing, resolve
from dhash_guard.simulator.state import GitCommit, made_up_sha

_UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
_BLOB_MODE = "100644"
_INLINE = 1 << 20
"""Bytes of a file that its contents hold; of a larger one GitHub gives the blob alone."""


def make_tree(call: Call) -> Reply:
    """`POST …/git/trees`, with the content of its files in it."""
    entries = call.body.get("tree")
    if not isinstance(entries, list) or not entries:
        raise Refusal(422, "Invalid tree info")
    objects, files = call.repository.objects, {}
    for entry in entries:
        path, content = (entry.get("path"), entry.get("content")) if isinstance(entry, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(content, str) or "/" in path or entry.get("mode") != _BLOB_MODE:
            raise Refusal(422, "tree.path, tree.mode and tree.content are needed here: the simulator has flat trees")
        files[path] = _id("blob", content.encode())
        objects.blobs[files[path]] = content
    sha = _id("tree", b"".join(f"{_BLOB_MODE} {path}\0".encode() + bytes.fromhex(files[path]) for path in sorted(files)))
    objects.trees[sha] = files
    return Reply(status=201, data=_tree(call, sha), headers={"Location": f"{call.api}/git/trees/{sha}"})


def tree(call: Call) -> Reply:
    """`GET …/git/trees/{tree_sha}`: of a tree, or of a commit."""
    sha, objects = call.params["tree_sha"], call.repository.objects
    made = objects.commits.get(sha)
    found = made.tree if made is not None else sha
    if found not in objects.trees:
        raise not_found()
    return Reply(data=_tree(call, found))


def make_commit(call: Call) -> Reply:
    """`POST …/git/commits`; author and time are those of the call."""
    objects, parents = call.repository.objects, call.body.get("parents", [])
    tree_sha = call.text("Commit", "tree", most=64)
    if tree_sha not in objects.trees:
        raise Refusal(422, "Tree SHA does not exist")
    if not isinstance(parents, list) or not set(parents) <= existing(call.repository):
        raise Refusal(422, "Parent SHA does not exist or is not a commit object")
    message, author = call.text("Commit", "message", most=65_536), call.actor
    lines = [f"tree {tree_sha}", *(f"parent {parent}" for parent in parents)]
    lines += [f"{role} {author} <> {int(call.at)} +0000" for role in ("author", "committer")]
    sha = _id("commit", "\n".join([*lines, "", message]).encode("utf-8", "surrogatepass"))
    made = GitCommit(sha=sha, tree=tree_sha, parents=tuple(parents), message=message, author=author, at=call.now)
    objects.commits[sha] = made
    return Reply(status=201, data=_commit(call, made), headers={"Location": f"{call.api}/git/commits/{sha}"})


def get_commit(call: Call) -> Reply:
    """`GET …/git/commits/{commit_sha}`; of a commit that was not made here the content is made up."""
    sha = call.params["commit_sha"]
    made = call.repository.objects.commits.get(sha)
    if made is None and sha not in existing(call.repository):
        raise not_found()
    return Reply(data=_commit(call, made or GitCommit(sha=sha, tree=made_up_sha("tree", sha), message="A change")))


def blob(call: Call) -> Reply:
    """`GET …/git/blobs/{file_sha}`."""
    sha = call.params["file_sha"]
    content = call.repository.objects.blobs.get(sha)
    if content is None:
        raise not_found()
    more = {"node_id": node_id("Blob", stable_id(sha)), "url": f"{call.api}/git/blobs/{sha}"}
    return Reply(data=_content(content) | {"sha": sha, "size": len(content.encode())} | more)


def file(call: Call) -> Reply:
    """`GET …/contents/{path}` at a commit, a branch, or the default branch."""
    path, ref = call.params["path"], call.query.get("ref") or call.repository.default_branch
    objects = call.repository.objects
    try:
        made = objects.commits.get(resolve(call, ref))
    except Refusal:
        raise Refusal(404, f"No commit found for the ref {ref}") from None
    sha = objects.trees[made.tree].get(path) if made is not None else None
    if sha is None:
        raise not_found()
    url, html = f"{call.api}/contents/{path}?ref={ref}", f"{call.html}/blob/{ref}/{path}"
    git_url = f"{call.api}/git/blobs/{sha}"
    facts = {"type": "file", "name": path.rpartition("/")[2], "path": path, "sha": sha, "url": url, "html_url": html}
    links = {"self": url, "git": git_url, "html": html}
    size = len(objects.blobs[sha].encode())
    more = {"size": size, "git_url": git_url, "download_url": None, "_links": links}
    content = _content(objects.blobs[sha]) if size <= _INLINE else {"content": "", "encoding": "none"}
    return Reply(data=content | facts | more)


def descends(call: Call, sha: str, ancestor: str) -> bool:
    """Whether a commit is the other one, or was made upon it."""
    commits, todo, seen = call.repository.objects.commits, [sha], set[str]()
    while todo:
        one = todo.pop()
        if one == ancestor:
            return True
        if one in commits and one not in seen:
            todo += commits[one].parents
        seen.add(one)
    return False


def _tree(call: Call, sha: str) -> dict[str, Any]:
    objects = call.repository.objects
    listed = [
        {
            "path": path,
            "mode": _BLOB_MODE,
            "type": "blob",
            "sha": each,
            "size": len(objects.blobs[each].encode()),
            "url": f"{call.api}/git/blobs/{each}",
        }
        for path, each in sorted(objects.trees[sha].items())
    ]
    return {"sha": sha, "url": f"{call.api}/git/trees/{sha}", "tree": listed, "truncated": False}


def _commit(call: Call, made: GitCommit) -> dict[str, Any]:
    person = {"name": made.author or "Ada", "email": "ada@example.com", "date": made.at or "2020-01-01T00:00:00Z"}
    url = f"{call.api}/git/commits/{made.sha}"
    return {
        "sha": made.sha,
        "node_id": node_id("Commit", stable_id(made.sha)),
        "url": url,
        "html_url": f"{call.html}/commit/{made.sha}",
        "author": person,
        "committer": person,
        "message": made.message,
        "tree": {"sha": made.tree, "url": f"{call.api}/git/trees/{made.tree}"},
        "parents": [
            {"sha": one, "url": f"{call.api}/git/commits/{one}", "html_url": f"{call.html}/commit/{one}"}
            for one in made.parents
        ],
        "verification": _UNSIGNED,
    }


def _content(text: str) -> dict[str, str]:
    packed = b64encode(text.encode()).decode()
    # Broken into lines, as GitHub does.
    return {"encoding": "base64", "content": "".join(packed[at : at + 60] + "\n" for at in range(0, len(packed), 60))}


def _id(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
