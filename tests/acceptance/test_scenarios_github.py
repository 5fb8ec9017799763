"""What GitHub may do to the comment and the status: our client against the simulator on loopback, a line for each story.

A line says what is there before, what goes wrong, and how it ends: outcome or error, exit code, comments of ours that are
left, requests that it took, seconds that were waited. Time passes only in waiting.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve, field, frozen

from dhash_guard.github.api import GithubApi
from dhash_guard.github.comment import upsert
from dhash_guard.github.context import context_of
from dhash_guard.github.errors import GithubProblem
from dhash_guard.github.patience import Patience
from dhash_guard.github.ports import State
from dhash_guard.github.status import set_status
from dhash_guard.records.context import RunContext
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.legs import render_legs, slim
from dhash_guard.rollout.comment import comment_legs, comment_run
from dhash_guard.simulator import Simulator
from dhash_guard.simulator.tokens import Kind, Token
from dhash_guard.system import this_machine
from support import report_stories
from support.acting import REPOSITORY, pull_request
from support.legs import NEWER, SHA, leg
from support.world import SleptClock
from support.writers import START

BOT, MARKER = "github-actions[bot]", "<!-- dhash-guard:v1:premerge:production -->"
FORK, DEPENDABOT = {"is_fork": True}, {"dependabot": True, "actor": "dependabot[bot]"}
OURS = leg("linux")
FORK_LATER = FORK | {"privileged": True, "event": "workflow_run"}

LIST, ONE, GRAPH, STATUS = "*/issues/7/comments", "*/issues/comments/*", "/graphql", "*/statuses/*"


def fault(kind: str, method: str, path: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "method": method, "path": path} | facts


def creating(kind: str, **facts: Any) -> dict[str, Any]:
    return fault(kind, "POST", LIST, **facts)


def editing(kind: str, **facts: Any) -> dict[str, Any]:
    return fault(kind, "PATCH", ONE, **facts)


def listing(kind: str, **facts: Any) -> dict[str, Any]:
    return fault(kind, "GET", LIST, **facts)


def asking(kind: str, **facts: Any) -> dict[str, Any]:
    return fault(kind, "POST", GRAPH, **facts)


def removing(kind: str, **facts: Any) -> dict[str, Any]:
    return fault(kind, "DELETE", ONE, **facts)


def stating(kind: str, **facts: Any) -> dict[str, Any]:
    return fault(kind, "POST", STATUS, **facts)


@frozen
class End:
    """How a story ends: outcome or code word of the error, exit code, and comments (or statuses) of ours that are left."""

    word: str
    code: int
    left: int


CREATED = End("created", code=0, left=1)
EDITED = End("edited", code=0, left=1)
UNCHANGED = End("unchanged", code=0, left=1)
DEFERRED = End("deferred", code=0, left=0)
WRITTEN = End("written", code=0, left=1)
KEPT = End("kept", code=0, left=1)
SILENT = End("github-silent", code=7, left=0)
LIMITED = End("github-rate-limited", code=7, left=0)
FORBIDDEN = End("github-forbidden", code=2, left=0)
NOT_FOUND = End("github-not-found", code=2, left=0)
NOT_AUTHORISED = End("github-not-authorised", code=2, left=0)
UNPROCESSABLE = End("github-unprocessable", code=2, left=0)


@frozen(kw_only=True)
class Story:
    """One line of a table."""

    name: str
    there: str = ""
    """Comments before, by the words of `before`, oldest first."""
    faults: tuple[dict[str, Any], ...] = ()
    pull: dict[str, Any] = field(factory=dict)
    token: str = "t-write"
    context: dict[str, Any] = field(factory=dict)
    end: End
    left: int
    requests: int
    waited: float = 0.0
    words: str = ""


def story(name: str, end: End, requests: int, *faults: dict[str, Any], left: int | None = None, **facts: Any) -> Story:
    """`story("502, nothing happened", CREATED, 6, creating("status"), waited=2)`"""
    return Story(name=name, end=end, requests=requests, faults=faults, left=end.left if left is None else left, **facts)


CREATING = [
    story("nothing goes wrong", CREATED, 4),
    story("502, nothing happened", CREATED, 6, creating("status"), waited=2),
    story("500, nothing happened", CREATED, 6, creating("status", status=500), waited=2),
    story("503, nothing happened", CREATED, 6, creating("status", status=503), waited=2),
    story("408, nothing happened", CREATED, 6, creating("status", status=408), waited=2),
    story("502, twice", CREATED, 8, creating("status", times=2), waited=4),
    story("502, for ever", SILENT, 8, creating("status", times=0), waited=6),
    story("502, but it is there", CREATED, 5, creating("lost-answer"), waited=2),
    story("504, but it is there", CREATED, 5, creating("lost-answer", status=504), waited=2),
    story("502, it is there and listed late", CREATED, 8, creating("lost-answer", reads=1), waited=2),
    story("half an answer", CREATED, 5, creating("truncated"), waited=2),
    story("half an answer, listed late", CREATED, 8, creating("truncated", reads=1), waited=2),
    story("the connection breaks", CREATED, 6, creating("reset"), waited=2),
    story("no answer in time", CREATED, 6, creating("timeout", seconds=3.0), waited=2),
    story("the list shows it late", CREATED, 4, creating("lag", reads=1)),
    story("429 with Retry-After", CREATED, 6, creating("too-many", retry_after=5), waited=5),
    story("429 without", CREATED, 6, creating("too-many"), waited=60),
    story("429, ten minutes", LIMITED, 3, creating("too-many", retry_after=600), words="GitHub asks to wait 600 s"),
    story("secondary limit with Retry-After", CREATED, 6, creating("secondary-limit", retry_after=9), waited=9),
    story("secondary limit without", CREATED, 6, creating("secondary-limit"), waited=60),
    story(
        "secondary limit again and again",
        LIMITED,
        7,
        creating("secondary-limit", retry_after=25, times=0),
        waited=50,
        words="a secondary limit",
    ),
    story("primary limit, reset soon", CREATED, 6, creating("primary-limit", retry_after=30), waited=31),
    story(
        "primary limit, reset in an hour", LIMITED, 3, creating("primary-limit", retry_after=3600), words="the hourly limit"
    ),
    story("422", UNPROCESSABLE, 4, creating("status", status=422, message="Validation Failed"), words="Validation Failed"),
    story("410, conversations are off", NOT_FOUND, 4, creating("status", status=410)),
]

REFUSED = [
    story("a fork's read-only token", DEFERRED, 3, token="t-read", context=FORK, words="pull requests of forks"),
    story("Dependabot's read-only token", DEFERRED, 3, token="t-dependabot", context=DEPENDABOT, words="runs of Dependabot"),
    story("a fork's pull request with a token that may write", CREATED, 4, context=FORK),
    story("the job lacks the permission", FORBIDDEN, 4, token="t-read", words="permissions: {pull-requests: write}"),
    story(
        "a fork in workflow_run, which could have the right",
        FORBIDDEN,
        4,
        token="t-read",
        context=FORK_LATER,
        words="permissions: {pull-requests: write}",
    ),
    story("single sign-on", FORBIDDEN, 3, token="t-sso", words="single sign-on"),
    story("a personal token that may only read", FORBIDDEN, 4, token="t-fine", words="lacks `pull-requests: write`"),
    story("a token of another repository", NOT_FOUND, 2, token="t-elsewhere"),
    story("an unknown token", NOT_AUTHORISED, 1, token="t-unknown", words="does not accept the token"),
    story("no token", NOT_AUTHORISED, 0, token="  ", words="github-token"),
    story(
        "an address that the organization does not allow",
        FORBIDDEN,
        4,
        creating("status", status=403, message="the `octo` organization has an IP allow list enabled"),
        words="allow list",
    ),
    story(
        "an archived repository",
        FORBIDDEN,
        4,
        creating("status", status=403, message="Repository was archived so is read-only."),
        words="unarchived",
    ),
    story(
        "a policy nobody knows",
        FORBIDDEN,
        4,
        creating("status", status=403, message="Blocked."),
        words="GitHub forbids this",
    ),
    story("a fork, and a limit: no deferral", LIMITED, 3, creating("primary-limit", retry_after=3600), context=FORK),
    story(
        "a fork, and a locked conversation: no deferral",
        FORBIDDEN,
        4,
        pull={"locked": True},
        context=FORK,
        words="is locked",
    ),
    story("the conversation is locked", FORBIDDEN, 4, pull={"locked": True}, words="Unlock it"),
    story("an App of its own", CREATED, 4, token="t-app"),
    story("a person's token", CREATED, 4, token="t-user"),
]

STANDING = [
    story("the pull request is closed", UNCHANGED, 1, pull={"state": "closed"}, left=0, words="is closed"),
    story("it is merged", UNCHANGED, 1, pull={"state": "closed", "merged": True}, left=0, words="is closed"),
    story("closed and locked", UNCHANGED, 1, pull={"state": "closed", "locked": True}, left=0, words="is closed"),
    story("closed, and a comment is there", UNCHANGED, 1, there="old", pull={"state": "closed"}),
    story("it has moved on", UNCHANGED, 1, pull={"head_sha": NEWER}, left=0, words="another commit"),
    story("there is none of that number", NOT_FOUND, 2, pull={"number": 8}),
    story("it is a draft", CREATED, 4, pull={"draft": True}),
    story("its head branch is gone with the fork", CREATED, 4, pull={"head_repository": "gone/fork"}),
]

EDITING = [
    story("an older text", EDITED, 4, there="old"),
    story("the same text", UNCHANGED, 2, there="same"),
    story("the same text, saved in a browser", UNCHANGED, 2, there="crlf"),
    story("502, nothing happened", EDITED, 6, editing("status"), there="old", waited=2),
    story("502, but it is there", EDITED, 5, editing("lost-answer"), there="old", waited=2),
    story("502, for ever", SILENT, 8, editing("status", times=0), there="old", left=1, waited=6),
    story("half an answer", EDITED, 5, editing("truncated"), there="old", waited=2),
    story("the connection breaks", EDITED, 6, editing("reset"), there="old", waited=2),
    story("429 with Retry-After", EDITED, 6, editing("too-many", retry_after=3), there="old", waited=3),
    story("secondary limit without Retry-After", EDITED, 6, editing("secondary-limit"), there="old", waited=60),
    story("primary limit, reset in an hour", LIMITED, 3, editing("primary-limit", retry_after=3600), there="old", left=1),
    story("the list shows the edit late", EDITED, 6, editing("lag", reads=1), there="old"),
    story("removed between list and edit", EDITED, 6, editing("status", status=404), there="old"),
    story("may be read and not edited", FORBIDDEN, 4, there="old", token="t-read", left=1, words="pull-requests: write"),
    story(
        "a fork's read-only token, and a comment is there", DEFERRED, 3, there="old", token="t-read", context=FORK, left=1
    ),
]

WHOSE = [
    story("somebody else pasted our marker", CREATED, 4, there="theirs"),
    story("somebody whose account is gone did", CREATED, 4, there="ghost"),
    story("we quoted ourselves", CREATED, 4, there="quoted"),
    story("ours for another environment", CREATED, 4, there="other"),
    story("theirs and ours", EDITED, 4, there="theirs old"),
    story("two of ours", EDITED, 5, there="old old"),
    story("three of ours, the oldest is right", EDITED, 5, there="same old old"),
    story(
        "two of ours, and the second may not be removed",
        EDITED,
        6,
        removing("status", status=403, times=0),
        there="old old",
        left=2,
        words="a second comment of ours stays",
    ),
    story("two of ours, and the second is gone already", EDITED, 7, removing("status", status=404), there="old old"),
    story("two of ours, and 502 on removing", EDITED, 6, removing("status"), there="old old", waited=1),
    story("two of ours, listed the other way round", EDITED, 4, listing("reorder"), there="same old"),
    story("ours behind two hundred and fifty others", EDITED, 8, there="many old"),
    story("ours, of an App that the token is not", CREATED, 4, there="app"),
]

READING = [
    story("the list fails once", CREATED, 5, listing("status"), waited=1),
    story("the list fails three times", CREATED, 7, listing("status", times=3), waited=7),
    story("the list fails for ever", SILENT, 5, listing("status", times=0), waited=7),
    story("half a list", CREATED, 5, listing("truncated"), waited=1),
    story("the connection breaks while listing", CREATED, 5, listing("reset"), waited=1),
    story("429 on the list", CREATED, 5, listing("too-many", retry_after=7), waited=7),
    story(
        "secondary limit on the list, again and again",
        LIMITED,
        3,
        listing("secondary-limit", retry_after=40, times=0),
        waited=40,
    ),
    story("primary limit on the list", LIMITED, 2, listing("primary-limit", retry_after=3600)),
    story("the list is forbidden", FORBIDDEN, 3, listing("status", status=403)),
    story("the second list fails: what was written stays", SILENT, 7, listing("status", skip=1, times=0), left=1, waited=7),
    story("GraphQL fails once", CREATED, 5, asking("status"), waited=1),
    story("GraphQL is forbidden: REST is asked", CREATED, 5, asking("status", status=403)),
    story("GraphQL is not there: REST is asked", CREATED, 5, asking("status", status=404)),
    story(
        "GraphQL is not there, and who we are is the job's own",
        EDITED,
        6,
        asking("status", status=404, times=0),
        there="old",
    ),
    story("GraphQL gives half an answer", CREATED, 5, asking("truncated"), waited=1),
    story("GraphQL is limited for an hour", LIMITED, 1, asking("primary-limit", retry_after=3600)),
]

TABLES = {
    "creating": CREATING,
    "refused": REFUSED,
    "standing": STANDING,
    "editing": EDITING,
    "whose": WHOSE,
    "reading": READING,
}
LINES = [(f"{table}: {one.name}", one) for table, lines in TABLES.items() for one in lines]


@pytest.fixture
def clock() -> SleptClock:
    return SleptClock(START)


@pytest.fixture
def github(clock: SleptClock) -> Iterator[Simulator]:
    with Simulator(repository=REPOSITORY, now=clock.now).serving() as sim:
        sim.add_token("t-fine", Token(login="ada", kind=Kind.PERSONAL, permissions={"pull_requests": "read"}))
        sim.add_token("t-elsewhere", Token(login=BOT, permissions={"pull_requests": "write"}, repositories=("octo/other",)))
        yield sim
        assert sim.unknown_routes == []


def context(sim: Simulator, **changes: Any) -> RunContext:
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": sim.url}
    return evolve(context_of(environ, pull_request(7, SHA)), **changes)


def before(sim: Simulator, there: str) -> None:
    """Comments that stand there already."""
    same = render_legs({OURS.leg: slim(OURS)}, [OURS.leg])
    old = render_legs({OURS.leg: slim(evolve(OURS, commit=NEWER))}, [OURS.leg])
    for word in there.split():
        match word:
            case "old" | "same":
                sim.add_comment(7, {"old": old, "same": same}[word])
            case "crlf":
                sim.add_comment(7, same.replace("\n", "\r\n"))
            case "theirs":
                sim.add_comment(7, same, author="mallory")
            case "ghost":
                sim.add_comment(7, same, author="")
            case "app":
                sim.add_comment(7, same, author="dhash-guard-app[bot]")
            case "quoted":
                sim.add_comment(7, f"> {same}")
            case "other":
                sim.add_comment(7, same.replace(":production", ":staging"))
            case "many":
                for number in range(250):
                    sim.add_comment(7, str(number), author="linus")


def told(
    sim: Simulator, clock: SleptClock, one: Story, work: Callable[[GithubApi, RunContext], Any]
) -> tuple[str, int, Any]:
    """How a story ended: outcome or code word, exit code, and what there is to read."""
    there = context(sim, **one.context)
    try:
        done = work(GithubApi(one.token, there, clock, Patience(timeout=1)), there)
    except GithubProblem as problem:
        return problem.code, problem.exit_code, str(problem)
    return done.outcome.value, 0, "\n".join(done.notes)


@pytest.mark.parametrize("one", [one for _, one in LINES], ids=[name for name, _ in LINES])
def test_the_comment(github: Simulator, clock: SleptClock, one: Story) -> None:
    facts: dict[str, Any] = {"number": 7, "head_sha": SHA} | one.pull
    github.add_pull_request(**facts)
    before(github, one.there)
    kept = {comment.id: comment for comment in github.comments(7) if not ours(comment, one)}
    for each in one.faults:
        github.fault(**each)

    def work(api: GithubApi, there: RunContext) -> Any:
        return comment_legs(evolve(this_machine({}), clock=clock), api, there, [OURS], [OURS.leg])

    ends, code, words = told(github, clock, one, work)
    assert (ends, code) == (one.end.word, one.end.code), words
    assert one.words in words
    left = github.comments(7)
    assert len([comment for comment in left if ours(comment, one)]) == one.left
    assert {comment.id: comment for comment in left if comment.id in kept} == kept, "nobody else's is touched"
    assert len(github.log) == one.requests
    assert clock.now() - START == pytest.approx(one.waited, abs=0.9), "writes keep a quarter of a second apart"


def ours(comment: Any, one: Story) -> bool:
    author = {"t-app": "dhash-guard-app[bot]", "t-user": "ada"}.get(one.token, BOT)
    return bool(comment.author == author and comment.body.startswith(MARKER))


def described(description: str = "all well") -> Callable[[GithubApi, SleptClock], Any]:
    return lambda api, clock: set_status(api, SHA, "gate", State.SUCCESS, description, clock)


STATUSES = [
    story("nothing goes wrong", WRITTEN, 2),
    story("it says so already", KEPT, 1, there="same"),
    story("it says something else", WRITTEN, 2, there="other", left=2),
    story("502, nothing happened", WRITTEN, 4, stating("status"), waited=2),
    story("502, but it is there", WRITTEN, 3, stating("lost-answer"), waited=2),
    story("half an answer", WRITTEN, 3, stating("truncated"), waited=2),
    story("it is there and listed late", WRITTEN, 4, stating("lost-answer", reads=1), left=2, waited=2),
    story("502, for ever", SILENT, 7, stating("status", times=0), waited=6),
    story("the connection breaks", WRITTEN, 4, stating("reset"), waited=2),
    story("429 with Retry-After", WRITTEN, 4, stating("too-many", retry_after=4), waited=4),
    story("429, ten minutes", LIMITED, 2, stating("too-many", retry_after=600)),
    story("secondary limit without Retry-After", WRITTEN, 4, stating("secondary-limit"), waited=60),
    story("primary limit, reset in an hour", LIMITED, 2, stating("primary-limit", retry_after=3600)),
    story("the job lacks the permission", FORBIDDEN, 2, token="t-read", words="permissions: {statuses: write}"),
    story("a fork's read-only token", FORBIDDEN, 2, token="t-read", context=FORK, words="publish-comment.yml"),
    story("Dependabot's", FORBIDDEN, 2, token="t-dependabot", context=DEPENDABOT, words="Dependabot"),
    story("a thousand are there", UNPROCESSABLE, 2, there="thousand", left=1000, words="422"),
    story("a hundred and fifty contexts of others", WRITTEN, 3, there="contexts"),
    story("the read is lost once", WRITTEN, 3, fault("status", "GET", "*/status"), waited=1),
    story("the commit is not there", UNPROCESSABLE, 1, pull={"head_sha": NEWER}),
]


@pytest.mark.parametrize("one", STATUSES, ids=[one.name for one in STATUSES])
def test_the_status(github: Simulator, clock: SleptClock, one: Story) -> None:
    facts: dict[str, Any] = {"number": 7, "head_sha": SHA} | one.pull
    github.add_pull_request(**facts)
    match one.there:
        case "same":
            described()(GithubApi("t-write", context(github), clock), clock)
        case "other":
            github.add_status(SHA, "dhash-guard/gate", "failure")
        case "thousand":
            for _ in range(1000):
                github.add_status(SHA, "dhash-guard/gate", "failure")
        case "contexts":
            for number in range(150):
                github.add_status(SHA, f"other/{number}")
    for each in one.faults:
        github.fault(**each)
    begun, at = len(github.log), clock.now()
    there = context(github, **one.context)
    try:
        done = described()(GithubApi(one.token, there, clock, Patience(timeout=1)), clock)
        ends, code, words = ("written" if done.changed else "kept"), 0, ""
    except GithubProblem as problem:
        ends, code, words = problem.code, problem.exit_code, str(problem)
    assert (ends, code) == (one.end.word, one.end.code), words
    assert one.words in words
    assert len([each for each in github.statuses(SHA) if each.context == "dhash-guard/gate"]) == one.left
    assert len(github.log) - begun == one.requests
    assert clock.now() - at == pytest.approx(one.waited, abs=0.9)


def test_three_hundred_gates_fit_into_one_comment_failing_ones_first(github: Simulator, clock: SleptClock) -> None:
    github.add_pull_request(number=7, head_sha=SHA)
    evidence, ticks = report_stories.many(300)
    api = GithubApi("t-write", context(github), clock)
    done = comment_run(evolve(this_machine({}), clock=clock), api, 7, evidence, ticks)
    (comment,) = github.comments(7)
    assert len(comment.body) <= 60_000
    assert comment.body == done.body
    bad = [one.gate for one in evidence.verdict.outcomes if one.status.value == "degraded"]  # type: ignore[union-attr]
    good = [one.gate for one in evidence.verdict.outcomes if one.status.value == "healthy"]  # type: ignore[union-attr]
    assert bad and all(name in comment.body for name in bad)
    first = min(comment.body.find(f">{name}<") % 10**9 for name in good)
    assert all(comment.body.find(name) < first for name in bad)
    assert comment_run(evolve(this_machine({}), clock=clock), api, 7, evidence, ticks).outcome.value == "unchanged"


def test_sixty_systems_that_all_fail_with_texts_nobody_can_compress_fit(github: Simulator, clock: SleptClock) -> None:
    rng = random.Random(5)
    github.add_pull_request(number=7, head_sha=SHA)
    there, names = context(github), [f"system-{n:02}" for n in range(60)]
    machine = evolve(this_machine({}), clock=clock)
    reports = []
    for name in names:
        noise = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(5000))
        reports.append(leg(name, *[StageStatus.FAILED] * 7, text=noise))
    done = comment_legs(machine, GithubApi("t-write", there, clock), there, reports, names)
    assert len(done.body) <= 60_000
    again = comment_legs(machine, GithubApi("t-write", there, clock), there, reports[:1], names)
    assert again.outcome.value == "unchanged", "what a leg may carry does not depend on who renders it"


def test_a_body_of_every_length_up_to_the_limit_and_not_one_more(github: Simulator, clock: SleptClock) -> None:
    github.add_pull_request(number=7, head_sha=SHA)
    api = GithubApi("t-write", context(github), clock)
    longest = MARKER + "x" * (65_536 - len(MARKER))
    assert upsert(api, 7, MARKER, longest, clock).outcome.value == "created"
    with pytest.raises(GithubProblem, match="65537"):
        upsert(api, 7, MARKER, longest + "x", clock)
    assert [len(comment.body) for comment in github.comments(7)] == [65_536]


@pytest.mark.parametrize("what", ["comment", "nothing new", "status", "GraphQL is off"])
def test_enterprise_server(clock: SleptClock, what: str) -> None:
    with Simulator(repository=REPOSITORY, now=clock.now, enterprise=True).serving() as sim:
        sim.add_pull_request(number=7, head_sha=SHA)
        assert sim.url.endswith("/api/v3")
        there = context(sim)
        api, machine = GithubApi("t-write", there, clock), evolve(this_machine({}), clock=clock)
        if what == "GraphQL is off":
            sim.fault("status", path="/graphql", status=404, times=0)
        if what == "status":
            set_status(api, SHA, "gate", State.SUCCESS, "well", clock)
            assert len(sim.statuses(SHA)) == 1
        else:
            comment_legs(machine, api, there, [OURS], [OURS.leg])
            assert len(sim.comments(7)) == 1
        if what == "nothing new":
            assert comment_legs(machine, api, there, [OURS], [OURS.leg]).outcome.value == "unchanged"
        assert sim.unknown_routes == []


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_run_that_has_used_its_requests_ends(github: Simulator, clock: SleptClock, most: int) -> None:
    github.add_pull_request(number=7, head_sha=SHA)
    there = context(github)
    api = GithubApi("t-write", there, clock, Patience(most_requests=most))
    with pytest.raises(GithubProblem, match=f"this run has sent {most} requests") as caught:
        comment_legs(evolve(this_machine({}), clock=clock), api, there, [OURS], [OURS.leg])
    assert (caught.value.code, caught.value.exit_code) == ("github-budget-spent", 7)
    assert (api.requests_made, len(github.log)) == (most, most)


def test_the_table_is_long_and_its_lines_differ() -> None:
    lines = [*LINES, *((f"status: {one.name}", one) for one in STATUSES)]
    assert len(lines) >= 100
    assert len({name for name, _ in lines}) == len(lines)
