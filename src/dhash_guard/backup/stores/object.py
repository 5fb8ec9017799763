"""The settings of a store in an object store or a mounted folder, and how it is opened."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import frozen

from dhash_guard.backup.stores.bucket import Bucket, Folder, Memory
from dhash_guard.backup.stores.lease import Chain
from dhash_guard.backup.stores.objects import Patience, Patient
from dhash_guard.backup.stores.pairs import ObjectPairs
from dhash_guard.backup.stores.store import Store
from dhash_guard.errors import UsageProblem
from dhash_guard.system.machine import Machine

_LIBRARIES = {"s3": ("fsspec", "s3fs"), "file": ("fsspec",), "memory": ("fsspec",)}
_ADDRESS = "Write s3://bucket/prefix, or file:///mounted/folder."


@frozen(kw_only=True)
class ObjectStore:
    """Sealed backups are also kept at `url`: s3://bucket/prefix, or file:///mounted/folder.

    `key_env` and `secret_env` name the variables with the credentials (left out: what the machine itself has),
    `endpoint_url` is for stores other than AWS, `retain` how many backups per environment stay there (left out: all).
    """

    kind: Literal["object"]
    url: str
    endpoint_url: str | None = None
    key_env: str | None = None
    secret_env: str | None = None
    retain: int | None = None

    def faults(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Keys that can never be right, wherever this is run, each with a sentence: what is wrong; what to do."""
        try:
            _address(self.url)
        except UsageProblem as problem:
            yield ("url",), f"{problem.what}; {_small(problem.cure)}"
        if self.retain is not None and self.retain < 1:
            yield ("retain",), "must be at least 1; leave it out to keep all"
        if (self.key_env is None) != (self.secret_env is None):
            yield (
                ("key_env" if self.key_env is not None else "secret_env",),
                "belongs together with the other; name both, or neither",
            )
        if not self._is_endpoint():
            yield ("endpoint_url",), "is no address, or carries credentials; write https://host, and use key_env"

    def lacking(self, environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
        """What this machine does not have for it: a library, the variables with the credentials."""
        with suppress(UsageProblem):  # told by `faults`
            scheme, _ = _address(self.url)
            missing = [name for name in _LIBRARIES[scheme] if find_spec(name) is None]
            if missing:
                yield ("kind",), f"the library {missing[0]} is not installed here; pip install 'dhash-guard[s3]'"
        for key, name in (("key_env", self.key_env), ("secret_env", self.secret_env)):
            if name is not None and not environ.get(name):
                yield (key,), f"the variable {name} is not set here"

    def open(self, machine: Machine, patience: Patience = Patience(), deadline: float = 60.0) -> Store:
        """The store, untouched so far; each request may take `deadline` seconds.

        Raise UsageProblem where the settings cannot be right, or the extra is not installed.
        """
        scheme, base = _address(self.url)
        if self.retain is not None and self.retain < 1:
            raise UsageProblem("retain must be at least 1", where="backup.store.retain", cure="Leave it out to keep all.")
        place = (self.client(machine), base, f"{scheme}://{base}", deadline)
        if scheme == "file":
            bucket: Bucket = Folder(*place, machine.files)
        else:
            bucket = (Memory if scheme == "memory" else Bucket)(*place)
        objects = Patient(bucket, machine.clock, patience)
        return ObjectPairs(objects, lambda holder: Chain(objects, machine.clock, holder, secrets.token_hex(8)))

    def _is_endpoint(self) -> bool:
        try:
            endpoint = urlsplit(self.endpoint_url or "https://aws")
        except ValueError:
            return False
        return endpoint.scheme in ("http", "https") and bool(endpoint.netloc) and "@" not in endpoint.netloc

    def client(self, machine: Machine) -> Any:
        """The fsspec file system behind the store; raise as `open` does."""
        scheme, _ = _address(self.url)
        return _files(scheme, self._options(machine) if scheme == "s3" else {})

    def _options(self, machine: Machine) -> dict[str, Any]:
        if (self.key_env is None) != (self.secret_env is None):
            raise UsageProblem("key_env and secret_env belong together", where="backup.store", cure="Name both, or neither.")
        named = {"key": self.key_env, "secret": self.secret_env}
        given = {option: machine.environ.get(name, "") for option, name in named.items() if name is not None}
        for option, value in given.items():
            if not value:
                raise UsageProblem(f"the variable {named[option]} is not set", where=f"backup.store.{option}_env")
        if not self._is_endpoint():
            raise UsageProblem(
                "this is no address, or it carries credentials",
                where="backup.store.endpoint_url",
                cure="Write https://host, and use key_env.",
            )
        timing = {"connect_timeout": 5, "read_timeout": 30, "retries": {"total_max_attempts": 1}}
        # Asking again is our own business: the client's would take minutes, and count for nothing in a test.
        return {**given, "endpoint_url": self.endpoint_url, "config_kwargs": timing, "use_listings_cache": False}


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _address(url: str) -> tuple[str, str]:
    """Scheme and path of the address; it is never repeated, because it may carry a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageProblem("this is no address of a store", where="backup.store.url", cure=_ADDRESS) from None
    if "@" in parts.netloc or port is not None:
        raise UsageProblem(
            "the address carries credentials or a port", where="backup.store.url", cure="Use key_env, endpoint_url."
        )
    base = (parts.netloc + parts.path).rstrip("/")
    if parts.scheme not in _LIBRARIES or not base or parts.query or parts.fragment or ".." in base.split("/"):
        raise UsageProblem("this is no address of a store", where="backup.store.url", cure=_ADDRESS)
    return parts.scheme, base if parts.scheme != "memory" else f"/{base}"


def _files(scheme: str, options: dict[str, Any]) -> Any:
    """The client of this scheme, its own."""
    try:
        fsspec = importlib.import_module("fsspec")
        if scheme == "s3":
            importlib.import_module("s3fs")
    except ImportError as problem:
        raise UsageProblem(
            f"the store needs a library that is not installed ({problem.name})", cure="pip install 'dhash-guard[s3]'"
        ) from problem
    files = fsspec.filesystem(scheme, skip_instance_cache=True, **options)
    if scheme == "s3":
        files.retries = 1
    return files
