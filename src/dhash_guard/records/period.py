"""How often routine maintenance is done, and how the day, week, month or quarter of a moment is called."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum


class Period(Enum):
    """How often; each has tasks of its own."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"

    def of(self, at: float) -> str:
        """The one that `at` (UTC epoch seconds) lies in: 2026-11-21, 2026-W47, 2026-11 or 2026-Q4."""
        when = datetime.fromtimestamp(at, UTC)
        match self:
            case Period.DAILY:
                return f"{when:%Y-%m-%d}"
            case Period.WEEKLY:
                return f"{when:%G-W%V}"
            case Period.MONTHLY:
                return f"{when:%Y-%m}"
            case Period.QUARTERLY:
                return f"{when:%Y}-Q{(when.month + 2) // 3}"
