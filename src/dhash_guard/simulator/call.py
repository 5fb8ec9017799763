"""What a handler is given and what it gives back: the call, the reply, and the refusal that ends a call early."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import Factory, frozen

from dhash_guard.simulator.lag import Lags, Numbered, T
from dhash_guard.simulator.state import Repository, World, moment
from dhash_guard.simulator.tokens import Token

DOCS = "https://docs.github.com/rest"


@frozen(kw_only=True)
class Reply:
    """An answer; `data` is turned into JSON, None is an empty body, bytes travel as they are."""

    status: int = 200
    data: Any = None
    headers: Mapping[str, str] = Factory(dict)
    served: bool = True
    """False where the simulator knows the route, but not what was asked."""


class Refusal(Exception):
    """The call ends here with one of GitHub's error bodies."""

    def __init__(
        self, status: int, message: str, *, errors: list[Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        body: dict[str, Any] = {"message": message, "documentation_url": DOCS, "status": str(status)}
        self.reply = Reply(status=status, data=body | ({"errors": errors} if errors else {}), headers=headers or {})


def not_found() -> Refusal:
    """GitHub's 404, also for what the caller may not know of."""
    return Refusal(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str = "") -> Refusal:
    """GitHub's 422: the resource, the field, and missing_field, invalid or custom."""
    error = {"resource": resource, "field": field, "code": code} | ({"message": message} if message else {})
    return Refusal(422, "Validation Failed", errors=[error])


@frozen(kw_only=True)
class Call:
    """One request that was let through, with the part of the world that it is about."""

    world: World
    lags: Lags
    base: str
    blobs: Callable[[str], str]
    """Makes the signed address of a path on the storage server."""
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    token: Token | None
    at: float
    lag: int = 0
    """How many list reads will not show what this call writes."""
    backwards: bool = False

    @property
    def now(self) -> str:
        return moment(self.at)

    @property
    def name(self) -> str:
        return f"{self.params['owner']}/{self.params['repo']}"

    @property
    def repository(self) -> Repository:
        return self.world.repositories[self.name]

    @property
    def api(self) -> str:
        """The address of the repository in the API."""
        return f"{self.base}/repos/{self.name}"

    @property
    def html(self) -> str:
        """The address of the repository for people."""
        return f"{self.base}/{self.name}"

    @property
    def actor(self) -> str:
        assert self.token is not None
        return self.token.login

    def number(self, param: str) -> int:
        """A path parameter that counts; GitHub answers 404 to anything else."""
        text = self.params[param]
        if not text.isdecimal():
            raise not_found()
        return int(text)

    def pick(self, things: Iterable[T], param: str) -> T:
        """The thing whose id the path names."""
        number = self.number(param)
        found = next((thing for thing in things if thing.id == number), None)
        if found is None:
            raise not_found()
        return found

    def text(self, resource: str, name: str, *, most: int, default: str | None = None) -> str:
        """A text of the body; refused where it is missing, of another type, or longer than GitHub stores."""
        value = self.body.get(name, default)
        if value is None:
            raise invalid(resource, name, "missing_field")
        if not isinstance(value, str):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a string.")
        if len(value) > most:
            raise invalid(resource, name, "custom", f"{name} is too long (maximum is {most} characters)")
        return value

    def wrote(self, family: str, number: int, before: Numbered | None = None) -> None:
        """Tell that this call wrote `number`; lists may show it late."""
        self.lags.wrote(f"{self.name} {family}", number, before, self.lag)

    def seen(self, family: str, things: Iterable[T]) -> Sequence[T]:
        """What a list shows of these things now, oldest first."""
        return self.lags.seen(f"{self.name} {family}", things, backwards=self.backwards)
