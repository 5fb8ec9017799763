"""Keeps the refs of a repository: read, list, create, and move, forward only unless forced."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dhash_guard.simulator.call import Call, Refusal, Reply, not_found
from dhash_guard.simulator.git import descends
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, stable_id
from dhash_guard.simulator.repository import existing
from dhash_guard.simulator.state import Branch, GitRef

_FAMILY = "refs"
_HEADS = "refs/heads/"


def get(call: Call) -> Reply:
    """`GET …/git/ref/{ref}`: exactly this one; a move may be seen late."""
    name = f"refs/{call.params['ref']}"
    sha = _shown(call).get(name)
    if sha is None:
        raise not_found()
    return Reply(data=_shape(call, name, sha))


def matching(call: Call) -> Reply:
    """`GET …/git/matching-refs/{ref}`: all that begin like this."""
    begin = f"refs/{call.params['ref']}"
    found = [_shape(call, name, sha) for name, sha in sorted(_shown(call).items()) if name.startswith(begin)]
    shown, headers = page_of(call, found)
    return Reply(data=shown, headers=headers)


def create(call: Call) -> Reply:
    """`POST …/git/refs`: refused where there is one of this name."""
    name, sha = call.text("Reference", "ref", most=255), _sha(call)
    if not name.startswith("refs/") or name.count("/") < 2 or name.endswith("/"):
        raise Refusal(422, "Reference name must start with 'refs' and contain at least two slashes")
    if _now(call, name) is not None:
        raise Refusal(422, "Reference already exists")
    if name.startswith(_HEADS):
        call.repository.branches[name.removeprefix(_HEADS)] = Branch(sha=sha)
    else:
        made = GitRef(id=call.world.new_id(), name=name, sha=sha)
        call.repository.refs.append(made)
        call.wrote(_FAMILY, made.id)
    shown = _shape(call, name, sha)
    return Reply(status=201, data=shown, headers={"Location": shown["url"]})


def move(call: Call) -> Reply:
    """`PATCH …/git/refs/{ref}`: a commit that was not made upon the present one is refused, unless forced."""
    name, sha = f"refs/{call.params['ref']}", _sha(call)
    before = _now(call, name)
    if before is None:
        raise Refusal(422, "Reference does not exist")
    if call.body.get("force") is not True and not descends(call, sha, before):
        raise Refusal(422, "Update is not a fast forward")
    refs, branches = call.repository.refs, call.repository.branches
    if name.startswith(_HEADS):
        short = name.removeprefix(_HEADS)
        branches[short] = evolve(branches[short], sha=sha)
    else:
        place = next(place for place, ref in enumerate(refs) if ref.name == name)
        call.wrote(_FAMILY, refs[place].id, refs[place])
        refs[place] = evolve(refs[place], sha=sha)
    return Reply(data=_shape(call, name, sha))


def _shown(call: Call) -> dict[str, str]:
    """Every ref as a read sees it."""
    heads = {f"{_HEADS}{name}": branch.sha for name, branch in call.repository.branches.items()}
    return heads | {ref.name: ref.sha for ref in call.seen(_FAMILY, call.repository.refs)}


def _now(call: Call, name: str) -> str | None:
    """Where a ref stands, which a write always knows."""
    branch = call.repository.branches.get(name.removeprefix(_HEADS)) if name.startswith(_HEADS) else None
    return branch.sha if branch else next((ref.sha for ref in call.repository.refs if ref.name == name), None)


def _sha(call: Call) -> str:
    sha = call.text("Reference", "sha", most=64)
    if sha not in existing(call.repository):
        raise Refusal(422, "Object does not exist")
    return sha


def _shape(call: Call, name: str, sha: str) -> dict[str, Any]:
    return {
        "ref": name,
        "node_id": node_id("Ref", stable_id(call.name, name)),
        "url": f"{call.api}/git/{name}",
        "object": {"type": "commit", "sha": sha, "url": f"{call.api}/git/commits/{sha}"},
    }
