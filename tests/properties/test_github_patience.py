"""Whatever a server answers, a write is never sent twice blindly and nobody waits longer than the cap."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dhash_guard.github.api import GithubApi
from dhash_guard.github.comment import upsert
from dhash_guard.github.errors import GithubProblem
from dhash_guard.github.patience import Patience
from unit.github.hub import Fault, Hub
from unit.github.world import BOT, MARKER, START, StillClock, context

_HEADERS = st.one_of(
    st.just(()),
    st.sampled_from(["0", "1", "59", "61", "86400", "-1", "soon", "Tue, 14 Nov 2023 22:14:00 GMT", "9" * 30]).map(
        lambda value: (("Retry-After", value),)
    ),
    st.integers(-100, 5000).map(
        lambda ahead: (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(START) + ahead)))
    ),
)
_FAULTS = st.builds(
    Fault,
    status=st.sampled_from([0, 200, 201, 301, 304, 400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504]),
    body=st.sampled_from(
        [b"", b"{", b"[]", b"null", b'"x"', b'{"message": "You have exceeded a secondary rate limit"}', b"<html>", b"[{}]"]
    ),
    headers=_HEADERS,
    effect=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_FAULTS, max_size=8), st.sampled_from(["POST", "PATCH", "GET", "DELETE"]))
def test_one_request_against_any_answers(faults: list[Fault], method: str) -> None:
    with Hub().serving() as hub:
        clock = StillClock()
        made = hub.repository.paste(BOT, "x")
        api = GithubApi("t", context(api_url=hub.url), clock, Patience(timeout=2))
        hub.faults = list(faults)
        with suppress(GithubProblem):
            match method:
                case "POST":
                    api.create_comment(7, "y")
                case "PATCH":
                    api.edit_comment(made.id, "y")
                case "DELETE":
                    api.delete_comment(made.id)
                case _:
                    api.comments(7)
        assert sum(clock.slept) <= 60
        assert len(hub.asked) == api.requests_made
        assert hub.count(method) == len(hub.asked) <= (4 if method in ("GET", "DELETE") else 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(_FAULTS, max_size=12))
def test_an_upsert_against_any_answers_looks_between_two_writes(faults: list[Fault]) -> None:
    with Hub().serving() as hub:
        clock = StillClock()
        api = GithubApi("t", context(api_url=hub.url), clock, Patience(timeout=2))
        hub.faults = list(faults)
        with suppress(GithubProblem):
            upsert(api, 7, MARKER, f"{MARKER}\nbody", clock, author=BOT)
        assert all(wait <= 60 for wait in clock.slept)
        writes = [n for n, asked in enumerate(hub.asked) if not asked.startswith(("GET", "POST /graphql"))]  # that one reads
        for one, other in pairwise(writes):
            assert any(asked.startswith("GET") for asked in hub.asked[one:other]) or hub.asked[other].startswith("DELETE")
        hub.faults = []
        upsert(api, 7, MARKER, f"{MARKER}\nbody", clock, author=BOT)
        assert len(hub.repository.ours()) == 1
