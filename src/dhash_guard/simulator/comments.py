"""Keeps the comments of pull requests and issues: list, read, write, edit, delete."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dhash_guard.simulator.call import Call, Refusal, Reply, not_found
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import association, node_id, role_of, user
from dhash_guard.simulator.state import Comment

LONGEST_BODY = 65_536
_FAMILY = "comments"


def shape(call: Call, comment: Comment) -> dict[str, Any]:
    """GitHub's issue comment."""
    return {
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "url": f"{call.api}/issues/comments/{comment.id}",
        "html_url": f"{call.html}/pull/{comment.issue}#issuecomment-{comment.id}",
        "issue_url": f"{call.api}/issues/{comment.issue}",
        "body": comment.body,
        "user": user(call.base, comment.author),
        "author_association": association(call, comment.author),
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "performed_via_github_app": None,
    }


def listing(call: Call) -> Reply:
    """`GET …/issues/{issue_number}/comments`, oldest first; `since` compares the time of the last edit."""
    number, since = _issue(call), call.query.get("since", "")
    seen = call.seen(_FAMILY, call.repository.comments)
    shown, headers = page_of(call, [one for one in seen if one.issue == number and one.updated_at >= since])
    return Reply(data=[shape(call, one) for one in shown], headers=headers)


def get(call: Call) -> Reply:
    """`GET …/issues/comments/{comment_id}`."""
    return Reply(data=shape(call, _find(call)))


def create(call: Call) -> Reply:
    """`POST …/issues/{issue_number}/comments`."""
    number = _issue(call)
    _refuse_locked(call, number)
    comment = Comment(
        id=call.world.new_id(),
        issue=number,
        author=call.actor,
        body=_body(call),
        created_at=call.now,
        updated_at=call.now,
    )
    call.repository.comments.append(comment)
    call.wrote(_FAMILY, comment.id)
    made = shape(call, comment)
    return Reply(status=201, data=made, headers={"Location": made["url"]})


def edit(call: Call) -> Reply:
    """`PATCH …/issues/comments/{comment_id}`: the last writer wins, as on GitHub."""
    before = _find(call)
    after = evolve(before, body=_body(call), updated_at=call.now)
    call.repository.comments[call.repository.comments.index(before)] = after
    call.wrote(_FAMILY, after.id, before)
    return Reply(data=shape(call, after))


def delete(call: Call) -> Reply:
    """`DELETE …/issues/comments/{comment_id}`."""
    before = _find(call)
    call.repository.comments.remove(before)
    call.wrote(_FAMILY, before.id, before)
    return Reply(status=204)


def _body(call: Call) -> str:
    return call.text("IssueComment", "body", most=LONGEST_BODY)


def _find(call: Call) -> Comment:
    return call.pick(call.repository.comments, "comment_id")


def _refuse_locked(call: Call, number: int) -> None:
    """A locked conversation takes comments only from people who may write; a workflow's token is nobody's."""
    locked = any(pull.number == number and pull.locked for pull in call.repository.pull_requests)
    if locked and role_of(call.repository, call.actor) not in ("write", "maintain", "admin"):
        raise Refusal(403, "Unable to create comment because issue is locked.")


def _issue(call: Call) -> int:
    """The number of a pull request or of an issue that exists."""
    number = call.number("issue_number")
    if number not in {pull.number for pull in call.repository.pull_requests} | set(call.repository.issues):
        raise not_found()
    return number
