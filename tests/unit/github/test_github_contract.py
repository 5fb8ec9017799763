"""The fake and the real client keep the same promises, so that what is tested with the fake is true of GitHub."""

from __future__ import annotations

import pytest

from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import Forbidden, NotFound, Why
from dhash_guard.github.ports import State
from unit.github.hub import Hub
from unit.github.world import BOT, SHA, FakeGithub, status

Github = FakeGithub | GithubApi


def test_comments_of_all_pages_come_oldest_first(github: Github, hub: Hub) -> None:
    made = [hub.repository.paste("somebody", f"comment {n}") for n in range(250)]
    assert github.comments(7) == made


def test_what_is_created_is_listed_edited_and_gone(github: Github) -> None:
    made = github.create_comment(7, "first 🎲")
    assert (made.author, made.body) == (BOT, "first 🎲")
    assert github.comments(7) == [made]
    edited = github.edit_comment(made.id, "second")
    assert (edited.id, edited.url, edited.body) == (made.id, made.url, "second")
    github.delete_comment(made.id)
    assert github.comments(7) == []
    with pytest.raises(NotFound):
        github.delete_comment(made.id)
    with pytest.raises(NotFound):
        github.edit_comment(made.id, "third")


def test_who_we_are(github: Github, hub: Hub) -> None:
    hub.repository.login = "our-app[bot]"
    assert github.identity() == "our-app[bot]"


def test_a_pull_request(github: Github, hub: Hub) -> None:
    hub.repository.locked = True
    found = github.pull_request(7)
    assert (found.number, found.head_sha, found.head_repository, found.open, found.locked) == (7, SHA, "o/r", True, True)
    with pytest.raises(NotFound):
        github.pull_request(8)


def test_statuses_are_kept_per_commit_and_context(github: Github) -> None:
    assert github.statuses(SHA) == []
    github.set_status(SHA, status(State.PENDING))
    assert github.set_status(SHA, status()) == status()
    github.set_status(SHA, status(context="other"))
    assert github.statuses(SHA) == [status(), status(context="other")]
    assert github.statuses("e" * 40) == []


@pytest.mark.parametrize("right", ["pull-requests: write", "statuses: write"])
def test_a_missing_permission_is_named(github: Github, hub: Hub, right: str) -> None:
    hub.repository.rights = hub.repository.rights - {right}
    with pytest.raises(Forbidden) as caught:
        if right.startswith("pull"):
            github.create_comment(7, "x")
        else:
            github.set_status(SHA, status())
    assert caught.value.why is Why.PERMISSION
    assert f"permissions: {{{right}}}" in caught.value.cure
    assert not hub.repository.writes


def test_every_request_is_counted(github: Github, hub: Hub) -> None:
    github.comments(7)
    github.create_comment(7, "x")
    github.pull_request(7)
    assert github.requests_made == 3
