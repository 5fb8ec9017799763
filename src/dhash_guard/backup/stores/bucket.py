"""Asks an object store, a folder or a dictionary through fsspec, each request with an end to its time."""

from __future__ import annotations

import errno
import importlib
import secrets
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dhash_guard.backup.stores.objects import Beat, idle
from dhash_guard.backup.stores.store import StoreSilent, WrongBytes
from dhash_guard.errors import GuardError
from dhash_guard.system.files import Files

_PART = 16 * 1024 * 1024
_PARTS = 9_000  # a multipart upload has at most 10,000
_AT_ONCE = 4
_SLOWEST = 256 * 1024  # bytes per second; an upload that is slower is given up
_PULSE = 1.0  # seconds between two beats of an upload


class Bucket:
    """Objects in an S3 bucket, below `base` (bucket/prefix).

    Reads ranges, so that memory is bounded and every request has `deadline` seconds.
    """

    def __init__(self, files: Any, base: str, where: str, deadline: float, part: int = _PART) -> None:
        self._files = files
        self._base = base.rstrip("/")
        self._deadline = deadline
        self._part = part
        self.where = where

    def sizes(self, below: str = "") -> Mapping[str, int]:
        self._files.invalidate_cache()
        folder, _, start = f"{self._base}/{below}".rpartition("/")
        found = self._ask("find", folder, detail=True, prefix=start)
        wanted = f"{folder}/{start}"
        names = ((str(path), facts) for path, facts in found.items() if facts.get("type") == "file")
        return {path[len(self._base) + 1 :]: int(facts["size"]) for path, facts in names if path.startswith(wanted)}

    def create(self, key: str, content: bytes) -> None:
        self._ask("pipe_file", self._path(key), content, mode="create")

    def upload(self, key: str, source: Path, sha256: str, beat: Beat = idle) -> None:
        """Put a finished file; a large one in parts, which are given up together where one fails.

        The condition that nothing of its name is there goes with the last request, which makes the parts an object.
        """
        size = source.stat().st_size
        self._abort_parts(key)
        try:
            self._ask(
                "put_file",
                str(source),
                self._path(key),
                mode="create",
                chunksize=max(self._part, -(-size // _PARTS)),
                max_concurrency=_AT_ONCE,
                Metadata={"sha256": sha256},
                deadline=self._deadline + size / _SLOWEST,
                beat=beat,
            )
        except StoreSilent:
            self._abort_parts(key)
            raise

    def read(self, key: str, start: int, length: int) -> bytes:
        try:
            content: bytes = self._ask("cat_file", self._path(key), start=start, end=start + length)
        except _PastEnd:
            return b""
        return content[:length]

    def read_each(self, keys: Collection[str]) -> Mapping[str, bytes]:
        if not keys:
            return {}
        paths = {self._path(key): key for key in keys}
        found = self._ask("cat_ranges", list(paths), 0, 65_536, on_error="return")
        pairs = zip(paths.values(), found, strict=True)
        return {key: bytes(content) for key, content in pairs if isinstance(content, bytes)}

    def remove(self, key: str) -> None:
        self._ask("rm_file", self._path(key))

    def _abort_parts(self, key: str) -> None:
        """Give up the parts of uploads of this key that were cut off; where that fails, the bucket's lifecycle rule does."""
        bucket, _, path = self._path(key).partition("/")
        with suppress(StoreSilent, OSError):
            listed = self._ask("call_s3", "list_multipart_uploads", Bucket=bucket, Prefix=path)
            for upload in listed.get("Uploads") or ():
                if upload["Key"] == path:
                    self._ask("call_s3", "abort_multipart_upload", Bucket=bucket, Key=path, UploadId=upload["UploadId"])

    def _path(self, key: str) -> str:
        return f"{self._base}/{key}"

    def _ask(
        self, method: str, *arguments: Any, deadline: float | None = None, beat: Beat | None = None, **options: Any
    ) -> Any:
        asked = getattr(self._files, f"_{method}")
        limit = self._deadline if deadline is None else deadline
        if beat is not None:
            return _told(lambda: _beaten(self._files.loop, asked(*arguments, **options), limit, beat), self.where)
        call = importlib.import_module("fsspec.asyn").sync
        return _told(lambda: call(self._files.loop, asked, *arguments, timeout=limit, **options), self.where)


class Memory(Bucket):
    """Objects in a dictionary of this process, for tests."""

    def upload(self, key: str, source: Path, sha256: str, beat: Beat = idle) -> None:
        self.create(key, source.read_bytes())

    def read(self, key: str, start: int, length: int) -> bytes:
        content: bytes = self._ask("cat_file", self._path(key))
        return content[start : start + length]

    def read_each(self, keys: Collection[str]) -> Mapping[str, bytes]:
        found = {}
        for key in keys:
            with suppress(FileNotFoundError):
                found[key] = self.read(key, 0, 65_536)
        return found

    def _ask(
        self, method: str, *arguments: Any, deadline: float | None = None, beat: Beat | None = None, **options: Any
    ) -> Any:
        options.pop("prefix", None)
        return _told(lambda: getattr(self._files, method)(*arguments, **options), self.where)


class Folder(Memory):
    """Objects as files of a mounted folder, changed through `disk`.

    A finished, synced file gets its name by a link, which never replaces one; that name is synced before it counts.
    """

    def __init__(self, files: Any, base: str, where: str, deadline: float, disk: Files) -> None:
        super().__init__(files, base, where, deadline)
        self._disk = disk

    def sizes(self, below: str = "") -> Mapping[str, int]:
        if not Path(self._base).is_dir():  # an unmounted disk is no empty store
            raise StoreSilent("the folder of the store is not there", where=self.where, transient=False)
        return super().sizes(below)

    def create(self, key: str, content: bytes) -> None:
        self._link(key, [content], idle)

    def upload(self, key: str, source: Path, sha256: str, beat: Beat = idle) -> None:
        path = Path(self._path(key))
        for left in path.parent.glob(f".{path.name}.*.partial"):  # of uploads that were killed; the lease is held
            left.unlink(missing_ok=True)
        with source.open("rb") as file:
            self._link(key, iter(lambda: file.read(_PART), b""), beat)

    def read(self, key: str, start: int, length: int) -> bytes:
        content: bytes = self._ask("cat_file", self._path(key), start=start, end=start + length)
        return content

    def _link(self, key: str, blocks: Iterable[bytes], beat: Beat) -> None:
        path = Path(self._path(key))
        # Two hosts may have the same process number.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("wb") as file:
                    for block in blocks:
                        file.write(block)
                        beat()
                    self._disk.finish(file)
                path.hardlink_to(temporary)
            finally:
                temporary.unlink(missing_ok=True)
            try:
                self._sync(path.parent)
                self._sync(Path(self._base))  # a folder in it may be new
            except OSError:
                path.unlink(missing_ok=True)  # whoever tries again must not find it and take it for good
                raise

        if not Path(self._base).is_dir():
            raise StoreSilent("the folder of the store is not there", where=self.where, transient=False)
        _told(write, self.where)

    def _sync(self, folder: Path) -> None:
        try:
            self._disk.sync_directory(folder)
        except OSError as problem:
            if problem.errno not in (errno.EINVAL, errno.ENOTSUP):  # some that come over a network sync files only
                raise


class _PastEnd(StoreSilent):
    """The object ends before what was asked for."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(what, where=where, transient=False)


def _beaten(loop: Any, asked: Coroutine[Any, Any, Any], limit: float, beat: Beat) -> Any:
    """The answer of a request that runs in the client's own thread; whoever waits for it here keeps the lease meanwhile.

    So nothing is renewed behind anybody's back, and a lease that is lost ends the request at once.
    """
    asyncio, futures = importlib.import_module("asyncio"), importlib.import_module("concurrent.futures")
    future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(asked, limit), loop)
    try:
        while not futures.wait([future], timeout=_PULSE).done:
            beat()
    except BaseException:
        future.cancel()
        raise
    return future.result()


def _told(call: Callable[[], Any], where: str) -> Any:
    """The answer, or the failure in our own words; the client's own classes are many and belong to three libraries."""
    try:
        return call()
    except GuardError:  # what a beat says is said already
        raise
    except Exception as problem:
        raise _failure(problem, where) from problem


def _failure(problem: Exception, where: str) -> Exception:
    code = _code(problem)
    if isinstance(problem, FileExistsError) or code in ("PreconditionFailed", "412"):
        return FileExistsError(str(problem))
    if code in ("InvalidRange", "416"):
        return _PastEnd("there is nothing at this offset", where=where)
    if code == "NoSuchBucket":
        return StoreSilent("there is no such bucket", where=where, cure="Create it, or correct url.", transient=False)
    if isinstance(problem, FileNotFoundError):
        return FileNotFoundError(str(problem))
    if isinstance(problem, PermissionError):
        return PermissionError(str(problem))
    said = " ".join(str(problem).split())[:200] or "no answer in time"
    if type(problem).__name__ == "FlexibleChecksumError":
        return WrongBytes(said, where=where)
    known = type(problem).__name__ in ("NoCredentialsError", "PartialCredentialsError", "InvalidRegionError")
    return StoreSilent(f"{type(problem).__name__}: {said}", where=where, transient=not known)


def _code(problem: BaseException) -> str:
    """The error code of an S3 answer; empty where there was none."""
    for each in (problem, problem.__cause__):
        answer = getattr(each, "response", None)
        if isinstance(answer, dict):
            return str(answer.get("Error", {}).get("Code", ""))
    return ""
