"""Keeps the shared state on a git ref: each state is a commit upon the one before, and the ref only moves forward."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import quote

from dhash_guard.errors import Damaged
from dhash_guard.github.api import GithubApi
from dhash_guard.github.diagnosis import foreign
from dhash_guard.github.errors import GithubProblem, NotFound, Silent, Unprocessable
from dhash_guard.github.fields import text
from dhash_guard.records.shared_state import SharedState, content, read
from dhash_guard.system.clock import Clock
from dhash_guard.system.state_store import NOTHING, Versioned

FILE = "state.json"
READ_CONTENTS, WRITE_CONTENTS = "contents: read", "contents: write"

_LATE = 3
_PAUSE = 2.0
"""Seconds between looks for a commit that a ref names already and that cannot be read yet."""

_RACES = ("not a fast forward", "already exists", "cannot lock ref", "is at ")
"""What GitHub says where somebody else was quicker."""


class StateRef:
    """Keeps `StateStore` on `refs/dhash-guard/<environment>`: the version is a commit's id.

    GitHub refuses a move that is no fast-forward, and a commit has only the parent that it was made upon: of two who
    read the same state, one is refused. A read takes two requests (one where nothing has changed), a swap three.
    """

    shared = True

    def __init__(self, api: GithubApi, clock: Clock, environment: str) -> None:
        self._api = api
        self._clock = clock
        self._environment = environment
        self._name = f"dhash-guard/{environment}"
        self._quoted = quote(self._name, safe="")
        self._root = f"/repos/{api.transport.context.full_name}"
        self._known: Versioned | None = None

    @property
    def where(self) -> str:
        return f"refs/{self._name} of {self._api.transport.context.full_name}"

    def read(self) -> Versioned:
        """The state at the ref; raise GithubProblem, or Damaged where what lies there is no state."""
        version = self._head()
        if version == NOTHING:
            return Versioned(state=SharedState(environment=self._environment), version=NOTHING)
        if self._known is None or self._known.version != version:
            self._known = Versioned(state=self._state(version), version=version)
        return self._known

    def swap(self, version: str, new: SharedState, why: str) -> str | None:
        """Put a commit upon `version` and move the ref there; None where the ref has moved; raise GithubProblem."""
        # Objects that nothing leads to change nothing, so that their creation may be repeated.
        entry = {"path": FILE, "mode": "100644", "type": "blob", "content": content(new).decode("utf-8")}
        tree = self._make("trees", {"tree": [entry]})
        parents = [] if version == NOTHING else [version]
        made = self._make("commits", {"message": foreign(why), "tree": tree, "parents": parents})
        if not self._move(version, made):
            return None
        self._known = Versioned(state=new, version=made)
        return made

    def _make(self, kind: str, body: dict[str, Any]) -> str:
        path = f"{self._root}/git/{kind}"
        return text(self._api.transport.call("POST", path, need=WRITE_CONTENTS, body=body, reads=True).data, "sha")

    def _move(self, version: str, made: str) -> bool:
        """Whether the ref leads to `made` now, or did for a moment."""
        method, path, body = "PATCH", f"{self._root}/git/refs/{self._quoted}", {"sha": made, "force": False}
        if version == NOTHING:
            method, path, body = "POST", f"{self._root}/git/refs", {"sha": made, "ref": f"refs/{self._name}"}
        try:
            # Moving it twice to the same commit is moving it once: an answer that was lost is asked for again.
            self._api.transport.call(method, path, need=WRITE_CONTENTS, body=body, reads=True)
        except (Silent, Unprocessable) as problem:
            return self._moved(version, made, problem)
        return True

    def _moved(self, version: str, made: str, problem: GithubProblem) -> bool:
        """Look what became of a move that was refused or not answered; raise the problem where that cannot be told."""
        head = self._head()
        if head == made:
            return True
        raced = problem.status == 409 or any(words in problem.what.casefold() for words in _RACES)
        # Elsewhere by now: if it was ours for a moment, whoever reads again finds what it wrote.
        if head != version or (raced and isinstance(problem, Unprocessable)):
            return False
        raise problem

    def _head(self) -> str:
        path = f"{self._root}/git/ref/{self._quoted}"
        try:
            return text(self._api.transport.call("GET", path, need=READ_CONTENTS).data, "object", "sha")
        except NotFound:
            return NOTHING

    def _state(self, version: str) -> SharedState:
        path = f"{self._root}/contents/{FILE}?ref={quote(version, safe='')}"
        for left in reversed(range(_LATE)):
            try:
                data = self._get(path)
                if data.get("encoding") == "none":  # above 1 MB the contents come as a blob only
                    data = self._get(f"{self._root}/git/blobs/{text(data, 'sha')}")
                return read(_decoded(text(data, "content")), self._environment)
            except NotFound as problem:
                if not left:
                    raise self._damaged(version, f"there is no {FILE}") from problem
                self._clock.sleep(_PAUSE)
            except ValueError as problem:
                raise self._damaged(version, str(problem)) from problem
        raise AssertionError("unreachable")

    def _get(self, path: str) -> dict[str, Any]:
        data = self._api.transport.call("GET", path, need=READ_CONTENTS).data
        if not isinstance(data, dict):
            raise Silent("GitHub answered something else than an object", where=path)
        return data

    def _damaged(self, version: str, why: str) -> Damaged:
        return Damaged(
            f"the shared state at {version[:12]} cannot be used: {foreign(why)}",
            where=self.where,
            cure="Look who moved the ref, and move it back to the newest commit that is a state.",
        )


def _decoded(written: str) -> bytes:
    try:
        return base64.b64decode(written)  # GitHub breaks the lines, which are passed over
    except binascii.Error as problem:
        raise ValueError(f"its content is no base64: {problem}") from problem
