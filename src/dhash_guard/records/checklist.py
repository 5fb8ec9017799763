"""What a checklist remembers from one rendering to the next: who ticked what, when, and for what; and what was shown."""

from __future__ import annotations

from attrs import field, frozen


@frozen(kw_only=True)
class Tick:
    """The last thing that a person did to a box. Times are UTC epoch seconds.

    `who` is a login, empty while it is not known yet; `at` is when it was done, and `seen` until when it certainly held.
    `about` is what it was done for (a commit); `revoked` is what came in its place, and ended it.
    """

    on: bool
    who: str = ""
    at: float = 0.0
    seen: float = 0.0
    about: str = ""
    revoked: str = ""

    @property
    def holds(self) -> bool:
        """Whether the box is ticked by it."""
        return self.on and not self.revoked


@frozen(kw_only=True)
class Shown:
    """How a box stood in the body: whether it was ticked, by evidence or by people, for what, and whether it must be."""

    on: bool
    proved: bool
    about: str = ""
    required: bool = False


@frozen(kw_only=True)
class Memory:
    """All that a body carries about its boxes, by their ids; ticks of boxes that are not shown now are kept."""

    ticks: dict[str, Tick] = field(factory=dict)
    shown: dict[str, Shown] = field(factory=dict)
    commit: str = ""


@frozen(kw_only=True)
class Edit:
    """One edit of the comment by a person, as the event tells it: who, when, and the body before and after."""

    who: str
    at: float
    before: str
    after: str
