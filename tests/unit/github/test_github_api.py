"""The client waits, gives up, and never writes twice; whatever comes back is one of our problems."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dhash_guard.errors import OutsideSilent, UsageProblem
from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import (
    Forbidden,
    GithubProblem,
    NotAuthorised,
    NotFound,
    RateLimited,
    Silent,
    Spent,
    Unprocessable,
    Why,
)
from dhash_guard.github.patience import Patience
from unit.github.hub import Fault, Hub
from unit.github.world import BOT, SHA, START, StillClock, context, status


def test_reading_is_repeated_with_growing_pauses(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    hub.repository.paste("somebody", "hello")
    hub.faults = [Fault(status=502), Fault(status=0), Fault(status=503)]
    assert [comment.body for comment in api.comments(7)] == ["hello"]
    assert clock.slept == [1.0, 2.0, 4.0]
    assert api.requests_made == len(hub.asked) == 4


def test_after_three_repetitions_github_is_silent(hub: Hub, api: GithubApi) -> None:
    hub.faults = [Fault(status=502)] * 9
    with pytest.raises(OutsideSilent) as caught:
        api.comments(7)
    assert (caught.value.exit_code, len(hub.asked)) == (7, 4)


def test_where_nobody_answers_later_requests_are_tried_once_for_a_while(hub: Hub, clock: StillClock) -> None:
    """A rollback asks several things; it must not wait for each of them as for the first."""
    hub.faults = [Fault(status=0)] * 4 + [Fault(status=0)] * 2
    api = GithubApi("ghs_token", context(api_url=hub.url), clock)
    for tries in (4, 5, 6):
        with pytest.raises(Silent):
            api.comments(7)
        assert api.requests_made == tries
    hub.faults = []
    api.comments(7)
    hub.faults = [Fault(status=0)] * 3
    api.comments(7)
    assert api.requests_made == 6 + 1 + 4, "after an answer patience is back"


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=0), Fault(status=201, body=b"{oops"), Fault(status=200)])
@pytest.mark.parametrize("effect", [False, True])
def test_an_ambiguous_write_is_sent_once(hub: Hub, api: GithubApi, fault: Fault, effect: bool) -> None:
    hub.faults = [Fault(status=fault.status, body=fault.body, effect=effect)]
    with pytest.raises(Silent):
        api.create_comment(7, "x")
    assert hub.count("POST") == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_limited_write_is_not_repeated_by_the_client(hub: Hub, api: GithubApi, method: str) -> None:
    hub.faults = [Fault(status=429, headers=(("Retry-After", "1"),))]
    with pytest.raises(RateLimited):
        api.transport.call(method, "/repos/o/r/issues/7/comments", need="x", body={})
    assert hub.count(method) == 1


@pytest.mark.parametrize(
    ("status", "message", "headers", "slept"),
    [
        (403, "You have exceeded a secondary rate limit.", {"Retry-After": "7"}, [7.0]),
        (429, "", {"Retry-After": "3"}, [3.0]),
        (429, "", {"Retry-After": "Tue, 14 Nov 2023 22:13:45 GMT"}, [25.0]),
        (403, "API rate limit exceeded for installation", {"X-RateLimit-Reset": str(int(START) + 30)}, [31.0]),
        (403, "", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(START) - 9)}, [1.0]),
        (403, "You have exceeded a secondary rate limit.", {}, [60.0]),
        (503, "", {"Retry-After": "12"}, [12.0]),
    ],
)
def test_limits_are_waited_for(
    hub: Hub, api: GithubApi, clock: StillClock, status: int, message: str, headers: dict[str, str], slept: list[float]
) -> None:
    hub.faults = [Fault(status=status, body=b'{"message": "%s"}' % message.encode(), headers=tuple(headers.items()))]
    assert api.comments(7) == []
    assert clock.slept == slept


def test_a_limit_that_ends_already_asks_for_a_second(hub: Hub, api: GithubApi) -> None:
    past = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(START) - 500)))
    hub.faults = [Fault(status=403, headers=past)]
    with pytest.raises(RateLimited) as caught:
        api.create_comment(7, "x")
    assert caught.value.wait == 1.0


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "3600"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(START) + 1800)}],
)
def test_an_hour_is_not_waited_for(hub: Hub, api: GithubApi, clock: StillClock, headers: dict[str, str]) -> None:
    hub.faults = [Fault(status=403, headers=tuple(headers.items()))] * 5
    with pytest.raises(RateLimited) as caught:
        api.comments(7)
    assert clock.slept == []
    assert len(hub.asked) == 1
    assert caught.value.wait > 60
    assert f"{caught.value.wait:.0f} s" in caught.value.cure


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b'{"message": "Bad credentials"}', NotAuthorised),
        (403, b"[]", Forbidden),
        (404, b'"nothing"', NotFound),
        (410, b'{"message": "This issue was deleted"}', NotFound),
        (409, b'{"message": ["a", "list"]}', Unprocessable),
        (422, b'{"message": "Validation Failed", "errors": [{"code": "invalid"}]}', Unprocessable),
        (400, b"<html>", Unprocessable),
        (304, b"", Silent),
        (200, b"<html>", Silent),
        (200, b'{"message": "a mapping"}', Silent),
        (200, b"[1, 2]", Silent),
        (200, b"[{}]", Silent),
        (200, b"[" * 100_000, Silent),
        (200, b"", Silent),
        (408, b"", Silent),
    ],
)
def test_every_answer_is_one_of_our_problems(
    hub: Hub, api: GithubApi, status: int, body: bytes, kind: type[GithubProblem]
) -> None:
    hub.faults = [Fault(status=status, body=body)] * 4
    with pytest.raises(kind) as caught:
        api.comments(7)
    assert caught.value.what


def test_nobody_listens(clock: StillClock) -> None:
    api = GithubApi("t", context(api_url="http://127.0.0.1:9"), clock, Patience(retries=1))
    with pytest.raises(Silent, match="cannot be reached"):
        api.comments(7)
    assert api.requests_made == 2


def test_a_server_that_always_has_another_page(hub: Hub, api: GithubApi) -> None:
    hub.faults = [Fault(status=200, body=b"[]", headers=(("Link", '<http://x/>; rel="next"'),))] * 200
    with pytest.raises(Silent, match="100 pages"):
        api.comments(7)
    assert all("127.0.0.1" in hub.url and asked.startswith("GET /repos/o/r/") for asked in hub.asked)


def test_a_redirect_to_another_host_gets_no_token(hub: Hub, api: GithubApi) -> None:
    hub.faults = [Fault(status=301, headers=(("Location", "http://elsewhere.example/repos/o/r"),))]
    with pytest.raises(UsageProblem, match="redirects"):
        api.comments(7)
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://github.example", "https://u:p@github.example", "ftp://127.0.0.1", "https://", "https://x/?a=b"]
)
def test_the_token_travels_encrypted_or_not_at_all(url: str, clock: StillClock) -> None:
    with pytest.raises(UsageProblem, match="not sent there"):
        GithubApi("t", context(api_url=url), clock)


def test_without_a_token(clock: StillClock) -> None:
    with pytest.raises(NotAuthorised, match="no token"):
        GithubApi(" \n", context(), clock)


def test_the_token_is_sent_and_stands_in_no_message(hub: Hub, api: GithubApi) -> None:
    hub.faults = [Fault(status=401)]
    with pytest.raises(NotAuthorised) as caught:
        api.comments(7)
    assert hub.tokens == ["token ghs_token"]
    assert "ghs_token" not in f"{caught.value}{caught.value!r}"


def test_identity_is_asked_once_and_has_a_default(hub: Hub, api: GithubApi) -> None:
    hub.graphql = False
    assert (api.identity(), api.identity()) == (BOT, BOT)
    assert hub.asked == ["POST /graphql"]


def test_an_apps_login_is_never_a_persons(hub: Hub, api: GithubApi) -> None:
    hub.repository.login = "our-app"  # a person may have registered that name
    assert api.identity() == "our-app[bot]"


def test_asking_who_we_are_changes_nothing_and_is_repeated(hub: Hub, api: GithubApi) -> None:
    hub.faults = [Fault(status=502)]
    assert api.identity() == BOT
    assert hub.count("POST") == 2


def test_enterprise_server_has_graphql_beside_its_rest_api(hub: Hub, clock: StillClock) -> None:
    GithubApi("t", context(api_url=f"{hub.url}/api/v3"), clock).identity()
    assert hub.asked == ["POST /api/graphql"]


def test_where_a_pull_request_stands_and_who_asks_is_one_request(hub: Hub, api: GithubApi) -> None:
    hub.repository.open, hub.repository.merged, hub.repository.locked = False, True, True
    pull = api.pull_request(7)
    assert (pull.head_sha, pull.head_repository, pull.open, pull.merged, pull.locked) == (SHA, "o/r", False, True, True)
    assert api.identity() == BOT
    assert hub.asked == ["POST /graphql"]


def test_where_graphql_is_off_rest_says_the_same(hub: Hub, api: GithubApi) -> None:
    by_graphql = api.pull_request(7)
    hub.graphql = False
    assert api.pull_request(7) == by_graphql
    assert hub.asked[-1] == "GET /repos/o/r/pulls/7"


def test_a_query_is_no_write_that_has_to_keep_apart(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    api.create_comment(7, "x")
    api.pull_request(7)
    assert clock.slept == []


def test_a_run_sends_no_more_than_one_run_may(hub: Hub, clock: StillClock) -> None:
    api = GithubApi("t", context(api_url=hub.url), clock, Patience(most_requests=3))
    hub.faults = [Fault(status=502)] * 9
    with pytest.raises(Spent, match="3 requests") as caught:
        api.comments(7)
    assert (len(hub.asked), api.requests_made, caught.value.exit_code) == (3, 3, 7)
    with pytest.raises(Spent):
        api.set_status(SHA, status())
    assert len(hub.asked) == 3, "nothing is sent, and nothing is waited for"


def test_writes_keep_apart(hub: Hub, api: GithubApi, clock: StillClock) -> None:
    for n in range(3):
        api.create_comment(7, str(n))
    api.comments(7)
    assert clock.slept == [0.25, 0.25]


@pytest.mark.parametrize(
    ("changes", "message", "headers", "why", "said"),
    [
        ({}, "Resource not accessible by integration", {}, Why.PERMISSION, "permissions: {pull-requests: write}"),
        (
            {},
            "Resource not accessible by integration",
            {"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"},
            Why.PERMISSION,
            "issues: write or pull-requests: write",
        ),
        ({"is_fork": True}, "Resource not accessible by integration", {}, Why.FORK, "workflow_run"),
        ({"dependabot": True}, "Resource not accessible by integration", {}, Why.DEPENDABOT, "workflow_run"),
        (
            {"is_fork": True, "privileged": True, "event": "workflow_run"},
            "Resource not accessible by integration",
            {},
            Why.PERMISSION,
            "permissions:",
        ),
        ({}, "Resource protected by SAML", {"X-GitHub-SSO": "required; url=https://sso/x"}, Why.SSO, "https://sso/x"),
        ({"is_fork": True}, "Unable to create comment because issue is locked.", {}, Why.LOCKED, "Unlock"),
        ({}, "Repository was archived so is read-only.", {}, Why.ARCHIVED, "unarchived"),
        ({}, "Although ... the `o` organization has an IP allow list enabled", {}, Why.ADDRESS, "allow list"),
        ({}, "Resource not accessible by personal access token", {}, Why.PERMISSION, "pull-requests: write"),
        ({}, "Blocked.", {}, Why.UNKNOWN, "pull-requests: write"),
    ],
)
def test_what_a_403_means(
    hub: Hub,
    clock: StillClock,
    changes: dict[str, object],
    message: str,
    headers: dict[str, str],
    why: Why,
    said: str,
) -> None:
    hub.faults = [Fault(status=403, body=b'{"message": "%s"}' % message.encode(), headers=tuple(headers.items()))]
    with pytest.raises(Forbidden) as caught:
        GithubApi("t", context(api_url=hub.url, **changes), clock).create_comment(7, "x")
    assert caught.value.why is why
    assert said in caught.value.cure
    assert caught.value.exit_code == 2


def test_githubs_words_stay_on_one_line(hub: Hub, api: GithubApi) -> None:
    hub.faults = [Fault(status=422, body=b'{"message": "a\\n::error::b\\u001b[31m%s"}' % (b"x" * 5000))]
    with pytest.raises(Unprocessable) as caught:
        api.set_status(SHA, status())
    assert "\n" not in caught.value.what
    assert "\x1b" not in caught.value.what
    assert len(caught.value.what) < 400


def test_importing_the_library_adds_no_handler_of_its_own(hub: Hub, api: GithubApi) -> None:
    code = """if True:
        import logging
        from dhash_guard.github.patience import Patience
        from dhash_guard.github.transport import _requester
        _requester("token", "http://127.0.0.1:9", Patience())
        assert logging.getLogger("github").handlers == []
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_room_costs_no_library_until_it_is_used() -> None:
    code = "import sys, dhash_guard.github; sys.exit(bool({'github', 'requests', 'urllib3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
