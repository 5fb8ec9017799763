"""The server that artifacts are fetched from: another origin, signed addresses that expire, and no tokens, please."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import urlencode

from dhash_guard.simulator.artifacts import content
from dhash_guard.simulator.call import Refusal, Reply
from dhash_guard.simulator.faults import Fault
from dhash_guard.simulator.hub import Hub, Request

_LIFETIME = 60
_PATH = re.compile(r"/artifacts/([^/]+/[^/]+)/(\d+)\.zip")
_SECRET = b"only keeps a test from making addresses up"


class Storage:
    """Signs addresses and answers them; `url` is set once its server has a port."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.url = ""

    def sign(self, path: str) -> str:
        """The address of `path`, good for a minute."""
        expires = str(int(self._hub.now()) + _LIFETIME)
        return f"{self.url}{path}?{urlencode({'se': expires, 'sig': _signature(path, expires)})}"

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """The zip, or the refusal of a storage account."""
        with self._hub.lock:
            try:
                return self._fetch(request), None
            except Refusal as refusal:
                return refusal.reply, None

    def _fetch(self, request: Request) -> Reply:
        if "authorization" in request.headers:
            raise Refusal(400, "InvalidAuthenticationInfo: a signed address takes no Authorization header")
        expires = request.query.get("se", "")
        signed = hmac.compare_digest(request.query.get("sig", ""), _signature(request.path, expires))
        if not signed or int(expires) < self._hub.now():
            raise Refusal(403, "AuthenticationFailed: the signature is wrong or has expired")
        found = _PATH.fullmatch(request.path)
        repository = self._hub.world.repositories.get(found[1]) if found else None
        artifacts = [one for one in repository.artifacts if found and one.id == int(found[2])] if repository else []
        if not artifacts:
            raise Refusal(404, "BlobNotFound")
        return Reply(
            data=content(artifacts[0]), headers={"Content-Disposition": f'attachment; filename="{artifacts[0].name}.zip"'}
        )


def _signature(path: str, expires: str) -> str:
    return hmac.new(_SECRET, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
