"""The settings of a store in an object store or a mounted folder, and how it is opened."""

from __future__ import annotations

import importlib
import secrets
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

_KINDS: dict[str, type[Bucket]] = {"s3": Bucket, "file": Folder, "memory": Memory}
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

    def open(self, machine: Machine, patience: Patience = Patience(), deadline: float = 60.0) -> Store:
        """The store, untouched so far; each request may take `deadline` seconds.

        Raise UsageProblem where the settings cannot be right, or the extra is not installed.
        """
        scheme, base = _address(self.url)
        if self.retain is not None and self.retain < 1:
            raise UsageProblem("retain must be at least 1", where="backup.store.retain", cure="Leave it out to keep all.")
        files = self.client(machine)
        where = f"{scheme}://{base}"
        objects = Patient(_KINDS[scheme](files, base, where, deadline), machine.clock, patience)
        return ObjectPairs(objects, lambda holder: Chain(objects, machine.clock, holder, secrets.token_hex(8)))

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
        endpoint = urlsplit(self.endpoint_url or "https://aws")
        if endpoint.scheme not in ("http", "https") or not endpoint.netloc or "@" in endpoint.netloc:
            raise UsageProblem(
                "this is no address, or it carries credentials",
                where="backup.store.endpoint_url",
                cure="Write https://host, and use key_env.",
            )
        timing = {"connect_timeout": 5, "read_timeout": 30, "retries": {"total_max_attempts": 1}}
        # Asking again is our own business: the client's would take minutes, and count for nothing in a test.
        return {**given, "endpoint_url": self.endpoint_url, "config_kwargs": timing, "use_listings_cache": False}


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
    if parts.scheme not in _KINDS or not base or parts.query or parts.fragment or ".." in base.split("/"):
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
