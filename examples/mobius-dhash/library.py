"""Decides what a valid library.json is, in schema 1 and schema 2, and how its bytes are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMAS = (1, 2)
NEEDED = ("id", "name", "kind", "image")

Document = dict[str, Any]


class LibraryError(Exception):
    """The library file cannot be used; the message says why."""


def parse(text: bytes, where: str) -> Document:
    """The library in `text`, checked; `where` names it in errors."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # bad UTF-8 is a ValueError too
        raise LibraryError(f"{where}: not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("components"), list):
        raise LibraryError(f"{where}: expected an object with a list 'components'")
    schema = document.get("schema")
    if type(schema) is not int or schema not in SCHEMAS:  # `True` equals 1 but is no schema
        raise LibraryError(f"{where}: unknown schema {schema!r}, known: 1, 2")
    seen: set[str] = set()
    for number, component in enumerate(document["components"], start=1):
        if not isinstance(component, dict):
            raise LibraryError(f"{where}: component {number} is not an object")
        for key in NEEDED:
            if not isinstance(component.get(key), str):
                raise LibraryError(f"{where}: component {number} lacks the text field '{key}'")
        if component["id"] in seen:
            raise LibraryError(f"{where}: component {component['id']} appears twice")
        seen.add(component["id"])
    return document


def load(path: Path) -> Document:
    """The library in the file at `path`."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise LibraryError(f"{path}: {error.strerror}") from error
    return parse(text, str(path))


def serialize(document: Document) -> bytes:
    """The one way a library is written: the same document always gives the same bytes."""
    return (json.dumps(document, indent=2) + "\n").encode()
