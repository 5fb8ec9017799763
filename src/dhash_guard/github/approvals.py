"""Asks GitHub for everything that the judge of approvals needs, as few requests as it takes; what is refused is a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from attrs import define, field

from dhash_guard.gates.approvals import ApprovalRequirement, Stale, candidates
from dhash_guard.github.api import READ_PULLS, GithubApi
from dhash_guard.github.errors import Forbidden, GithubProblem, NotFound, Silent
from dhash_guard.github.fields import get, maybe, moment, number, text
from dhash_guard.records.review import Fact, Known, PullFacts, Push, Review, ReviewFacts, ReviewState

READ_TEAMS = "members: read"
READ_CONTENTS, READ_METADATA = "contents: read", "metadata: read"

MOST_PEOPLE = 20
"""Reviewers whose rights are asked one by one; more approvals than that are never needed."""

_ROUNDS = 2
_MAY_WRITE = ("admin", "write")
_EVERYTHING = frozenset({"*", "**", "**/*"})
_LIST_INSTEAD = (
    "List the people in requires.approvals.people, name the team's number in team_ids where a ruleset asks for it, or give "
    "the token of an App with the organization permission Members: read; the job's own token can never read teams."
)


class Moved(Silent):
    """The pull request got new commits while it was read."""

    code = "github-moved"


@define
class ReviewReader:
    """Reads one pull request's approvals through `api`; every answer about a person or a team is asked for once."""

    api: GithubApi
    _seen_teams: dict[str, Fact] = field(factory=dict)
    _writers: dict[str, Fact] = field(factory=dict)

    @property
    def requests_made(self) -> int:
        """How many requests were sent, repetitions included."""
        return self.api.requests_made

    def pull(self, pull_number: int) -> PullFacts:
        """The pull request as it is now."""
        return pull_facts(self._get(f"{self._root}/pulls/{pull_number}", READ_PULLS))

    def pulls_of(self, sha: str) -> list[PullFacts]:
        """The pull requests that a commit belongs to, merged ones (also squashed) included."""
        found = self.api.transport.pages(f"{self._root}/commits/{sha}/pulls", need=READ_PULLS)
        return [pull_facts(data) for data in found]

    def facts(self, pull_number: int, asked: ApprovalRequirement) -> ReviewFacts:
        """Everything about one pull request that stood still meanwhile; raise Moved, or GithubProblem."""
        for _ in range(_ROUNDS):
            before = self.pull(pull_number)
            reviews = self.reviews(pull_number)
            facts = self._about(before, reviews, asked)
            if self.pull(pull_number) == before:
                return facts
        raise Moved("the pull request changes while it is read", cure="Run it again when nobody pushes.")

    def reviews(self, pull_number: int) -> list[Review]:
        """All reviews, in GitHub's order; a pending one of the token's owner among them."""
        found = self.api.transport.pages(f"{self._root}/pulls/{pull_number}/reviews", need=READ_PULLS)
        return [review(data) for data in found]

    def _about(self, pull: PullFacts, reviews: list[Review], asked: ApprovalRequirement) -> ReviewFacts:
        people = candidates(reviews, pull)[-MOST_PEOPLE:]
        members = {team: self._members(team, people, asked) for team in asked.teams}
        dark = [team for team, facts in members.items() if any(fact.known is Known.UNKNOWN for fact in facts.values())]
        return ReviewFacts(
            pull=pull,
            reviews=tuple(reviews),
            push=self._push(pull) if asked.stale is Stale.LAST_PUSH and people else Push(),
            writers={login: self._writes(login) for login in people},
            members=members,
            vouched=self._vouched(pull, [team for team in dark if team in asked.team_ids], asked),
        )

    def _writes(self, login: str) -> Fact:
        def ask() -> Fact:
            path = f"{self._root}/collaborators/{quote(login, safe='')}/permission"
            held = text(self._get(path, READ_METADATA), "permission")
            known = Known.YES if held in _MAY_WRITE else Known.NO
            return Fact(known=known, source="collaborators API", reason=f"has {held} access, not write")

        if login not in self._writers:
            self._writers[login] = _or_unknown(ask, f"the rights of {login} cannot be read")
        return self._writers[login]

    def _members(self, team: str, people: Iterable[str], asked: ApprovalRequirement) -> dict[str, Fact]:
        if team in asked.people:
            listed = {login.casefold() for login in asked.people[team]}
            source = "the list in the configuration"
            no = Fact(known=Known.NO, source=source, reason=f"is not in the list of {team}")
            yes = Fact(known=Known.YES, source=source)
            return {login: yes if login in listed else no for login in people}
        return {login: self._member(team, login) for login in people}

    def _member(self, team: str, login: str) -> Fact:
        """404 for a person means no member only where the team itself can be seen, so that is asked first."""
        path = self._team(team)
        if team not in self._seen_teams:
            seen = Fact(known=Known.YES, source="team API")
            self._seen_teams[team] = _or_unknown(
                lambda: (self._get(path, READ_TEAMS), seen)[1], f"team {team} cannot be seen", _LIST_INSTEAD
            )
        if self._seen_teams[team].known is Known.UNKNOWN:
            return self._seen_teams[team]

        def ask() -> Fact:
            try:
                state = text(self._get(f"{path}/memberships/{quote(login, safe='')}", READ_TEAMS), "state")
            except NotFound:
                return Fact(known=Known.NO, source="team API", reason=f"is not in team {team}")
            known = Known.YES if state == "active" else Known.NO
            return Fact(known=known, source="team API", reason=f"has a membership of {team} that is {state}")

        return _or_unknown(ask, f"the membership of {login} in {team} cannot be read", _LIST_INSTEAD)

    def _push(self, pull: PullFacts) -> Push:
        """When the head was pushed, from the list of the branch's activity."""
        if not pull.head_repository:
            return Push(reason="the repository of the branch is gone", cure="Push the branch again, or use stale: head-sha.")
        path = f"/repos/{pull.head_repository}/activity?ref=refs/heads/{quote(pull.head_ref, safe='')}&per_page=100"
        cure = "Use stale: head-sha, which needs no time of a push."
        try:
            entries = self._get(path, READ_CONTENTS)
        except GithubProblem as problem:
            return Push(reason=f"the last push cannot be read: {_said(problem)}", cure=cure)
        times = [entry for entry in entries if get(entry, "after") == pull.head_sha] if isinstance(entries, list) else []
        if not times:
            return Push(reason="the activity of the branch does not name its head", cure=cure)
        last = max(times, key=lambda entry: moment(entry, "timestamp"))
        return Push(at=moment(last, "timestamp"), by=maybe(last, "actor", "login"))

    def _vouched(self, pull: PullFacts, teams: list[str], asked: ApprovalRequirement) -> dict[str, Fact]:
        """Teams whose approval a ruleset asks for everywhere in the repository, and GitHub says that it is given."""
        if not teams:
            return {}

        def ask() -> Fact:
            decision = self.api.review_decision(pull.number)
            if decision == "APPROVED":
                return Fact(known=Known.YES, source="ruleset (required reviewers) and GitHub's own decision")
            return Fact(known=Known.UNKNOWN, reason=f"GitHub's own decision is {decision or 'none'}")

        try:
            rules = list(self.api.transport.pages(f"{self._root}/rules/branches/{pull.base_ref}", need=READ_METADATA))
        except GithubProblem as problem:
            return dict.fromkeys(teams, _unknown("the rules of the branch cannot be read", problem))
        ruled = {team: _asked_by_rule(rules, asked.team_ids[team], asked.teams[team]) for team in teams}
        decided = _or_unknown(ask, "GitHub's own decision cannot be read") if any(ruled.values()) else None
        none = Fact(known=Known.UNKNOWN, reason="no ruleset asks for that many of its approvals for every file")
        return {team: decided if decided is not None and ruled[team] else none for team in teams}

    @property
    def _root(self) -> str:
        return f"/repos/{self.api.transport.context.full_name}"

    def _team(self, slug: str) -> str:
        return f"/orgs/{self.api.transport.context.owner}/teams/{quote(slug, safe='')}"

    def _get(self, path: str, need: str) -> Any:
        return self.api.transport.call("GET", path, need=need).data


def pull_facts(data: Any) -> PullFacts:
    """GitHub's pull request, whole or from a list; raise Silent where it is none."""
    requested = get(data, "requested_reviewers")
    return PullFacts(
        number=number(data, "number"),
        author=maybe(data, "user", "login"),
        head_sha=text(data, "head", "sha"),
        head_ref=maybe(data, "head", "ref"),
        head_repository=maybe(data, "head", "repo", "full_name"),
        base_ref=text(data, "base", "ref"),
        open=text(data, "state") == "open",
        merged=bool(maybe(data, "merged_at")),
        merge_commit=maybe(data, "merge_commit_sha") if maybe(data, "merged_at") else "",
        requested=tuple(maybe(person, "login") for person in requested) if isinstance(requested, list) else (),
    )


def review(data: Any) -> Review:
    """GitHub's review; raise Silent where it is none, or in a state that nobody knows."""
    try:
        state = ReviewState(text(data, "state"))
    except ValueError as problem:
        raise Silent("GitHub's answer is no review: its state is unknown") from problem
    return Review(
        id=number(data, "id"),
        author=maybe(data, "user", "login"),
        bot=maybe(data, "user", "type") == "Bot",
        state=state,
        commit=maybe(data, "commit_id"),
        at=None if state is ReviewState.PENDING else moment(data, "submitted_at"),
    )


def _asked_by_rule(rules: list[dict[str, Any]], team_id: int, least: int) -> bool:
    """Whether a rule asks this team for at least so many approvals, whatever files change."""
    for rule in rules:
        reviewers = get(rule, "parameters", "required_reviewers") if get(rule, "type") == "pull_request" else None
        for asked in reviewers if isinstance(reviewers, list) else []:
            patterns = get(asked, "file_patterns")
            everywhere = isinstance(patterns, list) and bool(_EVERYTHING & set(map(str, patterns)))
            everywhere = everywhere and not any(str(pattern).startswith("!") for pattern in patterns)
            enough = isinstance(get(asked, "minimum_approvals"), int) and get(asked, "minimum_approvals") >= least
            if get(asked, "reviewer", "id") == team_id and everywhere and enough:
                return True
    return False


def _or_unknown(ask: Callable[[], Fact], what: str, cure: str = "") -> Fact:
    try:
        return ask()
    except GithubProblem as problem:
        return _unknown(what, problem, cure)


def _unknown(what: str, problem: GithubProblem, cure: str = "") -> Fact:
    refused = isinstance(problem, Forbidden | NotFound)
    return Fact(known=Known.UNKNOWN, reason=f"{what}: {_said(problem)}", cure=cure if cure and refused else problem.cure)


def _said(problem: GithubProblem) -> str:
    """What GitHub refused, and why, in one line."""
    return problem.what.splitlines()[0]
