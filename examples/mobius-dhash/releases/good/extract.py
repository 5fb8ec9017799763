"""Release 1.4.0: decodes the picture once and hashes it once."""

from __future__ import annotations

from dhash import NotAPictureError, decode, fingerprint
from release import ExtractionError


def extract(data: bytes) -> tuple[str, float]:
    """Hash and confidence of the picture in `data`."""
    try:
        return fingerprint(decode(data))
    except NotAPictureError as error:
        raise ExtractionError(str(error)) from error
