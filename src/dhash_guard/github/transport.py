"""Sends requests to GitHub's API: one place that authenticates, waits, counts, and turns every failure into our family."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from dhash_guard.errors import UsageProblem
from dhash_guard.github.diagnosis import Refusal, diagnose
from dhash_guard.github.errors import GithubProblem, NotAuthorised, Silent, Spent
from dhash_guard.github.patience import REPEATABLE, Patience, pause
from dhash_guard.records.canonical import loads
from dhash_guard.records.context import RunContext
from dhash_guard.system.clock import Clock

Send = Callable[[str, str, dict[str, str], Any], tuple[int, dict[str, str], str]]
"""Sends method, path, headers and JSON body; the answer's status, headers (lower case) and text."""

_MOST_PAGES = 100
_ACCEPT = "application/vnd.github+json"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@frozen
class Reply:
    """A successful answer: header names are lower case, `data` is what its JSON holds, None where there is no body."""

    headers: dict[str, str]
    data: Any


class Transport:
    """PyGithub's requester under our own rules.

    PyGithub's retries are off: they repeat POST, sleep by the system's clock, and count nothing.
    """

    def __init__(
        self,
        token: str,
        context: RunContext,
        clock: Clock,
        patience: Patience = Patience(),
        send: Send | None = None,
    ) -> None:
        """Raise UsageProblem where the token would travel unencrypted, NotAuthorised without a token.

        `send` takes the place of the network.
        """
        _check_address(context.api_url)
        if not token.strip():
            raise NotAuthorised("there is no token for GitHub", cure="Pass `github-token: ${{ github.token }}`.")
        self.context = context
        self.requests_made = 0
        """How many requests were sent, repetitions included."""
        self._clock = clock
        self._patience = patience
        self._last_write = float("-inf")
        self._dark_until = float("-inf")
        self._transmit = send or _requester(token.strip(), context.api_url, patience)

    def call(
        self, method: str, path: str, *, need: str, body: Any = None, reads: bool = False, redirects: bool = False
    ) -> Reply:
        """Send one request to `path` below the API's address; `need` is the permission that the route asks for.

        GET, HEAD, PUT and DELETE are repeated within our patience, and for a while no more once nobody answered; POST and
        PATCH are sent once, unless `reads` says that the request changes nothing; `redirects` makes 302 an answer. Raise
        GithubProblem; after Silent, a POST or PATCH may have taken effect.
        """
        repeatable = reads or method in REPEATABLE
        retries, waited = 0, 0.0
        while True:
            if not reads:
                self._pace(method)
            try:
                reply = self._once(method, path, need, body, redirects)
            except GithubProblem as problem:
                wait = pause(problem, retries, waited, self._patience) if repeatable else None
                dark = isinstance(problem, Silent) and self._clock.monotonic() < self._dark_until
                if wait is None or dark:
                    self._note(problem)
                    raise
                self._clock.sleep(wait)
                retries, waited = retries + 1, waited + wait
            else:
                self._dark_until = float("-inf")
                return reply

    def _note(self, problem: GithubProblem) -> None:
        """Where nobody answers at all, a rollback must not wait for that before each of its steps."""
        if isinstance(problem, Silent) and not problem.status:
            self._dark_until = self._clock.monotonic() + self._patience.dark

    def pages(self, path: str, *, need: str, key: str = "") -> Iterator[dict[str, Any]]:
        """Every item of a list, a hundred a page; `key` is where the list stands if the page is a mapping."""
        for page in range(1, _MOST_PAGES + 1):
            reply = self.call("GET", f"{path}?per_page=100&page={page}", need=need)
            items = reply.data.get(key) if key and isinstance(reply.data, dict) else reply.data
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise Silent("GitHub answered something else than a list", where=path)
            yield from items
            if 'rel="next"' not in reply.headers.get("link", ""):
                return
        raise Silent(f"GitHub says after {_MOST_PAGES} pages that there are more", where=path)

    def location(self, path: str, *, need: str) -> str:
        """The address that GitHub sends a GET of `path` on to; it is not followed, because the token must not go there.

        Raise GithubProblem.
        """
        found = self.call("GET", path, need=need, redirects=True).headers.get("location", "")
        if not found:
            raise Silent("GitHub does not say where it is", where=path)
        return found

    def _once(self, method: str, path: str, need: str, body: Any, redirects: bool) -> Reply:
        status, headers, text = self._send(method, path, body)
        if redirects and status == 302:
            return Reply(headers, None)
        data = _parsed(text)
        if 200 <= status < 300 and data is not _NONSENSE:
            return Reply(headers, data)
        route = f"{method} {path.partition('?')[0]}"
        if status < 400:
            raise Silent(f"GitHub's answer ({status}) cannot be read, {route}", status=status)
        said = data.get("message") if isinstance(data, dict) else ""
        raise diagnose(
            Refusal(
                route=route,
                need=need,
                status=status,
                message=said if isinstance(said, str) else "",
                headers=headers,
                fork=bool(self.context.is_fork) and not self.context.privileged,
                dependabot=self.context.dependabot,
                now=self._clock.now(),
            )
        )

    def _send(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], str]:
        # The unchecked call, because the checked one trips over error bodies that are no objects.
        from github import GithubException
        from requests import RequestException, Timeout

        address = self.context.api_url
        if self.requests_made >= self._patience.most_requests:
            raise Spent(
                f"this run has sent {self.requests_made} requests to GitHub, which is all that one run may",
                where=address,
                cure="Run it again; if it ends like this again, report it: no run should need so many.",
            )
        self.requests_made += 1
        try:
            return self._transmit(method, path, {"Accept": _ACCEPT}, body)
        except Timeout as problem:
            seconds = self._patience.timeout
            raise Silent(f"GitHub gave no answer within {seconds} s", where=address, cure=_REACH) from problem
        except (RequestException, GithubException, OSError) as problem:
            reason = type(problem).__name__
            raise Silent(f"GitHub cannot be reached ({reason})", where=address, cure=_REACH) from problem
        except RuntimeError as problem:  # the server sends us to another host, where the token must not go
            raise UsageProblem(
                "the API redirects to another address", where=address, cure="GITHUB_API_URL must be its final address."
            ) from problem

    def _pace(self, method: str) -> None:
        """Keep writes a little apart."""
        if method in ("GET", "HEAD"):
            return
        left = self._last_write + self._patience.between_writes - self._clock.monotonic()
        if left > 0:
            self._clock.sleep(left)
        self._last_write = self._clock.monotonic()


_REACH = "Check the network and GITHUB_API_URL; https://www.githubstatus.com says whether GitHub is well."
_NONSENSE = object()


def _parsed(text: str) -> Any:
    if not text:
        return None
    try:
        return loads(text)
    except ValueError:
        return _NONSENSE


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise UsageProblem(
            "the token is not sent there", where=f"GITHUB_API_URL={url}"[:200], cure="Give an https address without a user."
        )


def _requester(token: str, api_url: str, patience: Patience) -> Send:
    """PyGithub's transport alone, silent: the import of PyGithub would add a log handler of its own on stderr."""
    logger = logging.getLogger("github")
    before = list(logger.handlers)
    from github import Auth, Github

    for handler in [each for each in logger.handlers if each not in before]:
        logger.removeHandler(handler)
    requester = Github(
        auth=Auth.Token(token),
        base_url=api_url,
        timeout=patience.timeout,
        per_page=100,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        user_agent="dhash-guard",
    ).requester

    def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], str]:
        return requester.requestJson(method, path, headers=headers, input=body)

    return send
