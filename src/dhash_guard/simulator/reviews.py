"""Keeps the reviews of a pull request: list, read, create, dismiss."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dhash_guard.simulator import pulls
from dhash_guard.simulator.call import Call, Refusal, Reply
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import association, node_id, user
from dhash_guard.simulator.state import PullRequest, Review

_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", None: "PENDING"}
_FAMILY = "reviews"


def shape(call: Call, review: Review) -> dict[str, Any]:
    """GitHub's review."""
    pull = f"{call.api}/pulls/{review.pull}"
    html = f"{call.html}/pull/{review.pull}#pullrequestreview-{review.id}"
    made = {
        "id": review.id,
        "node_id": node_id("PullRequestReview", review.id),
        "user": user(call.base, review.author) if review.author else None,
        "body": review.body,
        "state": review.state,
        "commit_id": review.commit,
        "html_url": html,
        "pull_request_url": pull,
        "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
        "author_association": association(call, review.author),
    }
    return made if review.state == "PENDING" else made | {"submitted_at": review.submitted_at}


def listing(call: Call) -> Reply:
    """`GET …/pulls/{pull_number}/reviews`, oldest first; a pending one is seen by its author alone."""
    pull = pulls.find(call)
    who = call.token.login if call.token else ""
    seen = [one for one in call.seen(_FAMILY, call.repository.reviews) if one.pull == pull.number]
    shown, headers = page_of(call, [one for one in seen if one.state != "PENDING" or one.author == who])
    return Reply(data=[shape(call, one) for one in shown], headers=headers)


def get(call: Call) -> Reply:
    """`GET …/pulls/{pull_number}/reviews/{review_id}`."""
    return Reply(data=shape(call, _find(call)))


def create(call: Call) -> Reply:
    """`POST …/pulls/{pull_number}/reviews`; nobody approves their own pull request."""
    pull = pulls.find(call)
    event = call.body.get("event")
    if event not in _STATES:
        raise Refusal(422, f"Variable $event of type PullRequestReviewEvent was provided invalid value {event!r}")
    body = call.text("PullRequestReview", "body", most=65_536, default="")
    _refuse_own(call, pull, str(event))
    if event in ("REQUEST_CHANGES", "COMMENT") and not body:
        raise Refusal(422, "Unprocessable Entity", errors=["Body is required for this event"])
    review = Review(
        id=call.world.new_id(),
        pull=pull.number,
        author=call.actor,
        state=_STATES[event],
        commit=call.text("PullRequestReview", "commit_id", most=40, default=pull.head_sha),
        body=body,
        submitted_at=call.now,
    )
    call.repository.reviews.append(review)
    call.wrote(_FAMILY, review.id)
    return Reply(data=shape(call, review))


def dismiss(call: Call) -> Reply:
    """`PUT …/reviews/{review_id}/dismissals`: the state of the old review is rewritten in place."""
    call.text("PullRequestReview", "message", most=65_536)
    before = _find(call)
    if before.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refusal(422, "Can not dismiss a review that is neither an approval nor a request for changes")
    after = evolve(before, state="DISMISSED")
    call.repository.reviews[call.repository.reviews.index(before)] = after
    call.wrote(_FAMILY, after.id, before)
    return Reply(data=shape(call, after))


def _refuse_own(call: Call, pull: PullRequest, event: str) -> None:
    words = {
        "APPROVE": "Can not approve your own pull request",
        "REQUEST_CHANGES": "Can not request changes on your own pull request",
    }
    if call.actor == pull.author and event in words:
        raise Refusal(422, "Unprocessable Entity", errors=[words[event]])


def _find(call: Call) -> Review:
    pull = pulls.find(call)
    return call.pick([one for one in call.repository.reviews if one.pull == pull.number], "review_id")
