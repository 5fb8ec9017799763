"""One comment of ours on a pull request, whatever others write, whatever fails, and no write where nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from dhash_guard.errors import Bug
from dhash_guard.github.api import GithubApi
from dhash_guard.github.comment import Outcome, upsert
from dhash_guard.github.errors import Forbidden, NotFound, RateLimited, Silent, Unprocessable, Why
from dhash_guard.github.ports import Comment
from unit.github.hub import Fault, Hub
from unit.github.world import BOT, MARKER, FakeGithub, Repository, StillClock, context

BODY = f"{MARKER}\n## all well"

Github = FakeGithub | GithubApi


def test_created_then_unchanged_then_edited(github: Github, hub: Hub, clock: StillClock) -> None:
    created = upsert(github, 7, MARKER, BODY, clock)
    again = upsert(github, 7, MARKER, BODY, clock)
    edited = upsert(github, 7, MARKER, BODY + "!", clock)
    assert [each.outcome for each in (created, again, edited)] == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.EDITED]
    assert hub.repository.writes == ["create", "edit"]
    assert created.id == again.id == edited.id
    assert created.url == edited.url == hub.repository.ours()[0].url
    assert (created.requests, again.requests, edited.requests) == (3, 2, 2)
    assert hub.repository.ours()[0].body == BODY + "!"


def test_line_ends_of_the_browser_are_no_change(github: Github, hub: Hub, clock: StillClock) -> None:
    hub.repository.paste(BOT, BODY.replace("\n", "\r\n"))
    assert upsert(github, 7, MARKER, BODY + "\n", clock).outcome is Outcome.UNCHANGED
    assert not hub.repository.writes


def test_a_marker_that_somebody_pasted_is_not_believed(github: Github, hub: Hub, clock: StillClock) -> None:
    pasted = hub.repository.paste("mallory", BODY)
    deleted_account = hub.repository.paste("", BODY)
    quoted = hub.repository.paste(BOT, f"> {BODY}")
    other = hub.repository.paste(BOT, BODY.replace("production", "production2"))
    made = upsert(github, 7, MARKER, BODY, clock)
    assert made.outcome is Outcome.CREATED
    kept = hub.repository.comments
    assert [kept[each.id] for each in (pasted, deleted_account, quoted, other)] == [pasted, deleted_account, quoted, other]


def test_ours_is_found_behind_hundreds_of_others(github: Github, hub: Hub, clock: StillClock) -> None:
    for n in range(120):
        hub.repository.paste("somebody", str(n))
    ours = hub.repository.paste(BOT, f"{MARKER}\nold")
    for n in range(120):
        hub.repository.paste("somebody", str(n))
    assert upsert(github, 7, MARKER, BODY, clock).id == ours.id


def test_what_a_race_left_behind_is_tidied(github: Github, hub: Hub, clock: StillClock) -> None:
    oldest = hub.repository.paste(BOT, f"{MARKER}\none")
    hub.repository.paste(BOT, f"{MARKER}\ntwo")
    done = upsert(github, 7, MARKER, BODY, clock)
    assert (done.outcome, done.id) == (Outcome.EDITED, oldest.id)
    assert [each.id for each in hub.repository.ours()] == [oldest.id]


def test_what_may_not_be_tidied_is_noted(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    hub.repository.paste(BOT, BODY)
    second = hub.repository.paste(BOT, f"{MARKER}\ntwo")
    hub.faults = [Fault(status=403, method="DELETE")]
    done = upsert(api, 7, MARKER, BODY, clock)
    assert done.outcome is Outcome.UNCHANGED
    assert second.url in done.notes[0]


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("status", [0, 500, 502])
def test_an_ambiguous_creation_looks_before_it_writes_again(
    hub: Hub, api: GithubApi, clock: StillClock, status: int, effect: bool
) -> None:
    hub.faults = [Fault(status=status, method="POST", effect=effect)]
    done = upsert(api, 7, MARKER, BODY, clock, author=BOT)
    assert done.outcome is Outcome.CREATED
    assert len(hub.repository.ours()) == 1
    assert hub.count("POST") == (1 if effect else 2)
    posts = [n for n, asked in enumerate(hub.asked) if asked.startswith("POST")]
    assert all(any("GET" in asked for asked in hub.asked[one + 1 : other]) for one, other in pairwise(posts))


@pytest.mark.parametrize("effect", [False, True])
def test_an_ambiguous_edit_looks_before_it_writes_again(hub: Hub, api: GithubApi, clock: StillClock, effect: bool) -> None:
    hub.repository.paste(BOT, f"{MARKER}\nold")
    hub.faults = [Fault(status=502, method="PATCH", effect=effect)]
    assert upsert(api, 7, MARKER, BODY, clock).outcome is Outcome.EDITED
    assert hub.count("PATCH") == (1 if effect else 2)
    assert hub.repository.ours()[0].body == BODY


def test_a_creation_that_never_works_is_silent(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    hub.faults = [Fault(status=502, method="POST")] * 9
    with pytest.raises(Silent):
        upsert(api, 7, MARKER, BODY, clock, author=BOT)
    assert hub.count("POST") == 3


def test_a_limit_on_writing_is_waited_for(clock: StillClock) -> None:
    fake = FakeGithub(Repository(), context())
    fake.before = [RateLimited("slow down", wait=9)]
    assert upsert(fake, 7, MARKER, BODY, clock).outcome is Outcome.CREATED
    assert clock.slept == [9]
    fake.before = [RateLimited("slow down", wait=600)]
    with pytest.raises(RateLimited):
        upsert(fake, 7, MARKER, BODY + "!", clock)


@pytest.mark.parametrize("changes", [{"is_fork": True}, {"dependabot": True}])
def test_the_read_only_token_of_a_fork_defers(hub: Hub, clock: StillClock, changes: dict[str, bool]) -> None:
    hub.repository.rights = frozenset()
    done = upsert(GithubApi("t", context(api_url=hub.url, **changes), clock), 7, MARKER, BODY, clock)
    assert (done.outcome, done.id, done.url, done.body, done.requests) == (Outcome.DEFERRED, None, "", BODY, 2)
    assert "read-only token" in done.notes[0]


def test_a_missing_permission_is_no_deferral(github: Github, hub: Hub, clock: StillClock) -> None:
    hub.repository.rights = frozenset()
    with pytest.raises(Forbidden) as caught:
        upsert(github, 7, MARKER, BODY, clock)
    assert caught.value.why is Why.PERMISSION


def test_a_closed_and_locked_pull_request_is_told(github: Github, hub: Hub, clock: StillClock) -> None:
    hub.repository.locked, hub.repository.open = True, False
    with pytest.raises(Forbidden) as caught:
        upsert(github, 7, MARKER, BODY, clock)
    assert caught.value.why is Why.LOCKED
    assert "pull request 7 is closed and locked" in str(caught.value)


def test_a_pull_request_that_is_not_there(github: Github, clock: StillClock) -> None:
    with pytest.raises(NotFound):
        upsert(github, 8, MARKER, BODY, clock)


def test_a_body_that_is_too_long_is_not_sent(github: Github, clock: StillClock) -> None:
    with pytest.raises(Unprocessable, match="65537"):
        upsert(github, 7, MARKER, MARKER + "x" * (65_537 - len(MARKER)), clock)
    assert github.requests_made == 0


@pytest.mark.parametrize("body", ["", "## no marker", f" {BODY}"])
def test_a_body_without_its_marker_is_a_bug(github: Github, clock: StillClock, body: str) -> None:
    with pytest.raises(Bug):
        upsert(github, 7, MARKER, body, clock)
    assert github.requests_made == 0


def test_a_composed_body_merges_what_is_there(github: Github, hub: Hub, clock: StillClock) -> None:
    def with_leg(leg: str, there: Sequence[str]) -> str:
        legs = {line for body in there for line in body.splitlines()[1:]} | {leg}
        return "\n".join([MARKER, *sorted(legs)])

    for leg in ("linux", "windows", "linux"):
        done = upsert(github, 7, MARKER, lambda there, leg=leg: with_leg(leg, there), clock)  # type: ignore[misc]
    assert done.outcome is Outcome.UNCHANGED
    assert hub.repository.ours()[0].body == f"{MARKER}\nlinux\nwindows"


def test_what_another_writer_overwrote_is_merged_again(hub: Hub, clock: StillClock) -> None:
    class Overwritten(FakeGithub):
        def edit_comment(self, comment_id: int, body: str) -> Comment:
            done = super().edit_comment(comment_id, body)
            if self.repository.writes == ["edit"]:  # a writer who had read before we wrote
                self.repository.edit(comment_id, f"{MARKER}\ntheirs")
            return done

    def compose(there: Sequence[str]) -> str:
        return "\n".join([MARKER, *sorted({line for body in there for line in body.splitlines()[1:]} | {"ours"})])

    hub.repository.paste(BOT, MARKER)
    upsert(Overwritten(hub.repository, context()), 7, MARKER, compose, clock)
    assert hub.repository.ours()[0].body == f"{MARKER}\nours\ntheirs"


def test_a_list_that_lags_behind_makes_no_second_comment(hub: Hub, clock: StillClock) -> None:
    class Lagging(FakeGithub):
        def comments(self, number: int) -> list[Comment]:
            return []

    assert upsert(Lagging(hub.repository, context()), 7, MARKER, BODY, clock).outcome is Outcome.CREATED
    assert hub.repository.writes == ["create"]


def test_a_comment_that_vanishes_is_written_anew(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    hub.repository.paste(BOT, f"{MARKER}\nold")
    hub.faults = [Fault(status=404, method="PATCH")]
    assert upsert(api, 7, MARKER, BODY, clock).outcome is Outcome.EDITED
    assert [each.body for each in hub.repository.ours()] == [BODY]
