"""Makes the corpora from a seed, each a project that can be backed up, and knows whether one is still what was made."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

SEED, FORMAT = 7, 1
MB = 1_000_000
CONFIGURATION = """\
version: 1
service: dhash
environments:
  bench: {backup: {components: {data: {paths: [data/]}}}}
"""
_WORDS = (
    "meeple",
    "board",
    "card",
    "die",
    "token",
    "tile",
    "sleeve",
    "insert",
    "punch",
    "proof",
    "crop",
    "hash",
    "match",
    "low",
)

Make = Callable[[Path, random.Random, float], None]


@dataclass(frozen=True)
class Facts:
    """What lies below a directory: regular files, their bytes, and one SHA-256 over all names and contents."""

    files: int
    size: int
    digest: str


@dataclass(frozen=True)
class Corpus:
    """A project whose `data` directory is to be backed up; `peers` is where everybody else writes."""

    name: str
    project: Path
    facts: Facts

    @property
    def peers(self) -> Path:
        return self.project.parent / "peers"


def corpus(folder: Path, name: str, scale: float, make: Make) -> Corpus:
    """The corpus below `folder/<name>-<scale>`: the one that lies there, where it is unchanged, or a new one."""
    home = folder / f"{name}-{scale:g}"
    stamp, project = home / "stamp.json", home / "project"
    if stamp.is_file():
        kept = json.loads(stamp.read_text())
        tidy(project)
        found = facts(project / "data")
        if kept == {"format": FORMAT, "seed": SEED, **asdict(found)}:
            return Corpus(name, project, found)
    shutil.rmtree(home, ignore_errors=True)
    new_project(project, make, scale)
    made = facts(project / "data")
    stamp.write_text(json.dumps({"format": FORMAT, "seed": SEED, **asdict(made)}))
    return Corpus(name, project, made)


def new_project(project: Path, make: Make, scale: float) -> None:
    """A configuration, and beside it `data` as `make` fills it."""
    (project / "data").mkdir(parents=True)
    (project / "dhash-guard.yml").write_text(CONFIGURATION)
    make(project / "data", random.Random(SEED), scale)


def tidy(project: Path, *keep: str) -> None:
    """Remove whatever backups and restores left in the project, except its data and what is named."""
    for entry in project.iterdir():
        if entry.name in {"data", "dhash-guard.yml", *keep}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def facts(data: Path) -> Facts:
    """Count and hash everything; reads every byte."""
    if not data.is_dir():
        return Facts(0, 0, "")
    files, size, whole = 0, 0, hashlib.sha256()
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        with path.open("rb") as content:
            whole.update(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {path.relative_to(data)}\n".encode())
        files, size = files + 1, size + path.stat().st_size
    return Facts(files, size, whole.hexdigest())


def mixed(data: Path, source: random.Random, scale: float) -> None:
    """Corpus A: a JSON library, media, many small files and logs; about 1 GB at scale 1."""
    _stream(data / "library.json", int(150 * MB * scale), lambda: document(source, MB))
    _spread(data / "media", int(2000 * scale), lambda number: (("jpg", "png")[number % 2], source.randbytes(200_000)))
    prose = " ".join(source.choices(_WORDS, k=MB // 2))

    def note(number: int) -> tuple[str, bytes]:
        size, at = source.randrange(1_000, 15_000), source.randrange(MB)
        return ("json", document(source, size)) if number % 2 else ("txt", prose[at : at + size].encode())

    _spread(data / "notes", int(30_000 * scale), note)
    for part in range(4):
        _stream(data / "logs" / f"app.{part}.log", int(50 * MB * scale), lambda: _log_lines(source))


def small(data: Path, source: random.Random, scale: float) -> None:
    """Corpus B: files of 4 KiB, four of five JSON, the fifth an incompressible thumbnail; 100,000 at scale 1."""

    def one(number: int) -> tuple[str, bytes]:
        return ("json", document(source, 4096)) if number % 5 else ("png", source.randbytes(4096))

    _spread(data, int(100_000 * scale), one)


def tiny(data: Path, source: random.Random, scale: float) -> None:
    """So many files of 40 bytes, as many as `scale` says: what grows with the number of files, and nothing else."""
    _spread(
        data,
        int(scale),
        lambda number: ("json", f'{{"id": {number:09}, "dhash": "{source.getrandbits(64):016x}"}}'.encode()),
    )


def videos(data: Path, source: random.Random, scale: float) -> None:
    """Two media files of 200 MB at scale 1, incompressible."""
    for number in range(2):
        _stream(data / f"{number}.mp4", int(200 * MB * scale), lambda: source.randbytes(MB))


def document(source: random.Random, size: int) -> bytes:
    """A JSON list of library entries, filled up with blanks to `size` bytes."""
    count = max(1, (size - 4) // (len(_entry(source)) + 2))
    return ("[\n" + ",\n".join(_entry(source) for _ in range(count)) + "\n]").ljust(size).encode()


def _entry(source: random.Random) -> str:
    """Always as long: every number has leading zeros."""
    number = source.randrange(10_000)
    return (
        f'{{"id": "{number:06}", "name": "component {number:06}", "path": "media/{number:06}.jpg", '
        f'"dhash": "{source.getrandbits(64):016x}", "phash": "{source.getrandbits(64):016x}", '
        f'"sha256": "{source.getrandbits(256):064x}", "confidence": "0.{source.randrange(100):02}", "type": "board"}}'
    )


def _log_lines(source: random.Random) -> bytes:
    """About 1 MB of a service's log."""
    lines = (
        f"2026-05-01T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z INFO dhash.worker "
        f"request={source.getrandbits(32):08x} path=/api/dhash/{source.choice(_WORDS)} "
        f"status=200 took={source.randrange(400)}ms\n"
        for at in range(9_000)
    )
    return "".join(lines).encode()


def _stream(path: Path, size: int, piece: Callable[[], bytes]) -> None:
    """One file of exactly `size` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        while size > 0:
            size -= out.write(piece()[:size])


def _spread(folder: Path, count: int, one: Callable[[int], tuple[str, bytes]]) -> None:
    """So many files, five hundred to a directory; `one` gives suffix and content."""
    for number in range(count):
        below = folder / f"{number // 500:04}"
        if number % 500 == 0:
            below.mkdir(parents=True)
        suffix, content = one(number)
        (below / f"{number:07}.{suffix}").write_bytes(content)
