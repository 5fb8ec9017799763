"""The plain Python ways, each a process of its own: `plain.py hash PATH…` and `plain.py zip DIRECTORY ARCHIVE`."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from collections.abc import Iterator

_READ = 1 << 20


def files(start: str) -> Iterator[str]:
    """The file itself, or every file below the directory."""
    if not os.path.isdir(start):
        yield start
    for folder, _, names in os.walk(start):
        for name in names:
            yield f"{folder}/{name}"


def digest(path: str) -> str:
    """SHA-256 with reads of 1 MiB."""
    whole = hashlib.sha256()
    with open(path, "rb", buffering=0) as content:  # noqa: PTH123 - pathlib would be part of what is measured
        while block := content.read(_READ):
            whole.update(block)
    return whole.hexdigest()


def main() -> None:
    """Hash every file, or write a deflated archive and its hash."""
    if sys.argv[1] == "hash":
        for start in sys.argv[2:]:
            for path in files(start):
                digest(path)
        return
    source, archive = sys.argv[2:]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in files(source):
            out.write(path)
    print(digest(archive))


if __name__ == "__main__":
    main()
