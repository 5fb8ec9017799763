"""Keeps secrets out of everything that is written: the values themselves and the forms in which they travel."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|(?:API_?|EVIDENCE_|PRIVATE_)KEY|WEBHOOK|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 6
"""Shorter values are left alone: hiding every `yes` or `5000` would make a log unreadable and protect nothing."""

MASK = "***"


class Redactor:
    """Replaces known secrets by `***`, also where they stand base64-encoded, URL-encoded or JSON-escaped."""

    def __init__(self, secrets: list[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Redactor:
        """Know every environment variable whose name says that it is a secret."""
        return cls([value for name, value in environ.items() if _SECRET_NAME.search(name)])

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def data(self, data: Any) -> Any:
        """The same plain data with every string cleaned, keys included."""
        if self._pattern is None:
            return data
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {self.text(str(key)): self.data(value) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self.data(value) for value in data]
        return data


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8")
    encoded = base64.b64encode(raw).decode("ascii")
    forms = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], encoded, encoded.rstrip("=")}
    forms.add(base64.urlsafe_b64encode(raw).decode("ascii").rstrip("="))
    return {form for form in forms if len(form) >= _SHORTEST}
