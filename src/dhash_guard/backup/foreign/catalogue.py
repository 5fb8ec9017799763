"""Says what is known of backups that other tools made, opens them in our form, and verifies them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from pathlib import Path

from attrs import frozen

from dhash_guard.backup import sidecar
from dhash_guard.backup.archive.deflate import STANDARD, Deflate
from dhash_guard.backup.archive.manifest import FORMAT, Header
from dhash_guard.backup.archive.reader import Archive, archive_in
from dhash_guard.backup.archive.reader import opened as opened_strictly
from dhash_guard.backup.foreign.naming import Said, is_tar, said_by
from dhash_guard.backup.foreign.reading import Foreign, is_ours, opened_single, opened_zip
from dhash_guard.backup.foreign.transcript import transcribe
from dhash_guard.backup.foreign.tree import Plan, plan
from dhash_guard.backup.naming import files_called, single_named
from dhash_guard.errors import CannotTell, Damaged, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose, Verification
from dhash_guard.records.layout import Layout

TOOL = "another tool"
_SHOWN = 10
_GZIP = b"\x1f\x8b"


class Form(Enum):
    """What a backup is that this program's writer of archives did not make."""

    ZIP = "zip"
    SINGLE = "a plain copy of one file"
    TAR = "tar"


def form_of(path: Path) -> Form | None:
    """What the file at `path` is by its name and, where that ends in .zip, its directory; None for everything else.

    A zip that was meant to be ours is ours, damaged or not.
    """
    if is_tar(path.name):
        return Form.TAR
    if single_named(path.name) is not None:
        return Form.SINGLE
    if not path.name.endswith(".zip"):
        return None
    try:
        with opened_strictly(path):
            return None
    except (Damaged, CannotTell, OSError):
        pass
    try:
        if _begins_as_gzip(path):
            return Form.TAR
        with opened_zip(path) as archive:
            return None if is_ours(archive.found) else Form.ZIP
    except (Damaged, CannotTell, OSError):
        return None


def refusal(path: Path) -> UsageProblem:
    """What is said to whoever names a tar."""
    base = path.name.partition(".tar")[0].removesuffix(".tgz").removesuffix(".zip")
    steps = f"mkdir {base} && tar -xf {path.name} -C {base} && (cd {base} && zip -qry ../{base}.zip .)"
    return UsageProblem(
        "tars are not read: a damaged one cannot be told from a whole one before all of it is unpacked",
        where=path.name,
        cure=f"Make a zip of it: {steps} && sha256sum {base}.zip > {base}.zip.sha256",
    )


def facts_of_foreign(layout: Layout, path: Path, form: Form, name: str) -> BackupFacts:
    """What is known of a backup from its name, its checksum file and its directory; never raises."""
    single = single_named(path.name) if form is Form.SINGLE else None
    said = Said("", single.purpose, single.at) if single is not None else said_by(layout.service, path.name)
    sha256 = problem = ""
    notes = [f"{form.value}, made by {TOOL}" if single is None else form.value]
    if not said.environment and single is None:
        notes.append(f"its name tells no environment, {layout.unnamed or 'none'} is taken")
    try:
        size, changed = path.stat().st_size, path.stat().st_mtime
        if form is Form.TAR:
            raise refusal(path)
        sha256 = sidecar.read(path)
        members, components, more = _content(layout, path, form)
        notes += more
    except (Damaged, CannotTell, UsageProblem, OSError) as trouble:
        members, components = 0, ()
        size, changed = (path.stat().st_size, path.stat().st_mtime) if path.is_file() else (0, 0.0)
        problem = f"{getattr(trouble, 'what', trouble)}"
    environment = said.environment or layout.unnamed
    if not environment and not problem:
        problem = "its name tells no environment; write default_environment, or give it another name"
    return BackupFacts(
        name=name,
        environment=environment,
        purpose=said.purpose,
        sequence=0,
        sealed_at=said.at if said.at is not None else changed,
        size=size,
        sha256=sha256,
        members=members,
        components=components,
        problem=problem,
        note="; ".join(notes),
    )


def verify_foreign(layout: Layout, path: Path, form: Form, name: str, deflate: Deflate = STANDARD) -> Verification:
    """Read a backup whole: the hash of its checksum file, its structure, every member with the directory's checksum.

    Raise CannotTell where it or its checksum file is missing, UsageProblem for a tar.
    """
    if form is Form.TAR:
        raise refusal(path)
    stated, problems, size = "", [], 0
    try:
        stated = sidecar.read(path)
    except Damaged as problem:
        problems.append(problem.what)
    with _opened(layout, path, form, deflate, whole=True) as archive:
        problems += archive.problems
        for found in () if archive.problems else archive.found:
            try:
                size += sum(len(block) for block in archive.plain(found, deflate, archive.packed(found)))
                if found.kind.value == "link":
                    archive.link(found, deflate)
            except Damaged as problem:
                problems.append(problem.what)
        sha256 = archive.sha256()
        if stated and sha256 != stated:
            problems.insert(0, f"the archive's sha256 is {sha256}, its checksum file says {stated}")
        members = len(archive.found)
    return Verification(name=name, sha256=sha256, members=members, bytes_read=size, problems=tuple(problems[:_SHOWN]))


@frozen(kw_only=True)
class Transcript:
    """A backup in our form: `stated` is what its checksum file says, `sha256` the hash of what is read here."""

    archive: Archive
    stated: str
    sha256: str


@contextmanager
def opened_foreign(layout: Layout, path: Path, form: Form, deflate: Deflate = STANDARD) -> Iterator[Transcript]:
    """Open a backup in our form, for as long as the block takes; it was verified then, and only needs to be restored.

    Raise UsageProblem for a tar and where entries lie in no component, Damaged where it is not what its checksum file and
    its directory say, CannotTell where it was never sealed.
    """
    if form is Form.TAR:
        raise refusal(path)
    stated = sidecar.read(path)
    with _opened(layout, path, form, deflate, whole=True) as original:
        before = original.stands()
        if (sha256 := original.sha256()) != stated:
            raise Damaged(f"the archive's sha256 is {sha256}, its checksum file says {stated}", where=path.name)
        if original.problems:
            raise Damaged("; ".join(original.problems[:_SHOWN]), where=path.name)
        planned = _plan(layout, original)
        if planned.left or not planned.roots:
            raise _outside(planned, path)
        with tempfile.TemporaryFile(dir=layout.state if layout.state.is_dir() else None) as file:
            header = _header(layout, path, planned)
            try:
                sha256 = transcribe(original, planned.members, header, deflate, file)
                file.flush()
            except OSError as problem:
                what = f"{path.name} cannot be written anew, which takes as much room as it has: {problem.strerror}"
                raise NoGo(what, cure="Make room; nothing was touched.") from problem
            if original.stands() != before:
                raise Damaged("it changed while it was read", where=path.name)
            yield Transcript(archive=archive_in(file, path, deflate), stated=stated, sha256=sha256)


def _content(layout: Layout, path: Path, form: Form) -> tuple[int, tuple[str, ...], list[str]]:
    """Number of members, the components that a restore puts back, and what to know of it."""
    with _opened(layout, path, form, STANDARD) as archive:
        if archive.problems:
            raise Damaged(archive.problems[0])
        planned = _plan(layout, archive)
        notes = []
        if planned.records:
            notes.append(f"{', '.join(planned.records)} is not put back")
        if planned.left or not planned.roots:
            notes.append(f"cannot be restored: {_outside(planned, path).what}")
        names = () if planned.left else tuple(sorted({root.component for root in planned.roots}))
        return len(archive.found), names, notes


def _opened(
    layout: Layout, path: Path, form: Form, deflate: Deflate, *, whole: bool = False
) -> AbstractContextManager[Foreign]:
    if form is not Form.SINGLE:
        return opened_zip(path)
    single = single_named(path.name)
    assert single is not None
    members = files_called(layout, single.base)
    if len(members) != 1:
        what = f"{', '.join(members)} are called so" if members else f"no component names a file {single.base!r}"
        raise CannotTell(f"it cannot be told where it belongs: {what}", where=path.name)
    return opened_single(path, members[0], deflate, whole=whole)


def _plan(layout: Layout, archive: Foreign) -> Plan:
    return plan(archive.found, layout.covered)


def _outside(planned: Plan, path: Path) -> UsageProblem:
    listed = ", ".join(planned.left[:_SHOWN]) + (
        f" and {len(planned.left) - _SHOWN} more" if len(planned.left) > _SHOWN else ""
    )
    what = f"it holds {listed}, which no component names" if listed else "nothing in it lies in a component"
    return UsageProblem(
        what, where=path.name, cure="If that is meant, add the paths to backup.components; nothing was touched."
    )


def _header(layout: Layout, path: Path, planned: Plan) -> Header:
    said = said_by(layout.service, path.name)
    components: dict[str, tuple[str, ...]] = {}
    for root in planned.roots:
        components[root.component] = (*components.get(root.component, ()), root.path)
    at = said.at if said.at is not None else path.stat().st_mtime
    return Header(
        format=FORMAT,
        tool=TOOL,
        service=layout.service,
        environment=said.environment or layout.unnamed,
        purpose=Purpose.BACKUP,
        sequence=0,
        created_at=at,
        sealed_at=at,
        components=components,
        roots=planned.roots,
        left_out=(),
        previous_sha256="",
    )


def _begins_as_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP
