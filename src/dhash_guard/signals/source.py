"""What every source of signals offers: the names it yields with their dimensions, and one look at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from dhash_guard.records.sample import Absence, AbsenceKind, Value
from dhash_guard.records.units import Dimension
from dhash_guard.system.http import NoAnswer, Trouble

Dimensions = Mapping[str, Dimension | None]
"""Signal name to dimension; None for a signal that speaks in words."""


class Source(Protocol):
    """Looks once and answers for every one of its names; trouble becomes an absence, never an exception."""

    def sample(self) -> Mapping[str, Value]: ...


_KINDS = {
    Trouble.UNREACHABLE: AbsenceKind.UNREACHABLE,
    Trouble.TIMEOUT: AbsenceKind.TIMEOUT,
    Trouble.TOO_LARGE: AbsenceKind.NOT_JSON,
    Trouble.REDIRECT: AbsenceKind.HTTP_STATUS,
}


def absence_of(failure: NoAnswer) -> Absence:
    """The absence that a failed request leaves."""
    return Absence(_KINDS[failure.trouble], failure.detail)
