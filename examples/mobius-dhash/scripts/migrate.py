#!/usr/bin/env python3
"""Turns library.json from schema 1 into schema 2, which knows each picture's hash, and back."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.dont_write_bytecode = True  # a run must not litter the project with __pycache__
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import atomic
import dhash
import library

PROJECT = Path(__file__).resolve().parent.parent
ADDED = ("dhash", "confidence")


class MigrationError(Exception):
    """The library cannot be migrated; the message says why."""


def forward(document: library.Document, root: Path) -> library.Document:
    """Schema 2: hash and confidence stand at the end of each component, all else as it was."""
    return {**document, "schema": 2, "components": [hashed(each, root) for each in document["components"]]}


def hashed(component: dict[str, Any], root: Path) -> dict[str, Any]:
    for key in ADDED:
        if key in component:  # going back would lose it
            raise MigrationError(f"component {component['id']} has a field '{key}' already, in schema 1")
    # The true hash, not the current release's: a migration must not depend on what is deployed.
    try:
        digest, confidence = dhash.fingerprint(dhash.decode((root / component["image"]).read_bytes()))
    except OSError as error:
        reason = f"{component['image']}: {error.strerror}"
        raise MigrationError(f"picture of {component['id']}: {reason}") from error
    except dhash.NotAPictureError as error:
        raise MigrationError(f"picture of {component['id']}: {component['image']}: {error}") from error
    return {**component, "dhash": digest, "confidence": round(confidence, 4)}


def backward(document: library.Document) -> library.Document:
    """Schema 1: without what `forward` added."""
    plain = [{k: v for k, v in each.items() if k not in ADDED} for each in document["components"]]
    return {**document, "schema": 1, "components": plain}


def migrated(text: bytes, where: str, root: Path, schema: int) -> tuple[int, bytes]:
    """The schema found in `text`, and the bytes of the same library in `schema`."""
    document = library.parse(text, where)
    found: int = document["schema"]
    if found == schema:
        return found, text  # as it is, even where we would have written it differently
    return found, library.serialize(forward(document, root) if schema == 2 else backward(document))


def summary(before: bytes, after: bytes, found: int, schema: int) -> dict[str, Any]:
    """The plan, for a machine to read."""
    components = len(json.loads(before)["components"])
    return {
        "from_schema": found,
        "to_schema": schema,
        "components": components,
        "changed": 0 if found == schema else components,
        "sha256_before": hashlib.sha256(before).hexdigest(),
        "sha256_after": hashlib.sha256(after).hexdigest(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-i", "--input", required=True, help="the library file")
    parser.add_argument("--out", help="write the result here instead of replacing the input")
    parser.add_argument("--dry-run", action="store_true", help="leave the input alone; print a plan as JSON")
    parser.add_argument("--reverse", action="store_true", help="from schema 2 to schema 1")
    parser.add_argument("--root", type=Path, default=PROJECT, help="project directory; relative paths start from here")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    source = root / options.input
    schema = 1 if options.reverse else 2

    try:
        before = source.read_bytes()
        found, after = migrated(before, options.input, root, schema)
        if options.out:
            atomic.write(root / options.out, after)
        elif found != schema and not options.dry_run:
            atomic.write(source, after)
    except (library.LibraryError, MigrationError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"migrate: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1

    if options.dry_run:
        print(json.dumps(summary(before, after, found, schema), indent=2))
    elif found == schema:
        print(f"migrate: {options.input} is schema {schema} already, nothing changed")
    else:
        print(f"migrate: {options.out or options.input} is now schema {schema}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
