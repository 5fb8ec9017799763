"""What waits in the low-confidence queue, as it is exported for people who review it."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Waiting:
    """One entry: `confidence` is a fraction 0–1, `hash` and `image` are empty where the service names none.

    `picture` is the image itself as a `data:` address, where it was asked for; `problem` says why it is not there.
    """

    id: str
    hash: str
    confidence: float
    image: str = ""
    picture: str = ""
    problem: str = ""


@frozen(kw_only=True)
class QueueExport:
    """The entries below the confidence `below` (None: all), the least confident first; `in_queue` counts all that wait.

    `at` is a UTC time as logs carry it, `source` the address that was asked.
    """

    service: str
    environment: str
    at: str
    source: str
    below: float | None
    in_queue: int
    entries: tuple[Waiting, ...]
