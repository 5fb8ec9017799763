"""Decides by its shape whether a line of text holds a secret, for logs of programs that do not redact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_SHAPES = {
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}",
    "a PyPI token": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Slack webhook": r"hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "a Discord webhook": r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a password in an address": r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{1,64}:(?!\*+@)[^\s/@\"']{3,128}@",
    "an authorization header": r"\b[Aa]uthorization[\"']?\s*[:=]\s*[\"']?(?:[Bb]earer|[Bb]asic|token)\s+"
    r"(?!\*)[\w+/=.~-]{8,}",
    "a password": r"\b(?:[Pp]assword|PASSWORD|passwd|[Aa]pi[_-]?[Kk]ey|API_KEY|client_secret)"
    r"\\{0,4}[\"']?\s*[:=]\s*\\{0,4}[\"']?"
    r"(?![*<\[(\"'\\]|(?:null|none|None|true|false|undefined|redacted|REDACTED)\b)[^\s\"',}\\]{6,}",
}
"""Every repetition is bounded or ends at a character of its own, so that no line takes long."""


class SecretShapes:
    """Names the secrets that a line seems to hold."""

    def __init__(self, own: Mapping[str, str]) -> None:
        """`own` are further patterns by name."""
        self._patterns = {name: re.compile(pattern) for name, pattern in {**_SHAPES, **own}.items()}

    def in_line(self, line: str) -> Iterator[str]:
        """What kinds of secrets stand in the line; the secrets themselves are never repeated."""
        return (name for name, pattern in self._patterns.items() if pattern.search(line))
