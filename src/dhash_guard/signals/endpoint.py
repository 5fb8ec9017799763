"""Asks the one address of a source, with its token, and says which absence it is where no full answer comes."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from dhash_guard.records.sample import Absence, AbsenceKind
from dhash_guard.records.units import Seconds
from dhash_guard.signals.source import Faults, Place
from dhash_guard.system.http import Answer, Http, NoAnswer, Trouble

_KINDS = {
    Trouble.UNREACHABLE: AbsenceKind.UNREACHABLE,
    Trouble.TIMEOUT: AbsenceKind.TIMEOUT,
    Trouble.TOO_LARGE: AbsenceKind.NOT_JSON,
    Trouble.REDIRECT: AbsenceKind.HTTP_STATUS,
}


def absence_of(failure: NoAnswer) -> Absence:
    """The absence that a failed request leaves."""
    return Absence(_KINDS[failure.trouble], failure.detail)


@frozen(kw_only=True)
class Endpoint:
    """An address with what is sent along; `timeout` (seconds) covers each request as a whole."""

    url: str
    http: Http
    timeout: Seconds
    headers: Mapping[str, str] = field(factory=dict)

    def ask(self, below: str = "") -> Answer | Absence:
        """The complete answer of any status; `below` is added to the address as it is."""
        answer = self.http.request("GET", self.url + below, timeout=self.timeout, headers=self.headers)
        return absence_of(answer) if isinstance(answer, NoAnswer) else answer

    def content(self) -> Answer | Absence:
        """The complete answer where it is a 200 that says something."""
        answer = self.ask()
        if isinstance(answer, Absence):
            return answer
        if answer.status != 200:
            return Absence(AbsenceKind.HTTP_STATUS, f"HTTP {answer.status}")
        return answer if answer.body.strip() else Absence(AbsenceKind.EMPTY, "empty answer")


def endpoint(place: Place, url: str, timeout: Seconds, token_env: str | None, accept: str | None = None) -> Endpoint:
    """The endpoint at `url`; the bearer token comes from the variable named by `token_env`, where it is set."""
    token = place.machine.environ.get(token_env, "") if token_env else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if accept is not None:
        headers["Accept"] = accept
    return Endpoint(url=url, http=place.machine.http, timeout=timeout, headers=headers)


def address(place: Place, path: str | None, url: str | None) -> str:
    """Where to ask: at `url`, or at `path` below the environment's address."""
    return url if url is not None else place.base_url.rstrip("/") + str(path)


def address_faults(path: str | None, url: str | None) -> Faults:
    """What is wrong with giving none or both of them."""
    wrong = (path is None) == (url is None)
    return [(("path",), "give exactly one of path (below base_url) and url")] if wrong else []
