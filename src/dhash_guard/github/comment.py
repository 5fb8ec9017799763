"""Keeps one comment of ours on a pull request: found by marker and author, edited in place, written only if it changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from attrs import define, field, frozen

from dhash_guard.errors import Bug
from dhash_guard.github.errors import Forbidden, GithubProblem, NotFound, Unprocessable
from dhash_guard.github.once import once
from dhash_guard.github.ports import Comment, Issues
from dhash_guard.system.clock import Clock

LONGEST = 65_536
"""Characters that GitHub takes."""

_ROUNDS = 4


def _at_once() -> None:
    """Look again without waiting: nobody else is known to write."""


Compose = Callable[[Sequence[str]], str]
"""Makes the body from the bodies of ours that are there, oldest first: none, one, or after a race several."""


class Outcome(Enum):
    """What became of the comment."""

    CREATED = "created"
    EDITED = "edited"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    """This run may not write; its caller keeps `body` as a file that a privileged run publishes."""


@frozen(kw_only=True)
class CommentResult:
    """The comment as it stands; `id` is None and `url` empty where it was deferred, `requests` counts what was sent."""

    outcome: Outcome
    body: str
    id: int | None = None
    url: str = ""
    requests: int = 0
    notes: tuple[str, ...] = ()


def upsert(
    issues: Issues,
    number: int,
    marker: str,
    body: str | Compose,
    clock: Clock,
    author: str = "",
    *,
    pause: Callable[[], None] = _at_once,
    rounds: int = _ROUNDS,
) -> CommentResult:
    """Bring our comment on pull request `number` to `body`, which begins with `marker`.

    `author` is the login whose comments are ours; without it the token is asked. With a function as body, what others
    wrote meanwhile is merged again until nothing changes, at most `rounds` times; `pause` is called between a write and
    the next look. Raise GithubProblem; a fork's read-only token is a result.
    """
    one = _Upsert(issues, number, marker, body, clock, author, issues.requests_made, pause, rounds)
    try:
        return one.run()
    except Forbidden as problem:
        if problem.why.read_only:
            return one.result(Outcome.DEFERRED, None, problem.what)
        one.explain(problem)
        raise
    except (NotFound, Unprocessable) as problem:
        one.explain(problem)
        raise


@define
class _Upsert:
    issues: Issues
    number: int
    marker: str
    body: str | Compose
    clock: Clock
    author: str
    before: int
    pause: Callable[[], None]
    rounds: int
    composed: str = ""
    made: Comment | None = None
    """The comment that this call created; it counts as ours although it may not be listed yet."""
    removed: set[int] = field(factory=set)
    changed: bool = False
    notes: list[str] = field(factory=list)

    def run(self) -> CommentResult:
        self.compose(())  # a body that cannot be sent is refused before anything is asked
        for left in reversed(range(self.rounds)):
            ours = self.ours()
            self.compose(tuple(comment.body for comment in ours))
            if not ours:
                kept = self.made = self.create()
                self.pause()
                continue  # to look who else created one meanwhile
            try:
                kept, edited = self.edit(ours[0])
            except NotFound:  # removed since it was listed
                if not left:
                    raise
                self.made = None
                continue
            self.changed |= edited
            removed = self.remove(ours[1:])
            if isinstance(self.body, str) or not (edited or removed):
                return self.settled(kept)
            if left:
                self.pause()
        self.notes.append("others changed the comment again and again; the next run brings it up to date")
        return self.settled(kept)

    def settled(self, kept: Comment) -> CommentResult:
        if self.made and (self.made.id == kept.id or not self.changed):  # else: a first try of ours that seemed lost
            return self.result(Outcome.CREATED, kept)
        return self.result(Outcome.EDITED if self.changed else Outcome.UNCHANGED, kept)

    def compose(self, there: Sequence[str]) -> None:
        self.composed = self.body if isinstance(self.body, str) else self.body(there)
        if not self.composed.startswith(self.marker) or not self.marker:
            raise Bug("a comment of ours must begin with its marker")
        if len(self.composed) > LONGEST:
            raise Unprocessable(
                f"the comment has {len(self.composed)} characters and GitHub takes {LONGEST}",
                cure="Shorten the template, or link the report instead.",
            )

    def ours(self) -> list[Comment]:
        """Our comments, oldest first; a marker that somebody else pasted is none of ours."""
        marked = [comment for comment in self.issues.comments(self.number) if comment.body.startswith(self.marker)]
        if marked and not self.author:
            self.author = self.issues.identity()
        ours = {comment.id: comment for comment in marked if comment.author.casefold() == self.author.casefold()}
        if self.made and self.made.id not in self.removed:
            ours.setdefault(self.made.id, self.made)
        return [ours[each] for each in sorted(ours)]

    def create(self) -> Comment:
        def look() -> Comment | None:
            return next(iter(self.ours()), None)

        made = once(lambda: self.issues.create_comment(self.number, self.composed), look, self.clock)
        self.author = self.author or made.author
        return made

    def edit(self, comment: Comment) -> tuple[Comment, bool]:
        """The comment with our body, and whether that was a change."""
        if _same(comment.body, self.composed):
            return comment, False

        def look() -> Comment | None:
            there = next((each for each in self.ours() if each.id == comment.id), None)
            return there if there and _same(there.body, self.composed) else None

        return once(lambda: self.issues.edit_comment(comment.id, self.composed), look, self.clock), True

    def remove(self, later: Sequence[Comment]) -> bool:
        """Remove what a race left behind: every writer keeps the oldest. Whether anything was removed."""
        removed = False
        for comment in later:
            self.removed.add(comment.id)
            try:
                self.issues.delete_comment(comment.id)
                removed = True
            except NotFound:  # the other writer was quicker
                continue
            except GithubProblem as problem:
                self.notes.append(f"a second comment of ours stays at {comment.url}: {problem.what}")
        return removed

    def result(self, outcome: Outcome, comment: Comment | None, *notes: str) -> CommentResult:
        return CommentResult(
            outcome=outcome,
            body=self.composed,
            id=comment.id if comment else None,
            url=comment.url if comment else "",
            requests=self.issues.requests_made - self.before,
            notes=(*self.notes, *notes),
        )

    def explain(self, problem: GithubProblem) -> None:
        """Add whether the pull request is closed or locked, because GitHub's messages seldom say so."""
        if not problem.status:
            return
        try:
            there = self.issues.pull_request(self.number)
        except GithubProblem:
            return
        states = [word for word, holds in (("closed", not there.open), ("locked", there.locked)) if holds]
        if states:
            problem.what += f"; pull request {self.number} is {' and '.join(states)}"


def _same(one: str, other: str) -> bool:
    """Equal but for what GitHub's editor does to line ends."""
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()
