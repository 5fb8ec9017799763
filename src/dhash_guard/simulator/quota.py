"""Counts the requests of each token and tells how many are left of the hour."""

from __future__ import annotations

from typing import Any

from attrs import define

from dhash_guard.simulator.faults import used_up
from dhash_guard.simulator.tokens import Token

_HOUR = 3600
_WITHOUT_TOKEN = 60
_OTHERS = {"search": 30, "graphql": 5000, "code_search": 10}


@define
class _Count:
    resets: float
    used: int = 0


class Quota:
    """What each token has used since its hour began with its first request."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def take(self, text: str, token: Token | None, at: float) -> None:
        """Count one request; raise Refusal where none is left."""
        count, limit = self._count(text, at), _limit(token)
        if count.used >= limit:
            raise used_up(token.login if token else "127.0.0.1", count.resets)
        count.used += 1

    def headers(self, text: str, token: Token | None, at: float) -> dict[str, str]:
        """The X-RateLimit headers that every answer carries."""
        facts = self._facts(text, token, at)
        return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in facts.items()} | {
            "X-RateLimit-Resource": "core"
        }

    def overview(self, text: str, token: Token | None, at: float) -> dict[str, Any]:
        """What `GET /rate_limit` answers."""
        core = self._facts(text, token, at)
        others = {
            name: {"limit": limit, "remaining": limit, "reset": core["reset"], "used": 0} for name, limit in _OTHERS.items()
        }
        return {"resources": {"core": core} | others, "rate": core}

    def _facts(self, text: str, token: Token | None, at: float) -> dict[str, int]:
        count, limit = self._count(text, at), _limit(token)
        return {"limit": limit, "remaining": limit - count.used, "reset": int(count.resets), "used": count.used}

    def _count(self, text: str, at: float) -> _Count:
        count = self._counts.get(text)
        if count is None or at >= count.resets:
            count = self._counts[text] = _Count(at + _HOUR)
        return count


def _limit(token: Token | None) -> int:
    return _WITHOUT_TOKEN if token is None else token.limit
