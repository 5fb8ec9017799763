"""Forges archives that a checksum file vouches for and that no honest run would write."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, evolve, field

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.manifest import Header, Kind, Member, Root, header_line
from dhash_guard.backup.archive.reader import opened
from dhash_guard.backup.catalog import facts_of
from dhash_guard.backup.names import MANIFEST, SUMS
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.layout import Layout

_TYPES = {Kind.FILE: stat.S_IFREG, Kind.DIRECTORY: stat.S_IFDIR, Kind.LINK: stat.S_IFLNK}


def file(path: str, content: bytes = b"evil") -> tuple[Member, bytes]:
    return Member(
        path=path, kind=Kind.FILE, size=len(content), mode=0o644, sha256=hashlib.sha256(content).hexdigest()
    ), content


def folder(path: str) -> tuple[Member, bytes]:
    return Member(path=path, kind=Kind.DIRECTORY, mode=0o755), b""


def link(path: str, target: str) -> tuple[Member, bytes]:
    content = target.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return Member(path=path, kind=Kind.LINK, size=len(content), sha256=sha256, link=target), content


@define
class Forgery:
    """An archive in the making; by default it is exactly what its members and roots say."""

    members: list[tuple[Member, bytes]]
    roots: tuple[Root, ...]
    extra: list[tuple[str, bytes]] = field(factory=list)
    """Entries that the manifest does not know."""
    missing: tuple[str, ...] = ()
    """Entries of the manifest that are not written."""
    manifest: Callable[[bytes], bytes] = lambda content: content
    raw: Callable[[bytes], bytes] = lambda content: content

    def seal(self, layout: Layout, model: BackupFacts) -> BackupFacts:
        """Write it in place of the honest backup `model`, checksum file and all, and return its facts."""
        path = layout.root / model.name
        with opened(path) as archive:
            header = evolve(archive.header(), roots=self.roots)
        self._write(path, header)
        path.write_bytes(self.raw(path.read_bytes()))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        sidecar.path_of(path).write_bytes(sidecar.line(sha256, model.name))
        return facts_of(layout, path)

    def _write(self, path: Path, header: Header) -> None:
        honest = header_line(header) + b"".join(member.line for member, _ in self.members)
        content = self.manifest(honest)
        sums = [f"{member.sha256}  {member.path}\n" for member, _ in self.members if member.kind is Kind.FILE]
        sums.append(f"{hashlib.sha256(honest).hexdigest()}  {MANIFEST}\n")
        entries: list[tuple[str, int, bytes]] = [
            (member.entry, _TYPES[member.kind] | member.mode, data) for member, data in self.members
        ]
        entries += [(name, stat.S_IFREG | 0o644, data) for name, data in self.extra]
        entries += [(MANIFEST, stat.S_IFREG | 0o640, content), (SUMS, stat.S_IFREG | 0o640, "".join(sums).encode())]
        with zipfile.ZipFile(path, "w") as archive:
            for name, mode, data in entries:
                if name not in self.missing:
                    info = zipfile.ZipInfo("x", (2026, 1, 1, 0, 0, 0))
                    info.filename = info.orig_filename = name
                    info.external_attr = mode << 16
                    info.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(info, data)


def root(path: str, kind: Kind = Kind.DIRECTORY) -> Root:
    return Root(path=path, kind=kind, component="config")


def below_config(*members: tuple[Member, bytes]) -> Sequence[tuple[Member, bytes]]:
    """A folder `config` with these members after it."""
    return [folder("config"), *members]
